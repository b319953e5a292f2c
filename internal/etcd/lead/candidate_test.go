package lead

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

var everybody = Agents{Answered: 3, Of: 3}

func heard(epoch uint64) Agents { return Agents{Answered: 3, Of: 3, Highest: epoch} }

// ground is one control store, a clock, and candidates on them.
type ground struct {
	*testing.T
	store *mem.Store
	clock *flowtest.FakeClock
}

func newGround(t *testing.T) *ground {
	return &ground{t, mem.New("control"), flowtest.NewFakeClock()}
}

func (g *ground) candidate(name string) *Candidate {
	return &Candidate{Store: g.store, Name: name, Term: term, Clock: g.clock}
}

// listed is the lease's version, as a listing would show it.
func (g *ground) listed() store.Version {
	g.Helper()
	info, err := g.store.Stat(context.Background(), Key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		g.Fatal(err)
	}
	return info.Version
}

func (g *ground) tick(c *Candidate, a Agents) (Lease, bool, string) {
	g.Helper()
	return c.Tick(g.Context(), g.listed(), true, a)
}

func (g *ground) wantLead(c *Candidate, a Agents) Lease {
	g.Helper()
	l, leads, why := g.tick(c, a)
	if !leads {
		g.Fatalf("%s does not lead: %s", c.Name, why)
	}
	if err := c.Confirm(g.Context()); err != nil {
		g.Fatalf("%s leads and cannot confirm it: %v", c.Name, err)
	}
	return l
}

func (g *ground) wantNoLead(c *Candidate, a Agents, why string) {
	g.Helper()
	l, leads, got := g.tick(c, a)
	if leads || !strings.Contains(got, why) {
		g.Fatalf("%s: leads %v with %+v, %q; want no lead, and %q", c.Name, leads, l, got, why)
	}
}

// put writes the lease object as somebody else would, unconditionally.
func (g *ground) put(content []byte) {
	g.Helper()
	if _, err := g.store.Put(g.Context(), Key, strings.NewReader(string(content)), store.Condition{}); err != nil {
		g.Fatal(err)
	}
}

func (g *ground) stands() Lease {
	g.Helper()
	content, _, err := store.Read(g.Context(), g.store, Key, leaseLimit)
	if err != nil {
		g.Fatal(err)
	}
	l, err := parse(content)
	if err != nil {
		g.Fatal(err)
	}
	return l
}

// failing makes every call of op on the lease fail, before its effect.
func (g *ground) failing(ops ...string) {
	g.store.SetHook(func(_ context.Context, op, _ string) error {
		for _, o := range ops {
			if o == op {
				return errors.New("connection reset")
			}
		}
		return nil
	})
}

func (g *ground) healthy() { g.store.SetHook(nil) }

func TestLeadAndRenew(t *testing.T) {
	g := newGround(t)
	a := g.candidate("a")
	first := g.wantLead(a, everybody)
	if first.Epoch != 1 || first.Holder != "a" || first.Term() != term || first != g.stands() {
		t.Fatalf("got %+v, and %+v stands", first, g.stands())
	}
	for range 5 {
		g.clock.Advance(term / 3)
		next := g.wantLead(a, everybody)
		if next.Epoch != 1 || next.Tenure != first.Tenure || next.Beat == first.Beat || next != g.stands() {
			t.Fatalf("after %+v: %+v", first, next)
		}
		first = next
	}
}

func TestATermOutOfBoundsIsNotPromised(t *testing.T) {
	for _, bad := range []time.Duration{0, minTerm - 1, maxTerm + 1, -term} {
		g := newGround(t)
		c := g.candidate("a")
		c.Term = bad
		g.wantNoLead(c, everybody, "cannot be promised")
		if g.listed() != "" {
			t.Errorf("term %s: a lease was written that nobody can read", bad)
		}
	}
	g := newGround(t)
	c := g.candidate("a")
	c.Term = minTerm + time.Microsecond
	if l := g.wantLead(c, everybody); l.Term() < c.Term {
		t.Errorf("others wait for %s, and we hold it for %s", l.Term(), c.Term)
	}
}

