package proof_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

func digestOf(heard []proof.Testimony) string {
	return proof.Judge(proof.Case{Subject: "main", Heard: heard}).Digest
}

func TestDigest(t *testing.T) {
	base := func() []proof.Testimony {
		return heard(
			record(proof.Present, a1),
			part(proof.Unusable, noName),
			memory(proof.Absent, noName),
			trace(proof.Present, a1),
			trace(proof.Present, noName),
		)
	}
	tests := []struct {
		reason  string
		change  func([]proof.Testimony) []proof.Testimony
		changes bool
	}{
		{"the time is not in it", func(h []proof.Testimony) []proof.Testimony { h[0].At = time.Unix(9, 0); return h }, false},
		{"words are not in it", func(h []proof.Testimony) []proof.Testimony { h[1].Why = "checksum of page 7"; return h }, false},
		{"serials are not in it", func(h []proof.Testimony) []proof.Testimony { h[0].Serial = 12; return h }, false},
		{"the order is not in it", func(h []proof.Testimony) []proof.Testimony { slices.Reverse(h); return h }, false},
		{"which person gave a word is not in it", func(h []proof.Testimony) []proof.Testimony { h[2].AttestedBy = ""; return h }, false},
		{"that a person gave a word is", func(h []proof.Testimony) []proof.Testimony { h[2].AttestedBy = "ada"; return h }, true},
		{"a finding is", func(h []proof.Testimony) []proof.Testimony { h[2].Finding = proof.Unusable; return h }, true},
		{"a silence is", func(h []proof.Testimony) []proof.Testimony { h[2].Finding = proof.Unknown; return h }, true},
		{"a lineage is", func(h []proof.Testimony) []proof.Testimony { h[3].Identity.Lineage = "B"; return h }, true},
		{"a generation is", func(h []proof.Testimony) []proof.Testimony { h[3].Identity.Generation = 2; return h }, true},
		{"a birth is", func(h []proof.Testimony) []proof.Testimony { h[3].Identity.Birth = "again"; return h }, true},
		{"a witness's name is", func(h []proof.Testimony) []proof.Testimony { h[1].Witness.Name = "member/b"; return h }, true},
		{"a witness's kind is", func(h []proof.Testimony) []proof.Testimony { h[1].Witness.Kind = proof.Trace; return h }, true},
		{"one more witness is", func(h []proof.Testimony) []proof.Testimony { return append(h, memory(proof.Absent, noName)) }, true},
		{"one witness less is", func(h []proof.Testimony) []proof.Testimony { return h[:4] }, true},
	}
	want := digestOf(base())
	if want == "" || want != digestOf(base()) {
		t.Fatalf("the digest is not steady: %q", want)
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			if got := digestOf(tt.change(base())); (got != want) != tt.changes {
				t.Errorf("changed: %v, expected %v", got != want, tt.changes)
			}
		})
	}
	ada, bob := base(), base()
	ada[2].AttestedBy, bob[2].AttestedBy = "ada", "bob"
	if digestOf(ada) != digestOf(bob) {
		t.Error("it matters whose word it was")
	}
}

// Names are encoded, so that no name can be made to look like two witnesses.
func TestDigestCannotBeForgedByNames(t *testing.T) {
	one := heard(says(proof.Trace, "x\"}\n{\"Witness\":\"y", proof.Absent, noName))
	two := heard(says(proof.Trace, "x", proof.Absent, noName), says(proof.Trace, "y", proof.Absent, noName))
	if digestOf(one) == digestOf(two) {
		t.Error("one witness with a clever name reads as two")
	}
}
