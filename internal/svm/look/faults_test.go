package look_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// scene is an array of a MetroCluster on which there is something of all that
// is looked for: several pages of SVMs, one that is stuck, a job that is not
// finished, an SVM with all that can stand on one.
type scene struct {
	sim      *sim.Simulator
	clock    waiter
	uuid     string // of p1
	subject  look.Subject
	protocol []ontap.Protocol
}

func newScene(t *testing.T) *scene {
	t.Helper()
	sc := &scene{clock: newWaiter(), protocol: look.Protocols}
	sc.sim = newSim(t, metroCluster, func(o *sim.Options) {
		o.Clock, o.Times = sc.clock.FakeClock, sim.AtOnce()
		o.Times.Job = 30 * time.Second
	})
	patient := sc.array(t, func(o *ontap.Options) { o.FollowFor = time.Minute })
	for _, name := range []string{"p2", "p3", "p4"} {
		makeSVM(t, patient, name, "")
	}
	sc.uuid = makeSVM(t, patient, "p1", mark.String())
	furnish(t, patient, sc.uuid, 10)
	must(t, "inject", inject(sc.sim, sim.Fault{Kind: sim.SVMStuck, Method: "POST", Path: "/api/svm/svms", Count: 1}))
	_, _ = patient.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p5", Comment: mark.String()})
	hasty := sc.array(t, func(o *ontap.Options) { o.FollowFor = time.Second })
	comment := "by hand " + mark.String()
	_ = hasty.Client.ChangeSVM(t.Context(), sc.uuid, ontap.SVMChange{Comment: &comment})
	must(t, "take the licence", sc.sim.SetLicensed(0, "iscsi", false))
	sc.subject = subject("p1", sc.uuid)
	sc.subject.At = sc.clock.Now()
	sc.subject.AskedAt, sc.subject.StuckAfter = sc.subject.At.Add(-time.Hour), time.Minute
	return sc
}

func (sc *scene) array(t *testing.T, change ...func(*ontap.Options)) look.Array {
	return arrayOf(t, sc.sim, 0, append([]func(*ontap.Options){func(o *ontap.Options) {
		o.Clock, o.ReturnTimeout, o.PageSize = sc.clock, -1, 2
	}}, change...)...)
}

// strike runs a look of which the k-th call is struck. It gives the call, nil
// if there was none, and what was seen, nil where the process died.
func strike[T any](t *testing.T, sc *scene, k int, mode fault.Mode, run func(ctx context.Context, a look.Array) T) (*fault.Call, *T) {
	t.Helper()
	in := fault.NewInjector(k, mode)
	a := sc.array(t, func(o *ontap.Options) { o.Faults = in })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan T, 1)
	go func() { done <- run(ctx, a) }()
	for {
		select {
		case <-in.Dead():
			return in.Struck(), nil
		case seen := <-done:
			return in.Struck(), &seen
		case <-time.After(time.Millisecond):
			if mode == fault.Hung && in.Struck() != nil {
				cancel() // the caller's deadline
			}
		}
	}
}

// everyCall strikes each call in each mode, and holds what was seen to check.
func everyCall[T any](t *testing.T, sc *scene, run func(ctx context.Context, a look.Array) T, check func(where string, struck *fault.Call, seen T)) {
	t.Helper()
	cells, calls := 0, 0
	for _, mode := range fault.Modes {
		for k := 1; ; k++ {
			struck, seen := strike(t, sc, k, mode, run)
			where := mode.String()
			if struck != nil {
				where += " at " + struck.String()
				cells, calls = cells+1, max(calls, k)
			}
			if seen != nil {
				check(where, struck, *seen)
			}
			if struck == nil {
				break
			}
		}
	}
	if calls < 3 {
		t.Errorf("only %d calls were struck", calls)
	}
	t.Logf("%d calls, %d cells", calls, cells)
}

// holds checks what is said of an array against the truth: whatever counts is
// the whole truth, and the rest is unknown.
func holds(t *testing.T, where string, got, truth decide.Array) {
	t.Helper()
	if !got.Answered {
		if want := (decide.Array{Name: got.Name, Why: got.Why}); !reflect.DeepEqual(got, want) || got.Why == "" {
			t.Errorf("%s: it does not count, and says %+v", where, got)
		}
		return
	}
	if got.Cluster != truth.Cluster || len(got.SVMs) != len(truth.SVMs) || got.Mode != truth.Mode && got.Mode != decide.ModeUnknown {
		t.Errorf("%s: %+v", where, got)
		return
	}
	if got.JobsKnown && !reflect.DeepEqual(got.Jobs, truth.Jobs) || !got.JobsKnown && got.Jobs != nil {
		t.Errorf("%s: jobs %v (known %v)", where, got.Jobs, got.JobsKnown)
	}
	for i, v := range got.SVMs {
		want := truth.SVMs[i]
		if v.OnlyLockedVsadmin == decide.NotKnown {
			want.OnlyLockedVsadmin = decide.NotKnown
		}
		if v.OnlyRootVolume == decide.NotKnown {
			want.OnlyRootVolume = decide.NotKnown
		}
		if v != want {
			t.Errorf("%s: SVM %+v, truth %+v", where, v, want)
		}
	}
}

