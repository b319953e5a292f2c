package svm_test

import (
	"context"
	"sync"

	"github.com/seedproof/seedproof/internal/flow"
)

// switcher fails the first site over after the k-th step that was done. With k
// zero it only counts the steps.
type switcher struct {
	w *world
	k int

	mu   sync.Mutex
	done []string
}

var _ flow.Observer = (*switcher)(nil)

func (o *switcher) StepActed(_ context.Context, e flow.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = append(o.done, e.Step)
	if len(o.done) != o.k {
		return
	}
	// Disaster: the site is gone, the other takes over, and the first answers
	// again while everything runs on the second.
	for _, err := range []error{o.w.sim.SetUnreachable(0, true), o.w.sim.Switchover(1), o.w.sim.SetUnreachable(0, false)} {
		if err != nil {
			o.w.t.Error(err)
		}
	}
}

func (o *switcher) StepFailed(context.Context, flow.Event)     {}
func (o *switcher) Escalated(context.Context, flow.Escalation) {}
func (o *switcher) Recovered(context.Context, flow.Escalation) {}
func (o *switcher) PassEnded(context.Context, flow.Result)     {}
