package trouble_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm/trouble"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func tracker(t *testing.T, th trouble.Thresholds) *trouble.Tracker {
	t.Helper()
	tr, err := trouble.NewTracker(th)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// one is the only condition that there is.
func one(t *testing.T, tr *trouble.Tracker, at time.Time) trouble.Condition {
	t.Helper()
	all := tr.Conditions(at)
	if len(all) != 1 {
		t.Fatalf("%d conditions, want one: %v", len(all), all)
	}
	return all[0]
}

// levelOf is the threshold of each kind, as a test sees it.
func levelOf(th trouble.Thresholds) map[trouble.Type]trouble.Level {
	return map[trouble.Type]trouble.Level{
		trouble.SVMSpaceLow: th.SVMSpace, trouble.AggregateSpaceLow: th.AggregateSpace, trouble.VolumesNearlyFull: th.Volumes,
		trouble.ArraySlow: th.ArrayLatency, trouble.ArrayErrors: th.ArrayErrors, trouble.ManagementSlow: th.ManagementLatency,
		trouble.KubernetesSlow: th.KubernetesLatency, trouble.KubernetesThrottled: th.KubernetesThrottled, trouble.QueueOld: th.QueueAge,
	}
}

// TestEachTroubleComesAndGoes by default thresholds: raised once it has lasted,
// standing between the two thresholds, ended once it has been below the lower.
func TestEachTroubleComesAndGoes(t *testing.T) {
	subject := trouble.Subject{SVM: "p1", Array: "a", Aggregate: "aggr1"}
	for _, kind := range trouble.Types() {
		t.Run(string(kind), func(t *testing.T) {
			l, ok := levelOf(trouble.DefaultThresholds())[kind]
			if !ok {
				t.Fatal("it has no threshold")
			}
			tr, at := tracker(t, trouble.Thresholds{}), start
			lasting := time.Duration(l.For)
			step := func(value float64, after time.Duration, status trouble.Status, reason string) trouble.Condition {
				t.Helper()
				at = at.Add(after)
				tr.Observe(at, trouble.Measure(kind, subject, value))
				c := one(t, tr, at)
				if c.Status != status || c.Reason != reason || c.Value != value || !c.Measured {
					t.Fatalf("at %v with %v: %+v; want %s (%s)", at.Sub(start), value, c, status, reason)
				}
				return c
			}
			between := (l.Raise + l.Clear) / 2
			step(l.Clear/2, 0, trouble.False, trouble.ReasonBelow)
			step(between, time.Minute, trouble.False, trouble.ReasonBelow)
			step(l.Raise, time.Minute, trouble.False, trouble.ReasonRising)
			step(l.Raise, lasting-time.Second, trouble.False, trouble.ReasonRising)
			c := step(l.Raise, time.Second, trouble.True, trouble.ReasonOver)
			if !c.Since.Equal(at) || !c.Raised {
				t.Errorf("raised since %v, want %v", c.Since, at)
			}
			if !strings.Contains(c.Message, "; type: ") {
				t.Errorf("it does not say what to type: %s", c.Message)
			}
			step(between, time.Minute, trouble.True, trouble.ReasonOver)
			step(l.Clear, time.Minute, trouble.True, trouble.ReasonFalling)
			step(l.Clear, lasting-time.Second, trouble.True, trouble.ReasonFalling)
			step(l.Clear, time.Second, trouble.False, trouble.ReasonBelow)
		})
	}
}

type sample struct {
	after   time.Duration
	reading func(trouble.Type, trouble.Subject) trouble.Reading
}

func value(v float64) func(trouble.Type, trouble.Subject) trouble.Reading {
	return func(t trouble.Type, s trouble.Subject) trouble.Reading { return trouble.Measure(t, s, v) }
}

func silent(t trouble.Type, s trouble.Subject) trouble.Reading {
	return trouble.Failed(t, s, "the array did not answer")
}

