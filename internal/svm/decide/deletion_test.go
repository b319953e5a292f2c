package decide_test

import (
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// TestEveryGuard: an SVM is deleted only when every guard says yes, and each
// phase asks them anew.
func TestEveryGuard(t *testing.T) {
	answers := []decide.Answer{decide.NotKnown, decide.No, decide.Yes}
	free := 0
	for n := range 3 * 3 * 3 * 3 * 3 * 3 * 3 {
		var g decide.Guards
		known, no := true, false
		for i, field := range []*decide.Answer{&g.NoOtherShoot, &g.NoOtherAccount, &g.NoDataVolume, &g.NoSnapshot, &g.RecoveryEmpty, &g.NoSnapMirror, &g.NoUnfinishedJob} {
			*field = answers[n/pow3(i)%3]
			known, no = known && *field != decide.NotKnown, no || *field == decide.No
		}
		want := decide.Desired{Target: "a", Gone: true, Policy: decide.Delete, Guards: g}
		e := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
		before := decide.Next(e, want).Action
		e.Record.Closed = "d"
		after := decide.Next(e, want).Action
		wantBefore, wantAfter := decide.Wait, decide.Wait
		switch {
		case no:
			wantBefore, wantAfter = decide.Stop, decide.Reopen
		case known:
			wantBefore, wantAfter = decide.CloseRecord, decide.DeleteSVM
			free++
		}
		if before != wantBefore || after != wantAfter {
			t.Fatalf("%+v: %s and then %s, want %s and %s", g, before, after, wantBefore, wantAfter)
		}
	}
	if free != 1 {
		t.Errorf("%d combinations of guards allow it, want one", free)
	}
}

func pow3(n int) int {
	p := 1
	for range n {
		p *= 3
	}
	return p
}

// TestDeletion: by policy, and never under a doubt.
func TestDeletion(t *testing.T) {
	there := func() decide.Evidence {
		return evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
	}
	closed := func(e decide.Evidence) decide.Evidence {
		e.Record.Closed = "d"
		return e
	}
	gone := decide.Desired{Gone: true, Policy: decide.Delete, Guards: guardsClear()}
	retained := gone
	retained.Policy = decide.Retain
	unknownPolicy := gone
	unknownPolicy.Policy = "delete"
	theirsDeleting := foreign("1a")
	theirsDeleting.State = decide.Deleting
	s, twin := halves(decide.Running, decide.Stopped, 1, nonce1)
	over, overTwin := halves(decide.Stopped, decide.Running, 1, nonce1)
	unread, theirs := twin, twin
	unread.Ownership, theirs.Ownership, theirs.Mark = decide.OwnershipUnknown, decide.Foreign, foreign("t").Mark
	pair := func(s, t decide.SVM, mode decide.Mode) decide.Evidence {
		return evidence(recordOf(1, nonce1, "s", "t"), noClaim, metro(arrayOf("a", s), mode), metro(arrayOf("b", t), mode))
	}
	for _, c := range []struct {
		reason string
		e      decide.Evidence
		want   decide.Desired
		action decide.NextAction
		uuid   string
	}{
		{"Retain: the record outlives its shoots", there(), retained, decide.KeepRecord, ""},
		{"a policy that is not known is Retain", there(), unknownPolicy, decide.KeepRecord, ""},
		{"Delete: the record is closed first", there(), gone, decide.CloseRecord, "1a"},
		{"then it is deleted", closed(there()), gone, decide.DeleteSVM, "1a"},
		{"gone by hand: the policy is no approval for what is lost", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a"), arrayOf("b")), gone, decide.Stop, ""},
		{"its record is lost: that is written first", evidence(noRecord, noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b")), gone, decide.WriteRecord, "1a"},
		{"closed, and another owner's mark since", closed(evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", foreign("1a")), arrayOf("b"))), gone, decide.Reopen, "1a"},
		{"closed, another owner's mark since, and somebody deletes it", closed(evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", theirsDeleting), arrayOf("b"))), gone, decide.Wait, ""},
		{"closed, gone, and a job is not finished", closed(evidence(recordOf(1, nonce1, "1a"), noClaim, withJob(arrayOf("a")), arrayOf("b"))), gone, decide.Wait, ""},
		{"closed, gone, and its array is not asked any more", closed(evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("b"))), gone, decide.Wait, ""},
		{"closed and gone", closed(evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a"), arrayOf("b"))), gone, decide.RemoveRecord, ""},
		{"closed and gone, and a namesake of another owner is not ours to mind", closed(evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", foreign("f")), arrayOf("b"))), gone, decide.RemoveRecord, ""},
		{"a pair: the source is deleted", closed(pair(s, twin, decide.Normal)), gone, decide.DeleteSVM, "s"},
		{"its source is gone and its twin not yet", closed(evidence(recordOf(1, nonce1, "s", "t"), noClaim, metro(arrayOf("a"), decide.Normal), metro(arrayOf("b", twin), decide.Normal))), gone, decide.Wait, ""},
		{"the comment of its twin could not be read", closed(pair(s, unread, decide.Normal)), gone, decide.Wait, ""},
		{"its twin bears another owner's mark", closed(pair(s, theirs, decide.Normal)), gone, decide.Reopen, "s"},
		{"switched over: nothing is deleted", closed(pair(over, overTwin, decide.NotNormal)), gone, decide.Wait, ""},
		{"whether it is switched over is not known", pair(s, twin, decide.ModeUnknown), gone, decide.Wait, ""},
		{"a claim is open and nothing came of it", evidence(noRecord, claimOf(decide.ClaimOpen, 2, nonce2), arrayOf("a"), arrayOf("b")), gone, decide.CloseFailed, ""},
	} {
		if d := decide.Next(c.e, c.want); d.Action != c.action || d.UUID != c.uuid && c.uuid != "" {
			t.Errorf("%s: %s %s (%s), want %s", c.reason, d.Action, d.UUID, d.Why, c.action)
		}
	}
	lost := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a"), arrayOf("b"))
	v, _ := decide.Judge(lost)
	approved := decide.Desired{Gone: true, Approval: approve(v, proof.Destroy, "")}
	if d := decide.Next(lost, approved); d.Action != decide.CloseRecord {
		t.Errorf("a person approves that what is left goes: %s (%s)", d.Action, d.Why)
	}

	named := traced(evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")), "1a")
	v, _ = decide.Judge(named)
	approved.Approval = approve(v, proof.Destroy, "")
	if d := decide.Next(named, approved); d.Action != decide.Stop {
		t.Errorf("there is no record to close: %s (%s)", d.Action, d.Why)
	}
}
