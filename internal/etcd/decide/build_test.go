package decide_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// The words in which the tests of this package tell their cases.

var (
	a1      = proof.Identity{Lineage: "A", Generation: 1, Birth: "a1"}
	a1Again = proof.Identity{Lineage: "A", Generation: 1, Birth: "a1-again"}
	a2      = proof.Identity{Lineage: "A", Generation: 2, Birth: "a2"}
	b1      = proof.Identity{Lineage: "B", Generation: 1, Birth: "b1"}
	noName  = proof.Identity{}
)

// memberID is the id under which the tests' lists name a member.
func memberID(name string) uint64 { return uint64(name[0]-'a') + 1 }

// list names members by one letter each; a capital letter is a learner.
func list(letters string) decide.List {
	var l decide.List
	for _, r := range letters {
		name := strings.ToLower(string(r))
		l = append(l, decide.MemberRef{ID: memberID(name), Name: name, PeerURL: "https://" + name + ":2380", Learner: name != string(r)})
	}
	return l
}

// data is a member's part: its directory, whole as far as can be seen.
func data(name string, id proof.Identity, members string) decide.Part {
	return decide.Part{Finding: proof.Present, Identity: id, HasData: true, ID: memberID(name), Members: list(members),
		Position: decide.Position{Term: 3, Index: 100}, Revision: 50}
}

func remembers(id proof.Identity, members string) decide.Memory {
	return decide.Memory{Finding: proof.Present, Identity: id, ID: "m", Members: list(members), Serial: 5}
}

// member is one whose data and memory are of one mind.
func member(name string, id proof.Identity, members string) decide.Node {
	return decide.Node{Name: name, Part: data(name, id, members), Memory: remembers(id, members)}
}

// down is a member of whom nothing is heard.
func down(name string) decide.Node {
	return decide.Node{Name: name, Part: decide.Part{Why: "the agent does not answer"}, Memory: decide.Memory{Why: "the agent does not answer"}}
}

// empty is a member whose agent answers, and which knows of nothing.
func empty(name string) decide.Node {
	return decide.Node{Name: name, Part: decide.Part{Finding: proof.Absent}, Memory: decide.Memory{Finding: proof.Absent, ID: "m"}}
}

func recordOf(id proof.Identity, members string) decide.Record {
	return decide.Record{Finding: proof.Present, Identity: id, Cluster: "main", Serial: 5, Members: list(members), Revision: 40}
}

func traceOf(name string, id proof.Identity, members string) decide.Trace {
	return decide.Trace{Name: name, Finding: proof.Present, Identity: id, Members: list(members)}
}

func noRecord() decide.Record      { return decide.Record{Finding: proof.Absent} }
func emptiedRecord() decide.Record { return decide.Record{Finding: proof.Unusable} }
func silentRecord() decide.Record  { return decide.Record{Why: "403"} }

func noBackups() decide.Trace { return decide.Trace{Name: "backups", Finding: proof.Absent} }

func noClaim() decide.ClaimView { return decide.ClaimView{Finding: proof.Absent} }

func evidence(r decide.Record, nodes ...decide.Node) decide.Evidence {
	return decide.Evidence{Cluster: "main", Record: r, Claim: noClaim(), Nodes: nodes}
}

func three(id proof.Identity) []decide.Node {
	return []decide.Node{member("a", id, "abc"), member("b", id, "abc"), member("c", id, "abc")}
}

// live makes a part one whose etcd answers linearizable reads.
func live(n decide.Node) decide.Node {
	n.Part.Live, n.Part.Linearizable = true, true
	return n
}

// silenced is the evidence as it reads while nothing is heard of some nodes.
func silenced(e decide.Evidence, names ...string) decide.Evidence {
	e.Nodes = slices.Clone(e.Nodes)
	for i, n := range e.Nodes {
		if slices.Contains(names, n.Name) {
			e.Nodes[i] = down(n.Name)
		}
	}
	return e
}

func judge(e decide.Evidence) proof.Verdict {
	v, _ := decide.Judge(e)
	return v
}

// permits tells whether the verdict allows the operation, with a won claim and
// an approval made for this very verdict.
func permits(v proof.Verdict, op proof.Operation) bool {
	action := proof.Action{Operation: op}
	approval := &proof.Approval{Nonce: "n", Subject: v.Subject, Action: action, Digest: v.Digest}
	return v.Permit(action, proof.Claim{Subject: v.Subject, Attempt: "x", Open: true}, approval) == nil
}

// allowed is what the verdict permits, one bit for each operation.
type allowed uint8

func allowedBy(v proof.Verdict) (bits allowed) {
	for i, op := range proof.Operations {
		if permits(v, op) {
			bits |= 1 << i
		}
	}
	return bits
}

func bitsOf(ops ...proof.Operation) (bits allowed) {
	for _, op := range ops {
		bits |= 1 << slices.Index(proof.Operations, op)
	}
	return bits
}

// dangerous is what can lose data or make a second cluster: no silence may ever
// permit it.
var dangerous = bitsOf(proof.Create, proof.Adopt, proof.Restore, proof.Recreate, proof.Destroy)

func expectVerdict(t *testing.T, e decide.Evidence, state proof.State, rule int, says string) proof.Verdict {
	t.Helper()
	v := judge(e)
	if v.State != state || v.Rule != rule {
		t.Errorf("got %s by rule %d (%s), expected %s by rule %d", v.State, v.Rule, v.Why, state, rule)
	}
	if !strings.Contains(v.Why, says) {
		t.Errorf("it says %q, expected something with %q", v.Why, says)
	}
	return v
}
