package flow

import (
	"errors"
	"fmt"
)

// Class says what is to be done about an error. The zero value is Transient.
type Class uint8

const (
	// Transient errors are tried again with backoff.
	Transient Class = iota
	// Permanent errors will not go away by trying; they escalate at once.
	Permanent
	// NeedsPerson errors escalate at once, with advice.
	NeedsPerson
)

func (c Class) String() string {
	switch c {
	case Transient:
		return "transient"
	case Permanent:
		return "permanent"
	case NeedsPerson:
		return "needs-person"
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// ClassOf reads the class of an error. What an error says of itself (a method
// FlowClass() Class in its chain) wins, the outermost first. Of those that say
// nothing a refusal is Permanent, because the same request earns the same
// answer, and everything else is Transient.
func ClassOf(err error) Class {
	if err == nil {
		return Transient
	}
	var c interface{ FlowClass() Class }
	if errors.As(err, &c) {
		return c.FlowClass()
	}
	if OutcomeOf(err) == Refused {
		return Permanent
	}
	return Transient
}

// AdviceOf is the command to type next that an error carries, or "".
func AdviceOf(err error) string {
	var a interface{ FlowAdvice() string }
	if errors.As(err, &a) {
		return a.FlowAdvice()
	}
	return ""
}

// AsTransient marks a refusal that passes by itself (a lost race, a cluster
// that is not healthy yet), so that it is retried before it escalates.
func AsTransient(err error) error { return classed(err, Transient, "") }

// AsPermanent marks an error that no retry will cure.
func AsPermanent(err error) error { return classed(err, Permanent, "") }

// AsNeedsPerson marks an error that only a person can resolve. The advice is
// the command to type next.
func AsNeedsPerson(err error, advice string) error { return classed(err, NeedsPerson, advice) }

func classed(err error, c Class, advice string) error {
	if err == nil {
		return nil
	}
	return &classedError{err: err, class: c, advice: advice}
}

type classedError struct {
	err    error
	class  Class
	advice string
}

func (e *classedError) Error() string {
	if e.advice == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v (type: %s)", e.err, e.advice)
}

func (e *classedError) Unwrap() error    { return e.err }
func (e *classedError) FlowClass() Class { return e.class }

// FlowAdvice is the outermost advice of the chain: marking an error again
// without advice does not hide what was said further in.
func (e *classedError) FlowAdvice() string {
	if e.advice != "" {
		return e.advice
	}
	return AdviceOf(e.err)
}
