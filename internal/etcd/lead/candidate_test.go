package lead

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

var everybody = Agents{Answered: 3, Of: 3}

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

// Whoever was told of a beat need not look at the store to count its term.
func TestABeatThatWasHeard(t *testing.T) {
	for name, c := range map[string]struct {
		heard func(Lease) string
		after time.Duration // from the renewal to the first look
		wait  time.Duration // from that look on
	}{
		"the one that stands":     {func(l Lease) string { return l.Beat }, term / 2, term / 2},
		"at the last moment":      {func(l Lease) string { return l.Beat }, term - 1, 1},
		"too long ago":            {func(l Lease) string { return l.Beat }, term, term},
		"another":                 {func(Lease) string { return nonce() }, term / 2, term},
		"none, from an old agent": {func(Lease) string { return "" }, term / 2, term},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			a, b := g.candidate("a"), g.candidate("b")
			b.Heard(c.heard(g.wantLead(a, everybody)), g.clock.Now())
			if due := b.Due(); !due.IsZero() {
				t.Fatalf("it waits until %s for a lease that it never saw", due)
			}
			g.clock.Advance(c.after)
			g.wantNoLead(b, everybody, "a holds the lease")
			if due := b.Due().Sub(g.clock.Now()); due != c.wait {
				t.Fatalf("it is due in %s; want %s", due, c.wait)
			}
			g.clock.Advance(c.wait - 1)
			g.wantNoLead(b, everybody, "a holds the lease")
			g.clock.Advance(1)
			g.wantLead(b, heard(1))
			if _, stands := a.Held(); stands {
				t.Fatal("two hold it at one instant")
			}
			if due := b.Due(); !due.IsZero() {
				t.Fatalf("a holder waits until %s", due)
			}
		})
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
