package look_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

func specInterface(name string) spec.Interface { return spec.Interface{Name: name} }

func TestWhoIsShown(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0, func(o *ontap.Options) { o.PageSize = 2 })
	foreign := decide.Mark{Owner: other, Attempt: 1, Nonce: "00000000000000b2"}
	uuids := map[string]string{}
	for name, comment := range map[string]string{
		"p1": "", "p1-mc": "", "marked": "by hand " + mark.String(), "recorded": foreign.String(), "foreign": foreign.String(), "nobody": "a comment",
	} {
		uuids[name] = makeSVM(t, a, name, comment)
	}
	got := one(t, a, subject("p1", "", uuids["recorded"]))
	if want := []string{"marked", "p1", "p1-mc", "recorded"}; !slices.Equal(names(got.SVMs), want) {
		t.Errorf("shown %v, want %v", names(got.SVMs), want)
	}
	if !got.Answered || got.Cluster != s.Cluster(0).UUID() || got.Mode != decide.NoMetroCluster || !got.JobsKnown || len(got.Jobs) != 0 || got.Why != "" {
		t.Errorf("%+v", got)
	}
	for _, v := range got.SVMs {
		want := map[string]decide.Ownership{"p1": decide.Unmarked, "p1-mc": decide.Unmarked, "marked": decide.Ours, "recorded": decide.Foreign}[v.Name]
		if v.UUID != uuids[v.Name] || v.State != decide.Running || v.Role != decide.Plain || v.Twin != "" || v.Ownership != want || v.Stuck {
			t.Errorf("%s: %+v", v.Name, v)
		}
		if v.Name == "marked" && v.Mark != mark || v.Name == "recorded" && v.Mark != foreign {
			t.Errorf("%s bears %+v", v.Name, v.Mark)
		}
	}
	if n := one(t, a, subject("nobody-has-it", "00000000-0000-0000-0000-000000000000")); len(n.SVMs) != 1 || !n.Answered {
		t.Errorf("only what bears the mark should be shown: %+v", n)
	}
}

func TestStatesAreReadAsTheyAre(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0)
	makeSVM(t, a, "p1", "")
	for word, want := range map[string]decide.SVMState{
		"initializing": decide.Initializing, "starting": decide.Starting, "running": decide.Running,
		"stopping": decide.Stopping, "stopped": decide.Stopped, "deleting": decide.Deleting,
	} {
		must(t, "set state", s.SetSVMState("p1", word))
		if got := one(t, a, subject("p1")); len(got.SVMs) != 1 || got.SVMs[0].State != want {
			t.Errorf("%s: %+v", word, got.SVMs)
		}
	}
}

// Both halves name each other, by the answers of their own arrays.
func TestBothHalvesOfAPair(t *testing.T) {
	s := newSim(t, metroCluster)
	here, there := arrayOf(t, s, 0), arrayOf(t, s, 1)
	uuid := makeSVM(t, here, "p1", mark.String())
	check := func(reason string, mode [2]decide.Mode, state [2]decide.SVMState) {
		t.Helper()
		got := look.Look(t.Context(), []look.Array{here, there}, subject("p1"))
		if len(got) != 2 || len(got[0].SVMs) != 1 || len(got[1].SVMs) != 1 {
			t.Fatalf("%s: %+v", reason, got)
		}
		source, twin := got[0].SVMs[0], got[1].SVMs[0]
		if source.UUID != uuid || source.Twin != twin.UUID || twin.Twin != uuid || source.Role != decide.Source || twin.Role != decide.Destination {
			t.Errorf("%s: %+v and %+v", reason, source, twin)
		}
		if source.State != state[0] || twin.State != state[1] || got[0].Mode != mode[0] || got[1].Mode != mode[1] {
			t.Errorf("%s: %s in %s and %s in %s", reason, source.State, got[0].Mode, twin.State, got[1].Mode)
		}
	}
	check("at rest", [2]decide.Mode{decide.Normal, decide.Normal}, [2]decide.SVMState{decide.Running, decide.Stopped})
	must(t, "switch over", s.Switchover(1))
	check("switched over", [2]decide.Mode{decide.NotNormal, decide.NotNormal}, [2]decide.SVMState{decide.Stopped, decide.Running})
	must(t, "switch back", s.Switchback())
	check("switched back", [2]decide.Mode{decide.Normal, decide.Normal}, [2]decide.SVMState{decide.Running, decide.Stopped})
	must(t, "cut off", s.SetUnreachable(0, true))
	got := look.Look(t.Context(), []look.Array{here, there}, subject("p1"))
	if got[0].Answered || got[0].Why == "" || got[0].SVMs != nil || got[0].JobsKnown || got[0].Cluster != "" {
		t.Errorf("a dead site says %+v", got[0])
	}
	if !got[1].Answered || got[1].Mode != decide.NotNormal || got[1].SVMs[0].Twin != uuid {
		t.Errorf("its partner says %+v", got[1])
	}
}

