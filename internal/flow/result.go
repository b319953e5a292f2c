package flow

import (
	"fmt"
	"time"
)

// StepState is where a step stands after a pass. The zero value is StepWaiting.
type StepState uint8

const (
	StepWaiting StepState = iota // not looked at: needs, backoff, or the pass ended
	StepDone                     // nothing to do at the first look
	StepActed                    // acted, and the second look proved it
	StepBlocked                  // waits for something outside
	StepFailed                   // a look, the journal or the act failed
)

func (s StepState) String() string {
	names := [...]string{"waiting", "done", "acted", "blocked", "failed"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("step state(%d)", uint8(s))
}

// MarshalText gives the state's name, for JSON and YAML.
func (s StepState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// StepResult is what a pass did about one step.
type StepResult struct {
	Name    string
	State   StepState
	Outcome Outcome // of the act; Done as well for a step that was done before
	Why     string
	Err     error
	NextTry time.Time // when a failed step is due again; zero if none is planned
}

// Result is what one pass did.
type Result struct {
	PassID, Flow, Subject string
	Steps                 []StepResult
	// Acted: at least one act was called, whatever came of it.
	Acted bool
	// AtRest: every step was done at its first look and nothing was written.
	AtRest bool
	// Err is what concerns no single step: an invalid flow, a journal that
	// could not record an outcome. What steps met stands in Steps.
	Err error
}

// Step is the result of the named step; its zero value if there is none.
func (r Result) Step(name string) StepResult {
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	return StepResult{}
}

// NextTry is the earliest time at which a failed step is due again, or zero.
func (r Result) NextTry() time.Time {
	var next time.Time
	for _, s := range r.Steps {
		if !s.NextTry.IsZero() && (next.IsZero() || s.NextTry.Before(next)) {
			next = s.NextTry
		}
	}
	return next
}

func atRest(steps []StepResult) bool {
	for _, s := range steps {
		if s.State != StepDone {
			return false
		}
	}
	return true
}
