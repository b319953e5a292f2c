package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
)

// journal writes down each call as a line, and fails where it is told to.
type journal struct {
	lines                       []string
	beginErr, noteErr, endErr   error
	ctxErrs                     []error // of the contexts of Note and End
	sawDeadline, sawPassDiffers bool
	attempt                     string
}

func (j *journal) Begin(ctx context.Context, f, subject, attempt string) error {
	j.lines = append(j.lines, "begin "+f+" "+subject)
	j.attempt = attempt
	return j.beginErr
}

func (j *journal) Note(ctx context.Context, step string, o flow.Outcome, detail string) error {
	j.see(ctx)
	j.lines = append(j.lines, fmt.Sprintf("note %s %s", step, o))
	return j.noteErr
}

func (j *journal) End(ctx context.Context, o flow.Outcome) error {
	j.see(ctx)
	j.lines = append(j.lines, fmt.Sprintf("end %s", o))
	return j.endErr
}

func (j *journal) see(ctx context.Context) {
	j.ctxErrs = append(j.ctxErrs, ctx.Err())
	_, j.sawDeadline = ctx.Deadline()
	j.sawPassDiffers = j.sawPassDiffers || flow.PassID(ctx) != j.attempt
}

// scripted is a step whose world is one bool, with errors to order.
type scripted struct {
	name     string
	needs    []string
	is       bool
	blocked  bool
	lookErr  error
	proofErr error // of a look after an act
	actErr   error
	noEffect bool
	acts     int
	looks    int
}

func (s *scripted) step() flow.Step {
	acted := false
	return flow.Step{
		Name: s.name, Needs: s.needs,
		Look: func(context.Context) (flow.Sight, error) {
			s.looks++
			if acted && s.proofErr != nil {
				return flow.Sight{}, s.proofErr
			}
			return flow.Sight{Done: s.is, Blocked: s.blocked, Why: "as scripted", Next: "make " + s.name}, s.lookErr
		},
		Act: func(context.Context) error {
			s.acts++
			acted = true
			s.is = s.is || !s.noEffect
			return s.actErr
		},
	}
}

func flowOf(steps ...*scripted) flow.Flow {
	f := flow.Flow{Name: "f", Subject: "s"}
	for _, s := range steps {
		f.Steps = append(f.Steps, s.step())
	}
	return f
}

func TestPassJudgesOneStep(t *testing.T) {
	boom := errors.New("boom")
	cases := []struct {
		reason  string
		s       scripted
		state   flow.StepState
		outcome flow.Outcome
		journal string
		heard   string
	}{
		{"what is done is left alone", scripted{is: true}, flow.StepDone, flow.Done, "", ""},
		{"what must wait is left alone, and is no failure", scripted{blocked: true}, flow.StepBlocked, flow.Unknown, "", ""},
		{"an error of a look permits nothing", scripted{lookErr: boom}, flow.StepFailed, flow.Unknown, "", "failed a transient 1"},
		{"an act that is proved", scripted{}, flow.StepActed, flow.Done, "begin f s, note a done, end done", "acted a"},
		{"a lost answer, and the look shows it done", scripted{actErr: boom}, flow.StepActed, flow.Done, "begin f s, note a done, end done", "acted a"},
		{"a lost answer, and the look shows nothing", scripted{actErr: boom, noEffect: true}, flow.StepFailed, flow.Unknown,
			"begin f s, note a unknown, end unknown", "failed a transient 1"},
		{"an answer that no look bears out is not believed", scripted{noEffect: true}, flow.StepFailed, flow.Unknown,
			"begin f s, note a unknown, end unknown", "failed a transient 1"},
		{"an answer that could not be looked after is not believed", scripted{proofErr: boom}, flow.StepFailed, flow.Unknown,
			"begin f s, note a unknown, end unknown", "failed a transient 1"},
		{"a refusal escalates at once", scripted{actErr: refusal(true), noEffect: true}, flow.StepFailed, flow.Refused,
			"begin f s, note a refused, end refused", "failed a permanent 1, escalated a"},
		{"a refusal because somebody else did it is done", scripted{actErr: refusal(true)}, flow.StepActed, flow.Done,
			"begin f s, note a done, end done", "acted a"},
		{"a refusal that passes by itself does not escalate at once", scripted{actErr: flow.AsTransient(refusal(true)), noEffect: true},
			flow.StepFailed, flow.Refused, "begin f s, note a refused, end refused", "failed a transient 1"},
		{"what needs a person escalates at once, from a look too", scripted{lookErr: flow.AsNeedsPerson(boom, "x")}, flow.StepFailed, flow.Unknown,
			"", "failed a needs-person 1, escalated a"},
	}
	for _, c := range cases {
		j, rec := &journal{}, &flowtest.Recorder{}
		c.s.name = "a"
		r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: j, Observer: rec}
		res := r.Pass(t.Context(), flowOf(&c.s))
		got := res.Steps[0]
		if got.State != c.state || got.Outcome != c.outcome {
			t.Errorf("%s: %v %v (%s), want %v %v", c.reason, got.State, got.Outcome, got.Why, c.state, c.outcome)
		}
		if lines := strings.Join(j.lines, ", "); lines != c.journal {
			t.Errorf("%s: journal %q, want %q", c.reason, lines, c.journal)
		}
		if lines := strings.Join(rec.Lines(), ", "); lines != c.heard {
			t.Errorf("%s: heard %q, want %q", c.reason, lines, c.heard)
		}
		if res.Acted != (c.journal != "") || res.AtRest != (c.state == flow.StepDone) {
			t.Errorf("%s: acted %v, at rest %v", c.reason, res.Acted, res.AtRest)
		}
		if c.s.acts > 1 {
			t.Errorf("%s: acted %d times in one pass", c.reason, c.s.acts)
		}
	}
}

