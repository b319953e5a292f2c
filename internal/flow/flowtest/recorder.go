package flowtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/seedproof/seedproof/internal/flow"
)

// Recorder is an observer that remembers what it heard, one line each, as
// "failed join-b transient 2" or "escalated join-b".
type Recorder struct {
	mu     sync.Mutex
	lines  []string
	passes []string
}

var _ flow.Observer = (*Recorder)(nil)

// Lines are all that was heard except the ends of passes.
func (r *Recorder) Lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

// Passes are the pass ids of everything heard, in order.
func (r *Recorder) Passes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.passes...)
}

func (r *Recorder) add(ctx context.Context, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.passes = append(r.passes, flow.PassID(ctx))
	if format != "" {
		r.lines = append(r.lines, fmt.Sprintf(format, args...))
	}
}

// StepActed remembers an act.
func (r *Recorder) StepActed(ctx context.Context, e flow.Event) {
	r.add(ctx, "acted %s", e.Step)
}

// StepFailed remembers a failure with its class and count.
func (r *Recorder) StepFailed(ctx context.Context, e flow.Event) {
	r.add(ctx, "failed %s %s %d", e.Step, e.Class, e.Attempts)
}

// Escalated remembers an escalation.
func (r *Recorder) Escalated(ctx context.Context, e flow.Escalation) {
	r.add(ctx, "escalated %s", e.Step)
}

// Recovered remembers a recovery.
func (r *Recorder) Recovered(ctx context.Context, e flow.Escalation) {
	r.add(ctx, "recovered %s", e.Step)
}

// PassEnded remembers the id of the pass.
func (r *Recorder) PassEnded(ctx context.Context, res flow.Result) { r.add(ctx, "") }
