package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// ClaimState is how far a claim has come.
type ClaimState string

const (
	ClaimOpen ClaimState = "open"
	ClaimBorn ClaimState = "born" // the new cluster proved that it works
)

// Claim is the right to make a cluster: an object of its own in the control
// store, written before anything else, with all identities computed beforehand.
type Claim struct {
	Attempt  string         `json:"attempt"` // nonce of the attempt
	Identity proof.Identity `json:"identity"`
	State    ClaimState     `json:"state"`
	Members  []ClaimMember  `json:"members"`
	// Noted are the members of whom the claim knows that they noted it.
	Noted []string `json:"noted,omitempty"`
	// Approval is the nonce that was used up to make this claim, where it makes
	// a cluster anew in the place of one that was lost.
	Approval string `json:"approval,omitempty"`
	// Supersedes are earlier attempts that the approval put an end to, and
	// Covers the identities that were named when it was given.
	Supersedes []string         `json:"supersedes,omitempty"`
	Covers     []proof.Identity `json:"covers,omitempty"`
}

// ClaimMember is one member that the claim is to make.
type ClaimMember struct {
	Name      string `json:"name"`
	MemoryID  string `json:"memoryID"` // of the agent's memory when it was asked
	PeerURL   string `json:"peerURL"`
	ClientURL string `json:"clientURL"`
}

// Recreates reports whether the claim makes a cluster anew, on an approval.
func (c Claim) Recreates() bool { return c.Approval != "" }

// Member finds a member of the claim.
func (c Claim) Member(name string) (ClaimMember, bool) {
	i := slices.IndexFunc(c.Members, func(m ClaimMember) bool { return m.Name == name })
	if i < 0 {
		return ClaimMember{}, false
	}
	return c.Members[i], true
}

// AllNoted reports whether every member of the claim is known to have noted it.
func (c Claim) AllNoted() bool {
	for _, m := range c.Members {
		if !slices.Contains(c.Noted, m.Name) {
			return false
		}
	}
	return len(c.Members) > 0
}

// leavesBehind reports whether the approval of a re-creation covered what bears
// the identity.
func (c Claim) leavesBehind(id proof.Identity) bool {
	return !id.Named() || id.EarlierThan(c.Identity) || slices.Contains(c.Covers, id)
}

// List is the member list that the new cluster will have, ids still unknown.
func (c Claim) List() List {
	list := make(List, len(c.Members))
	for i, m := range c.Members {
		list[i] = MemberRef{Name: m.Name, PeerURL: m.PeerURL, ClientURL: m.ClientURL}
	}
	return list
}

// ClaimView is what was found where claims are kept.
type ClaimView struct {
	Finding proof.Finding `json:"finding"`
	Claim   Claim         `json:"claim,omitzero"`
	Why     string        `json:"why,omitempty"`
}

func (v ClaimView) open() bool {
	return v.Finding == proof.Present && v.Claim.State == ClaimOpen
}

// supersedes: the attempt was put an end to by the claim that is there now.
func (v ClaimView) supersedes(attempt string) bool {
	return v.Finding == proof.Present && slices.Contains(v.Claim.Supersedes, attempt)
}

// foundered says why no waiting leads the open claim to a cluster any more: who
// has yet to note it may not, or of those who may start there is no quorum.
// Where nothing else was found, the claim itself is then the contradiction that
// a person ends, by approving a re-creation: nobody can be silent here.
func (e Evidence) foundered() []proof.Contradiction {
	c := e.Claim.Claim
	if !e.Claim.open() || e.isWhole(c.Identity) {
		return nil
	}
	if slices.ContainsFunc(e.testimonies(), func(t proof.Testimony) bool { return t.Finding != proof.Absent }) {
		return nil // the rules have what they need to go by
	}
	var unable []string
	fatal := false
	for _, m := range c.Members {
		n, known := e.node(m.Name)
		if !known {
			continue
		}
		if why := n.unableFor(c); why != "" {
			unable = append(unable, why)
			fatal = fatal || !slices.Contains(c.Noted, m.Name)
		}
	}
	if !fatal && len(c.Members)-len(unable) >= quorum(len(c.Members)) {
		return nil
	}
	return []proof.Contradiction{{Kind: DeadClaim, Why: fmt.Sprintf("claim %s is open and cannot be finished: %s", c.Attempt, strings.Join(unable, "; "))}}
}

// unableFor says why the node can do no more for the claim, or "". One that was
// counted is asked whether it may start, as if all had been.
func (n Node) unableFor(c Claim) string {
	if !slices.Contains(c.Noted, n.Name) {
		if err := MayNote(n, c); err != nil {
			return err.Error()
		}
		return ""
	}
	c.Noted = nil
	for _, m := range c.Members {
		c.Noted = append(c.Noted, m.Name)
	}
	return HowToStart(n, c).Refused
}

// underClaim is the evidence as it reads while a claim is open: what bears its
// identity is Absent until it is whole, and Present from then on. What an
// approved re-creation leaves behind is Absent too, unless it turns out to be
// whole after all: nothing is re-created over that.
func (e Evidence) underClaim() Evidence {
	if !e.Claim.open() || e.isWhole(e.Claim.Claim.Identity) {
		return e
	}
	c := e.Claim.Claim
	leaves := c.Recreates() && len(e.whole()) == 0
	hide := func(f *proof.Finding, id proof.Identity) {
		behind := leaves && (*f == proof.Unusable || *f == proof.Present && c.leavesBehind(id))
		if *f == proof.Present && id == c.Identity || behind {
			*f = proof.Absent
		}
	}
	e.Nodes = slices.Clone(e.Nodes)
	for i := range e.Nodes {
		n := &e.Nodes[i]
		hide(&n.Part.Finding, n.Part.Identity)
		hide(&n.Memory.Finding, n.Memory.Identity)
		n.Trash = slices.Clone(n.Trash)
		for j := range n.Trash {
			hide(&n.Trash[j].Finding, n.Trash[j].Identity)
		}
	}
	hide(&e.Record.Finding, e.Record.Identity)
	e.Traces = slices.Clone(e.Traces)
	for i := range e.Traces {
		hide(&e.Traces[i].Finding, e.Traces[i].Identity)
	}
	return e
}
