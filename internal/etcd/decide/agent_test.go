package decide_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

func TestAtBoot(t *testing.T) {
	change := func(do func(*decide.Node)) decide.Node {
		n := member("a", a1, "abc")
		do(&n)
		return n
	}
	tests := []struct {
		reason string
		node   decide.Node
		start  bool
		says   string
	}{
		{"its directory is whole, and its memory agrees", member("a", a1, "abc"), true, ""},
		{"no memory: a node that was made anew with its old data volume", change(func(n *decide.Node) { n.Memory = decide.Memory{Finding: proof.Absent} }), true, ""},
		{"a memory that is damaged names nobody", change(func(n *decide.Node) { n.Memory = decide.Memory{Finding: proof.Unusable} }), true, ""},
		{"the memory is of an earlier generation: it has not heard yet", change(func(n *decide.Node) { n.Part.Identity = a2 }), true, ""},
		{"nothing there", empty("a"), false, "Absent"},
		{"it cannot be read: not empty, and not whole", down("a"), false, "Unknown"},
		{"it is damaged", change(func(n *decide.Node) { n.Part.Finding = proof.Unusable }), false, "Unusable"},
		{"it was made for a claim, and its etcd never started: that is for the claim to decide", made("a", "x", a1, false), false, "claim x"},
		{"it bears no name", change(func(n *decide.Node) { n.Part.Identity = noName }), false, "no name"},
		{"its memory cannot be read", change(func(n *decide.Node) { n.Memory = decide.Memory{Why: "I/O error"} }), false, "I/O error"},
		{"its memory names another lineage", change(func(n *decide.Node) { n.Memory.Identity = b1 }), false, "B generation 1"},
		{"its memory names a later generation", change(func(n *decide.Node) { n.Memory.Identity = a2 }), false, "A generation 2"},
		{"its memory names another birth", change(func(n *decide.Node) { n.Memory.Identity = a1Again }), false, "the memory names"},
		{"an old copy of the disk was put back", change(func(n *decide.Node) {
			n.Part.RolledBack = true
			n.Memory.Noted = decide.Position{Term: 4, Index: 7}
		}), false, "noted term 4 index 7"},
		{"a noted claim is no reason", change(func(n *decide.Node) { n.Memory.Claim, n.Memory.Started = "x", "x" }), true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got := decide.AtBoot(tt.node)
			if got.Start != tt.start || got.Why == "" || !strings.Contains(got.Why, tt.says) {
				t.Errorf("got %+v, expected %v, saying %q", got, tt.start, tt.says)
			}
		})
	}
}

func TestMayNote(t *testing.T) {
	x := claimOf("x", a1)
	change := func(do func(*decide.Memory)) decide.Node {
		n := empty("a")
		do(&n.Memory)
		return n
	}
	tests := []struct {
		reason  string
		node    decide.Node
		claim   decide.Claim
		refusal string
	}{
		{"it knows of nothing", empty("a"), x, ""},
		{"it noted this one already", noted("a", "x"), x, ""},
		{"it remembers what the claim makes", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, a1 }), x, ""},
		{"it is no member of it", empty("d"), x, "no member of claim x"},
		{"its memory cannot be read", down("a"), x, "cannot read its memory"},
		{"its memory is not the one that was asked", change(func(m *decide.Memory) { m.ID = "other" }), x, "another memory"},
		{"it noted another claim", noted("a", "w"), x, "another claim, w"},
		{"it noted one that an approval put an end to", noted("a", "w"), func() decide.Claim { c := x; c.Supersedes = []string{"v", "w"}; return c }(), ""},
		{"it remembers another cluster", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, b1 }), x, "remembers B generation 1"},
		{"it remembers another birth", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, a1Again }), x, "remembers A generation 1"},
		{"it remembers an earlier generation, and nobody approved", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, a1 }), claimOf("y", a2), "remembers A"},
		{"it remembers an earlier generation that an approval left behind", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, a1 }), recreation(), ""},
		{"it remembers whom the approval covered", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, b1 }), recreation(b1), ""},
		{"it remembers whom the approval did not cover", change(func(m *decide.Memory) { m.Finding, m.Identity = proof.Present, b1 }), recreation(), "remembers B"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			err := decide.MayNote(tt.node, tt.claim)
			if (err == nil) != (tt.refusal == "") || err != nil && !strings.Contains(err.Error(), tt.refusal) {
				t.Errorf("got %v, expected %q", err, tt.refusal)
			}
		})
	}
}

