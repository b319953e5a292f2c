package trouble_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seedproof/seedproof/internal/svm/trouble"
)

// tick is one sample of a random history.
type tick struct {
	after  time.Duration
	value  float64
	silent bool
}

func history(t *rapid.T) []tick {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tick {
		return tick{
			after:  time.Duration(rapid.IntRange(-60, 1200).Draw(t, "after")) * time.Second,
			value:  rapid.SampledFrom([]float64{0, 0.5, 0.8, 0.81, 0.849, 0.85, 0.9, 1.2}).Draw(t, "value"),
			silent: rapid.IntRange(0, 4).Draw(t, "silent") == 0,
		}
	}), 1, 60).Draw(t, "history")
}

var p1 = trouble.Subject{SVM: "p1"}

func (k tick) reading() trouble.Reading {
	if k.silent {
		return trouble.Failed(trouble.SVMSpaceLow, p1, "")
	}
	return trouble.Measure(trouble.SVMSpaceLow, p1, k.value)
}

func newTracker(t *rapid.T) *trouble.Tracker {
	tr, err := trouble.NewTracker(trouble.Thresholds{})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestMoreIsNeverLessTrouble: of two histories of which one is nowhere below
// the other, it is raised whenever the other is.
func TestMoreIsNeverLessTrouble(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low, high, at := newTracker(t), newTracker(t), start
		for _, k := range history(t) {
			at = at.Add(k.after)
			low.Observe(at, k.reading())
			k.value += rapid.SampledFrom([]float64{0, 0, 0.03, 0.4}).Draw(t, "more")
			high.Observe(at, k.reading())
			if low.Conditions(at)[0].Raised && !high.Conditions(at)[0].Raised {
				t.Fatalf("at %v the lower one is raised and the higher is not", at.Sub(start))
			}
		}
	})
}

// TestBelowNeverRaises whatever the times and silences are; and over never ends.
func TestBelowNeverRaises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		below, over, at := newTracker(t), newTracker(t), start
		for i := range 3 {
			at = start.Add(time.Duration(i) * 5 * time.Minute)
			over.Observe(at, trouble.Measure(trouble.SVMSpaceLow, p1, 0.9))
		}
		for _, k := range history(t) {
			at = at.Add(k.after)
			low, high := k, k
			low.value, high.value = min(k.value, 0.849), max(k.value, 0.801)
			below.Observe(at, low.reading())
			over.Observe(at, high.reading())
			if below.Conditions(at)[0].Raised {
				t.Fatal("raised without a sample over the threshold")
			}
			if !over.Conditions(at)[0].Raised {
				t.Fatal("ended without a sample below the lower threshold")
			}
		}
	})
}

// TestNoSampleTurnsNothing: a turn needs two samples on its side, as far apart
// as configured, with none on the other side between and no gap.
func TestNoSampleTurnsNothing(t *testing.T) {
	l := trouble.DefaultThresholds().SVMSpace
	rapid.Check(t, func(t *rapid.T) {
		tr, at, raised := newTracker(t), start, false
		var span, seen time.Time
		for _, k := range history(t) {
			at = at.Add(k.after)
			turned := tr.Observe(at, k.reading())
			c := tr.Conditions(at)[0]
			if k.silent {
				if len(turned) != 0 || c.Raised != raised || c.Status != trouble.Unknown {
					t.Fatalf("silence made it %+v", c)
				}
				continue
			}
			across := k.value >= l.Raise && !raised || k.value <= l.Clear && raised
			if apart := at.Sub(seen); !across || apart < 0 || apart > time.Duration(l.Stale) {
				span = time.Time{}
			}
			seen = at
			if across && span.IsZero() {
				span = at
			}
			want := across && at.Sub(span) >= time.Duration(l.For)
			if (len(turned) == 1) != want || (c.Raised != raised) != want {
				t.Fatalf("at %v: turned %v, want %v", at.Sub(start), turned, want)
			}
			if want {
				raised, span = !raised, time.Time{}
			}
		}
	})
}

// TestFlappingDoesNotFlap: what never stays on one side for the whole time
// never turns, in whichever state it began.
func TestFlappingDoesNotFlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, at := newTracker(t), start
		began := rapid.Bool().Draw(t, "raised")
		if began {
			tr.Observe(at, trouble.Measure(trouble.SVMSpaceLow, p1, 1))
			at = at.Add(10 * time.Minute)
			tr.Observe(at, trouble.Measure(trouble.SVMSpaceLow, p1, 1))
		}
		for range 30 {
			for _, v := range []float64{1, 0.1} {
				for range rapid.IntRange(1, 9).Draw(t, "minutes") {
					at = at.Add(time.Minute)
					if turned := tr.Observe(at, trouble.Measure(trouble.SVMSpaceLow, p1, v)); len(turned) != 0 {
						t.Fatalf("it turned: %+v", turned)
					}
				}
			}
		}
		if c := tr.Conditions(at)[0]; c.Raised != began {
			t.Fatalf("%+v", c)
		}
	})
}
