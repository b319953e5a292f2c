package proof_test

import (
	"reflect"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

func TestAttestationIsBoundToWhatItWasGivenFor(t *testing.T) {
	silent := part(proof.Unknown, noName)
	damaged := part(proof.Unusable, noName)
	tests := []struct {
		reason string
		word   proof.Attestation
		heard  []proof.Testimony
		stands bool
	}{
		{"a silent witness, as it was", proof.Attestation{Witness: "part", Finding: proof.Unknown}, heard(silent), true},
		{"an unusable witness, as it was", proof.Attestation{Witness: "part", Finding: proof.Unusable}, heard(damaged), true},
		{"another witness", proof.Attestation{Witness: "member/b", Finding: proof.Unknown}, heard(silent), false},
		{"its finding has changed since: silent then, damaged now",
			proof.Attestation{Witness: "part", Finding: proof.Unknown}, heard(damaged), false},
		{"its finding has changed since: damaged then, silent now",
			proof.Attestation{Witness: "part", Finding: proof.Unusable}, heard(silent), false},
		{"it is back", proof.Attestation{Witness: "part", Finding: proof.Unknown, Generation: 1}, heard(part(proof.Present, a1)), false},
		{"who is present cannot be attested lost",
			proof.Attestation{Witness: "part", Finding: proof.Present, Generation: 1}, heard(part(proof.Present, a1)), false},
		{"who answers that nothing is there need not be",
			proof.Attestation{Witness: "part", Finding: proof.Absent}, heard(part(proof.Absent, noName)), false},
		{"the generation that was known", proof.Attestation{Witness: "part", Finding: proof.Unknown, Generation: 2},
			heard(silent, record(proof.Present, a1), trace(proof.Present, a2)), true},
		{"a later generation is known now", proof.Attestation{Witness: "part", Finding: proof.Unknown, Generation: 1},
			heard(silent, record(proof.Present, a1), trace(proof.Present, a2)), false},
		{"the generation is no longer known", proof.Attestation{Witness: "part", Finding: proof.Unknown, Generation: 1}, heard(silent), false},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			tt.word.By = "ada"
			before := append([]proof.Testimony(nil), tt.heard...)
			got, void := proof.Attest(tt.heard, []proof.Attestation{tt.word})
			if !reflect.DeepEqual(before, tt.heard) {
				t.Error("the testimonies that were handed in were changed")
			}
			if !tt.stands {
				if !reflect.DeepEqual(got, tt.heard) || len(void) != 1 {
					t.Errorf("a void word was applied: %+v, void %+v", got, void)
				}
				return
			}
			if got[0].Finding != proof.Absent || got[0].AttestedBy != "ada" || len(void) != 0 {
				t.Errorf("the word was not applied: %+v, void %+v", got[0], void)
			}
			if !reflect.DeepEqual(got[1:], tt.heard[1:]) {
				t.Errorf("others were changed: %+v", got[1:])
			}
		})
	}
}

func TestAttestTakesAwayWhatTheLostSaid(t *testing.T) {
	lost := vouching(serial(part(proof.Unusable, a1), 4))
	got, _ := proof.Attest(heard(lost), []proof.Attestation{{Witness: "part", Finding: proof.Unusable, By: "ada"}})
	if got[0].Identity.Named() || got[0].Serial != 0 || got[0].Vouches {
		t.Errorf("what is lost still names somebody: %+v", got[0])
	}
}

func TestAttestReturnsVoidWords(t *testing.T) {
	stands := proof.Attestation{Witness: "part", Finding: proof.Unknown, By: "ada"}
	void := proof.Attestation{Witness: "gone", Finding: proof.Unknown, By: "bob"}
	_, got := proof.Attest(heard(part(proof.Unknown, noName)), []proof.Attestation{void, stands})
	if !reflect.DeepEqual(got, []proof.Attestation{void}) {
		t.Errorf("void %+v", got)
	}
}

// No word ever proves that nothing existed, whoever it is given for.
func TestAttestNeverLeadsToNeverExisted(t *testing.T) {
	findings := []proof.Finding{proof.Unknown, proof.Absent, proof.Unusable, proof.Present}
	kinds := []proof.Kind{proof.Record, proof.Part, proof.Memory, proof.Trace}
	var all func(so []proof.Testimony)
	all = func(so []proof.Testimony) {
		if len(so) < len(kinds) {
			for _, f := range findings {
				id := noName
				if f == proof.Present {
					id = a1
				}
				all(append(so[:len(so):len(so)], says(kinds[len(so)], kinds[len(so)].String(), f, id)))
			}
			return
		}
		var words []proof.Attestation
		for _, s := range so {
			words = append(words, proof.Attestation{Witness: s.Witness.Name, Finding: s.Finding, Generation: proof.HighestGeneration(so), By: "ada"})
		}
		after, void := proof.Attest(so, words)
		v := proof.Judge(proof.Case{Heard: after})
		if leant := len(void) < len(words); leant && v.State == proof.NeverExisted {
			t.Errorf("%v: NeverExisted on a person's word", so)
		}
		if len(v.Missing) > 0 {
			t.Errorf("%v: everybody silent was attested lost, and %v are still missing", so, v.Missing)
		}
	}
	all(nil)
}

func TestHighestGenerationCountsOnlyWhatIsSeen(t *testing.T) {
	gone := trace(proof.Absent, proof.Identity{Lineage: "A", Generation: 9})
	if got := proof.HighestGeneration(heard(record(proof.Present, a1), trace(proof.Present, a2), gone)); got != 2 {
		t.Errorf("got %d", got)
	}
	if got := proof.HighestGeneration(nil); got != 0 {
		t.Errorf("got %d", got)
	}
}
