package flow

import (
	"context"
	"time"
)

// Clock is the only source of time of a flow. Times it returns are compared
// with each other on one machine only: RealClock's carry Go's monotonic
// reading, so a step of the wall clock moves no backoff. They are never
// compared with another machine's.
type Clock interface {
	Now() time.Time
	// After delivers the time once d has passed.
	After(d time.Duration) <-chan time.Time
	// Sleep returns nil once d has passed, or the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// RealClock is the machine's clock.
type RealClock struct{}

var _ Clock = RealClock{}

// Now is the current time with its monotonic reading.
func (RealClock) Now() time.Time { return time.Now() }

// After is time.After.
func (RealClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Sleep waits for d or for the end of ctx, whichever comes first.
func (RealClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
