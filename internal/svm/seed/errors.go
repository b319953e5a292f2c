package seed

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/seedproof/seedproof/internal/flow"
)

// Reasons of our own, beside those of the API server.
const (
	ReasonNotRead   = "NotRead"    // what stands there is not known: nothing is written over it
	ReasonInvalid   = "NotWritten" // it could not be read again, or would take away what others use
	ReasonDamaged   = "Damaged"    // the object is there and vouches for nothing
	ReasonImmutable = "Immutable"
	ReasonPinned    = "Pinned"     // the array is remembered as another cluster
	ReasonStays     = "Finalizers" // deleted, and held by finalizers
)

// Error is how a call ended that was not Done. Its texts bear no password.
type Error struct {
	Verb    string // get, list, create, update, patch, delete
	Object  string // "configmap garden/svm-record-p1"
	Reason  string // the API server's, or one of ours; "" if there is none
	Status  int    // of HTTP; 0 when there was no answer
	Message string
	Outcome flow.Outcome
	// RetryAfter is what the server asked for, zero if it did not.
	RetryAfter time.Duration

	absent absence
	class  flow.Class
	advice string
	cause  error
}

// absence is what a 404 says, by its details.
type absence uint8

const (
	notAbsent   absence = iota // it is not an absence of anything
	isAbsent                   // this very object is not there
	noNamespace                // the namespace is not there
)

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Verb, e.Object)
	said := e.Message
	if said == "" && e.cause != nil {
		said = e.cause.Error()
	}
	if said == "" {
		said = "the answer was not understood"
	}
	b.WriteString(said)
	switch {
	case e.Reason != "" && e.Status != 0:
		fmt.Fprintf(&b, " (%s, status %d)", e.Reason, e.Status)
	case e.Reason != "":
		fmt.Fprintf(&b, " (%s)", e.Reason)
	case e.Status != 0:
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.cause }

// Refused reports whether the API server said no, and that nothing took effect.
func (e *Error) Refused() bool { return e.Outcome == flow.Refused }

// FlowClass says what is to be done about the error.
func (e *Error) FlowClass() flow.Class { return e.class }

// FlowAdvice is what a person types next, "" if there is nothing of use.
func (e *Error) FlowAdvice() string { return e.advice }

// HasReason reports whether err ended for one of these reasons.
func HasReason(err error, reasons ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, r := range reasons {
		if e.Reason == r {
			return true
		}
	}
	return false
}

// unsent is an error of ours before anything was sent: nothing took effect.
func unsent(verb string, k key, reason, message string, class flow.Class) *Error {
	return &Error{Verb: verb, Object: k.String(), Reason: reason, Message: message, Outcome: flow.Refused, class: class}
}

// tidy bounds a text from outside and makes it safe to stand in one line.
func tidy(s string) string {
	const limit = 1024
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return strings.TrimSpace(s)
}
