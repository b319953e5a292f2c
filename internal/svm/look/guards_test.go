package look_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// raw makes a call that the client does not have.
func raw(t *testing.T, s *sim.Simulator, method, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.Cluster(0).URL()+"/api"+path, bytes.NewBufferString(body))
	must(t, "request", err)
	req.SetBasicAuth(s.Cluster(0).Credentials())
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DialContext: s.DialContext, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(req)
	must(t, method+" "+path, err)
	said, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d: %s", method, path, answer.StatusCode, said)
	}
}

var allYes = decide.Guards{
	NoOtherShoot: decide.Yes, NoOtherAccount: decide.Yes, NoDataVolume: decide.Yes, NoSnapshot: decide.Yes,
	RecoveryEmpty: decide.Yes, NoSnapMirror: decide.Yes, NoUnfinishedJob: decide.Yes,
}

func TestGuards(t *testing.T) {
	account := func(name string) func(*testing.T, *sim.Simulator, look.Array, string) {
		return func(t *testing.T, _ *sim.Simulator, a look.Array, uuid string) {
			must(t, "account", a.Client.CreateAccount(t.Context(), ontap.NewAccount{SVMUUID: uuid, Name: name, Password: ontap.NewSecret("first1first")}))
		}
	}
	volume := func(t *testing.T, s *sim.Simulator) {
		raw(t, s, "POST", "/storage/volumes?return_timeout=10", `{"name":"v1","svm":{"name":"p1"},"aggregates":[{"name":"`+s.AggregateNames(0)[0]+`"}],"size":1073741824}`)
	}
	cases := []struct {
		reason string
		make   func(t *testing.T, s *sim.Simulator, a look.Array, uuid string)
		want   func(g *decide.Guards)
	}{
		{"nobody and nothing is on it", func(*testing.T, *sim.Simulator, look.Array, string) {}, func(*decide.Guards) {}},
		{"our own accounts", account("shoot"), func(*decide.Guards) {}},
		{"an account of another", account("stranger"), func(g *decide.Guards) { g.NoOtherAccount = decide.No }},
		{"its vsadmin is in use", func(t *testing.T, _ *sim.Simulator, a look.Array, uuid string) {
			off := false
			must(t, "password", a.Client.SetPassword(t.Context(), uuid, "vsadmin", ontap.NewSecret("second2second")))
			must(t, "unlock", a.Client.ChangeAccount(t.Context(), uuid, "vsadmin", ontap.AccountChange{Locked: &off}))
		}, func(g *decide.Guards) { g.NoOtherAccount = decide.No }},
		{"a data volume", func(t *testing.T, s *sim.Simulator, _ look.Array, _ string) { volume(t, s) }, func(g *decide.Guards) { g.NoDataVolume = decide.No }},
		{"a snapshot of its root", func(t *testing.T, s *sim.Simulator, a look.Array, uuid string) {
			roots, err := ontap.All(a.Client.RootVolumes(t.Context(), uuid))
			must(t, "root", err)
			raw(t, s, "POST", "/storage/volumes/"+roots[0].UUID+"/snapshots", `{"name":"s1"}`)
		}, func(g *decide.Guards) { g.NoSnapshot = decide.No }},
		{"a volume that was deleted lately", func(t *testing.T, s *sim.Simulator, _ look.Array, _ string) {
			volume(t, s)
			raw(t, s, "PATCH", "/storage/volumes?name=v1&return_timeout=10", `{"state":"offline"}`)
			raw(t, s, "DELETE", "/storage/volumes?name=v1&return_timeout=10", "")
		}, func(g *decide.Guards) { g.RecoveryEmpty = decide.No }},
		{"a relation", func(t *testing.T, s *sim.Simulator, _ look.Array, _ string) {
			must(t, "relate", s.Relate("p1", "dr:p1"))
		}, func(g *decide.Guards) { g.NoSnapMirror = decide.No }},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			s := newSim(t)
			a := arrayOf(t, s, 0)
			uuid := makeSVM(t, a, "p1", "")
			c.make(t, s, a, uuid)
			want := allYes
			c.want(&want)
			if got := look.ReadGuards(t.Context(), a, uuid, named("shoot", "shoot_2"), false); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			want.NoOtherShoot = decide.No
			if got := look.ReadGuards(t.Context(), a, uuid, named("shoot", "shoot_2"), true); got != want {
				t.Errorf("another shoot: %+v, want %+v", got, want)
			}
		})
	}
}

