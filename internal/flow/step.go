package flow

import (
	"context"
	"errors"
	"fmt"
)

// Sight is what a look saw of one step.
type Sight struct {
	// Done: there is nothing to do.
	Done bool
	// Blocked: the step cannot or must not act now, and that is no error. Why
	// says what is waited for.
	Blocked bool
	// Why is the reason of what the look says, for a person.
	Why string
	// Next is what Act would do, as "add member b as a learner".
	Next string
}

// Step is one thing that a flow makes so.
type Step struct {
	Name string
	// Needs are the steps that must be done before this one is even looked at.
	Needs []string
	// Look reads the outside and changes nothing. It is called before each
	// act, and again after it as the proof. An error means that nothing was
	// learnt, never that something is absent.
	Look func(ctx context.Context) (Sight, error)
	// Act does what Look said under Next. It is never called twice without a
	// look between.
	Act func(ctx context.Context) error
}

// Flow is an ordered list of steps about one subject (a cluster, an SVM).
type Flow struct {
	Name    string
	Subject string
	Steps   []Step
}

// Validate refuses a flow that is built wrongly: a step without a name, look
// or act, a name used twice, a need that is unknown or listed later, a cycle.
func (f Flow) Validate() error {
	if f.Name == "" {
		return errors.New("flow has no name")
	}
	needs := map[string][]string{}
	for i, s := range f.Steps {
		if s.Name == "" {
			return fmt.Errorf("flow %s: step %d has no name", f.Name, i+1)
		}
		if s.Look == nil || s.Act == nil {
			return fmt.Errorf("flow %s: step %q needs both a look and an act", f.Name, s.Name)
		}
		if _, twice := needs[s.Name]; twice {
			return fmt.Errorf("flow %s: two steps are named %q", f.Name, s.Name)
		}
		needs[s.Name] = s.Needs
	}
	return f.validateOrder(needs)
}

func (f Flow) validateOrder(needs map[string][]string) error {
	before := map[string]bool{}
	for _, s := range f.Steps {
		for _, n := range s.Needs {
			if _, known := needs[n]; !known {
				return fmt.Errorf("flow %s: step %q needs %q, which is not a step", f.Name, s.Name, n)
			}
			if before[n] {
				continue
			}
			if reaches(needs, n, s.Name, map[string]bool{}) {
				return fmt.Errorf("flow %s: steps %q and %q need each other", f.Name, s.Name, n)
			}
			return fmt.Errorf("flow %s: step %q needs %q, which is listed after it", f.Name, s.Name, n)
		}
		before[s.Name] = true
	}
	return nil
}

// reaches reports whether from is to, or needs it in any number of hops.
func reaches(needs map[string][]string, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, n := range needs[from] {
		if reaches(needs, n, to, seen) {
			return true
		}
	}
	return false
}
