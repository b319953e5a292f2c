package decide

import (
	"slices"

	"github.com/seedproof/seedproof/internal/proof"
)

// ClaimState is how far a claim has come.
type ClaimState string

const (
	ClaimOpen   ClaimState = "open"
	ClaimBorn   ClaimState = "born"   // the SVM runs and was read back
	ClaimFailed ClaimState = "failed" // by a person, or its name was lost to another
)

// Claim is the right to make the SVM: an object beside the record, written
// before anything is asked of an array. Its target does not change.
type Claim struct {
	Finding proof.Finding
	Attempt uint64 // above every one that was seen
	Nonce   string
	Array   string
	Cluster string // UUID of the array's cluster when it was written
	State   ClaimState
	Asked   bool   // a request to create was noted, and then sent
	UUID    string // that the array gave to what was asked for, if it is known
	// SeenRunning: the SVM of this attempt was once seen running.
	SeenRunning bool
	// Approval is the nonce that was used up for it, where it makes the SVM anew
	// in the place of one that was lost; Covers are the identities that were
	// named when it was given.
	Approval string
	Covers   []proof.Identity
	Why      string
}

func (c Claim) open() bool { return c.Finding == proof.Present && c.State == ClaimOpen }

// leavesBehind reports whether the approval of a re-creation covered what bears
// the identity.
func (c Claim) leavesBehind(id proof.Identity, lineage string) bool {
	earlier := id.Lineage == lineage && id.Generation < c.Attempt
	return c.Approval != "" && (!id.Named() || earlier || slices.Contains(c.Covers, id))
}

// testimony: a claim that was closed as born shows that the SVM was there, as a
// trace does. One that is open or failed is no sign of anything.
func (c Claim) testimony(owner Owner) proof.Testimony {
	t := proof.Testimony{Witness: proof.Witness{Kind: proof.Trace, Name: ClaimWitness}, Finding: c.Finding, Why: c.Why}
	if c.Finding != proof.Present {
		return t
	}
	switch c.State {
	case ClaimOpen, ClaimFailed:
		t.Finding = proof.Absent
	case ClaimBorn:
		t.Identity = proof.Identity{Lineage: owner.String(), Generation: c.Attempt, Birth: birth(c.Nonce, c.UUID)}
	default:
		t.Finding = proof.Unknown // a state of a newer program
	}
	return t
}

// NextAttempt is a number above every one that anybody names.
func NextAttempt(e Evidence) uint64 {
	highest := uint64(0)
	if e.Record.Finding == proof.Present {
		highest = e.Record.Generation
	}
	if e.Claim.Finding == proof.Present {
		highest = max(highest, e.Claim.Attempt)
	}
	for _, a := range e.Arrays {
		for _, s := range a.SVMs {
			if s.Ownership == Ours {
				highest = max(highest, s.Mark.Attempt)
			}
		}
	}
	for _, t := range e.Traces {
		highest = max(highest, t.Generation)
	}
	return highest + 1
}
