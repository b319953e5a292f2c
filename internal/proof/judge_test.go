package proof_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

var (
	a1      = proof.Identity{Lineage: "A", Generation: 1, Birth: "a1"}
	a1Other = proof.Identity{Lineage: "A", Generation: 1, Birth: "a1-again"}
	a2      = proof.Identity{Lineage: "A", Generation: 2, Birth: "a2"}
	b1      = proof.Identity{Lineage: "B", Generation: 1, Birth: "b1"}
	noName  = proof.Identity{}
)

func says(k proof.Kind, name string, f proof.Finding, id proof.Identity) proof.Testimony {
	return proof.Testimony{Witness: proof.Witness{Kind: k, Name: name}, Finding: f, Identity: id}
}

func record(f proof.Finding, id proof.Identity) proof.Testimony {
	return says(proof.Record, "record", f, id)
}
func part(f proof.Finding, id proof.Identity) proof.Testimony {
	return says(proof.Part, "part", f, id)
}
func memory(f proof.Finding, id proof.Identity) proof.Testimony {
	return says(proof.Memory, "memory", f, id)
}
func trace(f proof.Finding, id proof.Identity) proof.Testimony {
	return says(proof.Trace, "trace", f, id)
}

func serial(t proof.Testimony, n uint64) proof.Testimony {
	t.Serial = n
	return t
}

func vouching(t proof.Testimony) proof.Testimony {
	t.Vouches = true
	return t
}

func attested(t proof.Testimony) proof.Testimony {
	t.Finding, t.Identity, t.AttestedBy = proof.Absent, noName, "ada"
	return t
}

func heard(ts ...proof.Testimony) []proof.Testimony { return ts }

func ids(list ...proof.Identity) []proof.Identity { return list }

