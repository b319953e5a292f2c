package decide_test

import (
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// The oracle is the rules of the design (section 2) written a second time, for
// an etcd cluster without an open claim. It shares no function with the code,
// and goes another way where it can: what silent parts could make whole is not
// counted but tried, by letting them speak.

// ruling is what the oracle says.
type ruling struct {
	state proof.State
	rule  int
}

// oracle rules on the evidence. A person's words have been applied to it
// already; words says whether there were any.
func oracle(e decide.Evidence, words bool) ruling {
	if recordOfStrangers(e) || listThatLeavesOut(e) || twoClaimsNoted(e) {
		return ruling{proof.Conflicting, 0}
	}
	var whole []proof.Identity
	for _, id := range everybodyNamed(e) {
		if isWhole(e, id) {
			whole = append(whole, id)
		}
	}
	switch {
	case len(whole) == 0 && somebodySilent(e):
		return ruling{proof.Unproven, 4}
	case len(whole) == 0:
		return ruling{lost(e, words), 5}
	case e.Record.Finding == proof.Unknown:
		return ruling{proof.Unproven, 3}
	case e.Record.Finding == proof.Present && !putBack(e, whole):
		return ruling{besideARecord(e, whole), 1}
	}
	return ruling{withoutARecord(e, whole), 2}
}

// besideARecord: "Intact if it names what is whole; else Conflicting, or
// Unproven where silent parts could make whole what it names."
func besideARecord(e decide.Evidence, whole []proof.Identity) proof.State {
	if slices.Contains(whole, e.Record.Identity) {
		return proof.Intact
	}
	if canBecomeWhole(e, e.Record.Identity) {
		return proof.Unproven
	}
	return proof.Conflicting
}

// withoutARecord: "two things whole: Conflicting. Silent parts could make
// another whole: Unproven. A memory or trace of a later generation:
// Conflicting. Vouched for: RecordLost. Not vouched for: Unproven while a memory
// or trace is silent, else Conflicting."
func withoutARecord(e decide.Evidence, whole []proof.Identity) proof.State {
	if len(whole) > 1 {
		return proof.Conflicting
	}
	it := whole[0]
	for _, other := range everybodyNamed(e) {
		if other != it && canBecomeWhole(e, other) {
			return proof.Unproven
		}
	}
	if strangerPossible(e, it) {
		return proof.Unproven
	}
	vouched, someSilent := false, false
	for _, w := range memoriesAndTraces(e) {
		if w.finding == proof.Present && w.id.Lineage == it.Lineage && w.id.Generation > it.Generation {
			return proof.Conflicting
		}
		vouched = vouched || w.finding == proof.Present && w.id.Lineage == it.Lineage
		someSilent = someSilent || w.finding == proof.Unknown
	}
	if vouched {
		return proof.RecordLost
	}
	if someSilent {
		return proof.Unproven
	}
	return proof.Conflicting
}

// lost: "two lineages named: Conflicting; one, or something without a name:
// DataLost; nothing at all: NeverExisted, or Unproven if an attestation was
// needed for it."
func lost(e decide.Evidence, words bool) proof.State {
	lineages := map[string]bool{}
	nothing := true
	for _, w := range allWitnesses(e) {
		if w.finding != proof.Absent {
			nothing = false
		}
		if w.finding == proof.Present && w.id.Lineage != "" {
			lineages[w.id.Lineage] = true
		}
	}
	switch {
	case len(lineages) >= 2:
		return proof.Conflicting
	case !nothing:
		return proof.DataLost
	case words:
		return proof.Unproven
	}
	return proof.NeverExisted
}

// putBack: "if the record is of an earlier generation of it, or bears a serial
// below one that a memory knows". Serials are those of one lineage.
func putBack(e decide.Evidence, whole []proof.Identity) bool {
	for _, it := range whole {
		if it.Lineage != e.Record.Identity.Lineage {
			continue
		}
		if e.Record.Identity.Generation < it.Generation {
			return true
		}
		for _, n := range e.Nodes {
			if n.Memory.Finding == proof.Present && n.Memory.Identity.Lineage == it.Lineage && n.Memory.Serial > e.Record.Serial {
				return true
			}
		}
	}
	return false
}

// memorySpeaksAgainst: "its own memory names another lineage or a later
// generation"; another birth of one generation is another thing as well.
func memorySpeaksAgainst(n decide.Node, id proof.Identity) bool {
	if n.Memory.Finding != proof.Present || n.Memory.Identity.Lineage == "" {
		return false
	}
	it := n.Memory.Identity
	sameOrEarlier := it.Generation < id.Generation || it == id
	return it.Lineage != id.Lineage || !sameOrEarlier
}

// countsFor: "when its data bears it and its own memory names neither another
// lineage nor a later generation". A silent memory has not said so: silence is
// never an absence. What was rolled back bears another identity, and a directory
// that is marked and empty has no data.
func countsFor(n decide.Node, id proof.Identity) bool {
	p := n.Part
	return p.Finding == proof.Present && p.HasData && p.Identity == id && !p.RolledBack &&
		n.Memory.Finding != proof.Unknown && !memorySpeaksAgainst(n, id)
}

// isWhole: "a quorum of the voters on the newest list among those parts", or a
// linearizable read, which is one; but not when that read lies below what the
// record has noted.
func isWhole(e decide.Evidence, id proof.Identity) bool {
	var counting []decide.Node
	linearizable := false
	for _, n := range e.Nodes {
		if !countsFor(n, id) {
			continue
		}
		counting = append(counting, n)
		if n.Part.Live && n.Part.Linearizable {
			linearizable = true
			if e.Record.Finding == proof.Present && e.Record.Identity == id && n.Part.Revision < e.Record.Revision {
				return false
			}
		}
	}
	if linearizable {
		return true
	}
	some := false
	for _, n := range counting {
		if outdated(n, counting) {
			continue
		}
		if !moreThanHalf(n.Part.Members, counting) {
			return false
		}
		some = true
	}
	return some
}

// outdated: another list that was read is newer; and one that was only
// recalled gives way to one that was read of data as new.
func outdated(n decide.Node, counting []decide.Node) bool {
	anyRead := slices.ContainsFunc(counting, func(o decide.Node) bool { return !o.Part.Recalled })
	return slices.ContainsFunc(counting, func(o decide.Node) bool {
		switch {
		case o.Part.Recalled && anyRead:
			return false
		case n.Part.Recalled && anyRead:
			return !ahead(n, o)
		}
		return ahead(o, n)
	})
}

func ahead(n, of decide.Node) bool {
	p, q := n.Part.Position, of.Part.Position
	return p.Term > q.Term || p.Term == q.Term && p.Index > q.Index
}

// moreThanHalf of the voters on the list are among the nodes.
func moreThanHalf(l decide.List, nodes []decide.Node) bool {
	voters, there := 0, 0
	for _, m := range l {
		if m.Learner {
			continue
		}
		voters++
		if slices.ContainsFunc(nodes, func(n decide.Node) bool { return same(n, m) }) {
			there++
		}
	}
	return 2*there > voters
}

// same: a member is known by its id where both ids are known, else by its name.
func same(n decide.Node, m decide.MemberRef) bool {
	if n.Part.ID != 0 && m.ID != 0 {
		return n.Part.ID == m.ID
	}
	return n.Name == m.Name
}

// canBecomeWhole lets the silent speak in favour of the identity, once for each
// list of it on which they were expected, and looks whether it is whole then.
func canBecomeWhole(e decide.Evidence, id proof.Identity) bool {
	loud := e
	loud.Nodes = nil
	for _, n := range e.Nodes {
		if n.Memory.Finding == proof.Unknown {
			n.Memory.Finding = proof.Absent
		}
		loud.Nodes = append(loud.Nodes, n)
	}
	if isWhole(loud, id) {
		return true
	}
	hasList := false
	for _, l := range allLists(e) {
		if l.id != id {
			continue
		}
		hasList = true
		spoken, anyone := loud, false
		spoken.Nodes = nil
		for _, n := range loud.Nodes {
			if n.Part.Finding == proof.Unknown && !memorySpeaksAgainst(n, id) && isVoter(n, l.list) {
				anyone = true
				n.Part = decide.Part{Finding: proof.Present, HasData: true, Identity: id, Members: l.list, Position: decide.Position{Term: 1 << 40}}
			}
			spoken.Nodes = append(spoken.Nodes, n)
		}
		if anyone && isWhole(spoken, id) {
			return true
		}
	}
	if hasList {
		return false
	}
	for _, n := range e.Nodes {
		if n.Part.Finding == proof.Unknown && !memorySpeaksAgainst(n, id) && !expected(e, n, func(l listOf) bool { return l.id != id }) {
			return true
		}
	}
	return false
}

// strangerPossible: a quorum of some list is silent, and those on the list of
// what is whole are members of that.
func strangerPossible(e decide.Evidence, it proof.Identity) bool {
	var top []listOf
	var counting []decide.Node
	for _, n := range e.Nodes {
		if countsFor(n, it) {
			counting = append(counting, n)
		}
	}
	for _, n := range counting {
		if !outdated(n, counting) || n.Part.Linearizable {
			top = append(top, listOf{it, n.Part.Members})
		}
	}
	var free []decide.Node
	for _, n := range e.Nodes {
		taken := slices.ContainsFunc(top, func(l listOf) bool { return isVoter(n, l.list) && !memorySpeaksAgainst(n, it) })
		if n.Part.Finding == proof.Unknown && !taken {
			free = append(free, n)
		}
	}
	return slices.ContainsFunc(allLists(e), func(l listOf) bool { return moreThanHalf(l.list, free) })
}

func isVoter(n decide.Node, l decide.List) bool {
	return slices.ContainsFunc(l, func(m decide.MemberRef) bool { return !m.Learner && same(n, m) })
}

func expected(e decide.Evidence, n decide.Node, by func(listOf) bool) bool {
	return slices.ContainsFunc(allLists(e), func(l listOf) bool {
		return by(l) && isVoter(n, l.list) && !memorySpeaksAgainst(n, l.id)
	})
}

// recordOfStrangers: "a record none of whose members is ours". Ours are all
// nodes that have answered and all that they name; one that is silent may be
// ours as long as nothing is whole.
func recordOfStrangers(e decide.Evidence) bool {
	if e.Record.Finding != proof.Present || len(e.Record.Members) == 0 || len(e.Nodes) == 0 {
		return false
	}
	somethingWhole := slices.ContainsFunc(everybodyNamed(e), func(id proof.Identity) bool { return isWhole(e, id) })
	for _, stranger := range e.Record.Members {
		for _, n := range e.Nodes {
			answered := n.Part.Finding != proof.Unknown || n.Memory.Finding != proof.Unknown
			if n.Name == stranger.Name && (answered || !somethingWhole) {
				return false
			}
			for _, m := range slices.Concat(n.Part.Members, n.Memory.Members) {
				if m.Name == stranger.Name {
					return false
				}
			}
		}
	}
	return true
}

// listThatLeavesOut: "a list that leaves out a member which answers
// linearizable reads, or whose data is not older and lacks its removal". A list
// that lags behind the member, and that nobody answers reads for, is just old.
func listThatLeavesOut(e decide.Evidence) bool {
	for i, n := range e.Nodes {
		for j, o := range e.Nodes {
			p, q := n.Part, o.Part
			comparable := i != j && p.Finding == proof.Present && q.Finding == proof.Present && p.Identity == q.Identity &&
				len(p.Members) > 0 && q.ID != 0 && !p.RolledBack && !q.RolledBack
			if !comparable || p.Recalled || hasID(p.Members, q.ID) {
				continue
			}
			if lags := ahead(o, n); lags && !(p.Live && p.Linearizable) {
				continue
			}
			if q.Live && q.Linearizable {
				return true
			}
			lacksRemoval := hasID(q.Members, q.ID) && !slices.Contains(q.Removed, q.ID)
			if lacksRemoval && !ahead(n, o) {
				return true
			}
		}
	}
	return false
}

func hasID(l decide.List, id uint64) bool {
	return slices.ContainsFunc(l, func(m decide.MemberRef) bool { return m.ID == id })
}

// twoClaimsNoted: "two claims noted by different agents: neither goes on".
func twoClaimsNoted(e decide.Evidence) bool {
	noted := map[string]bool{}
	for _, n := range e.Nodes {
		if n.Memory.Claim != "" {
			noted[n.Memory.Claim] = true
		}
	}
	return len(noted) > 1
}
