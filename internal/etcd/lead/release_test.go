package lead

import (
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

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
