package ontap

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
	Array          string
	Name           string // such as "create SVM"
	Outcome        flow.Outcome
	Status         int    // 0: no answer
	Code           string // ONTAP's code, "" if there was none
	Duration       time.Duration
	Sent, Received int64 // bytes of bodies
}

type nobody struct{}

func (nobody) Called(Call) {}
