package proof_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

func TestZeroValuesAreNeverAnAnswer(t *testing.T) {
	var finding proof.Finding
	var state proof.State
	if finding != proof.Unknown || state != proof.Unproven {
		t.Errorf("the zero values are %s and %s", finding, state)
	}
	v := proof.Judge(proof.Case{Subject: "nobody was heard of", Heard: []proof.Testimony{{}}})
	if v.State != proof.Unproven {
		t.Errorf("a zero testimony leads to %s", v.State)
	}
}

func TestFindingText(t *testing.T) {
	for _, want := range []proof.Finding{proof.Unknown, proof.Absent, proof.Unusable, proof.Present} {
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got := proof.Present
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s came back as %s: %v", want, got, err)
		}
	}
	for _, text := range []string{"", "present", "Gone", "invalid(9)", "3"} {
		got := proof.Present
		if err := got.UnmarshalText([]byte(text)); err == nil || got != proof.Unknown {
			t.Errorf("%q was read as %s: %v", text, got, err)
		}
	}
}

func TestStateText(t *testing.T) {
	for _, want := range proof.States() {
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got := proof.NeverExisted
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s came back as %s: %v", want, got, err)
		}
	}
	for _, text := range []string{"", "neverexisted", "Fine", "invalid(6)"} {
		got := proof.NeverExisted
		if err := got.UnmarshalText([]byte(text)); err == nil || got != proof.Unproven {
			t.Errorf("%q was read as %s: %v", text, got, err)
		}
	}
}

func TestKindText(t *testing.T) {
	for _, want := range []proof.Kind{proof.Record, proof.Part, proof.Memory, proof.Trace} {
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got := proof.Kind(9)
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s came back as %s: %v", want, got, err)
		}
	}
	var k proof.Kind
	if err := k.UnmarshalText([]byte("rumour")); err == nil {
		t.Error("an unknown kind was read")
	}
}

func TestValuesOutOfRangeHaveAName(t *testing.T) {
	for got, want := range map[string]string{
		proof.Finding(9).String(): "invalid(9)",
		proof.State(6).String():   "invalid(6)",
		proof.Kind(4).String():    "invalid(4)",
	} {
		if got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}

// A verdict is what status and explain carry from an agent to a person.
func TestVerdictSurvivesJSON(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	want := proof.Judge(proof.Case{
		Subject: "main",
		Heard: []proof.Testimony{
			{Witness: proof.Witness{Kind: proof.Record, Name: "record"}, Finding: proof.Unusable, Why: "not JSON", At: at},
			{Witness: proof.Witness{Kind: proof.Part, Name: "member/a"}, Finding: proof.Present, Identity: a1, Vouches: true, At: at},
			{Witness: proof.Witness{Kind: proof.Memory, Name: "memory/a"}, Finding: proof.Present, Identity: a1, Serial: 7, At: at},
			{Witness: proof.Witness{Kind: proof.Trace, Name: "backups"}, Finding: proof.Absent, AttestedBy: "ada", At: at},
			{Witness: proof.Witness{Kind: proof.Trace, Name: "trash"}, Why: "timeout", At: at},
		},
		Whole: []proof.Identity{a1},
	})
	encoded, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got proof.Verdict
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatalf("reading %s: %v", encoded, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, word := range []string{`"RecordLost"`, `"Unusable"`, `"trace"`} {
		if !strings.Contains(string(encoded), word) {
			t.Errorf("%s does not say %s", encoded, word)
		}
	}
}

func TestIdentity(t *testing.T) {
	tests := []struct {
		reason  string
		a, b    proof.Identity
		earlier bool
	}{
		{"a lower generation of one lineage is earlier", a1, a2, true},
		{"a later one is not", a2, a1, false},
		{"the same one is not", a1, a1, false},
		{"another birth of the same generation is not", a1, a1Other, false},
		{"lineages are not compared", proof.Identity{Lineage: "B", Generation: 1}, a2, false},
		{"what has no name is earlier than nothing", proof.Identity{}, proof.Identity{Generation: 5}, false},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			if got := tt.a.EarlierThan(tt.b); got != tt.earlier {
				t.Errorf("%s earlier than %s: %v", tt.a, tt.b, got)
			}
		})
	}
	if (proof.Identity{Generation: 1, Birth: "x"}).Named() || !a1.Named() {
		t.Error("the lineage alone is the name")
	}
	if got := a2.String(); got != "A generation 2" {
		t.Errorf("got %q", got)
	}
	if got := (proof.Identity{}).String(); got != "without a name" {
		t.Errorf("got %q", got)
	}
}
