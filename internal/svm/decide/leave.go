package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// Holding is whose a thing is that the record notes as one of a shoot that left.
type Holding uint8

const (
	HoldingUnknown Holding = iota // it was not read
	HoldingOurs                   // the shoot's, and made here
	// HoldingOthers: it is known whose it is, and nothing of it is the shoot's any
	// more.
	HoldingOthers
	// HoldingDoubtful: it was the shoot's once, and does not show that it still is.
	HoldingDoubtful
)

func (h Holding) String() string {
	return label("holding", []string{"not known", "ours", "another's", "doubtful"}, int(h))
}

// Left is one thing that a shoot may have left behind: an account of the SVM, or
// a Secret.
type Left struct {
	Name    string
	Finding proof.Finding
	Holding Holding
	// Generation is that of an account's password, by its mark.
	Generation uint64
	Why        string
}

// Leaving is a shoot that the record names and that nobody asks for any more. No
// policy keeps what it left: Retain is about the SVM, which outlives its shoots
// with its data and its record, and not about a door that stands open.
type Leaving struct {
	Shoot string
	// Noted: the record says where its Secret lies. Older records do not, and then
	// nothing of the shoot is known not to be there.
	Noted bool
	// GivenOut is the highest generation of a password that was given out here for
	// this shoot.
	GivenOut uint64
	// Accounts are those that were asked for, and whatever else bears the shoot's
	// mark. Where they could not be listed there is at least one that is Unknown.
	Accounts []Left
	Secrets  []Left
}

// LeaveAction is the next step with what a shoot left behind.
type LeaveAction string

const (
	LeaveWait     LeaveAction = "wait"
	LeaveStop     LeaveAction = "stop" // for a person
	LeaveAccounts LeaveAction = "remove-accounts"
	LeaveSecrets  LeaveAction = "remove-secrets"
	LeaveRecord   LeaveAction = "forget-shoot" // what the record notes of it
)

// LeaveStep is what comes next, and why.
type LeaveStep struct {
	Action  LeaveAction
	Names   []string // of the accounts, or of the Secrets
	WaitFor string
	Why     string
	Command string
}

// NextLeave is the next step with what a shoot left behind. Nothing goes while
// anything of it is silent.
//
// The accounts go before the Secret, and the record's note goes last. Whoever is
// cut off in between leaves a Secret that opens nothing, and a note by which the
// rest is found. The other way round an account whose password others still hold
// would stand on the SVM, and be known by a note alone that may be lost with the
// record; and the Secret says which passwords were given out here, by which an
// account that somebody else has taken over since is told from our own.
func NextLeave(l Leaving) LeaveStep {
	if !l.Noted {
		return LeaveStep{Action: LeaveStop, Command: "seedproof svm explain",
			Why: "an older record names shoot " + l.Shoot + ", and not where its Secret lies: it stays as it is until the shoot was wanted once more, and is taken out again"}
	}
	if silent, found := first(l.silent, l.Accounts, l.Secrets); found {
		return LeaveStep{Action: LeaveWait, WaitFor: silent.Name, Why: silent.Name + " of shoot " + l.Shoot + " could not be read: " + orElse(silent.Why, "no reason is known")}
	}
	gone := "nobody asks for shoot " + l.Shoot + " any more"
	if names := named(l.Accounts, l.mayGo); len(names) > 0 {
		return LeaveStep{Action: LeaveAccounts, Names: names, Why: gone}
	}
	if kept, found := first(l.keeps, l.Accounts); found {
		return LeaveStep{Action: LeaveStop, Command: "security login show -user-or-group-name " + kept.Name,
			Why: fmt.Sprintf("%s, and account %s stays: %s", gone, kept.Name, l.whyKept(kept))}
	}
	if names := named(l.Secrets, l.mayGo); len(names) > 0 {
		return LeaveStep{Action: LeaveSecrets, Names: names, Why: gone + ", and its accounts are gone"}
	}
	if kept, found := first(l.keeps, l.Secrets); found {
		return LeaveStep{Action: LeaveStop, Command: describeSecret(kept.Name), Why: fmt.Sprintf("%s, and Secret %s stays: %s", gone, kept.Name, l.whyKept(kept))}
	}
	return LeaveStep{Action: LeaveRecord, Names: named(slices.Concat(l.Accounts, l.Secrets), stays), Why: "nothing of it is left"}
}