func TestJudge(t *testing.T) {
	const (
		P = proof.Present
		A = proof.Absent
		D = proof.Unusable
		U = proof.Unknown
	)
	tests := []struct {
		reason string
		c      proof.Case
		state  proof.State
		rule   int
		id     proof.Identity
		why    string
	}{
		// rule 0
		{"a contradiction goes before everything, even before a record that fits",
			proof.Case{Heard: heard(record(P, a1), part(P, a1)), Whole: ids(a1), Contradictions: seen("both halves run")},
			proof.Conflicting, 0, a1, "both halves run"},
		{"all contradictions are named",
			proof.Case{Heard: heard(record(A, noName)), Contradictions: seen("one", "two")},
			proof.Conflicting, 0, noName, "one; two"},
		{"a contradiction goes before silence",
			proof.Case{Heard: heard(record(U, noName)), Contradictions: seen("one")},
			proof.Conflicting, 0, noName, "one"},

		// rule 1
		{"the record names what is whole",
			proof.Case{Heard: heard(record(P, a1), part(P, a1)), Whole: ids(a1)}, proof.Intact, 1, a1, "the record names"},
		{"one that is silent leaves it so",
			proof.Case{Heard: heard(record(P, a1), part(P, a1), part(U, noName), memory(U, noName), trace(U, noName)), Whole: ids(a1)},
			proof.Intact, 1, a1, ""},
		{"what else is whole is reported and not touched",
			proof.Case{Heard: heard(record(P, b1), part(P, a1), part(P, b1)), Whole: ids(a1, b1)}, proof.Intact, 1, b1, ""},
		{"the record names another lineage, and nobody is silent",
			proof.Case{Heard: heard(record(P, b1), part(P, a1)), Whole: ids(a1)}, proof.Conflicting, 1, a1, "B generation 1"},
		{"the record names another lineage, which silent parts could make whole",
			proof.Case{Heard: heard(record(P, b1), part(P, a1), part(U, noName)), Whole: ids(a1), CouldBeWhole: ids(a1, b1)},
			proof.Unproven, 1, b1, "silent parts"},
		{"silent parts could make a stranger whole: that does not excuse the record",
			proof.Case{Heard: heard(record(P, b1), part(P, a1), part(U, noName)), Whole: ids(a1), CouldBeWhole: ids(a1, noName)},
			proof.Conflicting, 1, a1, ""},
		{"the record names a later generation than what is whole",
			proof.Case{Heard: heard(record(P, a2), part(P, a1)), Whole: ids(a1)}, proof.Conflicting, 1, a1, ""},
		{"another birth of the same generation is another thing",
			proof.Case{Heard: heard(record(P, a1Other), part(P, a1)), Whole: ids(a1)}, proof.Conflicting, 1, a1, ""},
		{"a record without a name names nothing that is whole",
			proof.Case{Heard: heard(record(P, noName), part(P, a1)), Whole: ids(a1)}, proof.Conflicting, 1, a1, ""},

		// rule 1, an old record put back
		{"a record of an earlier generation was put back: rule 2, and a memory vouches",
			proof.Case{Heard: heard(record(P, a1), part(P, a2), memory(P, a2)), Whole: ids(a2)}, proof.RecordLost, 2, a2, "of generation 1"},
		{"the record itself vouches for nothing",
			proof.Case{Heard: heard(record(P, a1), part(P, a2)), Whole: ids(a2)}, proof.Conflicting, 2, a2, "nobody vouches"},
		{"a serial below the one that a memory knows",
			proof.Case{Heard: heard(serial(record(P, a1), 3), part(P, a1), serial(memory(P, a1), 5)), Whole: ids(a1)},
			proof.RecordLost, 2, a1, "serial 3"},
		{"the same serial is no old one",
			proof.Case{Heard: heard(serial(record(P, a1), 5), part(P, a1), serial(memory(P, a1), 5)), Whole: ids(a1)}, proof.Intact, 1, a1, ""},
		{"a higher serial is no old one",
			proof.Case{Heard: heard(serial(record(P, a1), 6), part(P, a1), serial(memory(P, a1), 5)), Whole: ids(a1)}, proof.Intact, 1, a1, ""},
		{"a memory of another lineage counts other writes",
			proof.Case{Heard: heard(serial(record(P, a1), 3), part(P, a1), serial(memory(P, b1), 5)), Whole: ids(a1)}, proof.Intact, 1, a1, ""},
		{"a memory that does not name anybody knows no serial",
			proof.Case{Heard: heard(serial(record(P, a1), 3), part(P, a1), serial(memory(A, noName), 5)), Whole: ids(a1)}, proof.Intact, 1, a1, ""},
		{"only memories know serials",
			proof.Case{Heard: heard(serial(record(P, a1), 3), part(P, a1), serial(trace(P, a1), 5)), Whole: ids(a1)}, proof.Intact, 1, a1, ""},
		{"another cluster's record is never an old one of this, however low its serial",
			proof.Case{Heard: heard(serial(record(P, b1), 3), part(P, a1), memory(P, a1), serial(memory(P, b1), 5)), Whole: ids(a1)},
			proof.Conflicting, 1, a1, ""},

		// rule 2
		{"no record, and a memory vouches",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, a1)), Whole: ids(a1)}, proof.RecordLost, 2, a1, "vouched for by memory"},
		{"a damaged record, and a trace vouches",
			proof.Case{Heard: heard(record(D, noName), part(P, a1), trace(P, a1)), Whole: ids(a1)}, proof.RecordLost, 2, a1, "unusable"},
		{"an earlier generation of the lineage vouches too",
			proof.Case{Heard: heard(record(A, noName), part(P, a2), trace(P, a1)), Whole: ids(a2)}, proof.RecordLost, 2, a2, ""},
		{"our mark on a part vouches",
			proof.Case{Heard: heard(record(A, noName), vouching(part(P, a1))), Whole: ids(a1)}, proof.RecordLost, 2, a1, "vouched for by part"},
		{"our mark on another part does not",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), vouching(part(P, b1))), Whole: ids(a1)}, proof.Conflicting, 2, a1, ""},
		{"what another vouches for does not help",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, b1), trace(D, noName), trace(P, noName)), Whole: ids(a1)},
			proof.Conflicting, 2, a1, "nobody vouches"},
		{"two things whole",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(P, b1), memory(P, a1)), Whole: ids(a1, b1)},
			proof.Conflicting, 2, noName, "A generation 1 and B generation 1"},
		{"two things whole goes before silence",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(P, b1)), Whole: ids(a1, b1), CouldBeWhole: ids(a1, b1, a2)},
			proof.Conflicting, 2, noName, ""},
		{"silent parts could make another whole",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(U, noName), memory(P, a1)), Whole: ids(a1), CouldBeWhole: ids(a1, b1)},
			proof.Unproven, 2, a1, "silent parts"},
		{"silent parts could make a stranger whole",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(U, noName), memory(P, a1)), Whole: ids(a1), CouldBeWhole: ids(noName)},
			proof.Unproven, 2, a1, ""},
		{"silent parts could only be more of the same",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(U, noName), memory(P, a1)), Whole: ids(a1), CouldBeWhole: ids(a1)},
			proof.RecordLost, 2, a1, ""},
		{"silence of parts goes before a later generation",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, a2)), Whole: ids(a1), CouldBeWhole: ids(a2)}, proof.Unproven, 2, a1, ""},
		{"a memory names a later generation",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, a2), trace(P, a1)), Whole: ids(a1)}, proof.Conflicting, 2, a1, "later generation 2"},
		{"a trace names a later generation",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, a1), trace(P, a2)), Whole: ids(a1)}, proof.Conflicting, 2, a1, "trace names"},
		{"another lineage's generations are not later ones",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, a1), trace(P, proof.Identity{Lineage: "B", Generation: 9})), Whole: ids(a1)},
			proof.RecordLost, 2, a1, ""},
		{"nobody vouches while a memory is silent",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(U, noName)), Whole: ids(a1)}, proof.Unproven, 2, a1, "is silent: memory"},
		{"nobody vouches while a trace is silent",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), trace(U, noName)), Whole: ids(a1)}, proof.Unproven, 2, a1, "is silent: trace"},
		{"a silent part could vouch for nothing",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(U, noName)), Whole: ids(a1)}, proof.Conflicting, 2, a1, ""},
		{"vouched for, although another trace is silent",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), memory(P, a1), trace(U, noName)), Whole: ids(a1)}, proof.RecordLost, 2, a1, ""},

		// rule 3
		{"the record is silent",
			proof.Case{Heard: heard(record(U, noName), part(P, a1), memory(P, a1)), Whole: ids(a1)}, proof.Unproven, 3, a1, "cannot be asked"},
		{"a case without a record has not asked",
			proof.Case{Heard: heard(part(P, a1), memory(P, a1)), Whole: ids(a1)}, proof.Unproven, 3, a1, ""},

		// rule 4
		{"nothing whole, and the record is silent",
			proof.Case{Heard: heard(record(U, noName), part(A, noName))}, proof.Unproven, 4, noName, "not everybody"},
		{"nothing whole, and a part is silent",
			proof.Case{Heard: heard(record(A, noName), part(U, noName))}, proof.Unproven, 4, noName, ""},
		{"nothing whole, and a memory is silent",
			proof.Case{Heard: heard(record(A, noName), part(A, noName), memory(U, noName))}, proof.Unproven, 4, noName, ""},
		{"nothing whole, and a trace is silent",
			proof.Case{Heard: heard(record(A, noName), part(A, noName), trace(U, noName))}, proof.Unproven, 4, noName, ""},
		{"silence goes before two lineages",
			proof.Case{Heard: heard(record(P, a1), trace(P, b1), part(U, noName))}, proof.Unproven, 4, noName, ""},
		{"silence goes before a loss, and what is named is said",
			proof.Case{Heard: heard(record(P, a1), trace(P, a2), part(U, noName))}, proof.Unproven, 4, a2, ""},

		// rule 5
		{"nobody knows of anything",
			proof.Case{Heard: heard(record(A, noName), part(A, noName), memory(A, noName), trace(A, noName))}, proof.NeverExisted, 5, noName, "nobody knows"},
		{"the record alone is left",
			proof.Case{Heard: heard(record(P, a1), part(A, noName))}, proof.DataLost, 5, a1, ""},
		{"a part alone is left, and not enough of it",
			proof.Case{Heard: heard(record(A, noName), part(P, a1), part(A, noName))}, proof.DataLost, 5, a1, ""},
		{"a memory alone is left",
			proof.Case{Heard: heard(record(A, noName), part(A, noName), memory(P, a1))}, proof.DataLost, 5, a1, ""},
		{"a trace alone is left",
			proof.Case{Heard: heard(record(A, noName), part(A, noName), trace(P, a1))}, proof.DataLost, 5, a1, ""},
		{"several traces of one lineage: the newest is named",
			proof.Case{Heard: heard(record(A, noName), trace(P, a2), trace(P, a1))}, proof.DataLost, 5, a2, ""},
		{"a damaged record is something",
			proof.Case{Heard: heard(record(D, noName), part(A, noName))}, proof.DataLost, 5, noName, "something was there"},
		{"a damaged part is something",
			proof.Case{Heard: heard(record(A, noName), part(D, noName))}, proof.DataLost, 5, noName, ""},
		{"a trace without a name is something",
			proof.Case{Heard: heard(record(A, noName), trace(P, noName))}, proof.DataLost, 5, noName, ""},
		{"two lineages are named",
			proof.Case{Heard: heard(record(P, a1), trace(P, b1))}, proof.Conflicting, 5, noName, "two lineages"},
		{"several traces of two lineages",
			proof.Case{Heard: heard(record(A, noName), trace(P, b1), trace(P, a1), trace(P, a2))}, proof.Conflicting, 5, noName, ""},
		{"what has no name is no second lineage",
			proof.Case{Heard: heard(record(P, a1), trace(P, noName), part(D, noName))}, proof.DataLost, 5, a1, ""},
		{"nothing at all, but only on a person's word",
			proof.Case{Heard: heard(record(A, noName), attested(part(U, noName)))}, proof.Unproven, 5, noName, "never proof"},
		{"a person's word does not hide what others saw",
			proof.Case{Heard: heard(record(P, a1), attested(part(U, noName)))}, proof.DataLost, 5, a1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			tt.c.Subject = "main"
			v := proof.Judge(tt.c)
			if v.State != tt.state || v.Rule != tt.rule || v.Identity != tt.id {
				t.Errorf("got %s by rule %d of %s (%s), expected %s by rule %d of %s",
					v.State, v.Rule, v.Identity, v.Why, tt.state, tt.rule, tt.id)
			}
			if v.Why == "" || !strings.Contains(v.Why, tt.why) {
				t.Errorf("it says %q, expected something with %q", v.Why, tt.why)
			}
			if v.Subject != "main" || !reflect.DeepEqual(v.Heard, tt.c.Heard) || !reflect.DeepEqual(v.Whole, tt.c.Whole) {
				t.Errorf("the verdict does not carry what it was built on: %+v", v)
			}
		})
	}
}

