package flow_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
)

func TestNoActWithoutAnIntent(t *testing.T) {
	cases := []struct {
		reason string
		err    error
		heard  []string
	}{
		{"an answer that was lost", errors.New("timeout"), []string{"failed a transient 1"}},
		{"another attempt holds the lock, which passes", refusal(true), []string{"failed a transient 1"}},
		{"a journal that a person must look at", flow.AsNeedsPerson(refusal(true), "x"), []string{"failed a needs-person 1", "escalated a"}},
	}
	for _, c := range cases {
		j, rec := &journal{beginErr: c.err}, &flowtest.Recorder{}
		a, b := &scripted{name: "a"}, &scripted{name: "b"}
		r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: j, Observer: rec}
		res := r.Pass(t.Context(), flowOf(a, b))
		if a.acts+b.acts != 0 || res.Acted {
			t.Errorf("%s: acted", c.reason)
		}
		if !slices.Equal(j.lines, []string{"begin f s"}) {
			t.Errorf("%s: journal %q: one try in a pass, and nothing after it", c.reason, j.lines)
		}
		if !slices.Equal(rec.Lines(), c.heard) {
			t.Errorf("%s: heard %q, want %q", c.reason, rec.Lines(), c.heard)
		}
		if got := res.Step("b"); got.State != flow.StepWaiting {
			t.Errorf("%s: b is %v", c.reason, got.State)
		}
	}
}

func TestAnOutcomeThatCannotBeRecordedStopsThePass(t *testing.T) {
	lost := errors.New("journal: timeout")
	j := &journal{noteErr: lost}
	a, b := &scripted{name: "a"}, &scripted{name: "b"}
	r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: j}
	res := r.Pass(t.Context(), flowOf(a, b))
	if !errors.Is(res.Err, lost) || b.acts != 0 {
		t.Errorf("error %v, b acted %d times", res.Err, b.acts)
	}
	if want := []string{"begin f s", "note a done", "end unknown"}; !slices.Equal(j.lines, want) {
		t.Errorf("journal %q, want %q", j.lines, want)
	}
	j.noteErr, j.endErr = nil, lost
	if res := r.Pass(t.Context(), flowOf(a, b)); !errors.Is(res.Err, lost) {
		t.Errorf("the end's error is lost: %v", res.Err)
	}
}

func TestTheLeastCertainOutcomeEndsTheAttempt(t *testing.T) {
	ok := func() *scripted { return &scripted{name: "ok"} }
	no := func() *scripted { return &scripted{name: "no", actErr: refusal(true), noEffect: true} }
	lost := func() *scripted { return &scripted{name: "lost", actErr: errors.New("timeout"), noEffect: true} }
	cases := []struct {
		reason string
		steps  []*scripted
		want   string
	}{
		{"all done", []*scripted{ok()}, "end done"},
		{"one refused", []*scripted{no(), ok()}, "end refused"},
		{"one refused, one unknown", []*scripted{no(), lost(), ok()}, "end unknown"},
	}
	for _, c := range cases {
		j := &journal{}
		r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: j}
		r.Pass(t.Context(), flowOf(c.steps...))
		if got := j.lines[len(j.lines)-1]; got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}

func TestAnEndedContextStillNotes(t *testing.T) {
	for _, lost := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		j, rec := &journal{}, &flowtest.Recorder{}
		a, b := &scripted{name: "a", noEffect: true}, &scripted{name: "b"}
		f := flowOf(a, b)
		act := f.Steps[0].Act
		f.Steps[0].Act = func(ctx context.Context) error {
			cancel()
			if lost {
				a.lookErr = ctx.Err()
			}
			return errors.Join(act(ctx), ctx.Err())
		}
		r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: j, Observer: rec}
		res := r.Pass(ctx, f)
		if want := []string{"begin f s", "note a unknown", "end unknown"}; !slices.Equal(j.lines, want) {
			t.Errorf("journal %q, want %q", j.lines, want)
		}
		for _, err := range j.ctxErrs {
			if err != nil {
				t.Errorf("the journal was written under an ended context: %v", err)
			}
		}
		if !j.sawDeadline {
			t.Error("a journal write without a deadline")
		}
		if b.looks != 0 || res.Step("b").State != flow.StepWaiting {
			t.Error("went on after the caller had ended the pass")
		}
		if len(rec.Lines()) != 0 || !res.NextTry().IsZero() {
			t.Errorf("a call that the caller broke off was counted as a failure: %q", rec.Lines())
		}
	}
}

func TestAStepThatHangsUsesUpItsOwnTime(t *testing.T) {
	hang := flow.Step{Name: "hang",
		Look: func(context.Context) (flow.Sight, error) { return flow.Sight{Next: "hang"}, nil },
		Act:  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	}
	b := &scripted{name: "b"}
	f := flow.Flow{Name: "f", Subject: "s", Steps: []flow.Step{hang, b.step()}}
	r := flow.Runner{Clock: flowtest.NewFakeClock(), Journal: &journal{}, StepTimeout: 5 * time.Millisecond}
	res := r.Pass(t.Context(), f)
	if got := res.Step("hang"); got.State != flow.StepFailed || !errors.Is(got.Err, context.DeadlineExceeded) || got.NextTry.IsZero() {
		t.Errorf("hang: %+v", got)
	}
	if got := res.Step("b"); got.State != flow.StepActed {
		t.Errorf("b: %+v", got)
	}
}

func TestPassesOfOneSubjectRunOneAfterTheOther(t *testing.T) {
	var mu sync.Mutex
	inside, most := 0, 0
	s := flow.Step{Name: "a", Act: func(context.Context) error { return nil },
		Look: func(context.Context) (flow.Sight, error) {
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			defer func() { mu.Lock(); inside--; mu.Unlock() }()
			return flow.Sight{Done: true}, nil
		}}
	r := flow.Runner{Journal: flow.NopJournal{}}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				r.Pass(t.Context(), flow.Flow{Name: "f", Subject: "s", Steps: []flow.Step{s}})
			}
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d passes of one subject at once", most)
	}
}

func TestWaitingForAPassEndsWithTheContext(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	f := flowOf(&scripted{name: "a", is: true})
	f.Steps[0].Look = func(context.Context) (flow.Sight, error) {
		close(in)
		<-out
		return flow.Sight{Done: true}, nil
	}
	r := flow.Runner{Journal: flow.NopJournal{}}
	first := make(chan flow.Result)
	go func() { first <- r.Pass(t.Context(), f) }()
	<-in
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res := r.Pass(ctx, f); !errors.Is(res.Err, context.Canceled) {
		t.Errorf("got %v", res.Err)
	}
	other := flowOf(&scripted{name: "a", is: true})
	other.Subject = "other"
	if res := r.Pass(t.Context(), other); !res.AtRest {
		t.Errorf("another subject had to wait: %+v", res)
	}
	close(out)
	if res := <-first; !res.AtRest {
		t.Errorf("first: %+v", res)
	}
}
