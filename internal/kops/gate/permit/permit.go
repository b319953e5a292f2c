// Package permit decides what is asked before kops is run: nothing, a y, or
// the name of the cluster typed in full; of whom; and whether what was given is
// enough. It is a table of plain values.
//
// It must never answer Start where something is seeded over a cluster that has
// lived, or where anything is not proven, without a person's word.
package permit

import (
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/kops/decide"
)

// Need is what a person has to give. They are ordered: the greater holds for
// all etcd clusters of one kops cluster.
type Need uint8

// The needs.
const (
	Nothing Need = iota // nothing is asked
	Yes                 // y
	Name                // the cluster's name, typed in full
)

func (n Need) String() string { return [...]string{"nothing", "yes", "name"}[n] }

// Found is what the check found of one etcd cluster.
type Found struct {
	Action   decide.Action
	ExitCode int // of the decision
	Backups  decide.BackupState
	// Opened: the newest valid backup was opened and holds. A backup that nobody
	// looked into is not taken for a valid one.
	Opened bool
	// MayChange: the config leaves the version open, and a newer kops than the
	// one that was run last would change it.
	MayChange bool
	// Restores: kops restarts etcd-manager, which has a command queued: it then
	// restores a backup over the cluster as it is.
	Restores bool
	// SpecLost: kops restarts etcd-manager and writes no spec, and there is none
	// that it could go by: it then takes no backups and mends nothing.
	SpecLost bool
}

// Of is what one etcd cluster needs. The first line that fits decides; what
// fits none needs the name.
func Of(f Found) Need {
	toGoBackTo := f.Backups == decide.BackupsRecent && f.Opened
	switch {
	case f.ExitCode != decide.Safe, f.Restores, f.SpecLost:
		return Name
	case f.Action == decide.SeedNew:
		return Nothing
	case f.Action == decide.None && !f.MayChange:
		return Nothing
	case (f.Action == decide.ChangeSpec || f.Action == decide.None) && toGoBackTo:
		return Yes
	}
	return Name
}

// OfAll is what a whole kops cluster needs. complete: all that belongs to it
// was found; none found is never complete.
func OfAll(found []Found, complete bool) Need {
	if !complete || len(found) == 0 {
		return Name
	}
	need := Nothing
	for _, f := range found {
		need = max(need, Of(f))
	}
	return need
}

// Approval is what became of an approval file.
type Approval uint8

// The states of an approval.
const (
	NoApproval    Approval = iota // none was given
	ApprovalHolds                 // it is for exactly this
	ApprovalVoid                  // it is not, or cannot be read
)

// Case is what the next step depends on.
type Case struct {
	Applies  bool // kops acts; else it only shows what it would do
	Need     Need
	Approval Approval
	Terminal bool // there is somebody to ask
}

// Step is the next step.
type Step uint8

// The steps.
const (
	Refuse      Step = iota
	AskName          // and start if it is typed
	AskYes           // and start if the answer is y
	UseApproval      // use it up, and start
	Start            // kops
)

func (s Step) String() string {
	return [...]string{"refuse", "ask for the name", "ask for y", "use the approval", "start"}[s]
}

// Next is the next step. An approval that was given and is void is never made
// up for by asking: somebody meant this run to go by it.
func Next(c Case) Step {
	switch {
	case !c.Applies, c.Need == Nothing:
		return Start
	case c.Approval == ApprovalHolds:
		return UseApproval
	case c.Approval != NoApproval, !c.Terminal:
		return Refuse
	case c.Need == Yes:
		return AskYes
	}
	return AskName
}

// Given reports whether what was typed is what was needed.
func Given(need Need, typed, cluster string) bool {
	typed = strings.TrimSpace(typed)
	switch need {
	case Nothing:
		return true
	case Yes:
		return slices.Contains([]string{"y", "yes"}, strings.ToLower(typed))
	}
	return cluster != "" && typed == cluster
}