func (l Leaving) silent(x Left) bool {
	there := x.Finding == proof.Present && x.Holding != HoldingUnknown
	return !there && x.Finding != proof.Absent
}

// mayGo: a password of a later generation than any that was given out here was
// set by somebody else, such as the seed that the shoot has moved to.
func (l Leaving) mayGo(x Left) bool {
	return x.Finding == proof.Present && x.Holding == HoldingOurs && x.Generation <= l.GivenOut
}

func (l Leaving) keeps(x Left) bool {
	return x.Finding == proof.Present && x.Holding != HoldingOthers && !l.mayGo(x)
}

func stays(x Left) bool { return x.Finding == proof.Present && x.Holding == HoldingOthers }

func (l Leaving) whyKept(x Left) string {
	if x.Holding == HoldingOurs {
		return fmt.Sprintf("its password is of generation %d, and %d is the last that was given out here: somebody else uses it", x.Generation, l.GivenOut)
	}
	return orElse(x.Why, "it does not show whose it is")
}

func first(is func(Left) bool, lists ...[]Left) (Left, bool) {
	for _, list := range lists {
		for _, x := range list {
			if is(x) {
				return x, true
			}
		}
	}
	return Left{}, false
}

func named(all []Left, is func(Left) bool) []string {
	var names []string
	for _, x := range all {
		if is(x) {
			names = append(names, x.Name)
		}
	}
	return names
}

func describeSecret(name string) string {
	namespace, name, _ := strings.Cut(name, "/")
	return "kubectl describe secret --namespace " + namespace + " " + name
}

// heldBySilence: like the SVM itself, nothing of it is taken away while an array
// is silent.
func (e Evidence) heldBySilence(held string) string {
	if silent := e.silentArrays(); held == "" && len(silent) > 0 {
		return "nothing is taken away while an array is silent: " + strings.Join(silent, ", ")
	}
	return held
}

// step is the step of an SVM that comes of it.
func (l Leaving) step(svm, held string) Step {
	next := NextLeave(l)
	if next.Action == LeaveStop && !l.Noted {
		next.Command += " " + svm
	}
	step := Step{Name: StepLeave, Object: l.Shoot, Remove: true, Leave: &next}
	switch {
	case next.Action == LeaveWait:
		return step.waits(next.WaitFor, next.Why)
	case next.Action == LeaveStop:
		return step.stops(next.Command, next.Why)
	case held != "":
		return step.waits("what holds it", held)
	}
	return step.does(next.Why)
}

// BeforeDeletion says that shoots which left come before the deletion of the SVM,
// which the record's note of them would hold up: what is left of them goes as it
// would from an SVM that stays. Where the SVM itself is not to be deleted, or is
// not what the record names, it says nothing.
func BeforeDeletion(e Evidence, want Desired) (Decision, bool) {
	if !want.Gone || want.Policy != Delete && !want.destroyApproved() || !e.Record.open() || len(e.Site.Leaving) == 0 {
		return Decision{}, false
	}
	want.Gone = false
	d := Next(e, want)
	var steps []Step
	var shoots []string
	for _, step := range d.Steps {
		if step.Name == StepLeave {
			steps, shoots = append(steps, step), append(shoots, step.Object)
		}
	}
	if d.Action != GoOn || len(steps) == 0 {
		return Decision{}, false
	}
	deletion := Step{Name: StepDeletion}.waits("what is left of "+strings.Join(shoots, ", "), "the SVM is deleted once nothing is left of the shoots that left it")
	d.Steps, d.Forget, d.Why = append(steps, deletion), nil, deletion.Why
	return d, true
}
