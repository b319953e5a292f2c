package lead

import (
	"strings"
	"testing"
)

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