// Each guard is unknown when one call of its own fails, and the others stand.
func TestGuardsThatCannotBeAsked(t *testing.T) {
	cases := map[string]func(g *decide.Guards){
		"/api/security/accounts":           func(g *decide.Guards) { g.NoOtherAccount = decide.NotKnown },
		"/api/storage/volumes":             func(g *decide.Guards) { g.NoDataVolume, g.NoSnapshot = decide.NotKnown, decide.NotKnown },
		"/api/storage/volumes/*/snapshots": func(g *decide.Guards) { g.NoSnapshot = decide.NotKnown },
		"/api/snapmirror/relationships":    func(g *decide.Guards) { g.NoSnapMirror = decide.NotKnown },
		"/api/cluster/jobs":                func(g *decide.Guards) { g.NoUnfinishedJob = decide.NotKnown },
		"/api/cluster":                     func(g *decide.Guards) { g.NoUnfinishedJob = decide.NotKnown },
		"/api/svm/svms/*": func(g *decide.Guards) {
			g.NoUnfinishedJob, g.RecoveryEmpty, g.NoSnapMirror = decide.NotKnown, decide.NotKnown, decide.NotKnown
		},
	}
	s := newSim(t)
	a := arrayOf(t, s, 0)
	uuid := makeSVM(t, a, "p1", "")
	for path, change := range cases {
		for _, kind := range []sim.FaultKind{sim.OutOfQuorum, sim.ResetBefore, sim.EmptyAnswer, sim.TruncatedReply} {
			must(t, "inject", inject(s, sim.Fault{Kind: kind, Method: "GET", Path: path}))
			want := allYes
			change(&want)
			if got := look.ReadGuards(t.Context(), a, uuid, named(), false); got != want {
				t.Errorf("%s at %s: %+v, want %+v", kind, path, got, want)
			}
			s.ClearFaults()
		}
	}
	must(t, "delete", a.Client.DeleteSVM(t.Context(), uuid))
	if g := look.ReadGuards(t.Context(), a, uuid, named(), false); g.NoUnfinishedJob != decide.NotKnown || g.RecoveryEmpty != decide.NotKnown {
		t.Errorf("the SVM is gone: %+v", g)
	}
}

func TestARecoveryQueueThatIsNotTold(t *testing.T) {
	s := newSim(t, func(o *sim.Options) { o.Version = "9.14.1" })
	a := arrayOf(t, s, 0)
	uuid := makeSVM(t, a, "p1", "")
	want := allYes
	want.RecoveryEmpty = decide.NotKnown
	if got := look.ReadGuards(t.Context(), a, uuid, named(), false); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A deletion that is under way is waited for, any other job on the SVM is a
// reason against it, and a creation elsewhere is none.
func TestGuardsAgainstJobs(t *testing.T) {
	clock := newWaiter()
	s := newSim(t, func(o *sim.Options) { o.Clock, o.Times = clock.FakeClock, sim.Times{Job: time.Hour} })
	a := arrayOf(t, s, 0, func(o *ontap.Options) { o.Clock, o.FollowFor, o.ReturnTimeout = clock, 2*time.Hour, -1 })
	uuid := makeSVM(t, a, "p1", "")
	clock.Advance(time.Hour)
	hasty := arrayOf(t, s, 0, func(o *ontap.Options) { o.Clock, o.FollowFor, o.ReturnTimeout = clock, time.Second, -1 })
	expect := func(reason string, want decide.Answer) {
		t.Helper()
		if got := look.ReadGuards(t.Context(), a, uuid, named(), false).NoUnfinishedJob; got != want {
			t.Errorf("%s: %s, want %s", reason, got, want)
		}
	}
	expect("at rest", decide.Yes)
	_, _ = hasty.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p2"})
	expect("another SVM is made", decide.Yes)
	comment := "c"
	_ = hasty.Client.ChangeSVM(t.Context(), uuid, ontap.SVMChange{Comment: &comment})
	expect("it is changed", decide.No)
	clock.Advance(2 * time.Hour)
	expect("at rest again", decide.Yes)
	_ = hasty.Client.DeleteSVM(t.Context(), uuid)
	expect("it is deleted", decide.NotKnown)
}

// named takes accounts of these names for ours.
func named(names ...string) look.Mine {
	return func(a ontap.Account) bool { return slices.Contains(names, a.Name) }
}