// TestWhatMakesNoTrouble and what does not end one, with raise 0.85, clear
// 0.80, for 10m, stale after 15m.
func TestWhatMakesNoTrouble(t *testing.T) {
	const m = time.Minute
	over, below, between := value(0.9), value(0.5), value(0.83)
	raise := []sample{{0, over}, {10 * m, over}}
	for _, tt := range []struct {
		reason string
		steps  []sample
		status trouble.Status
		raised bool
		why    string
	}{
		{"one sample is no trouble", []sample{{0, over}}, trouble.False, false, trouble.ReasonRising},
		{"nor is the same sample twice", []sample{{0, over}, {0, over}}, trouble.False, false, trouble.ReasonRising},
		{"it lasted", raise, trouble.True, true, trouble.ReasonOver},
		{"a dip begins the time anew", []sample{{0, over}, {9 * m, between}, {m, over}, {9 * m, over}}, trouble.False, false, trouble.ReasonRising},
		{"samples too far apart: it may have been well between", []sample{{0, over}, {16 * m, over}}, trouble.False, false, trouble.ReasonRising},
		{"a clock put back begins the time anew", []sample{{0, over}, {-5 * m, over}, {9 * m, over}}, trouble.False, false, trouble.ReasonRising},
		{"and does not hold it up", []sample{{0, over}, {-30 * m, over}, {10 * m, over}}, trouble.True, true, trouble.ReasonOver},
		{"a failed sample between does not", []sample{{0, over}, {5 * m, silent}, {5 * m, over}}, trouble.True, true, trouble.ReasonOver},
		{"failed samples raise nothing", []sample{{0, over}, {5 * m, silent}, {20 * m, silent}}, trouble.Unknown, false, trouble.ReasonNotMeasured},
		{"failed samples end nothing", append(slices.Clone(raise), sample{m, silent}, sample{time.Hour, silent}), trouble.Unknown, true, trouble.ReasonNotMeasured},
		{"one good sample ends nothing", append(slices.Clone(raise), sample{m, below}), trouble.True, true, trouble.ReasonFalling},
		{"nor do two with a long silence between", append(slices.Clone(raise), sample{m, below}, sample{time.Hour, below}), trouble.True, true, trouble.ReasonFalling},
		{"between the thresholds it stands", append(slices.Clone(raise), sample{m, between}, sample{14 * m, between}, sample{14 * m, between}), trouble.True, true, trouble.ReasonOver},
		{"back over begins the end anew", append(slices.Clone(raise), sample{m, below}, sample{9 * m, between}, sample{m, below}, sample{9 * m, below}), trouble.True, true, trouble.ReasonFalling},
		{"a limit that was taken away ends it in time", append(slices.Clone(raise), sample{m, trouble.Nothing}, sample{10 * m, trouble.Nothing}), trouble.False, false, trouble.ReasonNotApplicable},
		{"and not at once", append(slices.Clone(raise), sample{m, trouble.Nothing}), trouble.True, true, trouble.ReasonFalling},
		{"what is no amount is no sample", []sample{{0, value(-1)}}, trouble.Unknown, false, trouble.ReasonNotMeasured},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			tr, at, subject := tracker(t, trouble.Thresholds{}), start, trouble.Subject{SVM: "p1"}
			for _, s := range tt.steps {
				at = at.Add(s.after)
				tr.Observe(at, s.reading(trouble.SVMSpaceLow, subject))
			}
			if c := one(t, tr, at); c.Status != tt.status || c.Raised != tt.raised || c.Reason != tt.why {
				t.Errorf("%s (%s), raised %v; want %s (%s), %v", c.Status, c.Reason, c.Raised, tt.status, tt.why, tt.raised)
			}
		})
	}
}

