package decide_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// claimOf is an open claim on a cluster of three.
func claimOf(attempt string, id proof.Identity) decide.Claim {
	c := decide.Claim{Attempt: attempt, Identity: id, State: decide.ClaimOpen}
	for _, m := range list("abc") {
		c.Members = append(c.Members, decide.ClaimMember{Name: m.Name, MemoryID: "m", PeerURL: m.PeerURL})
	}
	return c
}

func allNoted(c decide.Claim) decide.Claim {
	c.Noted = []string{"a", "b", "c"}
	return c
}

// recreation is a claim that an approval allowed, over what was A generation 1.
func recreation(covers ...proof.Identity) decide.Claim {
	c := claimOf("y", a2)
	c.Approval, c.Covers = "nonce", covers
	return c
}

func open(c decide.Claim) decide.ClaimView {
	return decide.ClaimView{Finding: proof.Present, Claim: c}
}

// noted is an empty member that noted the claim.
func noted(name, attempt string) decide.Node {
	n := empty(name)
	n.Memory.Claim = attempt
	return n
}

// made is a member whose directory the claim has made; started, if its etcd has
// written into it.
func made(name, attempt string, id proof.Identity, started bool) decide.Node {
	n := noted(name, attempt)
	n.Memory.Started = attempt
	n.Part = decide.Part{Finding: proof.Present, Identity: id, Claim: attempt}
	if started {
		n.Part = data(name, id, "abc")
		n.Part.Claim = attempt
	}
	return n
}

func TestEvidenceUnderAnOpenClaim(t *testing.T) {
	x := allNoted(claimOf("x", a1))
	tests := []struct {
		reason string
		claim  decide.Claim
		e      decide.Evidence
		state  proof.State
	}{
		{"nothing has been made yet", x, evidence(noRecord(), noted("a", "x"), noted("b", "x"), noted("c", "x")), proof.NeverExisted},
		{"what bears its identity reads Absent until it is whole", x,
			evidence(noRecord(), made("a", "x", a1, true), made("b", "x", a1, false), noted("c", "x")), proof.NeverExisted},
		{"so do memories and traces of it", x, func() decide.Evidence {
			e := evidence(noRecord(), made("a", "x", a1, true), noted("b", "x"), noted("c", "x"))
			e.Nodes[0].Memory.Finding, e.Nodes[0].Memory.Identity = proof.Present, a1
			e.Nodes[1].Trash = []decide.Trace{traceOf("trash/b/1", a1, "abc")}
			e.Traces = []decide.Trace{traceOf("backup", a1, "abc")}
			return e
		}(), proof.NeverExisted},
		{"whole, it is there, and its record is yet to be written", x,
			evidence(noRecord(), made("a", "x", a1, true), made("b", "x", a1, true), made("c", "x", a1, true)), proof.Conflicting},
		{"whole, with its record", x,
			evidence(recordOf(a1, "abc"), made("a", "x", a1, true), made("b", "x", a1, true), down("c")), proof.Intact},
		{"a record without a quorum is no proof of birth", x,
			evidence(recordOf(a1, "abc"), made("a", "x", a1, true), noted("b", "x"), noted("c", "x")), proof.NeverExisted},
		{"who is silent ends nothing and allows nothing", x,
			evidence(noRecord(), made("a", "x", a1, true), noted("b", "x"), down("c")), proof.Unproven},
		{"a part of anybody else ends the resume", x,
			evidence(noRecord(), made("a", "x", a1, true), noted("b", "x"), member("c", b1, "abc")), proof.DataLost},
		{"a memory of anybody else ends it", x, func() decide.Evidence {
			e := evidence(noRecord(), made("a", "x", a1, true), noted("b", "x"), noted("c", "x"))
			e.Nodes[2].Memory.Finding, e.Nodes[2].Memory.Identity = proof.Present, a2
			return e
		}(), proof.DataLost},
		{"another birth of the same generation is anybody else", x,
			evidence(noRecord(), made("a", "x", a1, true), noted("b", "x"), made("c", "x", a1Again, true)), proof.DataLost},
		{"a trace of anybody else ends it", x, func() decide.Evidence {
			e := evidence(noRecord(), noted("a", "x"), noted("b", "x"), noted("c", "x"))
			e.Traces = []decide.Trace{traceOf("backup", b1, "abc")}
			return e
		}(), proof.DataLost},
		{"a damaged record ends it", x, evidence(emptiedRecord(), noted("a", "x"), noted("b", "x"), noted("c", "x")), proof.DataLost},
		{"a claim that is closed hides nothing", func() decide.Claim { c := x; c.State = decide.ClaimBorn; return c }(),
			evidence(noRecord(), made("a", "x", a1, true), noted("b", "x"), noted("c", "x")), proof.DataLost},

		{"another claim noted than the one that is open", x, evidence(noRecord(), noted("a", "x"), noted("b", "w"), noted("c", "x")), proof.Conflicting},
		{"two claims noted, and whole besides", x,
			evidence(noRecord(), made("a", "x", a1, true), made("b", "x", a1, true), noted("c", "w")), proof.Conflicting},
		{"an attempt that the claim put an end to is none", func() decide.Claim { c := x; c.Supersedes = []string{"w"}; return c }(),
			evidence(noRecord(), noted("a", "x"), noted("b", "w"), noted("c", "x")), proof.NeverExisted},

		{"a re-creation hides what is of an earlier generation", recreation(),
			evidence(recordOf(a1, "abc"), member("a", a1, "abc"), empty("b"), empty("c")), proof.NeverExisted},
		{"a re-creation hides what was damaged and what has no name", recreation(), func() decide.Evidence {
			e := evidence(emptiedRecord(), empty("a"), empty("b"), empty("c"))
			e.Nodes[0].Part.Finding = proof.Unusable
			e.Traces = []decide.Trace{{Name: "etcd-cluster-created", Finding: proof.Present}}
			return e
		}(), proof.NeverExisted},
		{"it hides whom its approval covered", recreation(b1), evidence(recordOf(b1, "abc"), empty("a"), empty("b"), empty("c")), proof.NeverExisted},
		{"it hides nobody else", recreation(), evidence(recordOf(b1, "abc"), empty("a"), empty("b"), empty("c")), proof.DataLost},
		{"it hides no later generation", recreation(), evidence(recordOf(proof.Identity{Lineage: "A", Generation: 3}, "abc"), empty("a"), empty("b"), empty("c")), proof.DataLost},
		{"it hides nobody who is silent", recreation(), evidence(recordOf(a1, "abc"), empty("a"), empty("b"), down("c")), proof.Unproven},
		{"what it was to replace is back and whole: nothing is re-created over it", recreation(), evidence(recordOf(a1, "abc"), three(a1)...), proof.Intact},
		{"so it is without a record", recreation(), evidence(noRecord(), three(a1)...), proof.RecordLost},
		{"a creation hides no earlier generation", claimOf("y", a2), evidence(noRecord(), member("a", a1, "abc"), empty("b"), empty("c")), proof.DataLost},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			tt.e.Claim = open(tt.claim)
			before := slices.Clone(tt.e.Nodes)
			v := judge(tt.e)
			if v.State != tt.state {
				t.Errorf("got %s by rule %d (%s), expected %s", v.State, v.Rule, v.Why, tt.state)
			}
			for i := range before {
				if before[i].Part.Finding != tt.e.Nodes[i].Part.Finding || before[i].Memory.Finding != tt.e.Nodes[i].Memory.Finding {
					t.Error("the evidence that was handed in was changed")
				}
			}
		})
	}
}

