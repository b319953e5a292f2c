package decide_test

import (
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Every state of a MetroCluster pair: each half in each state or silent,
// knowing its other half or not, under each record and mode.

var halfStates = []decide.SVMState{decide.StateUnknown, decide.Initializing, decide.Starting, decide.Running, decide.Stopping, decide.Stopped, decide.Deleting}

type pairCase struct {
	source, twin             int // index into halfStates, or -1: its array is silent
	sourceKnows, twinKnows   bool
	record                   choice
	mode                     decide.Mode
	sourceState, twinState   decide.SVMState
	sourceSilent, twinSilent bool
}

func (p pairCase) evidence() decide.Evidence {
	s, t := halves(p.sourceState, p.twinState, 1, nonce1)
	if !p.sourceKnows {
		s.Twin = ""
	}
	if !p.twinKnows {
		t.Twin = ""
	}
	a, b := metro(arrayOf("a", s), p.mode), metro(arrayOf("b", t), p.mode)
	if p.sourceSilent {
		a = silentArray("a")
	}
	if p.twinSilent {
		b = silentArray("b")
	}
	record := map[choice]decide.Record{"none": noRecord, "silent": {}, "pair": recordOf(1, nonce1, "s", "t"),
		"source": recordOf(1, nonce1, "s"), "twin": recordOf(1, nonce1, "t")}[p.record]
	e := evidence(record, noClaim, a, b)
	e.Site = cell{lifs: "none", manage: "present", account: "ours", secret: "active"}.site([]string{"s"})
	return e
}

// ruling: "each half testifies the pair from its own answers, else it is
// Unknown. A running half, or the recorded source, is enough for Intact, whether
// the other answers or not; a stopped twin alone is Unknown."
func (p pairCase) ruling() (state proof.State, acting string) {
	stands := func(s decide.SVMState) bool {
		return s == decide.Running || s == decide.Stopping || s == decide.Stopped
	}
	sourceThere := !p.sourceSilent && p.sourceKnows && stands(p.sourceState)
	twinThere := !p.twinSilent && p.twinKnows && (p.twinState == decide.Running || stands(p.twinState) && sourceThere)
	bothShown := !p.sourceSilent && !p.twinSilent && (p.sourceKnows || p.twinKnows)
	bothRun := bothShown && p.sourceState == decide.Running && p.twinState == decide.Running
	acting = "s"
	if !sourceThere || twinThere && p.twinState == decide.Running && p.sourceState != decide.Running {
		acting = "t"
	}
	switch {
	case bothRun && p.record != "silent":
		return proof.Conflicting, ""
	case !sourceThere && !twinThere, p.record == "silent":
		return proof.Unproven, ""
	case p.record != "none":
		return proof.Intact, acting
	case p.sourceSilent || p.twinSilent || !p.sourceKnows || !p.twinKnows:
		return proof.Unproven, ""
	}
	return proof.RecordLost, acting
}

func TestEveryPair(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, p := range pairCases() {
		cases++
		d := decide.Next(p.evidence(), wanted())
		state, acting := p.ruling()
		if d.Verdict.State != state || acting != "" && d.UUID != acting {
			t.Errorf("%+v: %s (%s), acting on %q, want %s on %q", p, d.Verdict.State, d.Verdict.Why, d.UUID, state, acting)
		}
		if why := badWords(d); why != "" {
			t.Errorf("%+v: %s", p, why)
		}
		if why := p.wrongStep(d); why != "" {
			t.Errorf("%+v: %s", p, why)
		}
	}
	t.Logf("%d combinations", cases)
}

func pairCases() []pairCase {
	var all []pairCase
	for n := range 8 * 8 * 2 * 2 * 5 * 3 {
		p := pairCase{source: n%8 - 1, twin: n/8%8 - 1, sourceKnows: n/64%2 == 1, twinKnows: n/128%2 == 1,
			record: []choice{"none", "silent", "pair", "source", "twin"}[n/256%5], mode: []decide.Mode{decide.ModeUnknown, decide.Normal, decide.NotNormal}[n/1280]}
		p.sourceSilent, p.twinSilent = p.source < 0, p.twin < 0
		p.sourceState, p.twinState = halfStates[max(p.source, 0)], halfStates[max(p.twin, 0)]
		all = append(all, p)
	}
	return all
}

// wrongStep: "while switched over only credentials and the record are repaired".
func (p pairCase) wrongStep(d decide.Decision) string {
	home := p.mode == decide.Normal && d.UUID == "s"
	for _, s := range d.Steps {
		onArray := s.Name != decide.StepCredentials && s.Name != decide.StepRecord && s.Name != decide.StepObjects
		if onArray && s.State == decide.StepDo && !home {
			return fmt.Sprintf("step %s is done while it is switched over, or may be", s.Name)
		}
		if onArray && s.Name == decide.StepInterface && s.State == decide.StepWaits && home {
			return fmt.Sprintf("step %s waits for %s", s.Name, s.WaitFor)
		}
		if s.Name == decide.StepRecord && (s.State == decide.StepDo) != (p.record == "source" || p.record == "twin") {
			return "the record is completed with the other half: " + string(s.State)
		}
	}
	return ""
}
