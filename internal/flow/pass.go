package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// pass is one pass of a Runner under way.
type pass struct {
	r       *Runner
	f       Flow
	res     Result
	done    map[string]bool
	acts    []Outcome // what came of each act
	begun   bool      // the journal holds our attempt
	stopped error     // why nothing more may be acted on
	noteErr error     // an outcome that could not be recorded
}

func (p *pass) key(step string) rowKey { return rowKey{p.f.Name, p.f.Subject, step} }

func (p *pass) step(ctx context.Context, s Step) StepResult {
	wait := StepResult{Name: s.Name}
	if err := ctx.Err(); err != nil {
		wait.Why = "the pass was ended: " + err.Error()
		return wait
	}
	if open := openNeeds(s, p.done); len(open) > 0 {
		wait.Why = "needs " + strings.Join(open, ", ")
		return wait
	}
	if row, rests := p.r.failures.resting(p.key(s.Name), p.r.clock().Now()); rests {
		wait.NextTry = row.next
		wait.Why = fmt.Sprintf("tries again at %s after: %s", row.next.UTC().Format(time.RFC3339), row.Why)
		return wait
	}
	sight, err := p.look(ctx, s)
	switch {
	case err != nil:
		return p.failed(ctx, s, Unknown, fmt.Errorf("look: %w", err))
	case sight.Done:
		p.recovered(ctx, s)
		return StepResult{Name: s.Name, State: StepDone, Outcome: Done, Why: sight.Why}
	case sight.Blocked:
		return StepResult{Name: s.Name, State: StepBlocked, Why: sight.Why}
	}
	return p.act(ctx, s, sight)
}

func (p *pass) look(ctx context.Context, s Step) (sight Sight, err error) {
	err = p.r.call(ctx, func(ctx context.Context) (err error) {
		sight, err = s.Look(ctx)
		return err
	})
	return sight, err
}

func (p *pass) act(ctx context.Context, s Step, first Sight) StepResult {
	if p.stopped != nil {
		return StepResult{Name: s.Name, Why: fmt.Sprintf("would %s, but %v", cmp.Or(first.Next, "act"), p.stopped)}
	}
	if err := p.begin(ctx); err != nil {
		return p.failed(ctx, s, Unknown, err)
	}
	p.res.Acted = true
	actErr := p.r.call(ctx, s.Act)
	second, lookErr := p.look(ctx, s)
	state, outcome, err := judge(actErr, second, lookErr)
	p.acts = append(p.acts, outcome)
	why := cmp.Or(second.Why, first.Next)
	if err != nil {
		why = err.Error()
	}
	p.note(ctx, s.Name, outcome, why)
	if err != nil {
		return p.failed(ctx, s, outcome, err)
	}
	if state == StepActed {
		p.recovered(ctx, s)
	}
	p.r.observer().StepActed(context.WithoutCancel(ctx), p.event(s, outcome, cmp.Or(first.Next, why)))
	return StepResult{Name: s.Name, State: state, Outcome: outcome, Why: why}
}

// judge says what came of an act, from its own answer and from the look after
// it. The look decides: what it shows done is done, whatever the answer was,
// and what nothing shows is never taken for done.
func judge(actErr error, second Sight, lookErr error) (StepState, Outcome, error) {
	switch {
	case lookErr == nil && second.Done:
		return StepActed, Done, nil
	case actErr != nil:
		return StepFailed, OutcomeOf(actErr), fmt.Errorf("act: %w", actErr)
	case lookErr != nil:
		return StepFailed, Unknown, fmt.Errorf("acted, and the look that should prove it failed: %w", lookErr)
	case second.Blocked:
		return StepBlocked, Done, nil
	}
	return StepFailed, Unknown, fmt.Errorf("acted, but a second look shows it undone: would still %s", cmp.Or(second.Next, "act"))
}

// begin writes the intent, once in a pass and before its first act.
func (p *pass) begin(ctx context.Context) error {
	if p.begun {
		return nil
	}
	err := p.r.call(ctx, func(ctx context.Context) error {
		return p.r.Journal.Begin(ctx, p.f.Name, p.f.Subject, p.res.PassID)
	})
	if err == nil {
		p.begun = true
		return nil
	}
	err = fmt.Errorf("begin the journal: %w", err)
	p.stopped = err
	if OutcomeOf(err) == Refused && ClassOf(err) != NeedsPerson {
		return AsTransient(err) // another attempt holds the lock, and will end
	}
	return err
}

func (p *pass) note(ctx context.Context, step string, o Outcome, detail string) {
	err := p.r.record(ctx, func(ctx context.Context) error { return p.r.Journal.Note(ctx, step, o, detail) })
	if err != nil {
		p.noteErr = fmt.Errorf("note %s of step %s in the journal: %w", o, step, err)
		p.stopped = p.noteErr
	}
}

// end closes the attempt, if there was one, with the least certain outcome.
func (p *pass) end(ctx context.Context) error {
	if !p.begun {
		return nil
	}
	o := Done
	for _, one := range p.acts {
		if one == Unknown || p.noteErr != nil {
			o = Unknown
			break
		}
		if one == Refused {
			o = Refused
		}
	}
	err := p.r.record(ctx, func(ctx context.Context) error { return p.r.Journal.End(ctx, o) })
	if err != nil {
		err = fmt.Errorf("end the journal's attempt: %w", err)
	}
	return errors.Join(p.noteErr, err)
}

// failed counts a failure and tells of it. A call that the caller itself broke
// off says nothing about the step, unless it was answered.
func (p *pass) failed(ctx context.Context, s Step, o Outcome, err error) StepResult {
	sr := StepResult{Name: s.Name, State: StepFailed, Outcome: o, Why: err.Error(), Err: err}
	if gaveUp(ctx) && o == Unknown {
		return sr
	}
	row, escalates := p.r.failures.failed(p.key(s.Name), err, p.r.clock().Now(), p.r.Backoff, p.r.rnd())
	sr.NextTry = row.next
	e := p.event(s, o, sr.Why)
	e.Err, e.Class, e.Attempts, e.NextTry = err, row.Class, row.Attempts, row.next
	p.r.observer().StepFailed(context.WithoutCancel(ctx), e)
	if escalates {
		p.r.observer().Escalated(context.WithoutCancel(ctx), row.Escalation)
	}
	return sr
}

func (p *pass) recovered(ctx context.Context, s Step) {
	k := p.key(s.Name)
	p.r.tellRecovered(ctx, p.r.failures.cleared(func(other rowKey) bool { return other == k }))
}

// forgetForeignSteps ends the rows of steps that the flow no longer has (a
// member that left), which no success could ever clear.
func (p *pass) forgetForeignSteps(ctx context.Context) {
	has := map[string]bool{}
	for _, s := range p.f.Steps {
		has[s.Name] = true
	}
	gone := p.r.failures.cleared(func(k rowKey) bool {
		return k.flow == p.f.Name && k.subject == p.f.Subject && !has[k.step]
	})
	p.r.tellRecovered(ctx, gone)
}

func (p *pass) event(s Step, o Outcome, why string) Event {
	return Event{
		PassID: p.res.PassID, Flow: p.f.Name, Subject: p.f.Subject, Step: s.Name,
		Outcome: o, Why: why,
	}
}
