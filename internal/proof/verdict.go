package proof

import "fmt"

// State is the verdict in one word.
type State uint8

const (
	// Unproven: change nothing that exists; keep serving, backing up and
	// reporting; ask again. It is the zero value.
	Unproven State = iota
	// NeverExisted: it may be created, under a won claim.
	NeverExisted
	// Intact: it may be reconciled.
	Intact
	// RecordLost: write the record again from the substance; nothing else
	// until that is done.
	RecordLost
	// DataLost: as Unproven; restore or re-create only with an approval.
	DataLost
	// Conflicting: as Unproven; adopt, restore or, where nothing is whole,
	// re-create only with an approval.
	Conflicting
)

var stateNames = [...]string{"Unproven", "NeverExisted", "Intact", "RecordLost", "DataLost", "Conflicting"}

// States are all states, in the order of their values.
func States() []State {
	return []State{Unproven, NeverExisted, Intact, RecordLost, DataLost, Conflicting}
}

func (s State) String() string { return name(stateNames[:], int(s)) }

// MarshalText makes states readable in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *State) UnmarshalText(b []byte) error {
	*s = Unproven
	for i, n := range stateNames {
		if n == string(b) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q: expected one of %v", b, stateNames)
}

// Verdict is what the witnesses add up to.
type Verdict struct {
	Subject string `json:"subject"`
	State   State  `json:"state"`
	// Identity is what is whole or, where nothing is, the one that is named;
	// without a name where there are several or none.
	Identity Identity `json:"identity,omitzero"`
	// Rule is the number of the rule that decided (0 to 5).
	Rule int `json:"rule"`
	// Why says in words how the rule fitted.
	Why string `json:"why"`
	// Contradictions are the kinds of those that were seen, in the domain's words.
	Contradictions []string `json:"contradictions,omitempty"`
	// Missing are the witnesses that are silent.
	Missing []Witness `json:"missing,omitempty"`
	// Heard is everything the verdict was built on.
	Heard []Testimony `json:"heard"`
	// Digest is what an approval is bound to: the findings alone.
	Digest string `json:"digest"`
	// Whole are the identities that are whole; a re-creation never goes over one.
	Whole []Identity `json:"whole,omitempty"`
}

// rules are the rules of the design in one sentence each, for explanations.
var rules = [...]string{
	"a contradiction was seen",
	"something is whole, and there is a record",
	"something is whole, and there is no record that can be used",
	"something is whole, and the record is silent",
	"nothing is whole, and somebody is silent",
	"nothing is whole, and everybody has answered",
}

// RuleText is the rule that decided, in one sentence.
func (v Verdict) RuleText() string {
	if v.Rule < 0 || v.Rule >= len(rules) {
		return "no rule"
	}
	return fmt.Sprintf("rule %d: %s", v.Rule, rules[v.Rule])
}

// Attested reports whether the verdict leans on a person's word.
func (v Verdict) Attested() bool {
	for _, t := range v.Heard {
		if t.AttestedBy != "" {
			return true
		}
	}
	return false
}
