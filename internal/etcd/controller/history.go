package controller

import (
	"context"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// historyLength is how many events the report shows.
const historyLength = 20

// Event is something that changed: a verdict, or a step that acted.
type Event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Why  string    `json:"why,omitempty"`
	Pass string    `json:"pass,omitempty"`
}

// history keeps the newest events of this agent, for whoever comes to see what
// was done to her cluster.
type history struct {
	flow.Observers // who hears of steps besides
	clock          flow.Clock

	mu     sync.Mutex
	events []Event
	state  string
}

// StepActed keeps what was done, and tells the others.
func (h *history) StepActed(ctx context.Context, e flow.Event) {
	h.add(Event{At: h.clock.Now(), What: e.Flow + "/" + e.Step + ": " + e.Why, Pass: e.PassID})
	h.Observers.StepActed(ctx, e)
}

// verdict keeps the verdict where it is another than before.
func (h *history) verdict(v proof.Verdict, at time.Time, pass string) {
	h.mu.Lock()
	changed := h.state != v.State.String()
	h.state = v.State.String()
	h.mu.Unlock()
	if changed {
		h.add(Event{At: at, What: "verdict " + v.State.String(), Why: v.Why, Pass: pass})
	}
}

func (h *history) add(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	if len(h.events) > historyLength {
		h.events = append([]Event(nil), h.events[len(h.events)-historyLength:]...)
	}
}

func (h *history) newest() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Event(nil), h.events...)
}