// TestSilenceIsSaid: without any sample, and with one that is too old, the
// condition is Unknown, says so and how it stood.
func TestSilenceIsSaid(t *testing.T) {
	tr, subject := tracker(t, trouble.Thresholds{}), trouble.Subject{Array: "a"}
	if all := tr.Conditions(start); len(all) != 0 {
		t.Errorf("conditions of nothing: %v", all)
	}
	tr.Observe(start, trouble.Failed(trouble.ArraySlow, subject, "too few calls"))
	c := one(t, tr, start)
	if c.Status != trouble.Unknown || !c.Since.IsZero() || !strings.Contains(c.Message, "never measured (too few calls)") {
		t.Errorf("%+v", c)
	}
	tr.Observe(start, trouble.MeasureTime(trouble.ArraySlow, subject, 9*time.Second))
	tr.Observe(start.Add(10*time.Minute), trouble.MeasureTime(trouble.ArraySlow, subject, 9*time.Second))
	c = one(t, tr, start.Add(26*time.Minute))
	if c.Status != trouble.Unknown || !c.Raised || c.Measured || !c.Since.Equal(start.Add(10*time.Minute)) {
		t.Errorf("%+v", c)
	}
	for _, part := range []string{"last measured at 2026-11-21T12:10:00Z", "there was trouble then (9s), which stands"} {
		if !strings.Contains(c.Message, part) {
			t.Errorf("it lacks %q: %s", part, c.Message)
		}
	}
}

// TestTurnsAreToldOnce and that each subject stands for itself.
func TestTurnsAreToldOnce(t *testing.T) {
	tr := tracker(t, trouble.Thresholds{})
	var told []string
	for i := range 40 {
		at := start.Add(time.Duration(i) * time.Minute)
		v := 0.9
		if i > 20 {
			v = 0.1
		}
		for _, c := range tr.Observe(at,
			trouble.Measure(trouble.SVMSpaceLow, trouble.Subject{SVM: "p1"}, v),
			trouble.Measure(trouble.SVMSpaceLow, trouble.Subject{SVM: "p2"}, 0.1),
			trouble.Measure("NoSuchTrouble", trouble.Subject{SVM: "p3"}, 1)) {
			told = append(told, c.Subject.SVM+" "+string(c.Status)+" "+at.Sub(start).String())
		}
	}
	if want := []string{"p1 True 10m0s", "p1 False 31m0s"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	all := tr.Conditions(start.Add(40 * time.Minute))
	if len(all) != 2 || all[0].Subject.SVM != "p1" || all[1].Subject.SVM != "p2" {
		t.Errorf("conditions %v", all)
	}
	tr.Forget(func(s trouble.Subject) bool { return s.SVM == "p1" })
	if c := one(t, tr, start.Add(40*time.Minute)); c.Subject.SVM != "p2" {
		t.Errorf("p1 is not forgotten: %v", c)
	}
}

func TestMeasureShare(t *testing.T) {
	for _, tt := range []struct {
		reason      string
		used, whole int64
		answer      trouble.Answer
		value       float64
	}{
		{"half of it", 5, 10, trouble.Measured, 0.5},
		{"no limit", 5, 0, trouble.NotApplicable, 0},
		{"over the limit", 11, 10, trouble.Measured, 1.1},
		{"no amount", -1, 10, trouble.NotMeasured, 0},
		{"no whole", 1, -1, trouble.NotMeasured, 0},
	} {
		if r := trouble.MeasureShare(trouble.SVMSpaceLow, trouble.Subject{}, tt.used, tt.whole); r.Answer != tt.answer || r.Value != tt.value {
			t.Errorf("%s: %+v", tt.reason, r)
		}
	}
}

func TestTheMessageOfTrouble(t *testing.T) {
	tr, subject := tracker(t, trouble.Thresholds{}), trouble.Subject{SVM: "p1"}
	for i := range 3 {
		tr.Observe(start.Add(time.Duration(i)*5*time.Minute), trouble.MeasureShare(trouble.SVMSpaceLow, subject, 93, 100))
	}
	want := "the used share of the storage limit of SVM p1 is 93.0 %, and has been 85.0 % or more since 2026-11-21T12:00:00Z (it ends at 80.0 %): " +
		"at its limit every write of its volumes fails; raise the limit, or delete volumes; type: seedproof svm explain p1"
	if c := one(t, tr, start.Add(10*time.Minute)); c.Message != want {
		t.Errorf("got  %s\nwant %s", c.Message, want)
	}
}
