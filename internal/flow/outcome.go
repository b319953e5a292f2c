package flow

import (
	"errors"
	"fmt"
)

// Outcome is how a call to the outside ended. The zero value is Unknown.
type Outcome uint8

const (
	// Unknown is everything that is not an explicit answer: a timeout, a
	// broken connection, a crash, an error nobody classed.
	Unknown Outcome = iota
	// Done means that the other side said, or a look proved, that it took.
	Done
	// Refused means that the other side said no, and we understood it.
	Refused
)

func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case Done:
		return "done"
	case Refused:
		return "refused"
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// OutcomeOf reads the outcome of a call from its error: nil is Done, an error
// that says of itself that it is a refusal (a method Refused() bool that
// returns true, anywhere in its chain) is Refused, everything else is Unknown.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Done
	}
	var r interface{ Refused() bool }
	if errors.As(err, &r) && r.Refused() {
		return Refused
	}
	return Unknown
}
