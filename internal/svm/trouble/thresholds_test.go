package trouble_test

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/svm/trouble"
)

func TestThresholdsOfAConfiguration(t *testing.T) {
	var th trouble.Thresholds
	text := "svmSpace: {raise: 0.5}\nqueueAge: {raise: 60, clear: 30, for: 1m, stale: 5m}\nwindow: 2m\nquantile: 0.99\nminCalls: 3\n"
	if err := yaml.UnmarshalStrict([]byte(text), &th); err != nil {
		t.Fatal(err)
	}
	if err := th.Validate(); err != nil {
		t.Fatal(err)
	}
	def, got := trouble.DefaultThresholds(), tracker(t, th).Thresholds()
	if got.SVMSpace.Raise != 0.5 || got.SVMSpace.Clear != 0.5*def.SVMSpace.Clear/def.SVMSpace.Raise || got.SVMSpace.For != def.SVMSpace.For {
		t.Errorf("svmSpace is %+v", got.SVMSpace)
	}
	if want := (trouble.Level{Raise: 60, Clear: 30, For: trouble.Duration(time.Minute), Stale: trouble.Duration(5 * time.Minute)}); got.QueueAge != want {
		t.Errorf("queueAge is %+v, want %+v", got.QueueAge, want)
	}
	if got.Volumes != def.Volumes || got.Quantile != 0.99 || got.MinCalls != 3 || time.Duration(got.Window) != 2*time.Minute {
		t.Errorf("got %+v", got)
	}
	b, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var again trouble.Thresholds
	if err := yaml.UnmarshalStrict(b, &again); err != nil || again != got {
		t.Errorf("written and read again: %+v, %v; want %+v", again, err, got)
	}
}

func TestTheDefaultsHold(t *testing.T) {
	if err := trouble.DefaultThresholds().Validate(); err != nil {
		t.Error(err)
	}
	if got := (trouble.Thresholds{}).Filled(); got != trouble.DefaultThresholds() {
		t.Errorf("nothing configured is %+v", got)
	}
}

func TestBadThresholdsAreNamed(t *testing.T) {
	for _, tt := range []struct{ reason, text, want string }{
		{"a share above one", "svmSpace: {raise: 85}", "svmSpace.raise: 85 is not above 0 and at most 1"},
		{"no room for hysteresis", "volumes: {raise: 0.9, clear: 0.9}", "volumes.clear: 0.9 is not above 0 and below raise (0.9)"},
		{"ends above the default", "arrayLatency: {clear: 6}", "arrayLatency.clear: 6 is not above 0 and below raise (5)"},
		{"below nothing", "queueAge: {raise: -1}", "queueAge.raise: -1 is not a number above 0"},
		{"a time that runs backwards", "arrayErrors: {for: -1m}", "arrayErrors.for: -1m0s is not above 0"},
		{"a sample that is stale before it is taken", "arrayErrors: {stale: -1m}", "arrayErrors.stale: -1m0s is not above 0"},
		{"the slowest of all calls", "quantile: 1", "quantile: 1 is not between 0 and 1"},
		{"a window in the future", "window: -5m", "window: -5m0s is not above 0"},
		{"fewer calls than none", "minCalls: -1", "minCalls: -1 is not above 0"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			var th trouble.Thresholds
			if err := yaml.UnmarshalStrict([]byte(tt.text), &th); err != nil {
				t.Fatal(err)
			}
			if err := th.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := trouble.NewTracker(th); err == nil {
				t.Error("a tracker took it")
			}
		})
	}
}

func TestAllProblemsAreNamedAtOnce(t *testing.T) {
	err := trouble.Thresholds{Quantile: 2, MinCalls: -1, SVMSpace: trouble.Level{Raise: 2}}.Validate()
	for _, field := range []string{"quantile", "minCalls", "svmSpace.raise"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%q is not named: %v", field, err)
		}
	}
}

// FuzzThresholds: whatever is read either is refused or makes a tracker.
func FuzzThresholds(f *testing.F) {
	for _, seed := range []string{"", "svmSpace: {raise: 0.5, for: 1h}", "window: 5", "window: x", "quantile: .nan", "volumes: {clear: 1e308}", "minCalls: 99999999999999999999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var th trouble.Thresholds
		if yaml.UnmarshalStrict(b, &th) != nil || th.Validate() != nil {
			return
		}
		tr, err := trouble.NewTracker(th)
		if err != nil {
			t.Fatalf("valid, and refused: %v", err)
		}
		for kind, l := range levelOf(tr.Thresholds()) {
			if !(l.Clear < l.Raise) || l.For < 0 {
				t.Errorf("%s: %+v", kind, l)
			}
		}
	})
}
