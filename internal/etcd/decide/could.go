package decide

import (
	"slices"

	"github.com/seedproof/seedproof/internal/proof"
)

// couldBeWhole are the identities that the silent could still make whole. A
// silent member is taken as a member of the list on which it was expected.
func (e Evidence) couldBeWhole() []proof.Identity {
	var ids []proof.Identity
	for _, id := range e.identities() {
		if e.couldMakeWhole(id) {
			ids = append(ids, id)
		}
	}
	if e.couldMakeStrangerWhole() {
		ids = append(ids, proof.Identity{})
	}
	return ids
}

// couldMakeWhole: with what the silent parts and memories may turn out to say
// in its favour, the identity is whole. Where nobody is silent, it is whole or
// it cannot be made so.
func (e Evidence) couldMakeWhole(id proof.Identity) bool {
	bears := func(n Node) bool { return n.bears(id) }
	if e.isWholeBy(bears, id) {
		return true
	}
	if e.rolledBackBehindRecord(bears, id) {
		return false
	}
	silent := func(n Node) bool { return n.silentFor(id) }
	listed := false
	for _, q := range e.lists() {
		if q.identity != id {
			continue
		}
		listed = true
		could := e.count(q.list, func(n Node) bool { return bears(n) || silent(n) })
		if could >= q.list.Quorum() && e.count(q.list, silent) > 0 {
			return true
		}
	}
	if listed {
		return false
	}
	// Nobody knows its members: any silent part could be all of it, but for one
	// that is expected on a list of somebody else.
	return slices.ContainsFunc(e.Nodes, func(n Node) bool { return silent(n) && !e.expectedElsewhere(n, id) })
}

func (e Evidence) expectedElsewhere(n Node, id proof.Identity) bool {
	return slices.ContainsFunc(e.lists(), func(q quorumOf) bool { return q.identity != id && n.expectedBy(q) })
}

// expectedBy: the list names the silent node, and nothing that was seen speaks
// against it.
func (n Node) expectedBy(q quorumOf) bool { return n.onList(q.list) && n.silentFor(q.identity) }

// couldMakeStrangerWhole: a quorum of some list is silent, and could be
// somebody whom nobody has named. Those on the list of what is whole are taken
// as members of that.
func (e Evidence) couldMakeStrangerWhole() bool {
	var taken []quorumOf
	for _, id := range e.whole() {
		counts := func(n Node) bool { return n.countsFor(id) }
		for _, n := range append(e.newest(counts), e.linearizable(counts)...) {
			taken = append(taken, quorumOf{id, n.Part.Members})
		}
	}
	stranger := func(n Node) bool {
		return n.silent() && !slices.ContainsFunc(taken, n.expectedBy)
	}
	return slices.ContainsFunc(e.lists(), func(q quorumOf) bool {
		could := e.count(q.list, stranger)
		return could > 0 && could >= q.list.Quorum()
	})
}

func (e Evidence) linearizable(counts func(Node) bool) []Node {
	var read []Node
	for _, n := range e.Nodes {
		if counts(n) && n.readsLinearizably() {
			read = append(read, n)
		}
	}
	return read
}
