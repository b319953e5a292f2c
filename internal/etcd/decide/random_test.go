package decide_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// seedOf is the seed of the random cases: SEEDPROOF_SEED, else one that is
// drawn. It is always printed, so that a failure can be had again.
func seedOf(t *testing.T) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv("SEEDPROOF_SEED"); s != "" {
		given, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("reading SEEDPROOF_SEED: %v", err)
		}
		seed = given
	}
	t.Logf("SEEDPROOF_SEED=%d", seed)
	return seed
}

// drawer draws evidence of a cluster of five, with everything that the table of
// three leaves out: lists that differ, learners, ids, positions, live members,
// rolled-back data, several traces, words of persons.
type drawer struct {
	*rand.Rand
	allAnswer bool // this case has nobody silent
}

func pick[T any](d drawer, of ...T) T { return of[d.IntN(len(of))] }

func (d drawer) oneIn(n int) bool { return d.IntN(n) == 0 }

func (d drawer) finding() proof.Finding {
	f := pick(d, proof.Present, proof.Present, proof.Present, proof.Present, proof.Absent, proof.Unusable, proof.Unknown)
	if f == proof.Unknown && d.allAnswer {
		return proof.Absent
	}
	return f
}

func (d drawer) identity() proof.Identity {
	return pick(d, a1, a1, a1, a1, a2, a1Again, b1)
}

// list leans to all five, so that things are whole often enough.
func (d drawer) list() decide.List {
	return list(pick(d, "abcde", "abcde", "abcde", "abc", "abcd", "cde", "c", "de", "abcDE", "xyz", ""))
}

func (d drawer) node(name string, usual proof.Identity) decide.Node {
	if d.oneIn(4) {
		usual = d.identity()
	}
	n := member(name, usual, "abcde")
	n.Part.Finding, n.Memory.Finding = d.finding(), d.finding()
	n.Part.Position = decide.Position{Term: uint64(1 + d.IntN(2)), Index: uint64(d.IntN(3))}
	n.Part.Revision = int64(d.IntN(50))
	n.Part.RolledBack = d.oneIn(12)
	n.Part.HasData = !d.oneIn(12)
	n.Part.Live = d.oneIn(3)
	n.Part.Linearizable = n.Part.Live && d.oneIn(3)
	n.Part.Recalled = d.oneIn(5)
	n.Memory.Serial = uint64(d.IntN(4))
	if d.oneIn(3) {
		n.Part.Members = d.list()
	}
	if d.oneIn(3) {
		n.Memory.Identity, n.Memory.Members = d.identity(), d.list()
	}
	if d.oneIn(10) {
		n.Part.ID = pick[uint64](d, 0, 9)
	}
	if d.oneIn(10) {
		n.Part.Removed = []uint64{memberID(name)}
	}
	if d.oneIn(20) {
		n.Memory.Claim = pick(d, "x", "x", "y")
	}
	if n.Part.Finding == proof.Unknown { // nothing was seen of it
		n.Part = decide.Part{Why: "silent"}
	}
	if d.oneIn(6) {
		n.Trash = []decide.Trace{d.trace("trash/" + name)}
	}
	return n
}

func (d drawer) trace(name string) decide.Trace {
	return decide.Trace{Name: name, Finding: d.finding(), Identity: pick(d, d.identity(), d.identity(), noName), Members: d.list()}
}

func (d drawer) evidence() decide.Evidence {
	d.allAnswer = d.oneIn(2)
	usual := d.identity()
	e := evidence(recordOf(pick(d, usual, usual, d.identity()), "abcde"))
	e.Record.Finding = d.finding()
	e.Record.Serial = uint64(1 + d.IntN(4))
	e.Record.Revision = int64(d.IntN(20))
	if d.oneIn(4) {
		e.Record.Members = d.list()
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		e.Nodes = append(e.Nodes, d.node(name, usual))
	}
	for i := range d.IntN(3) {
		e.Traces = append(e.Traces, d.trace(fmt.Sprintf("backup/%d", i)))
	}
	if d.oneIn(20) { // a record of those that are silent, beside something whole
		e.Record = recordOf(b1, "cde")
		e.Nodes = []decide.Node{member("a", a1, "abc"), member("b", a1, "abc"), d.node("c", a1), down("d"), down("e")}
	} else if d.oneIn(5) { // little is left
		for i := range e.Nodes {
			e.Nodes[i].Part = decide.Part{Finding: pick(d, proof.Absent, proof.Absent, proof.Unusable)}
			if d.oneIn(2) {
				e.Nodes[i].Memory = decide.Memory{Finding: proof.Absent}
			}
		}
	}
	e.Want = pick(d, 0, 5, 5, 5, 5, 5, 5, 7)
	return e
}

