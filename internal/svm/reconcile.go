package svm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// FlowName is how the flow stands in logs, events and metrics.
const FlowName = "svm"

// passLimit ends a reconcile that makes progress without end. Each pass does
// all that can be done in the order of the steps.
const passLimit = 8

// Result is how a reconcile ended.
type Result struct {
	flow.Result // of the last pass
	Decision    decide.Decision
	// Shoots is what was seen of the passwords, Deleting that the record is closed.
	Shoots   []decide.Shoot
	Deleting bool
	// Passes are how many it took, Acted whether any of them did something.
	Passes int
	// Again is when to come back at the latest; zero where nothing is left to do.
	Again time.Time
	// LookErr says why nothing could be learnt.
	LookErr error
}

// Reconcile does what can be done now for one SVM, and returns when it is as
// wanted, or waits for something, or needs a person.
func (r *Reconciler) Reconcile(ctx context.Context, want Wish) Result {
	s := r.subject(want)
	var res Result
	for res.Passes = 1; ; res.Passes++ {
		s.forget()
		v, err := s.look(ctx)
		if err != nil {
			res.LookErr = err
			return res
		}
		acted := res.Acted
		res.Result = r.runner.Pass(ctx, s.flow(v))
		again := res.Acted
		res.Acted = res.Acted || acted
		if s.seen != nil {
			res.Decision, res.Shoots, res.Deleting = s.seen.decision, s.seen.evidence.Site.Shoots, s.seen.record.Closed != ""
		}
		if !again || res.Err != nil || res.Passes == passLimit || ctx.Err() != nil {
			break
		}
	}
	res.Again = s.again(res)
	return res
}

// again is when the next thing is due that can be known.
func (s *subject) again(res Result) time.Time {
	next := res.NextTry()
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	earlier(res.Decision.Until)
	for _, step := range res.Decision.Steps {
		earlier(step.Until)
	}
	if next.IsZero() && !res.AtRest {
		next = s.r.o.Clock.Now().Add(waitPace)
	}
	return next
}

// waitPace is how often something is looked at again whose end nobody knows.
const waitPace = 10 * time.Second

// Plan looks, changes nothing, and says what would be done.
func (r *Reconciler) Plan(ctx context.Context, want Wish) (flow.PlanReport, decide.Decision, error) {
	s := r.subject(want)
	v, err := s.look(ctx)
	if err != nil {
		return flow.PlanReport{}, decide.Decision{}, err
	}
	return flow.Plan(ctx, s.flow(v)), v.decision, nil
}

// Escalations are the steps that need somebody, the oldest first.
func (r *Reconciler) Escalations() []flow.Escalation { return r.runner.Escalations() }

// RetryNow has what rests after a failure be tried at the next reconcile.
func (r *Reconciler) RetryNow(name string) { r.runner.RetryNow(FlowName, name) }

// Forget drops what is remembered of an SVM that is gone. Cycles do that by
// themselves, for those that they looked after.
func (r *Reconciler) Forget(ctx context.Context, name string) {
	ctx = context.WithValue(ctx, leaving{}, true)
	r.runner.Forget(ctx, FlowName, name)
	r.runner.Forget(ctx, objectsFlow, name)
	r.events.forget(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, name)
	delete(r.memories, name)
}

// flow are the steps for this view: those of the SVM itself, then those of what
// stands on it.
func (s *subject) flow(v *view) flow.Flow {
	f := flow.Flow{Name: FlowName, Subject: s.name, Steps: s.ownSteps()}
	repaired := v.decision.Action == decide.GoOn // though its deletion is held up
	if (s.want.Gone || v.record.Closed != "") && !repaired {
		f.Steps = append(f.Steps, s.deletionSteps()...)
		return f
	}
	f.Steps = append(f.Steps, s.siteSteps(v)...)
	f.Steps = append(f.Steps, s.shootNotes())
	f.Steps = append(f.Steps, s.leaveSteps(v)...)
	for _, c := range s.want.Spec.Credentials {
		f.Steps = append(f.Steps, s.credentialSteps(c)...)
	}
	if s.want.Gone {
		f.Steps = append(f.Steps, s.siteStep(decide.StepDeletion, "", nothingToDo))
	}
	return f
}

// stage is one flow step that carries out some of the actions on the SVM.
type stage struct {
	name string
	acts map[decide.NextAction]func(context.Context, *view) error
}

// step makes a flow step of a stage: it is done where what comes next is not
// its own, unless nothing at all may come next.
func (s *subject) step(st stage, needs ...string) flow.Step {
	return flow.Step{
		Name: st.name, Needs: needs,
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			d := v.decision
			if _, mine := st.acts[d.Action]; mine {
				return flow.Sight{Why: d.Why, Next: inWords(d)}, nil
			}
			return s.held(st.name, d)
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			act, mine := st.acts[v.decision.Action]
			if !mine {
				return fmt.Errorf("step %s: what comes next is %s", st.name, v.decision.Action)
			}
			s.forget()
			return act(ctx, v)
		},
	}
}

