package svm

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
)

// memory is what the cycles remember of one SVM. It is under Reconciler.mu.
type memory struct {
	decision decide.Decision // the last that was taken
	shoots   []decide.Shoot  // what was seen of the passwords then
	deleting bool            // the record was closed then
	at       time.Time       // when; zero: none was
	// open is what was not at rest when it was last reconciled.
	open   string
	looked time.Time // when it was last reconciled
	retry  time.Time // when what failed then is due again
	due    time.Time // when the first of what it waited for then is due
	// failing: a step had failed then, or somebody was told to look after it. Only
	// a reconcile can take that back.
	failing bool
	kept    bool      // in the last cycle somebody was silent
	queued  time.Time // since when it waits for a worker; zero: it does not
}

// job is an SVM during a cycle.
type job struct {
	want    Wish
	memory  *memory
	subject *subject // as it was collected
	seen    *view
	open    string
	logins  []dueLogin // those that are due, where nothing else is; nil: it is reconciled
	probe   bool       // it is only to see whether the silent tell anything when asked for one
	svm     *CycleSVM
}

// memoriesOf gives the memories in the order of the wishes.
func (r *Reconciler) memoriesOf(wishes []Wish) []*memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*memory, len(wishes))
	for i, want := range wishes {
		name := want.Spec.SVMName
		if r.memories[name] == nil {
			r.memories[name] = &memory{}
		}
		all[i] = r.memories[name]
	}
	return all
}

// stands reports whether nothing has come up since it was last reconciled, and
// nothing is due. What is to be done now is only left alone while it rests after
// a failure.
func (m *memory) stands(o open, now time.Time, limit time.Duration) bool {
	again := m.looked.Add(limit)
	due := m.due
	if o.acts {
		due = m.retry
		if due.IsZero() {
			return false
		}
	}
	if !due.IsZero() && due.Before(again) {
		again = due
	}
	return m.queued.IsZero() && m.open == o.text && again.After(now)
}

// recovering: it is at rest again, and what was told of its failure is to be
// taken back by a reconcile, once the steps that failed may be looked at.
func (m *memory) recovering(now time.Time) bool { return m.kept || !m.retry.After(now) }

func (r *Reconciler) rest(j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*j.memory = memory{}
	j.memory.saw(j.seen)
	j.show(CycleAtRest, "")
}

func (r *Reconciler) stand(j *job, o open) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j.memory.saw(j.seen)
	j.show(CycleStands, o.text)
}

// saw notes the decision of a view.
func (m *memory) saw(v *view) {
	m.decision, m.at, m.shoots, m.deleting = v.decision, v.at, v.evidence.Site.Shoots, v.record.Closed != ""
}

// keep leaves the last decision, if there is one, as it was.
func (r *Reconciler) keep(j *job, silent string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j.memory.queued, j.memory.kept = time.Time{}, true // no worker could do anything
	j.show(CycleKept, silent)
}

// queue has it wait for a worker. After a silence nothing rests any longer: what
// failed then may be done now.
func (r *Reconciler) queue(j *job, o open) *job {
	if j.memory.kept && !j.probe {
		r.RetryNow(j.svm.Name)
		j.memory.kept = false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.memory.queued.IsZero() {
		j.memory.queued = r.o.Clock.Now()
	}
	if j.open = o.text; !j.probe {
		j.show(CycleQueued, o.text)
	}
	return j
}

// show tells the last decision. Where there is none yet it is the one that
// follows from what was collected.
func (j *job) show(state CycleState, why string) {
	m := *j.memory
	if m.at.IsZero() && j.seen != nil {
		m.saw(j.seen)
	}
	j.svm.State, j.svm.Why, j.svm.Decision, j.svm.At, j.svm.Shoots, j.svm.Deleting = state, why, m.decision, m.at, m.shoots, m.deleting
}

// work makes the logins of the jobs, or reconciles them, those first that have
// waited longest, and gives the longest wait. What is left when ctx ends goes on
// waiting.
func (r *Reconciler) work(ctx context.Context, jobs []*job) time.Duration {
	slices.SortStableFunc(jobs, func(a, b *job) int { return a.memory.queued.Compare(b.memory.queued) })
	queue := make(chan *job)
	var workers sync.WaitGroup
	var mu sync.Mutex
	waited := time.Duration(0)
	for range min(r.o.Policy.Workers, len(jobs)) {
		workers.Go(func() {
			for j := range queue {
				wait := r.o.Clock.Now().Sub(j.memory.queued)
				mu.Lock()
				waited = max(waited, wait)
				mu.Unlock()
				if ctx.Err() != nil {
					continue
				}
				if len(j.logins) > 0 && r.logIn(ctx, j) {
					continue
				}
				if res := r.Reconcile(ctx, j.want); res.LookErr == nil && ctx.Err() == nil {
					r.reconciled(j, res)
				}
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	workers.Wait()
	return waited
}

// reconciled notes how a reconcile ended. One that was cut off goes on waiting.
func (r *Reconciler) reconciled(j *job, res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, m := r.o.Clock.Now(), j.memory
	m.open, m.looked, m.queued = j.open, now, time.Time{}
	m.retry, m.due, m.failing = res.NextTry(), firstUntil(res.Decision), failing(res)
	j.svm.Result = &res
	if j.probe && res.Decision.Action == decide.Wait {
		return // as silent as before
	}
	if res.Decision.Action != "" {
		m.decision, m.at, m.shoots, m.deleting = res.Decision, now, res.Shoots, res.Deleting
	}
	j.show(CycleReconciled, j.open)
}

func failing(res Result) bool {
	return slices.ContainsFunc(res.Steps, func(s flow.StepResult) bool { return s.State == flow.StepFailed || !s.NextTry.IsZero() })
}

// firstUntil is when the first of what is waited for is due.
func firstUntil(d decide.Decision) time.Time {
	first := d.Until
	for _, step := range d.Steps {
		if !step.Until.IsZero() && (first.IsZero() || step.Until.Before(first)) {
			first = step.Until
		}
	}
	return first
}

// Queue is how many SVMs wait for a worker now, and for how long the oldest.
func (r *Reconciler) Queue() (waiting int, oldest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.Clock.Now()
	for _, m := range r.memories {
		if !m.queued.IsZero() {
			waiting++
			oldest = max(oldest, now.Sub(m.queued))
		}
	}
	return waiting, oldest
}

// calls are those of each array so far.
func (r *Reconciler) calls() map[string]int {
	all := map[string]int{}
	for _, a := range r.o.Arrays {
		all[a.Name] = calls(a)
	}
	return all
}

// arraysAfter completes what is told of each array.
func (r *Reconciler) arraysAfter(c *collected, before map[string]int) []CycleArray {
	if c.recordsErr != nil {
		return nil
	}
	now, silent := r.calls(), map[string]time.Time{}
	for i := range c.asked {
		a := &c.asked[i]
		a.Reconciles = now[a.Name] - before[a.Name]
		shown := c.listings[a.Name].Array(look.Subject{})
		shown.Pin = c.pins[a.Name]
		if a.Silent = c.troubleOf(shown); a.Silent == "" {
			continue
		}
		a.Since = a.At
		if since, known := r.silent[a.Name]; known {
			a.Since = since
		}
		silent[a.Name] = a.Since
	}
	r.silent = silent
	return c.asked
}