func TestLookingWhileEveryCallFails(t *testing.T) {
	sc := newScene(t)
	run := func(ctx context.Context, a look.Array) decide.Array {
		return look.Look(ctx, []look.Array{a}, sc.subject)[0]
	}
	truth := run(t.Context(), sc.array(t))
	stuck := truth.SVMs[1]
	if !truth.Answered || len(truth.SVMs) != 2 || truth.Mode != decide.Normal || len(truth.Jobs) != 1 || truth.SVMs[0].Twin == "" ||
		!stuck.Stuck || stuck.OnlyLockedVsadmin != decide.Yes || stuck.OnlyRootVolume != decide.Yes {
		t.Fatalf("the truth is not what was made: %+v", truth)
	}
	everyCall(t, sc, run, func(where string, struck *fault.Call, got decide.Array) {
		holds(t, where, got, truth)
		if whole := reflect.DeepEqual(got, truth); whole != (struck == nil) {
			t.Errorf("%s: the whole truth: %v", where, whole)
		}
	})
}

// factsHold checks facts against the truth: each part is it, or is unknown.
func factsHold(t *testing.T, where string, got, truth look.Facts) {
	t.Helper()
	if got.SVMErr == nil && !reflect.DeepEqual(got.SVM, truth.SVM) || got.SVMErr != nil && !reflect.DeepEqual(got.SVM, look.SVM{}) {
		t.Errorf("%s: SVM %+v, %v", where, got.SVM, got.SVMErr)
	}
	partHolds(t, where+": interfaces", got.Interfaces, truth.Interfaces)
	partHolds(t, where+": routes", got.Routes, truth.Routes)
	partHolds(t, where+": accounts", got.Accounts, truth.Accounts)
	partHolds(t, where+": licences", got.Licences, truth.Licences)
	for p, service := range got.Services {
		partHolds(t, where+": "+string(p), service, truth.Services[p])
	}
	site, whole := got.Judge(wanted(10), nil, mark, false), truth.Judge(wanted(10), nil, mark, false)
	things := map[string][2]decide.Thing{
		"service": {site.Services[0].State, whole.Services[0].State}, "interface": {site.Interfaces[0].State, whole.Interfaces[0].State},
		"management": {site.Management.State, whole.Management.State}, "route": {site.Routes[0].State, whole.Routes[0].State},
	}
	for what, states := range things {
		if states[0] != states[1] && states[0] != decide.ThingUnknown {
			t.Errorf("%s: %s is %s, truth %s", where, what, states[0], states[1])
		}
	}
	if site.Limits != whole.Limits && site.Limits != decide.DriftUnknown || site.Mark != whole.Mark && site.Mark != decide.DriftUnknown || site.Reach != whole.Reach && site.Reach != decide.ReachUnknown {
		t.Errorf("%s: %+v", where, site)
	}
}

// unread counts the parts that are not known.
func unread(f look.Facts) int {
	n := 0
	count := func(err error) {
		if err != nil {
			n++
		}
	}
	count(f.SVMErr)
	_, err := f.Interfaces.Get()
	count(err)
	_, err = f.Routes.Get()
	count(err)
	_, err = f.Accounts.Get()
	count(err)
	_, err = f.Licences.Get()
	count(err)
	for _, p := range look.Protocols {
		_, err = f.Services[p].Get()
		count(err)
	}
	return n
}

func partHolds[T any](t *testing.T, where string, got, truth look.Part[T]) {
	t.Helper()
	is, err := got.Get()
	want, errWant := truth.Get()
	if err == nil && (errWant != nil || !reflect.DeepEqual(is, want)) {
		t.Errorf("%s: %+v, truth %+v (%v)", where, is, want, errWant)
	}
}

func TestReadingASiteWhileEveryCallFails(t *testing.T) {
	sc := newScene(t)
	run := func(ctx context.Context, a look.Array) look.Facts { return look.Site(ctx, a, sc.uuid, sc.protocol) }
	truth := run(t.Context(), sc.array(t))
	if site := truth.Judge(wanted(10), nil, mark, false); site.Management.State != decide.InPlace || site.Routes[0].State != decide.InPlace || site.Services[0].State != decide.InPlace || site.Reach != decide.Reachable {
		t.Fatalf("the truth is not what was made: %+v", site)
	}
	everyCall(t, sc, run, func(where string, struck *fault.Call, got look.Facts) {
		factsHold(t, where, got, truth)
		if whole := unread(got) == unread(truth); whole != (struck == nil) {
			t.Errorf("%s: the whole truth: %v", where, whole)
		}
	})
}

func TestReadingGuardsWhileEveryCallFails(t *testing.T) {
	sc := newScene(t)
	run := func(ctx context.Context, a look.Array) decide.Guards {
		return look.ReadGuards(ctx, a, sc.uuid, named("shoot"), false)
	}
	truth := allYes
	truth.NoUnfinishedJob = decide.No
	everyCall(t, sc, run, func(where string, struck *fault.Call, got decide.Guards) {
		is, whole := reflect.ValueOf(got), reflect.ValueOf(truth)
		for i := range is.NumField() {
			if answer := is.Field(i).Interface(); answer != whole.Field(i).Interface() && answer != decide.NotKnown {
				t.Errorf("%s: %s is %v", where, is.Type().Field(i).Name, answer)
			}
		}
		if (got == truth) != (struck == nil) {
			t.Errorf("%s: %+v", where, got)
		}
	})
}

func TestCollectingWhileEveryCallFails(t *testing.T) {
	sc := newScene(t)
	truth := look.Collect(t.Context(), sc.array(t))
	everyCall(t, sc, look.Collect, func(where string, struck *fault.Call, got look.Collection) {
		holds(t, where, got.Array(sc.subject), truth.Array(sc.subject))
		factsHold(t, where, got.Facts(sc.uuid), truth.Facts(sc.uuid))
		if struck == nil {
			factsHold(t, where, truth.Facts(sc.uuid), got.Facts(sc.uuid))
		}
	})
}