func TestJudgeNamesTheSilent(t *testing.T) {
	silent := says(proof.Part, "member/c", proof.Unknown, noName)
	v := proof.Judge(proof.Case{Heard: heard(record(proof.Absent, noName), part(proof.Absent, noName), silent, attested(memory(proof.Unknown, noName)))})
	if want := []proof.Witness{silent.Witness}; !reflect.DeepEqual(v.Missing, want) {
		t.Errorf("missing %v, expected %v", v.Missing, want)
	}
	if !v.Attested() {
		t.Error("the verdict does not say that it leans on a person's word")
	}
	if v := proof.Judge(proof.Case{Heard: heard(record(proof.Absent, noName))}); v.Attested() || len(v.Missing) > 0 {
		t.Errorf("nobody is missing and nobody gave a word: %+v", v)
	}
}

func TestRuleText(t *testing.T) {
	tests := map[int]string{
		-1: "no rule", 6: "no rule",
		0: "rule 0: a contradiction was seen",
		1: "rule 1: something is whole, and there is a record",
		2: "rule 2: something is whole, and there is no record that can be used",
		3: "rule 3: something is whole, and the record is silent",
		4: "rule 4: nothing is whole, and somebody is silent",
		5: "rule 5: nothing is whole, and everybody has answered",
	}
	for rule, want := range tests {
		if got := (proof.Verdict{Rule: rule}).RuleText(); got != want {
			t.Errorf("rule %d reads %q, expected %q", rule, got, want)
		}
	}
}

func seen(what ...string) []proof.Contradiction {
	var all []proof.Contradiction
	for _, why := range what {
		all = append(all, proof.Contradiction{Kind: "kind", Why: why})
	}
	return all
}
