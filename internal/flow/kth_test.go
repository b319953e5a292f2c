package flow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
)

// world is what outlives an instance: things that were made, and the journal.
type world struct {
	mu      sync.Mutex
	things  map[string]int // how often each was made
	attempt string         // open in the journal
	intents int
	noted   map[string]string // attempt and step to outcome
	writes  int               // that took effect
	faults  []string          // rules that were broken
}

func (w *world) locked(do func()) { w.mu.Lock(); defer w.mu.Unlock(); w.writes++; do() }

// client is one instance's way to the world; every call crosses the injector.
type client struct {
	w   *world
	inj *fault.Injector
}

func (c client) has(ctx context.Context, name string) (has bool, err error) {
	err = c.inj.Around(ctx, fault.Call{Transport: "world", Op: "get", Target: name}, func() error {
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		has = c.w.things[name] > 0
		return nil
	})
	return has, err
}

func (c client) make(ctx context.Context, name string, needs []string) error {
	return c.inj.Around(ctx, fault.Call{Transport: "world", Op: "make", Target: name}, func() error {
		c.w.locked(func() {
			c.w.things[name]++
			for _, n := range needs {
				if c.w.things[n] == 0 {
					c.w.faults = append(c.w.faults, name+" was made before "+n)
				}
			}
			if c.w.attempt != flow.PassID(ctx) {
				c.w.faults = append(c.w.faults, name+" was made without an intent")
			}
		})
		return nil
	})
}

func (c client) Begin(ctx context.Context, f, subject, attempt string) error {
	return c.inj.Around(ctx, fault.Call{Transport: "journal", Op: "begin"}, func() error {
		c.w.locked(func() { c.w.attempt = attempt; c.w.intents++ })
		return nil
	})
}

func (c client) Note(ctx context.Context, step string, o flow.Outcome, detail string) error {
	return c.inj.Around(ctx, fault.Call{Transport: "journal", Op: "note", Target: step}, func() error {
		c.w.locked(func() {
			c.w.noted[flow.PassID(ctx)+" "+step] = o.String()
			if o == flow.Done && c.w.things[step] == 0 {
				c.w.faults = append(c.w.faults, step+" was noted as done and is not")
			}
		})
		return nil
	})
}

func (c client) End(ctx context.Context, o flow.Outcome) error {
	return c.inj.Around(ctx, fault.Call{Transport: "journal", Op: "end"}, func() error {
		c.w.locked(func() { c.w.attempt = "" })
		return nil
	})
}

func (c client) flow() flow.Flow {
	f := flow.Flow{Name: "build", Subject: "house"}
	for _, s := range []struct {
		name  string
		needs []string
	}{{"ground", nil}, {"walls", []string{"ground"}}, {"fence", nil}, {"roof", []string{"walls"}}} {
		f.Steps = append(f.Steps, flow.Step{Name: s.name, Needs: s.needs,
			Look: func(ctx context.Context) (flow.Sight, error) {
				has, err := c.has(ctx, s.name)
				return flow.Sight{Done: has, Next: "make " + s.name}, err
			},
			Act: func(ctx context.Context) error { return c.make(ctx, s.name, s.needs) },
		})
	}
	return f
}

// TestKthCallFaults strikes every call of the flow with every fault, runs to
// rest, and looks at the world.
func TestKthCallFaults(t *testing.T) {
	calls := 0
	for _, mode := range fault.Modes {
		for k := 1; ; k++ {
			w := &world{things: map[string]int{}, noted: map[string]string{}}
			inj := fault.NewInjector(k, mode)
			toRest(t, w, inj, mode)
			if inj.Struck() == nil {
				calls = k - 1
				break // the flow has no k-th call
			}
			name := fmt.Sprintf("%s at call %d, %s", mode, k, inj.Struck())
			checkWorld(t, name, w)
		}
		if calls == 0 {
			t.Fatalf("%s struck nothing", mode)
		}
	}
	t.Logf("%d calls, %d faults each", calls, len(fault.Modes))
}

// toRest runs instances of the program until the flow is at rest. The first
// has the fault; after a crash the next starts with no memory.
func toRest(t *testing.T, w *world, inj *fault.Injector, mode fault.Mode) {
	t.Helper()
	clock := flowtest.NewFakeClock()
	timeout := time.Minute
	if mode == fault.Hung {
		timeout = 20 * time.Millisecond // a hung call is ended by it
	}
	c := client{w, inj}
	r := newInstance(c, clock, timeout)
	for range 20 {
		res, crashed := onePass(t, r, c, inj)
		if crashed {
			inj = nil
			c = client{w, nil}
			r = newInstance(c, clock, timeout)
			continue
		}
		if res.AtRest {
			return
		}
		clock.Advance(time.Hour)
	}
	t.Fatalf("not at rest after 20 passes: %s", flow.Plan(t.Context(), c.flow()))
}

func newInstance(c client, clock flow.Clock, timeout time.Duration) *flow.Runner {
	return &flow.Runner{Clock: clock, Journal: c, StepTimeout: timeout, RecordTimeout: timeout}
}

func onePass(t *testing.T, r *flow.Runner, c client, inj *fault.Injector) (res flow.Result, crashed bool) {
	done := make(chan flow.Result, 1)
	go func() { done <- r.Pass(t.Context(), c.flow()) }()
	if inj == nil {
		return <-done, false
	}
	select {
	case res = <-done:
		return res, false
	case <-inj.Dead():
		return flow.Result{}, true
	}
}

func checkWorld(t *testing.T, name string, w *world) {
	t.Helper()
	for _, thing := range []string{"ground", "walls", "fence", "roof"} {
		if w.things[thing] != 1 {
			t.Errorf("%s: %s was made %d times", name, thing, w.things[thing])
		}
	}
	for _, f := range w.faults {
		t.Errorf("%s: %s", name, f)
	}
	if w.intents == 0 {
		t.Errorf("%s: no intent was written", name)
	}
	writes := w.writes
	c := client{w, nil}
	r := newInstance(c, flowtest.NewFakeClock(), time.Minute)
	if res := r.Pass(t.Context(), c.flow()); !res.AtRest || w.writes != writes {
		t.Errorf("%s: at rest and run again it wrote %d times", name, w.writes-writes)
	}
}

// TestTheMatrixNoticesBlindActs proves that the loop above can fail: with a
// look that takes an error for an absence something is made twice.
func TestTheMatrixNoticesBlindActs(t *testing.T) {
	twice := 0
	for k := 1; k <= 40; k++ {
		w := &world{things: map[string]int{}, noted: map[string]string{}}
		c := client{w, fault.NewInjector(k, fault.FailedBefore)}
		f := c.flow()
		for i := range f.Steps {
			f.Steps[i].Look = blind(f.Steps[i].Look)
		}
		r := newInstance(c, flowtest.NewFakeClock(), time.Minute)
		for range 3 {
			r.Pass(t.Context(), f)
		}
		for _, n := range w.things {
			if n > 1 {
				twice++
			}
		}
	}
	if twice == 0 {
		t.Error("the world does not notice what is made twice")
	}
}

func blind(look func(context.Context) (flow.Sight, error)) func(context.Context) (flow.Sight, error) {
	return func(ctx context.Context) (flow.Sight, error) {
		s, err := look(ctx)
		if errors.Is(err, fault.ErrInjected) {
			err = nil
		}
		return s, err
	}
}