func TestHowToStart(t *testing.T) {
	ready := allNoted(claimOf("x", a1))
	again := allNoted(recreation(b1))
	with := func(n decide.Node, do func(*decide.Node)) decide.Node {
		do(&n)
		return n
	}
	tests := []struct {
		reason  string
		node    decide.Node
		claim   decide.Claim
		want    decide.Start
		refusal string
	}{
		{"for the first time: make the directory, then note the start", noted("a", "x"), ready, decide.Start{MakeDir: true, NoteStart: true}, ""},
		{"the directory was made, and the start not noted", with(made("a", "x", a1, false), func(n *decide.Node) { n.Memory.Started = "" }), ready, decide.Start{NoteStart: true}, ""},
		{"the start was noted: start it again", made("a", "x", a1, true), ready, decide.Start{}, ""},
		{"with its directory, whatever became of the memory: another one", with(made("a", "x", a1, true), func(n *decide.Node) { n.Memory = decide.Memory{Finding: proof.Absent, ID: "new"} }),
			ready, decide.Start{NoteStart: true}, ""},
		{"no member", noted("d", "x"), ready, decide.Start{}, "no member"},
		{"not all have noted it", noted("a", "x"), claimOf("x", a1), decide.Start{}, "not every member"},
		{"its memory cannot be read, so nothing can be noted", with(noted("a", "x"), func(n *decide.Node) { n.Memory = decide.Memory{Why: "EIO"} }), ready, decide.Start{}, "EIO"},
		{"its directory cannot be read", with(noted("a", "x"), func(n *decide.Node) { n.Part = decide.Part{Why: "EIO"} }), ready, decide.Start{}, "EIO"},
		{"another memory, and no directory: the node was lost", with(noted("a", "x"), func(n *decide.Node) { n.Memory.ID = "new" }), ready, decide.Start{}, "another memory"},
		{"it noted a start, and its data is gone", with(noted("a", "x"), func(n *decide.Node) { n.Memory.Started = "x" }), ready, decide.Start{}, "its data is gone"},
		{"it noted another claim", noted("a", "w"), ready, decide.Start{}, "has not noted"},
		{"it noted none", empty("a"), ready, decide.Start{}, "has not noted"},
		{"it holds somebody else's data", with(noted("a", "x"), func(n *decide.Node) { n.Part = data("a", b1, "a") }), ready, decide.Start{}, "holds data of B"},
		{"it holds the data of another attempt at the same generation", with(noted("a", "x"), func(n *decide.Node) { n.Part = data("a", a1Again, "a") }), ready, decide.Start{}, "holds data"},
		{"it holds a directory of that attempt under another identity", with(noted("a", "x"), func(n *decide.Node) { n.Part = made("a", "x", a1Again, true).Part }),
			ready, decide.Start{}, "holds data"},
		{"it holds damaged data", with(noted("a", "x"), func(n *decide.Node) { n.Part.Finding = proof.Unusable }), ready, decide.Start{}, "holds data"},
		{"a re-creation sets aside the earlier generation", with(noted("a", "y"), func(n *decide.Node) { n.Part = data("a", a1, "a") }), again,
			decide.Start{Retire: true, MakeDir: true, NoteStart: true}, ""},
		{"and what was damaged", with(noted("a", "y"), func(n *decide.Node) { n.Part.Finding = proof.Unusable }), again,
			decide.Start{Retire: true, MakeDir: true, NoteStart: true}, ""},
		{"and whom the approval covered", with(noted("a", "y"), func(n *decide.Node) { n.Part = data("a", b1, "a") }), again,
			decide.Start{Retire: true, MakeDir: true, NoteStart: true}, ""},
		{"but nobody else", with(noted("a", "y"), func(n *decide.Node) { n.Part = data("a", proof.Identity{Lineage: "C", Generation: 1}, "a") }), again, decide.Start{}, "holds data of C"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got := decide.HowToStart(tt.node, tt.claim)
			why := got.Refused
			got.Refused = ""
			if got != tt.want || (why == "") != (tt.refusal == "") || !strings.Contains(why, tt.refusal) {
				t.Errorf("got %+v refused %q, expected %+v refused %q", got, why, tt.want, tt.refusal)
			}
		})
	}
}
