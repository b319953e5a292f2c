package lead

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

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
