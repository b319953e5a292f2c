package decide_test

import (
	"sort"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// The table: every cluster of three that these words can tell, its members as a
// multiset (all lists name the same three, so it does not matter who says
// what). It holds the 143,325 cases of the design, and those besides in which a
// part bears a foreign name: 30 states of a member, 7 of the record, 7 of the
// traces. With -short it is cut to 9 states of a member, which leaves 8,085
// cases; each axis keeps its silence, so that every law can still be looked up.

type said struct {
	word    string
	finding proof.Finding
	id      proof.Identity
	serial  uint64
}

var (
	silent  = said{"Unknown", proof.Unknown, noName, 0}
	absent  = said{"Absent", proof.Absent, noName, 0}
	damaged = said{"Unusable", proof.Unusable, noName, 0}
	isA1    = said{"A1", proof.Present, a1, 5}
	isA2    = said{"A2", proof.Present, a2, 5}
	isB     = said{"B", proof.Present, b1, 5}
	isOldA1 = said{"A1-old", proof.Present, a1, 3} // a serial below the memories'
	unnamed = said{"nameless", proof.Present, noName, 0}

	records  = []said{silent, absent, damaged, isA1, isA2, isB, isOldA1}
	traces   = []said{silent, absent, damaged, unnamed, isA1, isA2, isB}
	parts    = []said{silent, absent, damaged, isA1, isA2, isB}
	memories = []said{silent, absent, isA1, isA2, isB}

	shortParts    = []said{silent, absent, isA1}
	shortMemories = []said{silent, absent, isA1}
)

// memberState is what one member's part and memory say.
type memberState struct{ part, memory said }

// table holds the ruling on every case of clusters of one size.
type table struct {
	names   []string
	traceOf string // whom the list of a trace names; empty where it has none
	states  []memberState
	rows    map[row]judged
	ordered []row
}

// row numbers one case: the record, the trace, and the members' states in
// rising order (those beyond the size stay 0).
type row struct {
	record, trace int
	members       [3]int
}

type judged struct {
	ruling
	id      proof.Identity
	whole   int
	allowed allowed
}

func newTable(size int, parts, memories []said) *table {
	t := &table{names: []string{"a", "b", "c"}[:size], traceOf: "abc"[:size], rows: map[row]judged{}}
	for _, p := range parts {
		for _, m := range memories {
			t.states = append(t.states, memberState{p, m})
		}
	}
	t.each(func(r row) { t.ordered = append(t.ordered, r) })
	return t
}

func (t *table) each(do func(row)) {
	for r := range records {
		for tr := range traces {
			var members [3]int
			t.multisets(&members, 0, 0, func() { do(row{r, tr, members}) })
		}
	}
}

func (t *table) multisets(members *[3]int, at, from int, do func()) {
	if at == len(t.names) {
		do()
		return
	}
	for s := from; s < len(t.states); s++ {
		members[at] = s
		t.multisets(members, at+1, s, do)
	}
}

func (t *table) letters() string { return "abc"[:len(t.names)] }

func (t *table) evidence(r row) decide.Evidence {
	all := list(t.letters())
	rec, tr := records[r.record], traces[r.trace]
	e := decide.Evidence{Cluster: "main", Claim: noClaim(), Want: len(t.names),
		Record: decide.Record{Finding: rec.finding, Identity: rec.id, Serial: rec.serial, Members: all},
		Traces: []decide.Trace{{Name: "backups", Finding: tr.finding, Identity: tr.id, Members: list(t.traceOf)}},
		Nodes:  make([]decide.Node, len(t.names)),
	}
	for i, name := range t.names {
		s := t.states[r.members[i]]
		e.Nodes[i] = decide.Node{Name: name,
			Part:   decide.Part{Finding: s.part.finding, Identity: s.part.id},
			Memory: decide.Memory{Finding: s.memory.finding, Identity: s.memory.id, Serial: s.memory.serial},
		}
		if s.part.finding == proof.Present {
			e.Nodes[i].Part.ID, e.Nodes[i].Part.Members, e.Nodes[i].Part.HasData = memberID(name), all, true
		}
		if s.memory.finding == proof.Present {
			e.Nodes[i].Memory.Members = all
		}
	}
	return e
}

// with is the row with one member's state replaced.
func (t *table) with(r row, member, state int) row {
	r.members[member] = state
	sort.Ints(r.members[:len(t.names)])
	return r
}

// stateOf finds the number of a member's state.
func (t *table) stateOf(part, memory said) int {
	for i, s := range t.states {
		if s.part == part && s.memory == memory {
			return i
		}
	}
	panic("no such state of a member")
}

// fill judges every row, by the code and by the oracle.
func (t *table) fill(tt *testing.T) {
	for _, r := range t.ordered {
		e := t.evidence(r)
		v := judge(e)
		got, want := ruling{v.State, v.Rule}, oracle(e, false)
		if got != want {
			tt.Fatalf("got %v (%s), the oracle says %v: %s", got, v.Why, want, t.tell(r))
		}
		t.rows[r] = judged{got, v.Identity, len(v.Whole), allowedBy(v)}
	}
}

// tell says a row in words.
func (t *table) tell(r row) string {
	s := "record " + records[r.record].word + ", traces " + traces[r.trace].word
	for i, name := range t.names {
		m := t.states[r.members[i]]
		s += ", " + name + " " + m.part.word + " beside a memory of " + m.memory.word
	}
	return s
}
