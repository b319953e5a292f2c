package lead

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// TestKthCallFaults strikes every call of one candidate with every fault while
// two of them tick in turn, and looks at each instant who is confirmed.
func TestKthCallFaults(t *testing.T) {
	for _, mode := range fault.Modes {
		calls := 0
		for k := 1; ; k++ {
			in := fault.NewInjector(k, mode)
			kthRun(t, fmt.Sprintf("%s at call %d", mode, k), in, mode)
			if in.Struck() == nil {
				break
			}
			calls++
		}
		if calls < 10 {
			t.Errorf("%s struck %d calls only", mode, calls)
		}
		t.Logf("%s: %d calls", mode, calls)
	}
}

func kthRun(t *testing.T, name string, in *fault.Injector, mode fault.Mode) {
	deadline := time.Minute
	if mode == fault.Hung {
		deadline = 10 * time.Millisecond // which ends the hung call
	}
	dead := in.Dead()
	clock, base := flowtest.NewFakeClock(), mem.New("control")
	d := &duel{t: t, name: name, clock: clock, base: base, tenures: map[uint64]string{}}
	d.candidates[0] = d.instance("a", store.WithFaults(base, in))
	d.candidates[1] = d.instance("b", base)
	for step := range 24 {
		clock.Advance(term / 5)
		who := step % 2
		if step == 8 {
			clock.Advance(2 * term) // both pause
		}
		if crashed := d.step(who, dead, deadline, step == 14); crashed {
			d.candidates[0], dead = d.instance("a", base), nil
		}
		d.checkOneLeader()
	}
	d.checkRest()
}

// duel is two candidates on one store, and what was seen of them.
type duel struct {
	t          *testing.T
	name       string
	clock      *flowtest.FakeClock
	base       *mem.Store
	candidates [2]*Candidate
	highest    uint64            // that an agent heard
	tenures    map[uint64]string // by epoch, of all who ever led
}

func (d *duel) instance(name string, s store.Store) *Candidate {
	return &Candidate{Store: s, Name: name, Term: term, Clock: d.clock}
}

// step lets one candidate tick, in a goroutine of its own since a crash parks
// it for ever.
func (d *duel) step(who int, dead <-chan struct{}, deadline time.Duration, release bool) (crashed bool) {
	d.t.Helper()
	c, done := d.candidates[who], make(chan error, 1)
	ctx, cancel := context.WithTimeout(d.t.Context(), deadline)
	defer cancel()
	listed, agents := d.listed(), heard(d.highest)
	go func() {
		if release {
			_ = c.Release(ctx)
			done <- nil
			return
		}
		lease, leads, _ := c.Tick(ctx, listed, true, agents)
		done <- d.note(lease, leads)
	}()
	select {
	case err := <-done:
		if err != nil {
			d.t.Fatal(err)
		}
		return false
	case <-dead:
		return true
	}
}

func (d *duel) tick(ctx context.Context, c *Candidate) {
	d.t.Helper()
	lease, leads, _ := c.Tick(ctx, d.listed(), true, heard(d.highest))
	if err := d.note(lease, leads); err != nil {
		d.t.Fatal(err)
	}
}

// note: no epoch ever has two holders.
func (d *duel) note(l Lease, leads bool) error {
	if !leads {
		return nil
	}
	if was, known := d.tenures[l.Epoch]; known && was != l.Tenure {
		return fmt.Errorf("%s: two leases of epoch %d", d.name, l.Epoch)
	}
	d.tenures[l.Epoch] = l.Tenure
	return nil
}

func (d *duel) listed() store.Version {
	info, err := d.base.Stat(context.Background(), Key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		d.t.Fatal(err)
	}
	return info.Version
}

// checkOneLeader: at this instant at most one is confirmed. It asks copies, so
// that asking changes nothing, and on the store itself.
func (d *duel) checkOneLeader() {
	d.t.Helper()
	var confirmed []string
	for _, c := range d.candidates {
		asked := *c
		asked.Store = d.base
		if asked.Confirm(context.Background()) == nil {
			confirmed = append(confirmed, fmt.Sprintf("%s epoch %d", c.Name, c.held.Epoch))
		}
	}
	if len(confirmed) > 1 {
		d.t.Fatalf("%s: two leaders at one instant: %v", d.name, confirmed)
	}
}

