package decide

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// The kinds of contradictions.
const (
	ForeignRecord = "foreign-record" // a record none of whose members is ours
	TwoClaims     = "two-claims"     // agents noted different claims
	DeadClaim     = "dead-claim"     // an open claim that nobody can finish
	LeftOut       = "left-out"       // a list that leaves out a member that is there
)

// contradictions are what has been seen and cannot be true of one cluster.
// None of them is ever assumed of a member that is silent.
func (e Evidence) contradictions() []proof.Contradiction {
	var found []proof.Contradiction
	found = append(found, e.foreignRecord()...)
	found = append(found, e.twoClaims()...)
	found = append(found, e.foundered()...)
	for _, claimant := range e.Nodes {
		for _, other := range e.Nodes {
			if why := leavesOut(claimant, other); why != "" {
				found = append(found, proof.Contradiction{Kind: LeftOut, Why: why})
			}
		}
	}
	return found
}

// foreignRecord: a record none of whose members is ours. A silent node that it
// names may be one of ours, as long as nothing whole shows who they are.
func (e Evidence) foreignRecord() []proof.Contradiction {
	if e.Record.Finding != proof.Present || len(e.Record.Members) == 0 || len(e.Nodes) == 0 {
		return nil
	}
	ours, silent := map[string]bool{}, map[string]bool{}
	for _, n := range e.Nodes {
		if n.Part.Finding != proof.Unknown || n.Memory.Finding != proof.Unknown {
			ours[n.Name] = true
		} else {
			silent[n.Name] = true
		}
		for _, l := range []List{n.Part.Members, n.Memory.Members} {
			for _, m := range l {
				ours[m.Name] = true
			}
		}
	}
	maybeOurs := false
	for _, m := range e.Record.Members {
		if ours[m.Name] {
			return nil
		}
		maybeOurs = maybeOurs || silent[m.Name]
	}
	if maybeOurs && len(e.whole()) == 0 {
		return nil
	}
	return []proof.Contradiction{{Kind: ForeignRecord, Why: fmt.Sprintf("none of the record's members (%s) is ours", names(e.Record.Members))}}
}

// twoClaims: different agents noted different claims, so two stores or two
// leaders were at work, and neither may go on.
func (e Evidence) twoClaims() []proof.Contradiction {
	by := map[string][]string{}
	for _, n := range e.Nodes {
		if n.Memory.Claim != "" && !e.Claim.supersedes(n.Memory.Claim) {
			by[n.Memory.Claim] = append(by[n.Memory.Claim], n.Name)
		}
	}
	if e.Claim.open() {
		by[e.Claim.Claim.Attempt] = append(by[e.Claim.Claim.Attempt], "the control store")
	}
	if len(by) < 2 {
		return nil
	}
	var parts []string
	for attempt, who := range by {
		parts = append(parts, fmt.Sprintf("claim %s by %s", attempt, strings.Join(who, ", ")))
	}
	sort.Strings(parts)
	return []proof.Contradiction{{Kind: TwoClaims, Why: "different claims were noted: " + strings.Join(parts, "; ")}}
}

// leavesOut says how the claimant's member list leaves out a member that is
// alive or as new as itself, which one raft log cannot do: a cluster forced
// anew out of one member's data.
func leavesOut(claimant, other Node) string {
	a, b := claimant.Part, other.Part
	oneIdentity := a.Finding == proof.Present && b.Finding == proof.Present && a.Identity == b.Identity
	if !oneIdentity || claimant.Name == other.Name || len(a.Members) == 0 || b.ID == 0 || a.RolledBack || b.RolledBack {
		return ""
	}
	if a.Recalled || slices.ContainsFunc(a.Members, func(m MemberRef) bool { return m.ID == b.ID }) {
		return ""
	}
	if a.Position.Before(b.Position) && !claimant.readsLinearizably() {
		return "" // an old list: the other may have been added since
	}
	if b.Live && b.Linearizable {
		return fmt.Sprintf("%s's member list leaves out %s, which answers linearizable reads", claimant.Name, other.Name)
	}
	if slices.Contains(b.Removed, b.ID) || !slices.ContainsFunc(b.Members, func(m MemberRef) bool { return m.ID == b.ID }) {
		return "" // its own data knows of its removal
	}
	if !b.Position.Before(a.Position) {
		return fmt.Sprintf("%s's member list leaves out %s, whose data is not older and knows of no removal", claimant.Name, other.Name)
	}
	return ""
}

func names(l List) string {
	out := make([]string, len(l))
	for i, m := range l {
		out[i] = m.Name
	}
	return strings.Join(out, ", ")
}
