package agent

import (
	"errors"
	"fmt"
)

// RefusedError is an agent's no, given before it did anything.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

// Refused tells flows that the other side said no, and that it was understood.
func (e *RefusedError) Refused() bool { return true }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

func isRefusal(err error) bool {
	var r *RefusedError
	return errors.As(err, &r)
}