// checkRest: when all is well again somebody leads, and stays.
func (d *duel) checkRest() {
	d.t.Helper()
	for _, c := range d.candidates {
		c.Store = d.base
	}
	for range 12 {
		d.clock.Advance(term / 5)
		for _, c := range d.candidates {
			d.tick(context.Background(), c)
			d.checkOneLeader()
		}
	}
	for _, c := range d.candidates {
		if _, stands := c.Held(); stands {
			return
		}
	}
	d.t.Fatalf("%s: nobody leads in the end", d.name)
}

// TestRandomSchedules lets two candidates live through random pauses, crashes
// and lost, refused and late writes.
func TestRandomSchedules(t *testing.T) {
	const runs, steps = 400, 150
	led := 0
	for seed := range uint64(runs) {
		led += randomRun(t, seed, steps)
	}
	t.Logf("%d leases were held in %d runs", led, runs)
	if led < 3*runs {
		t.Errorf("only %d leases in %d runs: the schedules show nothing", led, runs)
	}
}

func randomRun(t *testing.T, seed uint64, steps int) int {
	rnd := rand.New(rand.NewPCG(seed, 1))
	clock, base := flowtest.NewFakeClock(), mem.New("control")
	d := &duel{t: t, name: fmt.Sprintf("seed %d", seed), clock: clock, base: base, tenures: map[uint64]string{}}
	wire := &wild{Store: base, rnd: rnd, clock: clock}
	d.candidates[0], d.candidates[1] = d.instance("a", wire), d.instance("b", wire)
	var beat string // that a leader sent and nobody has heard yet
	for step := range steps {
		clock.Advance(time.Duration(rnd.Int64N(int64(term / 4))))
		c := d.candidates[rnd.IntN(2)]
		switch rnd.IntN(30) {
		case 0:
			clock.Advance(time.Duration(rnd.Int64N(int64(2 * term))))
		case 1:
			*c = *d.instance(c.Name, wire) // it crashed
		case 2:
			_ = c.Release(t.Context())
		case 3, 4, 5:
			wire.deliver()
		case 6, 7, 8:
			if c.Confirm(t.Context()) == nil {
				d.highest = max(d.highest, c.held.Epoch) // it acted
			}
		case 9, 10, 11:
			beat = c.held.Beat
		case 12, 13, 14:
			c.Heard(beat, clock.Now())
		default:
			d.tick(t.Context(), c)
		}
		d.name = fmt.Sprintf("seed %d, step %d", seed, step)
		d.checkOneLeader()
	}
	wire.deliver()
	d.checkRest()
	return len(d.tenures)
}

// wild is a wire to the store that loses answers, fails, delays and delivers
// late.
type wild struct {
	store.Store
	rnd   *rand.Rand
	clock *flowtest.FakeClock
	late  []func()
}

func (w *wild) deliver() {
	for _, put := range w.late {
		put()
	}
	w.late = nil
}

func (w *wild) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	put := func() (store.Info, error) { return w.Store.Put(ctx, key, bytes.NewReader(content), c) }
	w.clock.Advance(time.Duration(w.rnd.Int64N(int64(term / 8))))
	lost := errors.New("connection reset")
	switch w.rnd.IntN(10) {
	case 0:
		return store.Info{}, lost
	case 1:
		_, _ = put()
		w.clock.Advance(term / 3)
		return store.Info{}, lost
	case 2, 3:
		w.late = append(w.late, func() { _, _ = put() })
		return store.Info{}, lost
	}
	return put()
}

func (w *wild) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	w.clock.Advance(time.Duration(w.rnd.Int64N(int64(term / 8))))
	if w.rnd.IntN(6) == 0 {
		return nil, store.Info{}, errors.New("connection refused")
	}
	return w.Store.Open(ctx, key, r)
}