func TestALostAnswerIsClearedUp(t *testing.T) {
	g := newGround(t)
	a := g.candidate("a")
	a.Store = &losing{Store: g.store, lose: func(n int) bool { return true }}
	g.wantLead(a, everybody) // every put's answer is lost, each is read back
	for range 3 {
		g.clock.Advance(term / 3)
		if l := g.wantLead(a, everybody); l != g.stands() || l.Epoch != 1 {
			t.Fatalf("%+v, and %+v stands", l, g.stands())
		}
	}
}

// losing applies puts and loses their answers, and can refuse reads.
type losing struct {
	store.Store
	n    int
	lose func(n int) bool
	deaf bool
}

func (s *losing) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	info, err := s.Store.Put(ctx, key, r, c)
	s.n++
	if s.lose != nil && s.lose(s.n) {
		return store.Info{}, errors.New("connection reset")
	}
	return info, err
}

func (s *losing) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	if s.deaf {
		return nil, store.Info{}, errors.New("connection refused")
	}
	return s.Store.Open(ctx, key, r)
}

func TestARenewalOfWhichNothingIsKnown(t *testing.T) {
	for _, landed := range []bool{true, false} {
		t.Run(fmt.Sprintf("landed=%v", landed), func(t *testing.T) {
			g := newGround(t)
			a, b := g.candidate("a"), g.candidate("b")
			wire := &losing{Store: g.store}
			a.Store = wire
			first := g.wantLead(a, everybody)
			g.clock.Advance(term / 4)
			wire.deaf = true
			if landed {
				wire.lose = func(int) bool { return true }
			} else {
				g.failing(store.OpPut)
			}
			if _, leads, why := g.tick(a, everybody); !leads || !strings.Contains(why, "could not be renewed") {
				t.Fatalf("within its term it leads on: %v %s", leads, why)
			}
			if err := a.Confirm(t.Context()); err == nil {
				t.Fatal("an act was confirmed although nothing is known of the lease")
			}
			g.clock.Advance(term/4*3 - 1)
			if _, stands := a.Held(); !stands {
				t.Fatal("it is held until its term has passed")
			}
			g.clock.Advance(1)
			if _, stands := a.Held(); stands {
				t.Fatal("it is held no longer than its term")
			}
			if _, leads, why := g.tick(a, everybody); leads || !strings.Contains(why, "cannot be read") {
				t.Fatalf("after its term it leads: %s", why)
			}
			wire.deaf, wire.lose = false, nil
			g.healthy()
			if l := g.wantLead(a, everybody); l.Tenure != first.Tenure || l != g.stands() {
				t.Fatalf("nobody else has led: %+v", l)
			}
			g.wantNoLead(b, everybody, "a holds the lease")
		})
	}
}

// A look at the lease is no renewal: others count the term from the beat.
func TestALookDoesNotLengthenTheTerm(t *testing.T) {
	g := newGround(t)
	a, b := g.candidate("a"), g.candidate("b")
	g.wantLead(a, everybody)
	g.wantNoLead(b, everybody, "a holds the lease") // b counts from here
	g.clock.Advance(term * 9 / 10)
	if err := a.Confirm(t.Context()); err != nil {
		t.Fatalf("nobody else has led: %v", err)
	}
	g.clock.Advance(term / 10)
	g.wantLead(b, everybody)
	if err := a.Confirm(t.Context()); err == nil {
		t.Fatal("two leaders are confirmed at one instant")
	}
}

func TestARefusedRenewalLosesTheLead(t *testing.T) {
	g := newGround(t)
	a, b := g.candidate("a"), g.candidate("b")
	g.wantLead(a, everybody)
	g.wantNoLead(b, everybody, "a holds")
	g.clock.Advance(term)
	l := g.wantLead(b, heard(1))
	if l.Epoch != 2 {
		t.Fatalf("epoch %d", l.Epoch)
	}
	g.wantNoLead(a, heard(2), "b holds the lease, epoch 2")
	if _, stands := a.Held(); stands {
		t.Fatal("a still holds it")
	}
	if err := a.Confirm(t.Context()); err == nil {
		t.Fatal("a was confirmed")
	}
	g.clock.Advance(term)
	if l := g.wantLead(a, heard(2)); l.Epoch != 3 {
		t.Fatalf("epoch %d", l.Epoch)
	}
}