// A twin that lost its name is known by the other half's UUID.
func TestATwinIsKnownByItsOtherHalf(t *testing.T) {
	s := newSim(t, metroCluster)
	uuid := makeSVM(t, arrayOf(t, s, 0), "other-name", "")
	if got := one(t, arrayOf(t, s, 1), subject("p1", uuid)); len(got.SVMs) != 1 || got.SVMs[0].Twin != uuid {
		t.Errorf("%+v", got.SVMs)
	}
}

// Without the state of the MetroCluster the rest counts, its mode does not.
func TestAnErrorAboutTheMetroCluster(t *testing.T) {
	s := newSim(t, metroCluster)
	a := arrayOf(t, s, 0)
	uuid := makeSVM(t, a, "p1", "")
	strike := func(path string, status, code int) decide.Array {
		_, err := s.Inject(sim.Fault{Kind: sim.Refuse, Method: "GET", Path: path, Status: status, Code: code})
		must(t, "inject", err)
		defer s.ClearFaults()
		return one(t, a, subject("p1"))
	}
	got := strike("/api/cluster/metrocluster", 500, 2425734)
	if !got.Answered || got.Mode != decide.ModeUnknown || len(got.SVMs) != 1 || got.SVMs[0].Twin == "" || got.SVMs[0].UUID != uuid || !strings.Contains(got.Why, "2425734") {
		t.Errorf("an internal error: %+v", got)
	}
	for _, code := range []int{3, 4} {
		if got := strike("/api/cluster/metrocluster", 404, code); !got.Answered || got.Mode != decide.ModeUnknown || len(got.SVMs) != 1 {
			t.Errorf("code %d says that there is none, and there is an SVM of one: %+v", code, got)
		}
	}
	if got := strike("/api/cluster/metrocluster/svms", 500, 2425734); got.Answered || len(got.SVMs) != 0 || got.JobsKnown || !strings.Contains(got.Why, "list metrocluster SVMs") {
		t.Errorf("the pairs could not be read: %+v", got)
	}
}

func TestAnArrayThatKnowsNoMetroCluster(t *testing.T) {
	cases := []struct {
		reason       string
		status, code int
		want         decide.Mode
	}{
		{"the operation is not supported", 405, 3, decide.NoMetroCluster},
		{"there is no such entry", 404, 4, decide.NoMetroCluster},
		{"a 404 is no answer without its code", 404, 0, decide.ModeUnknown},
		{"not there, by another status", 400, 4, decide.ModeUnknown},
		{"our role may not ask", 403, 6, decide.ModeUnknown},
		{"internal, retry", 500, 2425734, decide.ModeUnknown},
	}
	s := newSim(t)
	a := arrayOf(t, s, 0)
	makeSVM(t, a, "p1", "")
	for _, c := range cases {
		_, err := s.Inject(sim.Fault{Kind: sim.Refuse, Method: "GET", Path: "/api/cluster/metrocluster", Status: c.status, Code: c.code})
		must(t, "inject", err)
		if got := one(t, a, subject("p1")); !got.Answered || got.Mode != c.want || len(got.SVMs) != 1 {
			t.Errorf("%s: %+v", c.reason, got)
		}
		s.ClearFaults()
	}
}

// A creation that nobody followed is seen among the jobs, whether the job names
// its SVM or not; one that is known to be of another SVM is not.
func TestUnfinishedCreations(t *testing.T) {
	for _, nameless := range []bool{false, true} {
		clock := newWaiter()
		s := newSim(t, func(o *sim.Options) {
			o.Clock, o.Times, o.Doubts.JobsWithoutSVM = clock.FakeClock, sim.Times{Job: time.Hour}, nameless
		})
		a := arrayOf(t, s, 0, func(o *ontap.Options) { o.Clock, o.FollowFor, o.ReturnTimeout = clock, time.Second, -1 })
		if _, err := a.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"}); err == nil {
			t.Fatal("the job ended")
		}
		if got := one(t, a, subject("p1")); !got.Answered || len(got.SVMs) != 0 || !got.JobsKnown || len(got.Jobs) != 1 || !strings.Contains(got.Jobs[0], "POST /api/svm/svms") {
			t.Errorf("nameless %v: its own: %+v", nameless, got)
		}
		if got := one(t, a, subject("p2")); !got.JobsKnown || (len(got.Jobs) == 1) != nameless {
			t.Errorf("nameless %v: of another: %+v", nameless, got)
		}
		clock.Advance(2 * time.Hour)
		if got := one(t, a, subject("p1")); len(got.Jobs) != 0 || len(got.SVMs) != 1 {
			t.Errorf("nameless %v: afterwards: %+v", nameless, got)
		}
		must(t, "inject", inject(s, sim.Fault{Kind: sim.OutOfQuorum, Method: "GET", Path: "/api/cluster/jobs"}))
		if got := one(t, a, subject("p1")); !got.Answered || got.JobsKnown || len(got.SVMs) != 1 || got.Why == "" {
			t.Errorf("jobs that cannot be listed: %+v", got)
		}
	}
}

