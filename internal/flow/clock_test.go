package flow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
)

func TestFakeClockWakesWhoIsDue(t *testing.T) {
	c := flowtest.NewFakeClock()
	slept := make(chan error, 1)
	go func() { slept <- c.Sleep(t.Context(), time.Minute) }()
	later := c.After(time.Hour)
	c.BlockUntil(2)
	c.Advance(time.Minute)
	if err := <-slept; err != nil {
		t.Fatal(err)
	}
	select {
	case <-later:
		t.Fatal("woken an hour early")
	default:
	}
	start := c.Now()
	c.Advance(time.Hour)
	if at := <-later; !at.Equal(start.Add(time.Hour)) {
		t.Errorf("woken with the time %v", at)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	for _, c := range []flow.Clock{flow.RealClock{}, flowtest.NewFakeClock()} {
		ctx, cancel := context.WithCancel(t.Context())
		slept := make(chan error, 1)
		go func() { slept <- c.Sleep(ctx, 1000*time.Hour) }()
		if f, ok := c.(*flowtest.FakeClock); ok {
			f.BlockUntil(1)
		}
		cancel()
		if err := <-slept; !errors.Is(err, context.Canceled) {
			t.Errorf("%T: got %v", c, err)
		}
		if err := c.Sleep(ctx, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("%T: an ended context slept: %v", c, err)
		}
	}
	if err := (flow.RealClock{}).Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	<-flow.RealClock{}.After(0)
	<-flowtest.NewFakeClock().After(0)
}
