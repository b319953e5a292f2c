package svm_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/testenv"
)

// rested is a world of one SVM at rest, with the shoots that are named.
func rested(t *testing.T, shoots ...string) (*world, []svm.Wish) {
	t.Helper()
	w := newWorld(t)
	want := w.wishFor("p1", 0)
	want.Spec.Credentials = nil
	for _, shoot := range shoots {
		want.Spec.Credentials = append(want.Spec.Credentials, spec.Credentials{Shoot: shoot, SecretName: "p1-" + shoot + "-credentials", SecretNamespace: w.namespace})
	}
	wishes := []svm.Wish{want}
	w.cycles(w.controller(nil), wishes)
	return w, wishes
}

// due has the time of one login check go by.
func (w *world) due() {
	w.clock.advance(svm.DefaultPolicy().Credentials.VerifyEvery)
	w.sim.ForgetRequests()
}

// logins are the times of all requests at management interfaces of SVMs.
func (w *world) logins() []time.Time {
	var all []time.Time
	for _, q := range w.sim.Requests() {
		if q.SVM != "" {
			all = append(all, q.Time)
		}
	}
	return all
}

// rationed: no login to the one account came earlier than is allowed.
func (w *world) rationed() {
	w.t.Helper()
	logins := w.logins()
	for i := 1; i < len(logins); i++ {
		if gap := logins[i].Sub(logins[i-1]); gap < svm.DefaultPolicy().Credentials.TryEvery {
			w.t.Errorf("login %d came %s after the one before it", i+1, gap)
		}
	}
}

// events is how many Events the namespace has.
func (w *world) events() int {
	w.t.Helper()
	_, body := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/events", nil)
	return len(versions(w.t, body))
}

// A login check that is due costs two calls to the array, of which the login is
// one, and two writes of the Secret's own notes. Nothing else is written.
func TestADueLoginCheckIsLight(t *testing.T) {
	for _, shoots := range [][]string{{"prod"}, {"prod", "test"}} {
		t.Run(fmt.Sprintf("shoots=%d", len(shoots)), func(t *testing.T) {
			w, wishes := rested(t, shoots...)
			in := fault.NewInjector(0, fault.None)
			r := w.controller(in)
			r.Cycle(t.Context(), wishes)
			first := in.Count()
			inStates(t, r.Cycle(t.Context(), wishes), svm.CycleAtRest)
			idle := in.Count() - first
			w.due()
			before, events, secret, all := w.objects(), w.events(), w.secret(), in.Count()
			res := r.Cycle(t.Context(), wishes)
			inStates(t, res, svm.CycleChecked)
			var extra []string
			for _, c := range in.Calls()[all+idle:] {
				extra = append(extra, c.Transport+" "+c.Op+" "+strings.TrimPrefix(c.Target, "/api/v1/namespaces/"+w.namespace))
			}
			var want []string
			for _, shoot := range shoots {
				note := "kube PUT /secrets/p1-" + shoot + "-credentials"
				want = append(want, "ontap GET /api/security/certificates", note, "ontap GET /api/svm/svms", note)
			}
			if !slices.Equal(extra, want) {
				t.Errorf("the checks cost %q, want %q", extra, want)
			}
			t.Logf("NOTE: a due login check: %d calls to the array, the login among them, and %d in all", res.Arrays[0].Reconciles/len(shoots), len(extra)/len(shoots))
			if n := len(w.logins()); n != len(shoots) || res.Arrays[0].Reconciles != 2*len(shoots) || len(w.sim.Requests()) != res.Arrays[0].Calls+2*len(shoots) {
				t.Errorf("%d logins, %d calls of %d are told", n, res.Arrays[0].Reconciles, len(w.sim.Requests()))
			}
			w.onlyNotesWritten(before, events, shoots)
			after := w.secret()
			if !after.Active.Password.Equal(secret.Active.Password) || !after.Active.Login.VerifiedAt.Equal(w.clock.Now()) || after.Rations[after.Active.User].Tries != 0 {
				t.Errorf("noted: %+v, %+v", after.Active.Login, after.Rations)
			}
			if s := res.SVMs[0]; s.Result != nil || s.Decision.Verdict.State != proof.Intact || !s.At.Equal(w.clock.Now()) || !s.Shoots[0].Credentials.Secret.Active.Login.VerifiedAt.Equal(s.At) {
				t.Errorf("it tells %+v", s)
			}
			w.clock.advance(time.Minute)
			inStates(t, r.Cycle(t.Context(), wishes), svm.CycleAtRest)
			w.noSecrets()
		})
	}
}

