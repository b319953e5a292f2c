package flow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// defaultRecordTimeout bounds a journal write that outlives its caller.
const defaultRecordTimeout = 15 * time.Second

// Runner runs passes of flows. Journal must be set; all else has defaults. It
// may be used by several goroutines; passes of one flow and subject run one
// after the other. It must not be copied once used.
type Runner struct {
	Clock    Clock    // RealClock
	Observer Observer // nobody
	Backoff  Backoff  // DefaultBackoff
	Journal  Journal
	Rand     func() float64 // jitter, from 0 to 1; math/rand
	// StepTimeout bounds each single look, act and Begin; 0 leaves them to the
	// caller's context. With it a step that hangs uses up its own time only.
	StepTimeout time.Duration
	// RecordTimeout bounds each Note and End; 15 seconds.
	RecordTimeout time.Duration

	failures failures
	mu       sync.Mutex
	running  map[rowKey]chan struct{} // key without step; full while a pass runs
}

// Pass goes once through the steps of a flow, in order. What failed is tried
// again by a later pass, when it is due; steps that do not need it still run.
func (r *Runner) Pass(ctx context.Context, f Flow) Result {
	id := newPassID()
	ctx = WithPassID(ctx, id)
	p := &pass{r: r, f: f, done: map[string]bool{}}
	p.res = Result{PassID: id, Flow: f.Name, Subject: f.Subject}
	if p.res.Err = r.run(ctx, p); p.res.Err == nil {
		p.res.AtRest = !p.res.Acted && atRest(p.res.Steps)
	}
	r.observer().PassEnded(context.WithoutCancel(ctx), p.res)
	return p.res
}

func (r *Runner) run(ctx context.Context, p *pass) error {
	if err := p.f.Validate(); err != nil {
		return err
	}
	if r.Journal == nil {
		return fmt.Errorf("flow %s: runner has no journal (NopJournal says that none is needed)", p.f.Name)
	}
	leave, err := r.enter(ctx, p.key(""))
	if err != nil {
		return fmt.Errorf("waiting for another pass of flow %s %s: %w", p.f.Name, p.f.Subject, err)
	}
	defer leave()
	p.forgetForeignSteps(ctx)
	for _, s := range p.f.Steps {
		sr := p.step(ctx, s)
		p.done[s.Name] = sr.State == StepDone || sr.State == StepActed
		p.res.Steps = append(p.res.Steps, sr)
	}
	return p.end(ctx)
}

// enter waits until no other pass of the same flow and subject runs.
func (r *Runner) enter(ctx context.Context, k rowKey) (func(), error) {
	r.mu.Lock()
	if r.running == nil {
		r.running = map[rowKey]chan struct{}{}
	}
	turn := r.running[k]
	if turn == nil {
		turn = make(chan struct{}, 1)
		r.running[k] = turn
	}
	r.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Escalations are the steps that a person should look at, the oldest first.
func (r *Runner) Escalations() []Escalation { return r.failures.escalations() }

// RetryNow makes every failed step of a subject due at once, for when a person
// has done something about it. Counts and escalations stay until it succeeds.
func (r *Runner) RetryNow(flow, subject string) { r.failures.due(flow, subject) }

// Forget drops what is remembered of a subject that is no longer looked after.
func (r *Runner) Forget(ctx context.Context, flow, subject string) {
	gone := r.failures.cleared(func(k rowKey) bool { return k.flow == flow && k.subject == subject })
	r.tellRecovered(ctx, gone)
}

func (r *Runner) tellRecovered(ctx context.Context, gone []Escalation) {
	for _, e := range gone {
		r.observer().Recovered(context.WithoutCancel(ctx), e)
	}
}

// call runs one look, act or Begin under the step's own deadline.
func (r *Runner) call(ctx context.Context, do func(context.Context) error) error {
	if r.StepTimeout <= 0 {
		return do(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, r.StepTimeout)
	defer cancel()
	return do(ctx)
}

// record runs a journal write under a context that is detached from the
// caller's cancellation: an outcome must be written when its caller is gone.
func (r *Runner) record(ctx context.Context, do func(context.Context) error) error {
	limit := r.RecordTimeout
	if limit <= 0 {
		limit = defaultRecordTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return do(ctx)
}

func (r *Runner) clock() Clock {
	if r.Clock == nil {
		return RealClock{}
	}
	return r.Clock
}

func (r *Runner) observer() Observer {
	if r.Observer == nil {
		return Observers(nil)
	}
	return r.Observer
}

func (r *Runner) rnd() float64 {
	if r.Rand == nil {
		return rand.Float64()
	}
	return r.Rand()
}

// gaveUp reports whether the caller itself ended the pass. A deadline is not
// that: a step that used up its time has failed.
func gaveUp(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
