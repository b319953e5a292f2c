package decide_test

import (
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func approve(v proof.Verdict, op proof.Operation, source string) *proof.Approval {
	return &proof.Approval{Nonce: "n", Subject: v.Subject, Action: proof.Action{Operation: op, Source: source}, Digest: v.Digest, By: "Anna"}
}

// TestEveryApproval gives each world an approval that was made for it, and then
// takes a witness away: what was approved is bound to what was found.
func TestEveryApproval(t *testing.T) {
	t.Parallel()
	dims := [][]choice{arrayChoices, arrayChoices, recordChoices[:6], traceChoices, {"none", "born", "failed"}, {"wanted"}}
	at := func(digits []int) world {
		return world{dims[0][digits[0]], dims[1][digits[1]], dims[2][digits[2]], dims[3][digits[3]], dims[4][digits[4]], "wanted"}
	}
	approved := map[decide.NextAction]int{}
	for n := range sizeOf(dims) {
		digits := digitsOf(n, dims)
		w := at(digits)
		e := w.evidence()
		v, _ := decide.Judge(e)
		for _, a := range []*proof.Approval{approve(v, proof.Recreate, ""), approve(v, proof.Adopt, "ua"), approve(v, proof.Adopt, "1a"), approve(v, proof.Adopt, "fa")} {
			want := wanted()
			want.Approval = a
			d := decide.Next(e, want)
			if d.Action != decide.Adopt && (d.Action != decide.Open || v.State == proof.NeverExisted) {
				continue
			}
			approved[d.Action]++
			if why := wrongApproval(w, v, d, a); why != "" {
				t.Fatalf("%s: %s (%s) on %+v: %s", w, d.Action, d.Why, a.Action, why)
			}
			for dim := range 4 {
				silenced := append([]int{}, digits...)
				silenced[dim] = 0
				if now := decide.Next(at(silenced).evidence(), want); dangerous[now.Action] {
					t.Fatalf("law 1: %s, with %d silent: the approval still allows %s", w, dim, now.Action)
				}
			}
		}
	}
	t.Logf("%d combinations, approved: %v", sizeOf(dims), approved)
	if approved[decide.Open] == 0 || approved[decide.Adopt] == 0 {
		t.Error("an approval was never used")
	}
}

func wrongApproval(w world, v proof.Verdict, d decide.Decision, a *proof.Approval) string {
	switch {
	case len(v.Missing) > 0:
		return "somebody is silent"
	case d.Action == decide.Open && (len(v.Whole) > 0 || a.Action.Operation != proof.Recreate || d.Approval != a.Nonce):
		return "made anew over something whole, or without an approval for that"
	case d.Action == decide.Open && d.Attempt < 2:
		return "its number is not above the one that was lost"
	case d.Action == decide.Adopt && (d.UUID != a.Action.Source || d.UUID == "fa" || w.a == "foreign" || v.State != proof.Conflicting):
		return "another is adopted than was approved, or one with another owner's mark"
	}
	return ""
}

// TestRecreateStory: an approved re-creation leaves behind what it was approved
// for, is resumed without the approval, and ends with a record of its own.
func TestRecreateStory(t *testing.T) {
	e := evidence(recordOf(1, nonce1, "gone"), noClaim, arrayOf("a"), silentArray("b"))
	e.Traces = []decide.Trace{{Name: "volumes", Finding: proof.Present, UUID: "gone"}}
	e.Attestations = []proof.Attestation{{Witness: "array/b", Finding: proof.Unknown, Generation: decide.Generation(e), By: "Anna"}}
	v, _ := decide.Judge(e)
	if v.State != proof.DataLost {
		t.Fatalf("%s (%s)", v.State, v.Why)
	}
	want := wanted()
	want.Approval = approve(v, proof.Recreate, "")
	d := decide.Next(e, want)
	if d.Action != decide.Open || d.Attempt != 2 || d.Approval != "n" || len(d.Covers) == 0 {
		t.Fatalf("%+v", d)
	}
	e.Claim = claimOf(decide.ClaimOpen, d.Attempt, nonce2)
	e.Claim.Approval, e.Claim.Covers = d.Approval, d.Covers
	if d := decide.Next(e, wanted()); d.Action != decide.Ask { // the array is lost for good, and a person said so
		t.Errorf("with an attested array: %s (%s)", d.Action, d.Why)
	}
	e.Claim.Approval = ""
	if d := decide.Next(e, wanted()); d.Action == decide.Ask || d.Action == decide.Open {
		t.Errorf("without an approval: %s", d.Action)
	}
	e.Claim.Approval, e.Attestations = d.Approval, nil
	if d := decide.Next(e, wanted()); d.Action != decide.Wait {
		t.Errorf("the word is void, and the array silent: %s", d.Action)
	}
	e.Arrays[1] = arrayOf("b")
	if d := decide.Next(e, wanted()); d.Action != decide.Ask {
		t.Errorf("resumed: %s (%s)", d.Action, d.Why)
	}
	e.Arrays[1].SVMs = []decide.SVM{ours("gone", decide.Stopped, 1, nonce1)}
	if d := decide.Next(e, wanted()); d.Action == decide.Ask || d.Action == decide.Open {
		t.Errorf("the lost one turned up, and %s", d.Action)
	}
	e.Arrays[1].SVMs = nil
	e.Arrays[0].SVMs = []decide.SVM{ours("2a", decide.Running, 2, nonce2)}
	if d := decide.Next(e, wanted()); d.Action != decide.CloseBorn || d.UUID != "2a" {
		t.Errorf("it runs: %s (%s)", d.Action, d.Why)
	}
	e.Claim.State, e.Claim.UUID = decide.ClaimBorn, "2a"
	if d := decide.Next(e, wanted()); d.Action != decide.WriteRecord || d.Identity.Generation != 2 {
		t.Errorf("it is born: %s (%s)", d.Action, d.Why)
	}
}

// TestTakeOver: the rule that was agreed beforehand covers one unmarked SVM of
// our name that stands alone.
func TestTakeOver(t *testing.T) {
	for _, c := range []struct {
		reason string
		e      decide.Evidence
		want   decide.NextAction
	}{
		{"one, unmarked, alone", evidence(noRecord, noClaim, arrayOf("a", plain("u", decide.Running)), arrayOf("b")), decide.Adopt},
		{"another array is silent", evidence(noRecord, noClaim, arrayOf("a", plain("u", decide.Running)), silentArray("b")), decide.Wait},
		{"there is another", evidence(noRecord, noClaim, arrayOf("a", plain("u", decide.Running)), arrayOf("b", plain("v", decide.Running))), decide.Stop},
		{"a record names another", evidence(recordOf(1, nonce1, "x"), noClaim, arrayOf("a", plain("u", decide.Running)), arrayOf("b")), decide.Stop},
		{"it bears another owner's mark", evidence(noRecord, noClaim, arrayOf("a", foreign("u")), arrayOf("b")), decide.Stop},
		{"its mark is damaged", evidence(noRecord, noClaim, arrayOf("a", damagedMark("u")), arrayOf("b")), decide.Stop},
		{"it bears another name", evidence(noRecord, noClaim, arrayOf("a", named("q9", plain("u", decide.Running))), arrayOf("b")), decide.Stop},
		{"the rule speaks of another UUID", evidence(noRecord, noClaim, arrayOf("a", plain("w", decide.Running)), arrayOf("b")), decide.Stop},
	} {
		want := wanted()
		want.TakeOver = "u"
		if d := decide.Next(c.e, want); d.Action != c.want {
			t.Errorf("%s: %s (%s), want %s", c.reason, d.Action, d.Why, c.want)
		}
	}
}

// TestAttestedRecord: with the record attested lost, it names no other SVM, and
// another owner's mark on our namesake is seen.
func TestAttestedRecord(t *testing.T) {
	e := evidence(decide.Record{}, noClaim, arrayOf("a", foreign("f")), arrayOf("b"))
	if d := decide.Next(e, wanted()); d.Verdict.State != proof.Unproven || d.Verdict.Rule != 3 {
		t.Errorf("silent: %s by rule %d", d.Verdict.State, d.Verdict.Rule)
	}
	e.Attestations = []proof.Attestation{{Witness: "record", Finding: proof.Unknown, Generation: decide.Generation(e), By: "Anna"}}
	if d := decide.Next(e, wanted()); d.Verdict.State != proof.Conflicting || d.Verdict.Rule != 0 {
		t.Errorf("attested lost: %s by rule %d", d.Verdict.State, d.Verdict.Rule)
	}
}

// TestNotAdoptable: no approval makes ours what contradicts itself.
func TestNotAdoptable(t *testing.T) {
	for reason, e := range map[string]decide.Evidence{
		"both halves run":             bothHalves(noRecord),
		"it bears another one's mark": evidence(noRecord, noClaim, arrayOf("a", foreign("s")), arrayOf("b")),
	} {
		v, _ := decide.Judge(e)
		want := wanted()
		want.Approval = approve(v, proof.Adopt, "s")
		if d := decide.Next(e, want); d.Verdict.State != proof.Conflicting || d.Action != decide.Stop {
			t.Errorf("%s: %s, %s (%s)", reason, d.Verdict.State, d.Action, d.Why)
		}
	}
}

func damagedMark(uuid string) decide.SVM {
	s := plain(uuid, decide.Running)
	s.Ownership = decide.Unreadable
	return s
}

func named(name string, s decide.SVM) decide.SVM {
	s.Name = name
	return s
}

// TestAttested: a person's word turns silence into absence for healing, never
// into a reason to create.
func TestAttested(t *testing.T) {
	word := func(witness string, generation uint64) []proof.Attestation {
		return []proof.Attestation{{Witness: witness, Finding: proof.Unknown, Generation: generation, By: "Anna"}}
	}
	for _, c := range []struct {
		reason string
		e      decide.Evidence
		words  []proof.Attestation
		state  proof.State
		void   int
	}{
		{"the record is healed", evidence(noRecord, noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), silentArray("b")), word("array/b", 1), proof.RecordLost, 0},
		{"given for another generation", evidence(noRecord, noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), silentArray("b")), word("array/b", 2), proof.Unproven, 1},
		{"nothing is ever made for it", evidence(noRecord, noClaim, arrayOf("a"), silentArray("b")), word("array/b", 0), proof.Unproven, 0},
		{"nor for an attempt that is open", evidence(noRecord, claimOf(decide.ClaimOpen, 2, nonce2), arrayOf("a"), silentArray("b")), word("array/b", 0), proof.Unproven, 0},
		{"the array answers again", evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b")), word("array/b", 0), proof.NeverExisted, 1},
		{"one SVM that is being deleted for ever", evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Deleting, 1, nonce1)), arrayOf("b")), word("array/a/svm/1a", 1), proof.DataLost, 0},
		{"the record", evidence(decide.Record{}, noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b")), word("record", 1), proof.RecordLost, 0},
		{"the claim", evidence(noRecord, decide.Claim{}, arrayOf("a"), arrayOf("b")), word("claim", 0), proof.Unproven, 0},
	} {
		c.e.Attestations = c.words
		d := decide.Next(c.e, wanted())
		if d.Verdict.State != c.state || len(d.Void) != c.void {
			t.Errorf("%s: %s (%s), %d void, want %s, %d void", c.reason, d.Verdict.State, d.Verdict.Why, len(d.Void), c.state, c.void)
		}
		if dangerous[d.Action] && c.void == 0 {
			t.Errorf("%s: on a person's word alone: %s", c.reason, d.Action)
		}
	}
}