// onlyNotesWritten: of all objects the Secrets alone have changed since.
func (w *world) onlyNotesWritten(before string, events int, shoots []string) {
	w.t.Helper()
	var changed []string
	for line := range strings.Lines(w.objects() + "\n") {
		if line = strings.TrimSpace(line); !slices.Contains(strings.Split(before, "\n"), line) {
			name, _, _ := strings.Cut(line, "@")
			changed = append(changed, name)
		}
	}
	var want []string
	for _, shoot := range shoots {
		want = append(want, "p1-"+shoot+"-credentials")
	}
	if !slices.Equal(changed, want) {
		w.t.Errorf("changed in the seed: %q", changed)
	}
	if now := w.events(); now != events {
		w.t.Errorf("%d Events became %d", events, now)
	}
	if written := w.writes(); len(written) > 0 {
		w.t.Errorf("it wrote to the array: %q", written)
	}
}

// Whatever is not an accepted login leads to a whole reconcile, in the same
// cycle, and to no second try before it is allowed.
func TestACheckThatIsNotAccepted(t *testing.T) {
	for _, c := range []struct {
		reason string
		amiss  func(*world) func(*svm.Options) // what changes the controller, or nil
		logins int                             // in that cycle, of all that is done in it
		tried  bool                            // it is counted in the Secret
		writes int                             // to the array
		told   bool                            // as a step that failed
	}{
		{"the login is refused, and the account unlocked by a fresh look", func(w *world) func(*svm.Options) {
			must(w.t, w.array(0, nil).Client.SetPassword(w.t.Context(), w.uuid(), w.secret().Active.User, ontap.NewSecret("other5other5other5")))
			return nil
		}, 1, true, 1, true},
		{"the management interface answers with a proxy's page", func(w *world) func(*svm.Options) {
			w.inject(sim.Fault{Kind: sim.WrongAnswer, SVM: "p1"})
			return nil
		}, 1, true, 0, true},
		{"the answer to the login is lost", func(w *world) func(*svm.Options) {
			w.inject(sim.Fault{Kind: sim.ResetAfter, SVM: "p1"})
			return nil
		}, 1, true, 0, true},
		{"the management interface cannot be reached", (*world).walledOff, 0, true, 0, false},
		{"the certificate cannot be read", func(w *world) func(*svm.Options) {
			w.inject(sim.Fault{Kind: sim.WrongAnswer, Path: "/api/security/certificates"})
			return nil
		}, 0, false, 0, true},
		{"the Secret has changed since it was collected", (*world).changedMeanwhile, 1, true, 0, false},
		{"an interface is missing, too", func(w *world) func(*svm.Options) {
			client := w.array(0, nil).Client
			lifs, err := ontap.All(client.Interfaces(w.t.Context(), ontap.InterfaceQuery{SVMUUID: w.uuid(), Names: []string{"datalif+1"}}))
			must(w.t, err)
			must(w.t, client.DeleteInterface(w.t.Context(), lifs[0].UUID))
			return nil
		}, 1, true, 1, false},
		{"a try before it was not answered", func(w *world) func(*svm.Options) {
			w.setPair(func(s *seed.Secret) {
				s.Rations = map[string]decide.Ration{s.Active.User: {Tries: 1, LastTry: w.clock.Now().Add(-time.Hour)}}
			})
			return nil
		}, 1, true, 0, false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w, wishes := rested(t, "prod")
			w.due()
			var change []func(*svm.Options)
			if o := c.amiss(w); o != nil {
				change = append(change, o)
			}
			r := w.controller(nil, change...)
			w.sim.ForgetRequests()
			began := w.clock.Now()
			res := r.Cycle(t.Context(), wishes)
			inStates(t, res, svm.CycleReconciled)
			if res.SVMs[0].Result == nil {
				t.Error("it was not reconciled")
			}
			if n := len(w.logins()); n != c.logins {
				t.Errorf("%d logins in one cycle, want %d", n, c.logins)
			}
			s := w.secret()
			if tried := !s.Rations[s.Active.User].LastTry.Before(began); tried != c.tried {
				t.Errorf("counted: %v, want %v: %+v", tried, c.tried, s.Rations)
			}
			if written := w.writes(); len(written) != c.writes {
				t.Errorf("it wrote to the array: %q", written)
			}
			if c.writes > 0 && !c.told && !w.loginLast() {
				t.Error("the login came before what is missing was made: it was not a fresh look that led to it")
			}
			if heard := strings.Contains(strings.Join(w.heard.Lines(), "\n"), "failed credentials/prod/check"); heard != c.told {
				t.Errorf("told as a failed step: %v, want %v", heard, c.told)
			}
			w.sim.ClearFaults()
			w.cycles(w.controller(nil), wishes)
			w.rationed()
			w.noSecrets()
		})
	}
}

