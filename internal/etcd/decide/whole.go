package decide

import (
	"slices"

	"github.com/seedproof/seedproof/internal/proof"
)

// quorumOf is one member list and the identity whose list it is.
type quorumOf struct {
	identity proof.Identity
	list     List
}

// whole are the identities for which a quorum counts.
func (e Evidence) whole() []proof.Identity {
	var ids []proof.Identity
	for _, id := range e.identities() {
		if e.isWhole(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (e Evidence) isWhole(id proof.Identity) bool {
	return e.isWholeBy(func(n Node) bool { return n.countsFor(id) }, id)
}

// isWholeBy: a linearizable read, or a quorum of the newest list, of those that
// count. Where two lists are equally new, it takes a quorum of each.
func (e Evidence) isWholeBy(counts func(Node) bool, id proof.Identity) bool {
	if e.rolledBackBehindRecord(counts, id) {
		return false
	}
	if slices.ContainsFunc(e.Nodes, func(n Node) bool { return counts(n) && n.readsLinearizably() }) {
		return true
	}
	newest := e.newest(counts)
	for _, n := range newest {
		list := n.Part.Members
		if count := e.count(list, counts); count == 0 || count < list.Quorum() {
			return false
		}
	}
	return len(newest) > 0
}

// newest are those that count and whose list was read and is the newest. One
// that was only recalled stands beside it where its data is ahead: what it
// would say cannot be known.
func (e Evidence) newest(counts func(Node) bool) []Node {
	var read, recalled []Node
	for _, n := range e.Nodes {
		switch {
		case !counts(n):
		case n.Part.Recalled:
			recalled = append(recalled, n)
		default:
			read = append(read, n)
		}
	}
	if len(read) == 0 {
		return furthest(recalled)
	}
	newest := furthest(read)
	for _, n := range recalled {
		if newest[0].Part.Position.Before(n.Part.Position) {
			newest = append(newest, n)
		}
	}
	return newest
}

// furthest are those of which no other is ahead.
func furthest(nodes []Node) []Node {
	var first []Node
	for _, n := range nodes {
		switch {
		case len(first) == 0 || first[0].Part.Position.Before(n.Part.Position):
			first = []Node{n}
		case !n.Part.Position.Before(first[0].Part.Position):
			first = append(first, n)
		}
	}
	return first
}

func (n Node) readsLinearizably() bool { return n.Part.Live && n.Part.Linearizable }

// rolledBackBehindRecord: a linearizable read below what the record noted is
// no longer the thing that the record names.
func (e Evidence) rolledBackBehindRecord(counts func(Node) bool, id proof.Identity) bool {
	if e.Record.Finding != proof.Present || e.Record.Identity != id {
		return false
	}
	return slices.ContainsFunc(e.Nodes, func(n Node) bool {
		return counts(n) && n.Part.Linearizable && n.Part.Revision < e.Record.Revision
	})
}

// countsFor: the data bears the identity, and the node's own memory names
// neither another lineage nor a later generation. What a silent memory names is
// not known, so a part beside one does not count.
func (n Node) countsFor(id proof.Identity) bool {
	return n.Memory.Finding != proof.Unknown && n.bears(id)
}

// bears: the data bears the identity, and nothing that was seen speaks against
// it. The mark alone, in a directory that no etcd has written into, is no data.
func (n Node) bears(id proof.Identity) bool {
	p := n.Part
	return p.Finding == proof.Present && p.HasData && p.Identity == id && !p.RolledBack && !n.Memory.objectsTo(id)
}

func (n Node) silent() bool { return n.Part.Finding == proof.Unknown }

// silentFor: a silent part that could turn out to bear the identity.
func (n Node) silentFor(id proof.Identity) bool { return n.silent() && !n.Memory.objectsTo(id) }

func (m Memory) objectsTo(id proof.Identity) bool {
	if m.Finding != proof.Present || !m.Identity.Named() {
		return false
	}
	if m.Identity.Lineage != id.Lineage {
		return true
	}
	if m.Identity.Generation == id.Generation {
		return m.Identity.Birth != id.Birth
	}
	return m.Identity.Generation > id.Generation
}

// count is how many voters of the list have a node that fits. A voter without
// any node, or with one whose data bears another member id, is nobody.
func (e Evidence) count(list List, fits func(Node) bool) int {
	count := 0
	for _, voter := range list.Voters() {
		for _, n := range e.Nodes {
			if n.is(voter) && fits(n) {
				count++
				break
			}
		}
	}
	return count
}

// is reports whether the node is that member: by the id that its data bears,
// where both are known, else by name.
func (n Node) is(m MemberRef) bool {
	if n.Part.ID != 0 && m.ID != 0 {
		return n.Part.ID == m.ID
	}
	return n.Name == m.Name
}

// onList reports whether the node is one of the list's voters.
func (n Node) onList(l List) bool { return slices.ContainsFunc(l.Voters(), n.is) }

// identities are all that anybody names, without repeats.
func (e Evidence) identities() []proof.Identity {
	var ids []proof.Identity
	add := func(f proof.Finding, id proof.Identity) {
		if f == proof.Present && id.Named() && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, n := range e.Nodes {
		add(n.Part.Finding, n.Part.Identity)
	}
	add(e.Record.Finding, e.Record.Identity)
	for _, n := range e.Nodes {
		add(n.Memory.Finding, n.Memory.Identity)
	}
	for _, t := range e.allTraces() {
		add(t.Finding, t.Identity)
	}
	return ids
}

// lists are all member lists that anybody knows, each with whose it is.
func (e Evidence) lists() []quorumOf {
	var lists []quorumOf
	add := func(f proof.Finding, id proof.Identity, l List) {
		if f == proof.Present && id.Named() && len(l) > 0 {
			lists = append(lists, quorumOf{id, l})
		}
	}
	for _, n := range e.Nodes {
		add(n.Part.Finding, n.Part.Identity, n.Part.Members)
		add(n.Memory.Finding, n.Memory.Identity, n.Memory.Members)
	}
	add(e.Record.Finding, e.Record.Identity, e.Record.Members)
	for _, t := range e.allTraces() {
		add(t.Finding, t.Identity, t.Members)
	}
	return lists
}

func (e Evidence) allTraces() []Trace {
	traces := slices.Clone(e.Traces)
	for _, n := range e.Nodes {
		traces = append(traces, n.Trash...)
	}
	return traces
}
