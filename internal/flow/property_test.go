package flow_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
)

// TestAFlowAtRestWritesNothing runs random flows, some of whose looks and acts
// fail for a while, until they rest, and then once more.
func TestAFlowAtRestWritesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t)
		f, j, clock := flowOf(steps...), &journal{}, flowtest.NewFakeClock()
		r := flow.Runner{Clock: clock, Journal: j}
		trouble := rapid.IntRange(0, 6).Draw(t, "passes of trouble")
		rested := false
		for pass := 0; pass < trouble+3 && !rested; pass++ {
			for _, s := range steps {
				s.lookErr, s.actErr = drawErr(t, pass < trouble), drawErr(t, pass < trouble)
			}
			rested = r.Pass(t.Context(), f).AtRest
			clock.Advance(time.Hour)
		}
		if !rested {
			t.Fatalf("not at rest:\n%s", flow.Plan(t.Context(), f))
		}
		acts, lines := actsOf(steps), len(j.lines)
		if res := r.Pass(t.Context(), f); !res.AtRest || actsOf(steps) != acts || len(j.lines) != lines {
			t.Fatalf("at rest and run again: %d acts, %d journal writes", actsOf(steps)-acts, len(j.lines)-lines)
		}
		for _, s := range steps {
			if s.acts > 1 {
				t.Fatalf("%s took effect at once and was acted on %d times", s.name, s.acts)
			}
		}
		if esc := r.Escalations(); len(esc) != 0 {
			t.Fatalf("at rest and escalated: %+v", esc)
		}
	})
}

func drawSteps(t *rapid.T) []*scripted {
	steps := make([]*scripted, rapid.IntRange(1, 6).Draw(t, "steps"))
	for i := range steps {
		steps[i] = &scripted{name: fmt.Sprint("s", i), is: rapid.Bool().Draw(t, "done already")}
		for n := range i {
			if rapid.Bool().Draw(t, "needs") {
				steps[i].needs = append(steps[i].needs, steps[n].name)
			}
		}
	}
	return steps
}

func drawErr(t *rapid.T, trouble bool) error {
	if !trouble {
		return nil
	}
	return rapid.SampledFrom([]error{nil, errors.New("timeout"), refusal(true), flow.AsTransient(refusal(true)),
		flow.AsNeedsPerson(errors.New("odd"), "seedproof etcd explain")}).Draw(t, "error")
}

func actsOf(steps []*scripted) (n int) {
	for _, s := range steps {
		n += s.acts
	}
	return n
}
