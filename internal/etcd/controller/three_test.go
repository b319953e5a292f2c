package controller

import (
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

func TestSeedsThreeMembers(t *testing.T) {
	r := newRig(t, 3)
	r.startAll()
	c := r.controller("b", nil)
	born := r.until(c, "a cluster of three", intactAndServing(3))
	if len(born.Members) != 3 || born.Record.Finding != proof.Present {
		t.Fatalf("%d members, record %s", len(born.Members), born.Record.Finding)
	}
}

func TestTwoOfThreeSeedNothing(t *testing.T) {
	r := newRig(t, 3)
	r.start("a")
	r.start("b")
	c := r.controller("a", nil)
	for range 10 {
		c.Pass(t.Context())
	}
	report := c.Report()
	if report.Verdict.State != proof.Unproven {
		t.Fatalf("verdict %s with one agent silent", report.Verdict.State)
	}
	for _, a := range r.agents {
		if part := a.agent.Testify(t.Context()).Node.Part; part.Finding != proof.Absent {
			t.Fatalf("a part is %s: something was started", part.Finding)
		}
	}
	t.Logf("%+v %v", report.Verdict.Missing, report.Advice)
	r.start("c")
	r.until(c, "a cluster of three, once the third answers", intactAndServing(3))
}

func TestGrowsFromOneToThree(t *testing.T) {
	r := newRig(t, 1)
	r.startAll()
	c := r.controller("a", nil)
	born := r.until(c, "a cluster of one", intactAndServing(1))
	r.addName("b")
	r.addName("c")
	r.start("b")
	r.start("c")
	c.peers.learn(r.addrs)
	if _, err := c.Configure(t.Context(), map[string]string{"memberCount": "3"}); err != nil {
		t.Fatal(err)
	}
	grown := r.until(c, "three members", intactAndServing(3))
	if grown.Verdict.Identity != born.Verdict.Identity {
		t.Fatalf("identity %v, was %v", grown.Verdict.Identity, born.Verdict.Identity)
	}
}