// moving ends every job after the first listing of SVMs or jobs.
type moving struct {
	clock waiter
	once  sync.Once
}

func (m *moving) Called(c ontap.Call) {
	if c.Name == "list SVMs" || c.Name == "list unfinished jobs" {
		m.once.Do(func() { m.clock.Advance(2 * time.Hour) })
	}
}

// A creation that ends between two listings is seen in one of them.
func TestACreationThatEndsMeanwhile(t *testing.T) {
	clock := newWaiter()
	s := newSim(t, func(o *sim.Options) { o.Clock, o.Times = clock.FakeClock, sim.Times{Job: time.Hour} })
	set := func(o *ontap.Options) { o.Clock, o.FollowFor, o.ReturnTimeout = clock, time.Second, -1 }
	_, _ = arrayOf(t, s, 0, set).Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
	got := one(t, arrayOf(t, s, 0, set, func(o *ontap.Options) { o.Observer = &moving{clock: clock} }), subject("p1"))
	if !got.Answered || len(got.Jobs)+len(got.SVMs) == 0 {
		t.Errorf("neither the job nor what it made: %+v", got)
	}
}

func inject(s *sim.Simulator, f sim.Fault) error {
	_, err := s.Inject(f)
	return err
}

func TestOneThatIsStuck(t *testing.T) {
	clock := newWaiter()
	s := newSim(t)
	a := arrayOf(t, s, 0)
	must(t, "inject", inject(s, sim.Fault{Kind: sim.SVMStuck, Method: "POST", Path: "/api/svm/svms", Count: 1}))
	if _, err := a.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1", Comment: mark.String()}); err == nil {
		t.Fatal("it was made")
	}
	at := clock.Now()
	sub := subject("p1")
	sub.At, sub.StuckAfter = at, 10*time.Minute
	check := func(reason string, asked time.Time, stuck bool, accounts, volumes decide.Answer) {
		t.Helper()
		sub.AskedAt = asked
		got := one(t, a, sub)
		if !got.Answered || len(got.SVMs) != 1 {
			t.Fatalf("%s: %+v", reason, got)
		}
		if v := got.SVMs[0]; v.State != decide.Initializing || v.Stuck != stuck || v.OnlyLockedVsadmin != accounts || v.OnlyRootVolume != volumes {
			t.Errorf("%s: %+v", reason, v)
		}
	}
	check("never asked for", time.Time{}, false, decide.NotKnown, decide.NotKnown)
	check("asked for a moment ago", at.Add(-10*time.Minute+1), false, decide.NotKnown, decide.NotKnown)
	asked := at.Add(-10 * time.Minute)
	check("long ago", asked, true, decide.Yes, decide.Yes)
	must(t, "inject", inject(s, sim.Fault{Kind: sim.OutOfQuorum, Method: "GET", Path: "/api/security/accounts"}))
	must(t, "inject", inject(s, sim.Fault{Kind: sim.OutOfQuorum, Method: "GET", Path: "/api/storage/volumes"}))
	check("what is on it could not be asked", asked, true, decide.NotKnown, decide.NotKnown)
	s.ClearFaults()
	off := false
	uuid := one(t, a, sub).SVMs[0].UUID
	must(t, "password", a.Client.SetPassword(t.Context(), uuid, "vsadmin", ontap.NewSecret("second2second")))
	must(t, "unlock", a.Client.ChangeAccount(t.Context(), uuid, "vsadmin", ontap.AccountChange{Locked: &off}))
	check("its vsadmin was unlocked", asked, true, decide.No, decide.Yes)
}

func TestAnArrayWithoutAnswer(t *testing.T) {
	s := newSim(t)
	a := arrayOf(t, s, 0)
	makeSVM(t, a, "p1", "")
	must(t, "inject", inject(s, sim.Fault{Kind: sim.Hang}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan []decide.Array, 1)
	silent := look.Array{Name: "unconfigured"}
	other := arrayOf(t, newSim(t), 0, func(o *ontap.Options) { o.Name = "other" })
	go func() { done <- look.Look(ctx, []look.Array{a, silent, other}, subject("p1")) }()
	cancel()
	got := <-done
	if got[0].Answered || got[0].SVMs != nil || got[0].Why == "" || got[0].Name != a.Name {
		t.Errorf("an array that hangs: %+v", got[0])
	}
	if got[1].Answered || got[1].Why == "" || got[1].Name != "unconfigured" || got[2].Name != "other" {
		t.Errorf("%+v", got[1:])
	}
}
