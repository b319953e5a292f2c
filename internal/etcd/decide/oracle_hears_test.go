package decide_test

import (
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// What the oracle hears: the evidence as plain witnesses and lists.

// witness is what one of them said, whoever it is.
type witness struct {
	finding proof.Finding
	id      proof.Identity
}

type listOf struct {
	id   proof.Identity
	list decide.List
}

func memoriesAndTraces(e decide.Evidence) []witness {
	var all []witness
	for _, n := range e.Nodes {
		all = append(all, witness{n.Memory.Finding, n.Memory.Identity})
		for _, t := range n.Trash {
			all = append(all, witness{t.Finding, t.Identity})
		}
	}
	for _, t := range e.Traces {
		all = append(all, witness{t.Finding, t.Identity})
	}
	return all
}

func allWitnesses(e decide.Evidence) []witness {
	all := append(memoriesAndTraces(e), witness{e.Record.Finding, e.Record.Identity})
	for _, n := range e.Nodes {
		all = append(all, witness{n.Part.Finding, n.Part.Identity})
	}
	return all
}

func somebodySilent(e decide.Evidence) bool {
	return e.Want > len(e.Nodes) || // "fewer than the spec's count is Unknown"
		slices.ContainsFunc(allWitnesses(e), func(w witness) bool { return w.finding == proof.Unknown })
}

func everybodyNamed(e decide.Evidence) []proof.Identity {
	var ids []proof.Identity
	for _, w := range allWitnesses(e) {
		if w.finding == proof.Present && w.id.Lineage != "" && !slices.Contains(ids, w.id) {
			ids = append(ids, w.id)
		}
	}
	return ids
}

func allLists(e decide.Evidence) []listOf {
	all := []listOf{}
	add := func(f proof.Finding, id proof.Identity, l decide.List) {
		if f == proof.Present && id.Lineage != "" && len(l) > 0 {
			all = append(all, listOf{id, l})
		}
	}
	add(e.Record.Finding, e.Record.Identity, e.Record.Members)
	for _, n := range e.Nodes {
		add(n.Part.Finding, n.Part.Identity, n.Part.Members)
		add(n.Memory.Finding, n.Memory.Identity, n.Memory.Members)
		for _, t := range n.Trash {
			add(t.Finding, t.Identity, t.Members)
		}
	}
	for _, t := range e.Traces {
		add(t.Finding, t.Identity, t.Members)
	}
	return all
}
