package trouble_test

import (
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm/trouble"
)

func TestAWindowMeasuresItsCalls(t *testing.T) {
	th := trouble.Thresholds{Quantile: 0.9}
	w := trouble.NewWindow(th)
	for i := range 4 {
		w.Add(start, trouble.Call{Took: time.Duration(i) * time.Second})
	}
	for _, r := range w.OfArray(start, "a") {
		if r.Answer != trouble.NotMeasured || r.Why != "too few calls" || r.Subject.Array != "a" {
			t.Errorf("four calls made %+v", r)
		}
	}
	for i := 4; i < 10; i++ {
		w.Add(start, trouble.Call{Took: time.Duration(i) * time.Second, Failed: i >= 8, Throttled: i == 9})
	}
	check := func(at time.Time, rs []trouble.Reading, want map[trouble.Type]float64) {
		t.Helper()
		for _, r := range rs {
			if v, ok := want[r.Type]; ok != (r.Answer == trouble.Measured) || r.Value != v {
				t.Errorf("at %v: %+v, want %v", at.Sub(start), r, v)
			}
		}
		if len(rs) != 2 {
			t.Errorf("%d readings, want 2", len(rs))
		}
	}
	check(start, w.OfArray(start, "a"), map[trouble.Type]float64{trouble.ArraySlow: 8, trouble.ArrayErrors: 0.2})
	check(start, w.OfKubernetes(start), map[trouble.Type]float64{trouble.KubernetesSlow: 8, trouble.KubernetesThrottled: 0.1})
	late := start.Add(5 * time.Minute)
	check(late, w.OfArray(late, "a"), nil)
	early := start.Add(-time.Second)
	check(early, w.OfArray(early, "a"), nil)
}

// TestAWindowIsBounded: of many calls the newest count.
func TestAWindowIsBounded(t *testing.T) {
	w := trouble.NewWindow(trouble.Thresholds{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				w.Add(start, trouble.Call{Took: time.Hour, Failed: true})
			}
		})
	}
	all.Wait()
	for range 2048 {
		w.Add(start, trouble.Call{Took: time.Second})
	}
	for _, r := range w.OfArray(start, "a") {
		if r.Type == trouble.ArrayErrors && r.Value != 0 || r.Type == trouble.ArraySlow && r.Value != 1 {
			t.Errorf("%+v", r)
		}
	}
}