func TestActThatIsAcceptedAndWaits(t *testing.T) {
	s := &scripted{name: "a", noEffect: true}
	f := flowOf(s)
	look := f.Steps[0].Look
	f.Steps[0].Look = func(ctx context.Context) (flow.Sight, error) {
		s.blocked = s.acts > 0
		return look(ctx)
	}
	r := flow.Runner{Journal: flow.NopJournal{}}
	for pass := range 3 {
		got := r.Pass(t.Context(), f).Steps[0]
		if got.State != flow.StepBlocked {
			t.Errorf("pass %d: %v %s", pass, got.State, got.Why)
		}
	}
	if s.acts != 1 {
		t.Errorf("acted %d times on what was under way", s.acts)
	}
}

func TestAFailedStepHoldsBackOnlyWhoNeedsIt(t *testing.T) {
	bad := &scripted{name: "bad", actErr: errors.New("boom"), noEffect: true}
	needs := &scripted{name: "needs", needs: []string{"bad"}}
	free := &scripted{name: "free"}
	further := &scripted{name: "further", needs: []string{"needs"}}
	r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: &journal{}}
	res := r.Pass(t.Context(), flowOf(bad, needs, free, further))
	want := map[string]flow.StepState{"bad": flow.StepFailed, "needs": flow.StepWaiting, "free": flow.StepActed, "further": flow.StepWaiting}
	for name, state := range want {
		if got := res.Step(name); got.State != state {
			t.Errorf("%s is %v (%s), want %v", name, got.State, got.Why, state)
		}
	}
	if needs.looks+further.looks != 0 {
		t.Error("looked at a step whose needs are not done")
	}
	if !res.NextTry().Equal(res.Step("bad").NextTry) || res.NextTry().IsZero() {
		t.Errorf("next try %v", res.NextTry())
	}
}

