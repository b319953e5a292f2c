package controller

import (
	"context"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

// A record of another cluster comes between two looks of one pass, and nothing
// that was begun on what was whole goes on: no agent is told to remember it.
func TestWhatIsBegunOnAWholeClusterEndsWithIt(t *testing.T) {
	s := newStage(t, standinDir(t), 1, quickly)
	if err := caught(func() { s.born(1) }); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c := s.controller("a", nil, 0)
	defer c.closePeers()
	h := &hand{c: c, w: c.gather(ctx)}
	flows := h.flows()
	if h.w.verdict.State != proof.Intact {
		t.Fatalf("the verdict is %s: %s", h.w.verdict.State, h.w.verdict.Why)
	}
	for _, f := range flows {
		for _, step := range f.Steps {
			if sight, err := step.Look(ctx); err != nil || sight.Blocked {
				t.Fatalf("%s/%s while it is whole: %+v, %v", f.Name, step.Name, sight, err)
			}
		}
	}
	if err := caught(s.foreignRecord); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, f := range flows {
		for _, step := range f.Steps {
			h.stale = true
			sight, err := step.Look(ctx)
			if err != nil || !sight.Blocked {
				t.Errorf("%s/%s beside another cluster's record: %+v, %v; want it to be blocked", f.Name, step.Name, sight, err)
			}
			looked++
		}
	}
	if looked == 0 {
		t.Error("no step was looked at")
	}
	if h.w.verdict.State != proof.Conflicting {
		t.Errorf("the verdict is %s; want Conflicting", h.w.verdict.State)
	}
}
