package flow

import (
	"context"
	"time"
)

// Event is one act or failure of a step.
type Event struct {
	PassID, Flow, Subject, Step string
	Outcome                     Outcome
	Class                       Class     // of Err
	Why                         string    // what was done, or what went wrong
	Err                         error     // nil for an act that was proved
	Attempts                    int       // failures in a row, this one included
	NextTry                     time.Time // not tried again before; zero if it did not fail
}

// Escalation is a step that a person should look at.
type Escalation struct {
	Flow     string    `json:"flow"`
	Subject  string    `json:"subject,omitempty"`
	Step     string    `json:"step"`
	Why      string    `json:"why"`
	Advice   string    `json:"advice,omitempty"` // the command to type next, if one is known
	Since    time.Time `json:"since"`            // the first failure of the row
	Attempts int       `json:"attempts"`         // failures in a row
	Class    Class     `json:"-"`                // of the newest failure
}

// Observer hears what a Runner does: for logs, metrics and Kubernetes events.
// It must not block for long. Its context carries the id of the pass and is
// not cancelled with the caller's.
type Observer interface {
	// StepActed is an act that the second look proved, or that was accepted
	// and now waits.
	StepActed(ctx context.Context, e Event)
	StepFailed(ctx context.Context, e Event)
	// Escalated comes once for a row of failures, Recovered when it has ended.
	Escalated(ctx context.Context, e Escalation)
	Recovered(ctx context.Context, e Escalation)
	PassEnded(ctx context.Context, r Result)
}

// Observers tells each of several observers, in order.
type Observers []Observer

var _ Observer = Observers(nil)

// StepActed tells all.
func (os Observers) StepActed(ctx context.Context, e Event) {
	for _, o := range os {
		o.StepActed(ctx, e)
	}
}

// StepFailed tells all.
func (os Observers) StepFailed(ctx context.Context, e Event) {
	for _, o := range os {
		o.StepFailed(ctx, e)
	}
}

// Escalated tells all.
func (os Observers) Escalated(ctx context.Context, e Escalation) {
	for _, o := range os {
		o.Escalated(ctx, e)
	}
}

// Recovered tells all.
func (os Observers) Recovered(ctx context.Context, e Escalation) {
	for _, o := range os {
		o.Recovered(ctx, e)
	}
}

// PassEnded tells all.
func (os Observers) PassEnded(ctx context.Context, r Result) {
	for _, o := range os {
		o.PassEnded(ctx, r)
	}
}
