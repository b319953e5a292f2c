package credential_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
)

// withActive is a life whose active pair works, and was verified two hours ago.
func withActive(t *testing.T, w *world) *life {
	t.Helper()
	l := w.newLife(t)
	l.verify(t)
	l.clock.Advance(2 * time.Hour)
	l.sim.ForgetRequests()
	return l
}

// A login is counted before it is tried, and noted as what it was.
func TestWhatALoginTells(t *testing.T) {
	t.Parallel()
	patient := func(o *ontap.Options) { o.RequestTimeout = 3 * time.Second } // a call that hangs ends with it
	inject := func(f sim.Fault) func(*testing.T, *life, *credential.Job) {
		return func(t *testing.T, l *life, _ *credential.Job) {
			f.Path, f.SVM, f.Kth = "/api/svm/svms", l.svmName, 1
			_, err := l.sim.Inject(f)
			must(t, "inject", err)
		}
	}
	type want struct {
		verified, refused bool
		tries             int
		reach             decide.Reach
		outcome           flow.Outcome
	}
	unknown := want{tries: 1}
	cases := []struct {
		reason string
		set    func(*testing.T, *life, *credential.Job)
		hangs  bool
		want   want
	}{
		{"it is accepted", func(*testing.T, *life, *credential.Job) {}, false, want{verified: true, outcome: flow.Done}},
		{"another password stands on the account", func(t *testing.T, l *life, _ *credential.Job) {
			l.setPassword(t, first, l.book.hide("somebody9elses"))
		}, false, want{refused: true, tries: 1, outcome: flow.Refused}},
		{"it opens another SVM, which is not the one for this pair", func(_ *testing.T, _ *life, j *credential.Job) {
			j.SVM = []string{"00000000-0000-4000-8000-000000000000"}
		}, false, want{refused: true, tries: 1, outcome: flow.Refused}},
		{"its role may not look: the pair is good", func(t *testing.T, l *life, _ *credential.Job) {
			must(t, "delete", l.clean.array.DeleteAccount(t.Context(), l.uuid, first))
			must(t, "create", l.clean.array.CreateAccount(t.Context(), ontap.NewAccount{SVMUUID: l.uuid, Name: first, Role: blind,
				Password: l.secret(t).Active.Password, Comment: l.marked(1)}))
		}, false, want{verified: true, outcome: flow.Done}},
		{"a failure of the array", inject(sim.Fault{Kind: sim.OutOfQuorum}), false, unknown},
		{"the answer is lost", inject(sim.Fault{Kind: sim.ResetAfter}), false, unknown},
		{"the connection breaks", inject(sim.Fault{Kind: sim.ResetBefore}), false, unknown},
		{"connected, and no answer: that is no missing way", inject(sim.Fault{Kind: sim.Hang}), true, unknown},
		{"no way to the address", func(_ *testing.T, l *life, _ *credential.Job) { l.cut = true }, false, want{tries: 1, reach: decide.Unreachable}},
		{"packets are swallowed", func(_ *testing.T, l *life, _ *credential.Job) { l.swallow = true }, false, want{tries: 1, reach: decide.Unreachable}},
		{"somebody else answers at the address", func(_ *testing.T, l *life, _ *credential.Job) { l.hijack = true }, false, unknown},
		{"the interface is down: nothing is counted", func(t *testing.T, l *life, _ *credential.Job) { l.setInterface(t, false) }, false, want{reach: decide.NoAddress}},
	}
	w := newWorld(t, newMemory(t), noDoubts)
	for _, c := range cases {
		l := withActive(t, w)
		before := l.secret(t)
		i := l.instanceOf(t)
		if c.hangs {
			i.array = l.client(t, nil, l.dial, patient)
		}
		job := l.job(i, before)
		c.set(t, l, &job)
		began := l.clock.Now()
		_, err := i.carrier.Do(t.Context(), job, decide.CredentialStep{Action: decide.CheckLogin, User: first})
		w.sim.ClearFaults()
		after := l.secret(t)
		got := want{verified: after.Active.Login.VerifiedAt.Equal(began), refused: after.Active.Login.LastRefused.Equal(began) && after.Active.Login.FirstRefused.Equal(began),
			tries: after.Rations[first].Tries, outcome: flow.OutcomeOf(err)}
		var reach *credential.ReachError
		if errors.As(err, &reach) {
			got.reach = reach.Reach
		}
		if got != c.want || flow.ClassOf(err) == flow.Permanent {
			t.Errorf("%s: %+v, want %+v: %v", c.reason, got, c.want, err)
		}
		if counted := after.Rations[first].LastTry.Equal(began); counted == (c.want.reach == decide.NoAddress) {
			t.Errorf("%s: counted: %t", c.reason, counted)
		}
		if !after.Active.Password.Equal(before.Active.Password) || after.Active.Set != decide.Confirmed {
			t.Errorf("%s: the pair was changed", c.reason)
		}
	}
}

func (l *life) setInterface(t *testing.T, enabled bool) {
	t.Helper()
	lifs, err := ontap.All(l.clean.array.Interfaces(t.Context(), ontap.InterfaceQuery{SVMUUID: l.uuid}))
	must(t, "list interfaces", err)
	must(t, "change the interface", l.clean.array.ChangeInterface(t.Context(), lifs[0].UUID, ontap.InterfaceChange{Enabled: &enabled}))
}

// Nobody but the SVM itself is sent the password.
func TestAStrangerAtTheAddressIsSentNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	l := withActive(t, w)
	l.hijack = true
	i := l.instanceOf(t)
	_, err := l.do(t, i, decide.CheckLogin, first)
	var pin *ontap.PinError
	if !errors.As(err, &pin) || flow.ClassOf(err) != flow.NeedsPerson {
		t.Errorf("%v", err)
	}
	for _, q := range l.sim.Requests() {
		if q.User == first {
			t.Errorf("%+v", q)
		}
	}
}

