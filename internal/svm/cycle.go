package svm

import (
	"context"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// CycleState is what became of one SVM in a cycle.
type CycleState string

const (
	// CycleAtRest: what was collected shows it as it is wanted.
	CycleAtRest CycleState = "at-rest"
	// CycleChecked: what was collected shows it as it is wanted, but for logins
	// that were due. They were made, and accepted.
	CycleChecked CycleState = "checked"
	// CycleReconciled: it was reconciled, by looks of its own.
	CycleReconciled CycleState = "reconciled"
	// CycleStands: it waits for the same thing, or stops for a person at the same
	// thing, as when it was last reconciled, a moment ago.
	CycleStands CycleState = "stands"
	// CycleKept: what is needed to judge it was silent; the decision is an older
	// one, of CycleSVM.At.
	CycleKept CycleState = "kept"
	// CycleQueued: the cycle was over before a worker was free for it. It goes
	// first in the next one.
	CycleQueued CycleState = "queued"
	// CycleRefused: another object names it, too, and it is not worked on for this
	// one.
	CycleRefused CycleState = "refused"
)

// CycleSVM is one SVM after a cycle.
type CycleSVM struct {
	Name     string
	State    CycleState
	Decision decide.Decision
	// Shoots is what was seen of the passwords then, Deleting that the record was
	// closed.
	Shoots   []decide.Shoot
	Deleting bool
	At       time.Time // when the decision was taken
	Why      string    // why it is, or was, not at rest, who was silent, or who names it, too
	Result   *Result   // of the reconcile; nil where there was none
}

// CycleArray is what one array was asked in a cycle, for all SVMs together.
type CycleArray struct {
	Name    string
	At      time.Time     // when the first question was asked: how old the facts are
	Took    time.Duration // until the last was answered
	Calls   int           // to collect it
	Records int           // read by them
	// Reconciles are the calls that reconciles and login checks made afterwards.
	// Others who use the same client at that time are counted too, here and in Calls.
	Reconciles int
	Silent     string    // why it told nothing, or not all; "" where it did
	Since      time.Time // from when on it was silent, in cycles without a break
}

// CycleResult is how a cycle ended.
type CycleResult struct {
	Began, Ended time.Time
	SVMs         []CycleSVM // in the order of the wishes
	Arrays       []CycleArray
	// SeedErr says why records and claims, or Secrets, could not all be listed.
	SeedErr error
	// Waited is how long the one waited for a worker that waited longest; those
	// that wait still are counted.
	Waited time.Duration
}

// Count is how many SVMs ended in that state.
func (c CycleResult) Count(state CycleState) int {
	n := 0
	for _, s := range c.SVMs {
		if s.State == state {
			n++
		}
	}
	return n
}

// Cycle looks after all SVMs at once. What every array, and the seed, shows of
// all of them is collected by a few listings; an SVM which that shows wholly at
// rest costs nothing more. Every other one is reconciled as always, by looks of
// its own, by a bounded number of workers: a collection is never the basis of an
// act, and what is missing in it is not known. Only a login check that is due
// where all else is at rest is made at once; one that is not accepted leads to a
// reconcile.
//
// An SVM that waits, or stops for a person, is reconciled when that changes,
// when something is due, and else every Policy.WaitLimit. Those that are not at
// rest only because an array or a listing was silent keep their last decision;
// one for each of the silent is reconciled all the same, in turn.
//
// Wishes are all that are looked after, one for each SVM: what is remembered of
// an SVM that has left them is forgotten, and one that two of them name is worked
// on for neither, or for its owner alone. Cycles run one after the other.
// Options.Traces is asked for each SVM, and should answer from what it watches.
func (r *Reconciler) Cycle(ctx context.Context, wishes []Wish) CycleResult {
	r.cycling.Lock()
	defer r.cycling.Unlock()
	res := CycleResult{Began: r.o.Clock.Now(), SVMs: make([]CycleSVM, len(wishes))}
	r.forgetLeft(ctx, wishes)
	all := r.collect(ctx, wishes)
	res.SeedErr = all.seedErr()
	jobs := r.sort(ctx, all, wishes, res.SVMs)
	before := r.calls()
	res.Waited = r.work(ctx, jobs)
	res.Arrays = r.arraysAfter(all, before)
	res.Ended = r.o.Clock.Now()
	return res
}

// sort tells the SVMs that are at rest from those that are not, and gives those
// that have to be worked on.
func (r *Reconciler) sort(ctx context.Context, all *collected, wishes []Wish, svms []CycleSVM) []*job {
	var work []*job
	probes := map[string]*job{} // by who is silent: the one that was reconciled longest ago
	memories, refused, escalated := r.memoriesOf(wishes), r.refuseDoubled(ctx, all, wishes), r.escalated()
	r.refuse(refused, memories, svms)
	for i, want := range wishes {
		j := &job{want: want, memory: memories[i], svm: &svms[i]}
		if j.svm.Name = want.Spec.SVMName; refused[i] != "" {
			continue
		}
		o, silent := r.judge(ctx, all, j)
		failed := j.memory.failing || escalated[j.svm.Name]
		switch {
		case silent != "":
			r.keep(j, silent)
			if p := probes[silent]; j.seen != nil && (p == nil || j.memory.looked.Before(p.memory.looked)) {
				probes[silent] = j
			}
		case o.text == "" && failed:
			if o.text = "it is at rest again, after something had failed"; !j.memory.recovering(j.seen.at) {
				r.stand(j, o)
				continue
			}
			work = append(work, r.queue(j, o))
		case o.text == "":
			r.rest(j)
		case j.memory.stands(o, j.seen.at, r.o.Policy.WaitLimit):
			r.stand(j, o)
		default:
			if !failed {
				j.logins = o.logins
			}
			work = append(work, r.queue(j, o))
		}
	}
	for _, p := range probes {
		p.probe = true
		work = append(work, r.queue(p, open{text: p.svm.Why}))
	}
	return work
}

// escalated are the SVMs of which a step waits for a person.
func (r *Reconciler) escalated() map[string]bool {
	all := map[string]bool{}
	for _, e := range r.Escalations() {
		if e.Flow == FlowName {
			all[e.Subject] = true
		}
	}
	return all
}

// judge takes the view of an SVM from what was collected, and plans the flow
// over it. Nothing is done. It gives what is not at rest, or who was silent where
// nothing can be said but for that.
func (r *Reconciler) judge(ctx context.Context, all *collected, j *job) (open, string) {
	s := r.subject(j.want)
	s.from = all
	v, err := s.look(ctx)
	if err != nil {
		return open{}, "the cycle was ended: " + err.Error()
	}
	j.subject, j.seen = s, v
	silent := all.silence(v)
	if silent != "" && v.decision.Action == decide.Wait {
		return open{}, silent
	}
	plan := flow.Plan(ctx, s.flow(v))
	o := openOf(plan)
	if o.acts {
		o.logins = s.onlyLogins(v, plan)
	}
	if o.text == "" || o.acts {
		silent = ""
	}
	return o, silent
}

// open is what of an SVM is not at rest, in words; "" where all is.
type open struct {
	text   string
	acts   bool       // something is to be done now, rather than waited for
	logins []dueLogin // where those that are due are all of that
}

func openOf(plan flow.PlanReport) open {
	if plan.Err != nil {
		return open{text: plan.Err.Error(), acts: true}
	}
	var o open
	for _, step := range plan.Steps {
		if step.State == flow.PlanDone || step.State == flow.PlanUnknown { // what that needs is told
			continue
		}
		o.acts = o.acts || step.State == flow.PlanAct
		o.text += step.Name + " " + step.State.String() + ": " + strings.TrimSpace(step.Next+" "+step.Why) + "\n"
	}
	return o
}
