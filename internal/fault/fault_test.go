package fault_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
)

var put = fault.Call{Transport: "store", Op: "put", Target: "control/record"}

func TestAroundStrikesTheKthCall(t *testing.T) {
	cases := []struct {
		reason  string
		mode    fault.Mode
		applied bool
		refused bool
		timeout bool
	}{
		{"a refusal has no effect and says that it is one", fault.Refused, false, true, false},
		{"failed before: no effect, and nothing is said", fault.FailedBefore, false, false, false},
		{"lost reply: the effect is there, the answer is not", fault.LostReply, true, false, false},
		{"hung: no effect, and the caller's deadline ends it", fault.Hung, false, false, true},
	}
	for _, c := range cases {
		inj := fault.NewInjector(2, c.mode)
		var effects [3]bool
		var errs [3]error
		for n := range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			errs[n] = inj.Around(ctx, put, func() error { effects[n] = true; return nil })
			cancel()
		}
		if errs[0] != nil || errs[2] != nil || !effects[0] || !effects[2] {
			t.Errorf("%s: a call that was not struck suffered: %v", c.reason, errs)
		}
		if !errors.Is(errs[1], fault.ErrInjected) || effects[1] != c.applied {
			t.Errorf("%s: error %v, effect %v", c.reason, errs[1], effects[1])
		}
		var r interface{ Refused() bool }
		if got := errors.As(errs[1], &r) && r.Refused(); got != c.refused {
			t.Errorf("%s: refused %v", c.reason, got)
		}
		if got := errors.Is(errs[1], context.DeadlineExceeded); got != c.timeout {
			t.Errorf("%s: timeout %v", c.reason, got)
		}
		if !strings.Contains(errs[1].Error(), "store put control/record") {
			t.Errorf("%s: %q does not name the call", c.reason, errs[1])
		}
		if inj.Count() != 3 || len(inj.Calls()) != 3 || inj.Struck() == nil || *inj.Struck() != put {
			t.Errorf("%s: count %d, struck %v", c.reason, inj.Count(), inj.Struck())
		}
	}
}

func TestLostReplyHidesTheRealErrorToo(t *testing.T) {
	real := errors.New("precondition failed")
	err := fault.NewInjector(1, fault.LostReply).Around(t.Context(), put, func() error { return real })
	if errors.Is(err, real) {
		t.Error("an answer that is lost must not tell of a refusal either")
	}
}

func TestACrashLetsNothingRun(t *testing.T) {
	for _, mode := range []fault.Mode{fault.CrashedBefore, fault.CrashedAfter} {
		inj := fault.NewInjector(1, mode)
		var mu sync.Mutex
		var effect, after, deferred bool
		set := func(b *bool) { mu.Lock(); *b = true; mu.Unlock() }
		go func() {
			defer set(&deferred)
			_ = inj.Around(t.Context(), put, func() error { set(&effect); return nil })
			set(&after)
		}()
		<-inj.Dead()
		late := make(chan struct{})
		go func() { // another goroutine of the same instance
			close(late)
			_ = inj.Around(t.Context(), put, func() error { set(&after); return nil })
			set(&after)
		}()
		<-late
		for range 1000 {
			runtime.Gosched()
		}
		mu.Lock()
		if effect != (mode == fault.CrashedAfter) || after || deferred {
			t.Errorf("%s: effect %v, went on %v, defers ran %v", mode, effect, after, deferred)
		}
		mu.Unlock()
		if inj.Count() != 1 {
			t.Errorf("%s: a dead instance made %d calls", mode, inj.Count())
		}
	}
}

func TestOnlyCounting(t *testing.T) {
	inj := fault.NewInjector(0, fault.Refused)
	for range 3 {
		if err := inj.Around(t.Context(), put, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if inj.Count() != 3 || inj.Struck() != nil {
		t.Errorf("count %d, struck %v", inj.Count(), inj.Struck())
	}
	var none *fault.Injector
	if mode := none.Next(put); mode != fault.None {
		t.Errorf("no injector strikes %v", mode)
	}
	if err := none.Around(t.Context(), put, func() error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestConcurrentCallsAreStruckOnce(t *testing.T) {
	inj := fault.NewInjector(50, fault.Refused)
	var wg sync.WaitGroup
	var mu sync.Mutex
	struck := 0
	for range 100 {
		wg.Go(func() {
			if inj.Around(t.Context(), put, func() error { return nil }) != nil {
				mu.Lock()
				struck++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if struck != 1 || inj.Count() != 100 {
		t.Errorf("%d of %d calls struck", struck, inj.Count())
	}
}

func TestEveryModeHasItsOwnName(t *testing.T) {
	seen := map[string]bool{fault.None.String(): true}
	for _, m := range fault.Modes {
		if seen[m.String()] || strings.HasPrefix(m.String(), "mode(") {
			t.Errorf("name %q", m)
		}
		seen[m.String()] = true
	}
	if got := fault.Mode(99).String(); got != "mode(99)" {
		t.Errorf("got %q", got)
	}
}
