package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes of all commands.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2 // the command line, or what it names, cannot be
	exitRefused  = 3 // understood, and not done: it is not allowed as things are
	exitUnproven = 4 // not known: somebody who was to be asked did not answer
)

// usageError is a command line that cannot be carried out as it stands.
// Nothing was written.
type usageError struct {
	err  error
	next string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// asUsageError is for what cobra says before the command itself runs.
func asUsageError(cmd *cobra.Command, err error) error {
	return &usageError{err: err, next: cmd.CommandPath() + " --help"}
}

// failure is an error with an exit code of its own and the next command to
// type.
type failure struct {
	code int
	err  error
	next string
}

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

// refused: understood and not done. next is the command to type, or empty.
func refused(err error, next string) error {
	return &failure{code: exitRefused, err: err, next: next}
}

// unproven: it could not be told, since somebody did not answer.
func unproven(err error, next string) error {
	return &failure{code: exitUnproven, err: err, next: next}
}

// withNext adds the next command to type to an error of exit code 1.
func withNext(err error, next string) error {
	return &failure{code: exitError, err: err, next: next}
}

func exitCode(err error) int {
	var usage *usageError
	var failed *failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &failed):
		return failed.code
	}
	return exitError
}

// printError writes the error and the next command to type.
func printError(w io.Writer, err error) {
	_, _ = fmt.Fprintf(w, "Error: %v\n", err)
	var usage *usageError
	var failed *failure
	next := ""
	switch {
	case errors.As(err, &usage):
		next = usage.next
	case errors.As(err, &failed):
		next = failed.next
	}
	if next != "" {
		_, _ = fmt.Fprintf(w, "Next:  %s\n", next)
	}
}