// The certificate may have been replaced since the last login: what the array
// shows now counts.
func TestAReplacedCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	l := withActive(t, w)
	must(t, "replace", w.sim.ReplaceCertificate(l.svmName))
	if _, err := l.do(t, l.instanceOf(t), decide.CheckLogin, first); err != nil {
		t.Error(err)
	}
}

// Of two management interfaces that is tried which the shoot will use.
func TestTheWantedAddressIsTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	l := withActive(t, w)
	more := netip.MustParseAddr("172.16.0.1")
	_, err := l.clean.array.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: l.uuid, Name: "another", Address: more, Netmask: 16,
		HomeNode: w.sim.NodeNames(0)[0], BroadcastDomain: "Default", ServicePolicy: ontap.PolicyManagement})
	must(t, "create an interface", err)
	for _, c := range []struct {
		reason       string
		wanted, want netip.Addr
	}{
		{"the first", l.address, l.address},
		{"the second", more, more},
		{"one that the array does not list is never tried", netip.MustParseAddr("203.0.113.9"), l.address},
	} {
		var tried []string
		i := l.instanceOf(t)
		i.array = l.client(t, nil, func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(addr)
			if host != "127.0.0.1" { // the cluster
				tried = append(tried, host)
			}
			return l.sim.DialContext(ctx, network, addr)
		})
		job := l.job(i, l.secret(t))
		job.Management = c.wanted
		_, err := i.carrier.Do(t.Context(), job, decide.CredentialStep{Action: decide.CheckLogin, User: first})
		if err != nil || len(tried) != 1 || tried[0] != c.want.String() {
			t.Errorf("%s: %v: %v", c.reason, tried, err)
		}
	}
}

// Where the notes beside the pairs were lost, so were the counts: no login is
// tried before a lock time has gone by.
func TestLostCountsAreTakenForSpent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newKube(t), noDoubts)
	l := withActive(t, w)
	loseAnnotations(t, l.ref)
	if !l.secret(t).Damaged {
		t.Fatal("it is not damaged")
	}
	began := l.clock.Now()
	if _, err := l.do(t, l.instanceOf(t), decide.CheckLogin, first); err != nil {
		t.Fatal(err)
	}
	for _, q := range l.sim.Requests() {
		if q.SVM != "" {
			t.Errorf("a login was tried: %+v", q)
		}
	}
	step, err := l.live(t.Context(), l.instanceOf(t), nil)
	must(t, "live", err)
	if waited := l.clock.Now().Sub(began); step.Action != decide.CredentialsOK || waited < l.policy.LockTime {
		t.Errorf("%s after %s", step.Action, waited)
	}
	if s := l.secret(t); s.Active.Generation == 0 || s.Rations[first].Tries != 0 {
		t.Errorf("generation %d, %d tries", s.Active.Generation, s.Rations[first].Tries)
	}
}

// A pair that nobody has numbered gets a generation above all that are known,
// with the first thing that is written.
func TestAPairWithoutAGeneration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMemory(t), noDoubts)
	cases := []struct {
		reason string
		marked uint64
		noted  uint64
		inUse  uint64
		want   uint64
	}{
		{"nothing is known", 0, 0, 0, 1},
		{"the account's mark knows one", 7, 0, 0, 8},
		{"the record knows one", 7, 11, 0, 12},
		{"an old note of use is not this pair's", 0, 0, 4, 5},
	}
	for _, c := range cases {
		l := w.newLife(t)
		l.makeAccount(t, first, l.marked(c.marked), l.book.hide("legacy9password"))
		l.overwrite(t, func(s *seed.Secret) {
			s.Active, s.InUseGeneration = seed.Pair{User: first, Password: secretOf("legacy9password")}, c.inUse
		})
		i := l.instanceOf(t)
		job := l.job(i, l.secret(t))
		job.Noted = c.noted
		secret, err := i.carrier.Do(t.Context(), job, decide.CredentialStep{Action: decide.CheckLogin, User: first})
		must(t, c.reason, err)
		if secret.Active.Generation != c.want || secret.Active.SVM != l.uuid || secret.ActivatedAt.IsZero() || secret.Active.Set != decide.Confirmed {
			t.Errorf("%s: generation %d, want %d", c.reason, secret.Active.Generation, c.want)
		}
	}
}

// loseAnnotations takes all annotations away from a Secret, as somebody might.
func loseAnnotations(t *testing.T, ref seed.SecretRef) {
	t.Helper()
	k, path := testenv.SharedKube(t), "/api/v1/namespaces/"+ref.Namespace+"/secrets/"+ref.Name
	status, answer := k.Do(t, testenv.KubeAdmin, http.MethodGet, path, nil)
	var secret map[string]any
	if err := json.Unmarshal(answer, &secret); err != nil || status != http.StatusOK {
		t.Fatalf("read the Secret: %d: %v", status, err)
	}
	metadata, _ := secret["metadata"].(map[string]any)
	delete(metadata, "annotations")
	if status, _ := k.Do(t, testenv.KubeAdmin, http.MethodPut, path, secret); status != http.StatusOK {
		t.Fatalf("write the Secret: %d", status)
	}
}

// hijacked leads to the cluster instead of the SVM.
func (l *life) hijacked(ctx context.Context, network string) (net.Conn, error) {
	return l.sim.DialContext(ctx, network, l.sim.Cluster(0).URL()[len("https://"):])
}
