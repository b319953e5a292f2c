package gcs

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

// A read is tried again soon, against a single lost packet. Waiting for a store
// that is down is the caller's, who knows how urgent it is.
const (
	readAttempts = 3
	readPause    = 200 * time.Millisecond
)

// again does a read, and does it again when no answer came, or none that would
// stay the same.
func again[T any](ctx context.Context, read func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		got, err := read()
		if err == nil || attempt == readAttempts || !passing(err) || !pause(ctx) {
			return got, err
		}
	}
}

func passing(err error) bool {
	if errors.Is(err, store.ErrNotFound) {
		return false
	}
	status := statusOf(err)
	return status == 0 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// pause reports whether there is time for another attempt.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(readPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