func TestBackoffEscalationAndRecovery(t *testing.T) {
	clock, rec := flowtest.NewFakeClock(), &flowtest.Recorder{}
	s := &scripted{name: "a", lookErr: errors.New("store: timeout")}
	r := flow.Runner{Clock: clock, Journal: flow.NopJournal{}, Observer: rec, Rand: func() float64 { return 0 },
		Backoff: flow.Backoff{Base: time.Second, Cap: 3 * time.Second, Factor: 2, EscalateAfter: 4, SlowPace: time.Hour}}
	f, start := flowOf(s), clock.Now()
	for i, pause := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, time.Hour, time.Hour} {
		if got := r.Pass(t.Context(), f).Steps[0]; got.NextTry.Sub(clock.Now()) != pause {
			t.Fatalf("after failure %d: pause of %v, want %v", i+1, got.NextTry.Sub(clock.Now()), pause)
		}
		clock.Advance(pause - 1)
		looks := s.looks
		if got := r.Pass(t.Context(), f).Steps[0]; got.State != flow.StepWaiting || s.looks != looks {
			t.Fatalf("tried again too early: %+v", got)
		}
		clock.Advance(1)
	}
	want := []string{"failed a transient 1", "failed a transient 2", "failed a transient 3",
		"failed a transient 4", "escalated a", "failed a transient 5"}
	if got := rec.Lines(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	esc := r.Escalations()
	if len(esc) != 1 || esc[0].Attempts != 5 || !esc[0].Since.Equal(start) || esc[0].Why != "look: store: timeout" {
		t.Errorf("escalations %+v", esc)
	}
	s.lookErr, s.is = nil, true
	if res := r.Pass(t.Context(), f); !res.AtRest || len(r.Escalations()) != 0 {
		t.Errorf("after the recovery: %+v, escalations %v", res, r.Escalations())
	}
	s.lookErr = errors.New("again")
	if got := r.Pass(t.Context(), f).Steps[0]; got.NextTry.Sub(clock.Now()) != time.Second {
		t.Errorf("success did not begin the count anew: %v", got.NextTry.Sub(clock.Now()))
	}
	want = append(want, "recovered a", "failed a transient 1")
	if got := rec.Lines(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestAdviceStandsInTheEscalation(t *testing.T) {
	clock := flowtest.NewFakeClock()
	s := &scripted{name: "a", lookErr: flow.AsNeedsPerson(errors.New("another cluster"), "seedproof etcd approve adopt")}
	r := flow.Runner{Clock: clock, Journal: flow.NopJournal{}}
	f := flowOf(s)
	r.Pass(t.Context(), f)
	if esc := r.Escalations(); len(esc) != 1 || esc[0].Advice != "seedproof etcd approve adopt" {
		t.Fatalf("escalations %+v", esc)
	}
	s.lookErr, s.is = nil, true
	if res := r.Pass(t.Context(), f); res.AtRest {
		t.Error("did not keep to the slow pace")
	}
	r.RetryNow("f", "other")
	if res := r.Pass(t.Context(), f); res.AtRest {
		t.Error("a retry of another subject made it due")
	}
	r.RetryNow("f", "s")
	if res := r.Pass(t.Context(), f); !res.AtRest {
		t.Errorf("not tried again at once: %+v", res)
	}
}

func TestWhatIsGoneIsNoLongerEscalated(t *testing.T) {
	rec := &flowtest.Recorder{}
	r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: flow.NopJournal{}, Observer: rec}
	bad := func(name string) *scripted {
		return &scripted{name: name, lookErr: flow.AsPermanent(errors.New("boom"))}
	}
	r.Pass(t.Context(), flowOf(bad("join-b"), bad("join-c")))
	r.Pass(t.Context(), flowOf(bad("join-b")))
	if esc := r.Escalations(); len(esc) != 1 || esc[0].Step != "join-b" {
		t.Errorf("a step that left the flow is still escalated: %+v", esc)
	}
	r.Forget(t.Context(), "f", "s")
	if esc := r.Escalations(); len(esc) != 0 {
		t.Errorf("a forgotten subject is still escalated: %+v", esc)
	}
	if got := rec.Lines(); !slices.Contains(got, "recovered join-c") || !slices.Contains(got, "recovered join-b") {
		t.Errorf("heard %q", got)
	}
}

func TestEverythingHeardBearsThePass(t *testing.T) {
	rec, j := &flowtest.Recorder{}, &journal{}
	ok, bad := &scripted{name: "ok"}, &scripted{name: "bad", lookErr: flow.AsPermanent(errors.New("boom"))}
	r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: j, Observer: flow.Observers{rec, rec}}
	res := r.Pass(t.Context(), flowOf(ok, bad))
	again := r.Pass(t.Context(), flowOf(ok, bad))
	if len(res.PassID) != 32 || res.PassID == again.PassID {
		t.Errorf("pass ids %q and %q", res.PassID, again.PassID)
	}
	want := slices.Repeat([]string{res.PassID}, 8)
	want = append(want, again.PassID, again.PassID)
	if got := rec.Passes(); !slices.Equal(got, want) {
		t.Errorf("heard of passes %q", got)
	}
	if j.attempt != res.PassID || j.sawPassDiffers {
		t.Error("the journal did not hear the id of the pass")
	}
}

func TestRunnerRefusesToGuess(t *testing.T) {
	s := &scripted{name: "a"}
	var r flow.Runner
	if res := r.Pass(t.Context(), flowOf(s)); res.Err == nil || res.AtRest || s.looks != 0 {
		t.Errorf("without a journal: %+v", res)
	}
	r.Journal = flow.NopJournal{}
	if res := r.Pass(t.Context(), flow.Flow{}); res.Err == nil || res.AtRest {
		t.Errorf("an invalid flow: %+v", res)
	}
}
