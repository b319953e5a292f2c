package decide

import (
	"fmt"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// meaning is what a verdict means to somebody who has just been woken.
var meaning = map[proof.State]string{
	proof.Unproven:     "NOT PROVEN: whether this SVM exists cannot be told now. Nothing is made, changed or deleted. What runs keeps running.",
	proof.NeverExisted: "There has never been such an SVM: every array, the record and every shoot have answered. It may be made.",
	proof.Intact:       "The SVM is there, and is the one that the record names.",
	proof.RecordLost:   "The SVM is there and bears our mark, and its record is lost. The record is written again; nothing needs to be typed.",
	proof.DataLost:     "DATA LOST: there was an SVM, and no array shows it. No empty one is put in its place.",
	proof.Conflicting:  "CONFLICT: what was found cannot be true of one SVM. Nothing is changed until a person has looked.",
}

// Explain tells the decision in plain sentences: what it means, which rule
// decided, who said what, what comes next, and what a person could type.
func Explain(d Decision) []string {
	lines := []string{
		meaning[d.Verdict.State],
		fmt.Sprintf("Why: %s (%s).", d.Verdict.Why, d.Verdict.RuleText()),
	}
	for _, t := range d.Verdict.Heard {
		lines = append(lines, heardLine(t))
	}
	lines = append(lines, nextLine(d))
	for _, s := range d.Steps {
		if s.State != StepDone {
			lines = append(lines, stepLine(s))
		}
	}
	for _, n := range d.Notes {
		lines = append(lines, "Note: "+n+".")
	}
	for _, w := range d.Verdict.Missing {
		lines = append(lines, fmt.Sprintf("Only if %s is lost for good: seedproof svm attest lost %s", w.Name, w.Name))
	}
	if d.Command != "" && d.Action == Stop {
		lines = append(lines, "To type: "+d.Command)
	}
	return lines
}

func heardLine(t proof.Testimony) string {
	said := map[proof.Finding]string{
		proof.Unknown: "could not say", proof.Absent: "says that there is none",
		proof.Unusable: "holds something that cannot be used", proof.Present: "shows it, " + whose(t.Identity),
	}[t.Finding]
	line := "- " + t.Witness.Name + " " + said
	if t.AttestedBy != "" {
		line += ", on the word of " + t.AttestedBy
	}
	if t.Why != "" {
		line += " (" + t.Why + ")"
	}
	return line + "."
}

// whose is an identity in words; one that nobody made has no generation.
func whose(id proof.Identity) string {
	if id.Named() && id.Generation == 0 {
		return id.Lineage
	}
	return id.String()
}

func nextLine(d Decision) string {
	switch d.Action {
	case Wait:
		return fmt.Sprintf("Next: wait for %s, because %s.", d.WaitFor, d.Why)
	case Stop:
		return fmt.Sprintf("Next: a person must decide, because %s.", d.Why)
	case GoOn:
		return "Next: its steps."
	}
	on := ""
	if d.Array != "" {
		on = " on " + d.Array
	}
	return fmt.Sprintf("Next: %s%s, because %s.", strings.ReplaceAll(string(d.Action), "-", " "), on, d.Why)
}

func stepLine(s Step) string {
	name := string(s.Name)
	if s.Object != "" {
		name += " " + s.Object
	}
	switch s.State {
	case StepWaits:
		return fmt.Sprintf("Step %s waits for %s: %s.", name, s.WaitFor, s.Why)
	case StepStops:
		if s.Command != "" {
			return fmt.Sprintf("Step %s needs a person: %s. To type: %s", name, s.Why, s.Command)
		}
		return fmt.Sprintf("Step %s needs a person: %s.", name, s.Why)
	}
	return fmt.Sprintf("Step %s is to be done: %s.", name, s.Why)
}

// notes are what was seen beside what the decision is about. It is reported and
// never touched.
func (e Evidence) notes(v proof.Verdict) []string {
	var notes []string
	for _, s := range e.sightings() {
		name := fmt.Sprintf("SVM %s (%s) on %s", s.Name, s.UUID, s.array)
		switch {
		case s.finding == proof.Present && v.Identity.Named() && s.identity != v.Identity:
			notes = append(notes, name+" is another one: "+whose(s.identity))
		case s.recorded && !e.namesake(s.SVM):
			notes = append(notes, name+" is the recorded one, and was renamed")
		case s.recorded && s.State == Stopped && s.Role != Destination:
			notes = append(notes, name+" is stopped")
		}
	}
	if e.Claim.open() && v.State == proof.Intact {
		notes = append(notes, "attempt "+e.Claim.Nonce+" is open beside an SVM that is recorded")
	}
	return notes
}
