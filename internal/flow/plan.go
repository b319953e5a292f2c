package flow

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
)

// PlanState is what a plan knows of one step. The zero value is PlanUnknown.
type PlanState uint8

const (
	PlanUnknown PlanState = iota // cannot be known yet: a need is not done
	PlanDone                     // nothing to do
	PlanAct                      // would act
	PlanBlocked                  // waits for something outside
	PlanFailed                   // the look failed, so nothing is known
)

func (s PlanState) String() string {
	names := [...]string{"not known yet", "done", "would act", "blocked", "look failed"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("plan state(%d)", uint8(s))
}

// MarshalText gives the state's name, for JSON and YAML.
func (s PlanState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// PlannedStep is one line of a plan.
type PlannedStep struct {
	Name  string    `json:"name"`
	State PlanState `json:"state"`
	Next  string    `json:"next,omitempty"` // what would be done
	Why   string    `json:"why,omitempty"`
	Err   error     `json:"-"`
}

// PlanReport says what a pass would do now, and why.
type PlanReport struct {
	Flow    string        `json:"flow"`
	Subject string        `json:"subject,omitempty"`
	Steps   []PlannedStep `json:"steps"`
	Err     error         `json:"-"` // the flow itself is invalid; Steps is empty
}

// Plan runs the looks alone. It writes nothing, takes no notice of backoff,
// and does not look at a step whose needs are not done.
func Plan(ctx context.Context, f Flow) PlanReport {
	r := PlanReport{Flow: f.Name, Subject: f.Subject}
	if r.Err = f.Validate(); r.Err != nil {
		return r
	}
	done := map[string]bool{}
	for _, s := range f.Steps {
		p := planStep(ctx, s, done)
		done[s.Name] = p.State == PlanDone
		r.Steps = append(r.Steps, p)
	}
	return r
}

func planStep(ctx context.Context, s Step, done map[string]bool) PlannedStep {
	p := PlannedStep{Name: s.Name}
	if open := openNeeds(s, done); len(open) > 0 {
		p.Why = "needs " + strings.Join(open, ", ")
		return p
	}
	sight, err := s.Look(ctx)
	p.Why, p.Next = sight.Why, sight.Next
	switch {
	case err != nil:
		p.State, p.Err, p.Why, p.Next = PlanFailed, err, err.Error(), ""
	case sight.Done:
		p.State, p.Next = PlanDone, ""
	case sight.Blocked:
		p.State = PlanBlocked
	default:
		p.State = PlanAct
	}
	return p
}

// openNeeds are the needs of s that are not done, in its own order.
func openNeeds(s Step, done map[string]bool) []string {
	var open []string
	for _, n := range s.Needs {
		if !done[n] {
			open = append(open, n)
		}
	}
	return open
}

// String is the plan as a table for a terminal.
func (r PlanReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plan of %s\n", strings.TrimSpace(r.Flow+" "+r.Subject))
	if r.Err != nil {
		fmt.Fprintf(&b, "invalid: %v\n", r.Err)
		return b.String()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STEP\tSTATE\tWHAT\tWHY")
	for _, s := range r.Steps {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, s.State, cell(s.Next), cell(s.Why))
	}
	_ = w.Flush() // into a strings.Builder, which cannot fail
	return b.String()
}

// cell makes a text fit into one cell of a table.
func cell(s string) string {
	if s = strings.Join(strings.Fields(s), " "); s != "" {
		return s
	}
	return "-"
}