func TestAPausedLeader(t *testing.T) {
	t.Run("another led meanwhile", func(t *testing.T) {
		g := newGround(t)
		a, b := g.candidate("a"), g.candidate("b")
		g.wantLead(a, everybody)
		g.wantNoLead(b, everybody, "a holds")
		g.clock.Advance(2 * term)
		g.wantLead(b, heard(1))
		if err := a.Confirm(t.Context()); err == nil {
			t.Fatal("it acts although another leads")
		}
	})
	t.Run("another led meanwhile and released", func(t *testing.T) {
		g := newGround(t)
		a, b := g.candidate("a"), g.candidate("b")
		g.wantLead(a, everybody)
		g.wantNoLead(b, everybody, "a holds")
		g.clock.Advance(2 * term)
		g.wantLead(b, heard(1))
		if err := b.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.Confirm(t.Context()); err == nil {
			t.Fatal("it acts under an old epoch")
		}
		if l := g.wantLead(a, heard(2)); l.Epoch != 3 {
			t.Fatalf("epoch %d", l.Epoch)
		}
	})
	t.Run("nobody else led", func(t *testing.T) {
		g := newGround(t)
		a := g.candidate("a")
		l := g.wantLead(a, everybody)
		g.clock.Advance(50 * term)
		if _, stands := a.Held(); stands {
			t.Fatal("it is held after its term")
		}
		if err := a.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again := g.wantLead(a, everybody); again.Tenure != l.Tenure {
			t.Fatalf("%+v then %+v", l, again)
		}
	})
	t.Run("the store cannot be asked", func(t *testing.T) {
		g := newGround(t)
		a := g.candidate("a")
		g.wantLead(a, everybody)
		g.clock.Advance(term / 2)
		g.failing(store.OpOpen)
		if err := a.Confirm(t.Context()); err == nil {
			t.Fatal("what cannot be asked confirms nothing")
		}
		g.healthy()
		if err := a.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRacesHaveOneWinner(t *testing.T) {
	g := newGround(t)
	holders := map[uint64]string{}
	highest := uint64(0)
	for round := range 200 {
		cs := []*Candidate{g.candidate("a"), g.candidate("b"), g.candidate("c")}
		for _, c := range cs {
			_, _, _ = c.Tick(t.Context(), g.listed(), true, Agents{}) // sees it, and has no quorum
		}
		g.clock.Advance(term)
		leases, leads := make([]Lease, len(cs)), make([]bool, len(cs))
		var done sync.WaitGroup
		start, listed := make(chan struct{}), g.listed()
		for i, c := range cs {
			done.Go(func() {
				<-start
				leases[i], leads[i], _ = c.Tick(t.Context(), listed, true, heard(highest))
			})
		}
		close(start)
		done.Wait()
		winners := 0
		for i := range cs {
			if !leads[i] {
				continue
			}
			winners++
			if by, taken := holders[leases[i].Epoch]; taken {
				t.Fatalf("round %d: epoch %d was %s's", round, leases[i].Epoch, by)
			}
			holders[leases[i].Epoch] = leases[i].Tenure
			highest = max(highest, leases[i].Epoch)
		}
		if winners != 1 {
			t.Fatalf("round %d: %d leaders", round, winners)
		}
	}
}

func TestALeaseThatIsRemoved(t *testing.T) {
	t.Run("its holder takes the next one at once, with a higher epoch", func(t *testing.T) {
		g := newGround(t)
		a := g.candidate("a")
		old := g.wantLead(a, everybody)
		g.store.Empty()
		l := g.wantLead(a, everybody) // no agent heard the old one yet
		if l.Epoch <= old.Epoch || l.Tenure == old.Tenure {
			t.Fatalf("after %+v: %+v", old, l)
		}
	})
	t.Run("another waits for a term, since the holder may not know it", func(t *testing.T) {
		g := newGround(t)
		a, b := g.candidate("a"), g.candidate("b")
		g.wantLead(a, everybody)
		g.store.Empty()
		g.wantNoLead(b, heard(1), "the lease is gone")
		if err := a.Confirm(t.Context()); err != nil {
			t.Fatalf("just renewed: %v", err)
		}
		g.clock.Advance(term)
		if l := g.wantLead(b, heard(1)); l.Epoch != 2 {
			t.Fatalf("epoch %d", l.Epoch)
		}
		if err := a.Confirm(t.Context()); err == nil {
			t.Fatal("two leaders are confirmed at one instant")
		}
	})
	t.Run("a holder that paused over it waits for a term as well", func(t *testing.T) {
		g := newGround(t)
		a := g.candidate("a")
		g.wantLead(a, everybody)
		g.store.Empty()
		g.clock.Advance(term)
		g.wantNoLead(a, heard(1), "the lease is gone")
		g.clock.Advance(term)
		g.wantLead(a, heard(1))
	})
	t.Run("an emptied store, and nobody knows the lease: above the agents' epochs", func(t *testing.T) {
		g := newGround(t)
		b := g.candidate("b")
		g.wantNoLead(b, heard(41), "the lease is gone")
		g.clock.Advance(term)
		if l := g.wantLead(b, heard(41)); l.Epoch != 42 {
			t.Fatalf("epoch %d", l.Epoch)
		}
	})
	t.Run("what a candidate saw counts, though no agent heard it", func(t *testing.T) {
		g := newGround(t)
		a, b := g.candidate("a"), g.candidate("b")
		g.put(released(6).encode())
		g.wantLead(a, everybody)
		g.wantNoLead(b, everybody, "a holds the lease, epoch 7")
		g.store.Empty()
		g.wantNoLead(b, everybody, "the lease is gone")
		g.clock.Advance(2 * term)
		if l := g.wantLead(b, everybody); l.Epoch != 8 {
			t.Fatalf("epoch %d", l.Epoch)
		}
	})
}

func TestADamagedLease(t *testing.T) {
	huge := []byte(strings.Repeat("x", leaseLimit+1))
	for reason, content := range map[string][]byte{"empty": {}, "not JSON": []byte("???"), "truncated": held(5).encode()[:30], "huge": huge} {
		t.Run(reason, func(t *testing.T) {
			g := newGround(t)
			b := g.candidate("b")
			g.put(content)
			g.wantNoLead(b, heard(3), "the lease is damaged")
			g.clock.Advance(term - 1)
			g.wantNoLead(b, heard(3), "the lease is damaged")
			g.clock.Advance(1)
			if l := g.wantLead(b, heard(3)); l.Epoch != 4 {
				t.Fatalf("epoch %d", l.Epoch)
			}
		})
		t.Run(reason+", while it is held", func(t *testing.T) {
			g := newGround(t)
			a := g.candidate("a")
			old := g.wantLead(a, everybody)
			g.put(content)
			g.clock.Advance(term / 2)
			if err := a.Confirm(t.Context()); err == nil {
				t.Fatal("a lease that cannot be read confirms nothing")
			}
			g.wantNoLead(a, everybody, "the lease is damaged")
			g.clock.Advance(term)
			if l := g.wantLead(a, everybody); l.Epoch <= old.Epoch {
				t.Fatalf("epoch %d after %d", l.Epoch, old.Epoch)
			}
		})
	}
}

func TestANewerLeaseIsNotTouched(t *testing.T) {
	g := newGround(t)
	b := g.candidate("b")
	g.put([]byte(`{"format":2,"epoch":9,"holder":"c"}`))
	before := g.listed()
	for range 5 {
		g.wantNoLead(b, heard(3), "newer Seedproof")
		g.clock.Advance(10 * term)
	}
	if g.listed() != before {
		t.Fatal("it was overwritten")
	}
}

func TestAnOldLeasePutBack(t *testing.T) {
	g := newGround(t)
	a, b := g.candidate("a"), g.candidate("b")
	old := g.wantLead(b, everybody)
	if err := b.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.wantLead(a, heard(1))
	g.put(old.encode()) // b's own first lease, from a version of the bucket
	g.wantNoLead(a, heard(2), "b holds the lease, epoch 1")
	g.wantNoLead(b, heard(2), "b holds the lease, epoch 1") // of which b knows nothing
	g.clock.Advance(term)
	if l := g.wantLead(a, heard(2)); l.Epoch != 3 {
		t.Fatalf("epoch %d", l.Epoch)
	}
}

func TestRelease(t *testing.T) {
	ways := map[string]func(g *ground, wire *losing){
		"plainly":            func(*ground, *losing) {},
		"its answer is lost": func(_ *ground, wire *losing) { wire.lose = func(int) bool { return true } },
	}
	for name, spoil := range ways {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			a, b := g.candidate("a"), g.candidate("b")
			wire := &losing{Store: g.store}
			a.Store = wire
			g.wantLead(a, everybody)
			g.wantNoLead(b, everybody, "a holds")
			spoil(g, wire)
			if err := a.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, stands := a.Held(); stands || a.Confirm(t.Context()) == nil {
				t.Fatal("it leads after its release")
			}
			if l := g.wantLead(b, everybody); l.Epoch != 2 {
				t.Fatalf("epoch %d", l.Epoch)
			}
			if err := a.Release(t.Context()); err != nil {
				t.Fatal(err) // nothing to do
			}
			if g.stands().Holder != "b" {
				t.Fatal("a second release took b's lease")
			}
		})
	}
	t.Run("after a renewal whose answer was lost for good", func(t *testing.T) {
		g := newGround(t)
		a, b := g.candidate("a"), g.candidate("b")
		wire := &losing{Store: g.store}
		a.Store = wire
		g.wantLead(a, everybody)
		wire.deaf, wire.lose = true, func(int) bool { return true }
		_, _, _ = g.tick(a, everybody)
		wire.deaf, wire.lose = false, nil
		if err := a.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.wantLead(b, everybody)
	})
	t.Run("another leads by now, and keeps its lease", func(t *testing.T) {
		g := newGround(t)
		a, b := g.candidate("a"), g.candidate("b")
		g.wantLead(a, everybody)
		g.wantNoLead(b, everybody, "a holds")
		g.clock.Advance(term)
		l := g.wantLead(b, everybody)
		if err := a.Release(t.Context()); err != nil {
			t.Fatalf("there is nothing to release: %v", err)
		}
		if g.stands() != l {
			t.Fatalf("%+v stands", g.stands())
		}
	})
	t.Run("the store is down: it says so, and does not lead", func(t *testing.T) {
		g := newGround(t)
		a := g.candidate("a")
		g.wantLead(a, everybody)
		g.failing(store.OpPut)
		if err := a.Release(t.Context()); err == nil {
			t.Fatal("no error")
		}
		if _, stands := a.Held(); stands {
			t.Fatal("it still leads")
		}
	})
}

func TestNothingIsWrittenWhereNothingMayBe(t *testing.T) {
	g := newGround(t)
	var puts store.Counter
	a := g.candidate("a")
	a.Store = store.Counted(g.store, &puts)
	for range 3 {
		if _, leads, _ := a.Tick(t.Context(), g.listed(), false, everybody); leads {
			t.Fatal("it leads without a lease")
		}
		g.clock.Advance(2 * term)
	}
	if n := puts.By()[store.OpPut]; n != 0 {
		t.Fatalf("%d puts", n)
	}
	l := g.wantLead(a, everybody)
	puts.Reset()
	g.clock.Advance(term - 1)
	if _, leads, _ := a.Tick(t.Context(), g.listed(), false, everybody); !leads {
		t.Fatal("within its term it leads on")
	}
	g.clock.Advance(1)
	if _, leads, _ := a.Tick(t.Context(), g.listed(), false, everybody); leads {
		t.Fatal("after its term it leads")
	}
	if n := puts.By()[store.OpPut]; n != 0 || g.stands() != l {
		t.Fatalf("%d puts", n)
	}
}

func TestWatchingCostsNoRequest(t *testing.T) {
	g := newGround(t)
	a, b := g.candidate("a"), g.candidate("b")
	var calls store.Counter
	b.Store = store.Counted(g.store, &calls)
	g.wantLead(a, everybody)
	g.wantNoLead(b, everybody, "a holds")
	if n := calls.Total(); n != 1 {
		t.Fatalf("%d calls for the first look", n)
	}
	g.wantNoLead(b, everybody, "a holds")
	if n := calls.Total(); n != 1 {
		t.Fatalf("%d calls for a lease that did not change", n)
	}
	g.wantLead(a, everybody)
	g.wantNoLead(b, everybody, "a holds")
	if n := calls.Total(); n != 2 {
		t.Fatalf("%d calls after it changed", n)
	}
}