// loginLast: the first login came after the last write.
func (w *world) loginLast() bool {
	all := w.sim.Requests()
	login := slices.IndexFunc(all, func(q sim.Request) bool { return q.SVM != "" })
	return login >= 0 && !slices.ContainsFunc(all[login:], func(q sim.Request) bool { return q.Method != http.MethodGet })
}

func (w *world) inject(f sim.Fault) {
	w.t.Helper()
	if _, err := w.sim.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}

// walledOff is a controller from which there is no way to the SVM's management
// interface.
func (w *world) walledOff() func(*svm.Options) {
	wall := w.wishFor("p1", 0).Spec.ManagementLIF.Address.String()
	c := w.sim.Cluster(0)
	user, password := c.Credentials()
	client, err := ontap.New(ontap.Options{
		Name: c.Name(), URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()},
		ReturnTimeout: -1, Clock: w.clock, Log: w.logger(),
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(addr); err == nil && host == wall {
				return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
			}
			return w.sim.DialContext(ctx, network, addr)
		},
	})
	must(w.t, err)
	w.t.Cleanup(client.Close)
	return func(o *svm.Options) { o.Arrays = []look.Array{{Name: c.Name(), Client: client}} }
}

// changedMeanwhile has somebody note that the pair is in use, after the Secrets
// were collected: traces are asked for then.
func (w *world) changedMeanwhile() func(*svm.Options) {
	var once sync.Once
	return func(o *svm.Options) {
		o.Traces = func(context.Context, string) []decide.Trace {
			once.Do(func() { w.setPair(func(s *seed.Secret) { s.InUseGeneration = s.Active.Generation }) })
			return nil
		}
	}
}

// Each call of a check is struck in each way: afterwards all comes to rest, the
// array was not written to, and no login came too early.
func TestKthCallsOfACheck(t *testing.T) {
	const perCheck = 4
	w, wishes := rested(t, "prod")
	w.due()
	in := fault.NewInjector(0, fault.None)
	inStates(t, w.controller(in).Cycle(t.Context(), wishes), svm.CycleChecked)
	calls := in.Count()
	for k := calls - perCheck + 1; k <= calls; k++ {
		for m, mode := range fault.Modes {
			if raceDetector && (k+m)%3 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d-%s", k-calls+perCheck, mode), func(t *testing.T) {
				t.Parallel()
				checkCell(t, k, mode)
			})
		}
	}
}

func checkCell(t *testing.T, k int, mode fault.Mode) {
	t.Helper()
	w, wishes := rested(t, "prod")
	w.due()
	in := fault.NewInjector(k, mode)
	r := w.controller(in)
	_, died := w.cycleUnder(r, in, mode, wishes)
	if in.Struck() == nil {
		t.Fatalf("call %d never came", k)
	}
	if died {
		r = w.controller(nil)
	}
	w.cycles(r, wishes)
	if written := w.writes(); len(written) > 0 {
		t.Errorf("%s at %s: it wrote to the array: %q", mode, in.Struck(), written)
	}
	w.rationed()
	w.noSecrets()
}
