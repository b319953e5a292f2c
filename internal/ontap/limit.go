package ontap

import (
	"context"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// slots bound how many of something run at once.
type slots chan struct{}

func (s slots) take(ctx context.Context) (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// login is what an answer says of our own password.
type login uint8

const (
	loginUnknown  login = iota // no answer, or one that does not tell
	loginAccepted              // the array spoke to us as the user that we are
	loginRefused               // a 401
)

// gate keeps a wrong password from locking its account. Until the array has
// accepted it once, calls go one at a time; once refused, none is sent any more
// until a rest has passed, after which one goes alone again. In between, the
// bound on parallel calls (below the array's five failures) is what may fail
// at once.
type gate struct {
	clock flow.Clock
	rest  time.Duration
	alone slots // one place: who may ask while nothing is proven

	mu    sync.Mutex
	state login
	since time.Time // of a refusal
}

func newGate(clock flow.Clock, rest time.Duration) *gate {
	return &gate{clock: clock, rest: rest, alone: make(slots, 1)}
}

// enter lets a call through, or says that the password stands refused. The
// caller reports with leave what the answer said.
func (g *gate) enter(ctx context.Context) (leave func(login), err error) {
	if g.accepted() {
		return g.report, nil
	}
	release, err := g.alone.take(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case g.resting():
		release()
		return nil, ErrCredentials
	case g.accepted(): // while we waited
		release()
		return g.report, nil
	}
	return func(l login) {
		g.report(l)
		release()
	}, nil
}

func (g *gate) accepted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == loginAccepted
}

func (g *gate) resting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == loginRefused && g.clock.Now().Sub(g.since) < g.rest
}

// report notes what an answer said. An acceptance that was under way when
// another call was refused does not lift the refusal: a call alone does, later.
func (g *gate) report(l login) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case l == loginRefused:
		g.state, g.since = loginRefused, g.clock.Now()
	case l == loginAccepted && (g.state != loginRefused || g.clock.Now().Sub(g.since) >= g.rest):
		g.state = loginAccepted
	}
}
