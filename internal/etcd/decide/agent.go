package decide

import (
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/proof"
)

// MayNote says whether an agent may note the claim, and if not, why. It is
// asked by the agent of its own node, and by the leader beforehand.
func MayNote(n Node, c Claim) error { return mayNote(n, c, allGuards) }

func mayNote(n Node, c Claim, g guards) error {
	m, member := c.Member(n.Name)
	switch {
	case !member:
		return fmt.Errorf("%s is no member of claim %s", n.Name, c.Attempt)
	case n.Memory.Finding == proof.Unknown:
		return fmt.Errorf("%s cannot read its memory: %s", n.Name, n.Memory.Why)
	case g.memoryIDs && n.Memory.ID != m.MemoryID:
		return fmt.Errorf("%s has another memory than the one that the claim names: its node was lost since", n.Name)
	case n.Memory.Claim != "" && n.Memory.Claim != c.Attempt && !slices.Contains(c.Supersedes, n.Memory.Claim):
		return fmt.Errorf("%s has noted another claim, %s", n.Name, n.Memory.Claim)
	case n.Memory.Identity.Named() && n.Memory.Identity != c.Identity && !(c.Recreates() && c.leavesBehind(n.Memory.Identity)):
		return fmt.Errorf("%s remembers %s", n.Name, n.Memory.Identity)
	}
	return nil
}

// Start is how an agent brings up its etcd for a claim.
type Start struct {
	Retire    bool // what is there is of an earlier generation, and goes to the trash first
	MakeDir   bool // make the directory, marked with the claim
	NoteStart bool // note the start before it happens
	Refused   string
}

// HowToStart says how, or why not. With the claim's own directory it is
// started, whatever became of the memory. Without it, it is not when its
// memory notes a start or is not the noted one: the data is lost then, and
// others may have answered writes with it.
func HowToStart(n Node, c Claim) Start { return howToStart(n, c, allGuards) }

func howToStart(n Node, c Claim, g guards) Start {
	m, member := c.Member(n.Name)
	if !member {
		return Start{Refused: fmt.Sprintf("%s is no member of claim %s", n.Name, c.Attempt)}
	}
	if g.roundOfNotes && !c.AllNoted() {
		return Start{Refused: fmt.Sprintf("not every member has noted claim %s", c.Attempt)}
	}
	p, memory := n.Part, n.Memory
	ownDir := p.Claim == c.Attempt && p.Identity == c.Identity
	switch {
	case memory.Finding == proof.Unknown:
		return Start{Refused: fmt.Sprintf("%s cannot read its memory: %s", n.Name, memory.Why)}
	case ownDir:
		return Start{NoteStart: g.noteStart && memory.Started != c.Attempt}
	case p.Finding == proof.Unknown:
		return Start{Refused: fmt.Sprintf("%s cannot read its data directory: %s", n.Name, p.Why)}
	case g.memoryIDs && memory.ID != m.MemoryID:
		return Start{Refused: fmt.Sprintf("%s has another memory than the one that noted the claim, and no data of it", n.Name)}
	case g.noSecondStart && memory.Started == c.Attempt:
		return Start{Refused: fmt.Sprintf("%s noted that it started an etcd for claim %s, and its data is gone", n.Name, c.Attempt)}
	case memory.Claim != c.Attempt && (g.roundOfNotes || memory.Claim != ""):
		return Start{Refused: fmt.Sprintf("%s has not noted claim %s", n.Name, c.Attempt)}
	}
	start := Start{MakeDir: true, NoteStart: g.noteStart}
	if p.Finding != proof.Absent {
		if !c.Recreates() || p.Finding == proof.Present && !c.leavesBehind(p.Identity) {
			return Start{Refused: fmt.Sprintf("%s holds data of %s", n.Name, p.Identity)}
		}
		start.Retire = true
	}
	return start
}

// Boot is what an agent does with its etcd when it starts, before any leader,
// record or store was asked.
type Boot struct {
	Start bool
	Why   string
}

// madeFor says what a directory without data is to begin with.
func (p Part) madeFor() string {
	if p.Claim == "" {
		return "a member that joins"
	}
	return "claim " + p.Claim
}

// AtBoot starts the etcd whose directory is whole and at odds with nothing
// that its own memory knows. No outage is a reason not to.
func AtBoot(n Node) Boot {
	p, m := n.Part, n.Memory
	switch {
	case p.Finding != proof.Present:
		return Boot{Why: "the data directory is " + p.Finding.String() + ": " + p.Why}
	case !p.HasData:
		return Boot{Why: "the data directory was made for " + p.madeFor() + ", and its etcd has not been started yet"}
	case !p.Identity.Named():
		return Boot{Why: "the data directory bears no name"}
	case m.Finding == proof.Unknown:
		return Boot{Why: "the memory cannot be read: " + m.Why}
	case m.objectsTo(p.Identity):
		return Boot{Why: fmt.Sprintf("the memory names %s, and the data directory bears %s", m.Identity, p.Identity)}
	case p.RolledBack:
		return Boot{Why: fmt.Sprintf("the data ends at term %d index %d, and the memory noted term %d index %d: an old copy was put back",
			p.Position.Term, p.Position.Index, m.Noted.Term, m.Noted.Index)}
	}
	return Boot{Start: true, Why: "the data directory is whole and of " + p.Identity.String()}
}