func TestTwoClaimsNotedAreAContradiction(t *testing.T) {
	e := evidence(noRecord(), noted("a", "x"), noted("b", "w"), noted("c", "x"))
	expectVerdict(t, e, proof.Conflicting, 0, "claim w by b; claim x by a, c")
	e.Claim = open(claimOf("x", a1))
	expectVerdict(t, e, proof.Conflicting, 0, "claim x by a, c, the control store")
	e.Nodes[1] = noted("b", "x")
	expectVerdict(t, e, proof.NeverExisted, 5, "")
}

func TestNextSeed(t *testing.T) {
	x := claimOf("x", a1)
	ready := allNoted(x)
	allThree := func(n func(string) decide.Node) []decide.Node { return []decide.Node{n("a"), n("b"), n("c")} }
	isNoted := func(name string) decide.Node { return noted(name, "x") }
	isStarted := func(name string) decide.Node { return made(name, "x", a1, true) }
	isLive := func(name string) decide.Node { return live(made(name, "x", a1, true)) }
	tests := []struct {
		reason  string
		claim   decide.ClaimView
		e       decide.Evidence
		action  decide.SeedAction
		members string
		says    string
	}{
		{"nothing anywhere: a claim", noClaim(), evidence(noRecord(), allThree(empty)...), decide.SeedClaim, "", ""},
		{"the agents noted a claim that is gone: that one, and no other", noClaim(), evidence(noRecord(), allThree(isNoted)...), decide.SeedClaim, "", "written again"},
		{"somebody is silent: no claim", noClaim(), evidence(noRecord(), empty("a"), empty("b"), down("c")), decide.SeedNothing, "", ""},
		{"intact: nothing to seed", noClaim(), evidence(recordOf(a1, "abc"), three(a1)...), decide.SeedNothing, "", ""},
		{"data lost: nothing to seed", noClaim(), evidence(recordOf(a1, "abc"), allThree(empty)...), decide.SeedNothing, "", ""},
		{"the claim cannot be read, and nothing is there", decide.ClaimView{Why: "403"}, evidence(noRecord(), allThree(empty)...), decide.SeedWait, "", "403"},
		{"the claim cannot be read, and a cluster runs", decide.ClaimView{Why: "403"}, evidence(recordOf(a1, "abc"), three(a1)...), decide.SeedNothing, "", ""},
		{"a claim that is closed", decide.ClaimView{Finding: proof.Present, Claim: decide.Claim{State: decide.ClaimBorn}},
			evidence(noRecord(), allThree(empty)...), decide.SeedNothing, "", ""},

		{"all are asked to note it", open(x), evidence(noRecord(), allThree(empty)...), decide.SeedNote, "a,b,c", ""},
		{"who noted it is written down first", open(x), evidence(noRecord(), noted("a", "x"), empty("b"), empty("c")), decide.SeedCountNotes, "a", ""},
		{"who has been counted is not asked again", open(func() decide.Claim { c := x; c.Noted = []string{"a"}; return c }()),
			evidence(noRecord(), noted("a", "x"), empty("b"), empty("c")), decide.SeedNote, "b,c", ""},
		{"one has another memory since", open(x), func() decide.Evidence {
			e := evidence(noRecord(), allThree(empty)...)
			e.Nodes[1].Memory.ID = "other"
			return e
		}(), decide.SeedStop, "", "b has another memory"},
		{"all noted it: start", open(ready), evidence(noRecord(), allThree(isNoted)...), decide.SeedStart, "a,b,c", ""},
		{"one is silent: wait", open(ready), evidence(noRecord(), noted("a", "x"), noted("b", "x"), down("c")), decide.SeedWait, "", ""},
		{"somebody else's data: stop", open(ready), evidence(noRecord(), noted("a", "x"), noted("b", "x"), member("c", b1, "c")), decide.SeedStop, "", ""},
		{"another claim noted: stop", open(ready), evidence(noRecord(), noted("a", "x"), noted("b", "w"), noted("c", "x")), decide.SeedStop, "", "different claims"},
		{"whole directories prove no working cluster", open(ready), evidence(noRecord(), allThree(isStarted)...), decide.SeedStart, "a,b,c", ""},
		{"it answers: the record", open(ready), evidence(noRecord(), allThree(isLive)...), decide.SeedWriteRecord, "", ""},
		{"so it does while one is silent", open(ready), evidence(noRecord(), isLive("a"), isLive("b"), down("c")), decide.SeedWriteRecord, "", ""},
		{"it answers, and the record cannot be asked", open(ready), evidence(silentRecord(), allThree(isLive)...), decide.SeedWait, "", ""},
		{"it answers, and the record is of somebody else", open(ready), evidence(recordOf(b1, "abc"), allThree(isLive)...), decide.SeedStop, "", "there is a record of B"},
		{"it answers, and the record is the one that the approval covered", open(allNoted(func() decide.Claim {
			c := claimOf("x", a1)
			c.Approval, c.Covers = "n", []proof.Identity{b1}
			return c
		}())), evidence(recordOf(b1, "abc"), allThree(isLive)...), decide.SeedWriteRecord, "", ""},
		{"the record names it: close", open(ready), evidence(recordOf(a1, "abc"), isLive("a"), isLive("b"), down("c")), decide.SeedClose, "", ""},
		{"a contradiction stops even that", open(ready), evidence(recordOf(a1, "abc"), isLive("a"), isLive("b"), noted("c", "w")), decide.SeedStop, "", ""},
		{"what a re-creation was to replace is whole again: stop", open(recreation()), evidence(recordOf(a1, "abc"), three(a1)...), decide.SeedStop, "", "Intact"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			tt.e.Claim = tt.claim
			step := decide.NextSeed(tt.e, judge(tt.e))
			if step.Action != tt.action || strings.Join(step.Members, ",") != tt.members || !strings.Contains(step.Why, tt.says) {
				t.Errorf("got %+v, expected %q of %q, saying %q", step, tt.action, tt.members, tt.says)
			}
			if resumes := strings.Contains(tt.reason, "that one"); resumes != (step.Resume == "x") {
				t.Errorf("resumes %q", step.Resume)
			}
		})
	}
}

func TestClaim(t *testing.T) {
	c := claimOf("x", a1)
	if c.AllNoted() || !allNoted(c).AllNoted() || (decide.Claim{}).AllNoted() {
		t.Error("all have noted it when each has, and there is somebody")
	}
	if _, ok := c.Member("d"); ok || c.Recreates() || !recreation().Recreates() {
		t.Error("members or approval misread")
	}
	if l := c.List(); len(l) != 3 || l[0].Name != "a" || l[0].PeerURL != "https://a:2380" || l[0].ID != 0 {
		t.Errorf("the list of the new cluster: %+v", l)
	}
}
