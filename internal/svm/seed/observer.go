package seed

import (
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// Observer hears of every request that was sent, for metrics. Many goroutines
// call it; it must not block.
type Observer interface {
	Called(Call)
}

// Call is one request and how it ended.
type Call struct {
	Verb     string // get, list, create, update, patch, delete
	Resource string // configmaps, secrets, events, namespaces
	Outcome  flow.Outcome
	Status   int    // of HTTP; 0: no answer
	Reason   string // the API server's, "" if it gave none
	Duration time.Duration
	// Throttled: the server asked to wait, for RetryAfter where it said so.
	Throttled  bool
	RetryAfter time.Duration
}

type nobody struct{}

func (nobody) Called(Call) {}