// attest gives a person's word for some of the silent and unusable, and returns
// the evidence as the oracle is to see it.
func (d drawer) attest(e decide.Evidence) (asked, applied decide.Evidence, words bool) {
	asked, applied = e, e
	applied.Nodes = slices.Clone(e.Nodes)
	var highest uint64
	for _, w := range allWitnesses(e) {
		if w.finding == proof.Present {
			highest = max(highest, w.id.Generation)
		}
	}
	give := func(witness string, f proof.Finding) bool {
		if f == proof.Present || f == proof.Absent || !d.oneIn(2) {
			return false
		}
		asked.Attestations = append(asked.Attestations, proof.Attestation{Witness: witness, Finding: f, Generation: highest, By: "ada"})
		words = true
		return true
	}
	if give(decide.RecordWitness, e.Record.Finding) {
		applied.Record = noRecord()
	}
	for i, n := range e.Nodes {
		if give(decide.MemberWitness(n.Name), n.Part.Finding) {
			applied.Nodes[i].Part = decide.Part{Finding: proof.Absent}
		}
		if give(decide.MemoryWitness(n.Name), n.Memory.Finding) {
			applied.Nodes[i].Memory = decide.Memory{Finding: proof.Absent}
		}
	}
	return asked, applied, words
}

// 100,000 clusters of five against the oracle, some with a
// person's words, and every fourth in another order of its nodes.
func TestRandomClustersOfFive(t *testing.T) {
	t.Parallel()
	cases := 100_000
	if testing.Short() {
		cases = 10_000
	}
	d := drawer{Rand: rand.New(rand.NewPCG(seedOf(t), 5))}
	seen := map[ruling]int{}
	for range cases {
		e, words := d.evidence(), false
		oracleSees := e
		if d.oneIn(3) {
			e, oracleSees, words = d.attest(e)
		}
		v, void := decide.Judge(e)
		got, want := ruling{v.State, v.Rule}, oracle(oracleSees, words)
		if got != want {
			t.Fatalf("got %v (%s), the oracle says %v: %+v", got, v.Why, want, e)
		}
		if len(void) > 0 {
			t.Fatalf("words that stand are called void: %+v: %+v", void, e)
		}
		if words && v.State == proof.NeverExisted {
			t.Fatalf("NeverExisted on a person's word: %+v", e)
		}
		if len(v.Missing) > 0 && allowedBy(v)&dangerous != 0 {
			t.Fatalf("%s permits %b while %v are silent: %+v", v.State, allowedBy(v), v.Missing, e)
		}
		seen[want]++
		if !d.oneIn(4) {
			continue
		}
		d.Shuffle(len(e.Nodes), func(i, j int) { e.Nodes[i], e.Nodes[j] = e.Nodes[j], e.Nodes[i] })
		if again := judge(e); again.State != v.State || again.Rule != v.Rule || again.Digest != v.Digest {
			t.Fatalf("the order of the nodes matters: %s and %s: %+v", v.State, again.State, e)
		}
	}
	for _, r := range []ruling{
		{proof.Conflicting, 0}, {proof.Intact, 1}, {proof.Conflicting, 1}, {proof.Unproven, 1},
		{proof.RecordLost, 2}, {proof.Conflicting, 2}, {proof.Unproven, 2}, {proof.Unproven, 3},
		{proof.Unproven, 4}, {proof.DataLost, 5}, {proof.Conflicting, 5},
	} {
		if seen[r] < cases/2000 {
			t.Errorf("only %d of %d cases end in %s by rule %d: the draw is too narrow", seen[r], cases, r.state, r.rule)
		}
	}
	t.Logf("%v", seen)
}
