// Package flowtest has what tests of flows need: a clock that a test moves by
// hand, and an observer that remembers. It is never part of a program.
package flowtest

import (
	"context"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// FakeClock stands still until Advance moves it. Make it with NewFakeClock.
type FakeClock struct {
	mu      sync.Mutex
	changed *sync.Cond
	now     time.Time
	waiters map[*waiter]struct{}
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

var _ flow.Clock = (*FakeClock)(nil)

// NewFakeClock starts at a fixed time, the same in every test.
func NewFakeClock() *FakeClock {
	c := &FakeClock{
		now:     time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
		waiters: map[*waiter]struct{}{},
	}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// Now is the time to which the clock was moved.
func (c *FakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After delivers once Advance has moved the clock by d.
func (c *FakeClock) After(d time.Duration) <-chan time.Time { return c.wait(d).ch }

// Sleep returns once Advance has moved the clock by d, or ctx has ended.
func (c *FakeClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := c.wait(d)
	select {
	case <-w.ch:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiters, w)
		c.changed.Broadcast()
		return ctx.Err()
	}
}

func (c *FakeClock) wait(d time.Duration) *waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &waiter{at: c.now.Add(d), ch: make(chan time.Time, 1)}
	if d <= 0 {
		w.ch <- c.now
		return w
	}
	c.waiters[w] = struct{}{}
	c.changed.Broadcast()
	return w
}

// Advance moves the clock and wakes everybody whose time has come.
func (c *FakeClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for w := range c.waiters {
		if !w.at.After(c.now) {
			w.ch <- c.now
			delete(c.waiters, w)
		}
	}
	c.changed.Broadcast()
}

// BlockUntil returns when at least n callers wait for the clock.
func (c *FakeClock) BlockUntil(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiters) < n {
		c.changed.Wait()
	}
}