// held: a decision to wait or to stop holds every step of the SVM itself.
func (s *subject) held(step string, d decide.Decision) (flow.Sight, error) {
	switch d.Action {
	case decide.Wait:
		return s.wait(step, d.WaitFor, d.Why)
	case decide.Stop:
		return flow.Sight{}, needsPerson(fmt.Errorf("%s: %s", d.Verdict.State, d.Why), d.Command)
	}
	s.waited(step, "")
	return flow.Sight{Done: true, Why: d.Why}, nil
}

// wait is no failure, until it has lasted for longer than is good.
func (s *subject) wait(step, what, why string) (flow.Sight, error) {
	if since := s.waited(step, what); s.r.o.Clock.Now().Sub(since) >= s.r.o.Policy.WaitLimit {
		return flow.Sight{}, needsPerson(fmt.Errorf("waits for %s since %s: %s", what, since.UTC().Format(time.RFC3339), why), "seedproof svm explain "+s.name)
	}
	return flow.Sight{Blocked: true, Why: "waits for " + what + ": " + why}, nil
}

// waited notes for what a step waits, and gives since when. "" is for nothing.
// What a collection shows is no wait of its own: it knows less.
func (s *subject) waited(step, what string) time.Time {
	if _, isFresh := s.from.(fresh); !isFresh {
		return s.r.o.Clock.Now()
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	steps := s.r.waiting[s.name]
	if what == "" {
		delete(steps, step)
		return time.Time{}
	}
	if steps == nil {
		steps = map[string]waiting{}
		s.r.waiting[s.name] = steps
	}
	if steps[step].what != what {
		steps[step] = waiting{what, s.r.o.Clock.Now()}
	}
	return steps[step].since
}

func needsPerson(err error, command string) error { return flow.AsNeedsPerson(err, command) }

func inWords(d decide.Decision) string {
	lines := decide.Explain(decide.Decision{Action: d.Action, Array: d.Array, Why: d.Why, Verdict: proof.Verdict{}})
	return lines[len(lines)-1]
}

// ownSteps are those of the SVM itself, from nothing to a record that names it.
func (s *subject) ownSteps() []flow.Step {
	type acts = map[decide.NextAction]func(context.Context, *view) error
	return []flow.Step{
		s.pinStep(),
		s.step(stage{"claim", acts{decide.Open: s.openClaim}}, "arrays"),
		s.step(stage{"create", acts{decide.Ask: s.ask, decide.Remake: s.remake}}, "claim"),
		s.seenRunningStep(),
		s.step(stage{"birth", acts{decide.CloseBorn: s.closeBorn, decide.CloseFailed: s.closeFailed}}, "create", "seen-running"),
		s.step(stage{"record", acts{decide.WriteRecord: s.writeRecord, decide.Adopt: s.adopt}}, "birth"),
	}
}

// pinStep notes the cluster UUID of each array that has just answered and that
// nobody remembers yet. One that is silent, or is another place, gets none.
func (s *subject) pinStep() flow.Step {
	return flow.Step{
		Name: "arrays",
		Look: func(ctx context.Context) (flow.Sight, error) {
			v, err := s.look(ctx)
			if err != nil {
				return flow.Sight{}, err
			}
			if a, found := unpinned(v); found {
				return flow.Sight{Next: "note that " + a.Name + " is cluster " + a.Cluster, Why: "no array is acted on before it is known which one it is"}, nil
			}
			return flow.Sight{Done: true, Why: "every array that answers is known"}, nil
		},
		Act: func(ctx context.Context) error {
			v, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer s.forget()
			for {
				a, found := unpinned(v)
				if !found {
					return nil
				}
				if err := s.r.o.Seed.WritePin(ctx, a.Name, a.Cluster); err != nil {
					return fmt.Errorf("noting the cluster of array %s: %w", a.Name, err)
				}
				s.forget()
				if v, err = s.look(ctx); err != nil {
					return err
				}
			}
		},
	}
}

func unpinned(v *view) (decide.Array, bool) {
	for _, a := range v.evidence.Arrays {
		silent := slices.ContainsFunc(v.decision.Verdict.Heard, func(t proof.Testimony) bool {
			return t.Witness.Name == decide.ArrayWitness(a.Name) && t.Finding == proof.Unknown
		})
		if a.Answered && a.Cluster != "" && a.Pin.Finding == proof.Absent && !silent {
			return a, true
		}
	}
	return decide.Array{}, false
}
