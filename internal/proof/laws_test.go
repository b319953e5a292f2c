package proof_test

import (
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

// The laws, over every combination of a small universe: a record, two or three
// parts each with a memory, and a trace, in a domain where one part suffices
// (a storage virtual machine). What is whole and what could be is worked out
// here as plainly as that: one part that counts, and one that is silent.
type universe struct {
	parts   int
	choices [][]proof.Testimony // for each witness, all that it may say
}

func newUniverse(parts int) universe {
	u := universe{parts: parts}
	add := func(k proof.Kind, name string, named ...proof.Identity) {
		all := []proof.Testimony{says(k, name, proof.Unknown, noName), says(k, name, proof.Absent, noName), says(k, name, proof.Unusable, noName)}
		for _, id := range named {
			all = append(all, says(k, name, proof.Present, id))
		}
		u.choices = append(u.choices, all)
	}
	add(proof.Record, "record", a1, a2, b1)
	add(proof.Trace, "trace", a1, a2, b1, noName)
	for i := range parts {
		add(proof.Part, "part/"+string(rune('a'+i)), a1, a2, b1)
	}
	for i := range parts {
		if parts == 2 || i == 0 { // with three parts one memory keeps it small
			add(proof.Memory, "memory/"+string(rune('a'+i)), a1, a2, b1)
		}
	}
	return u
}

func (u universe) size() int {
	n := 1
	for _, c := range u.choices {
		n *= len(c)
	}
	return n
}

// at is the case with that number; digits are which choice each witness takes.
func (u universe) at(n int) (heard []proof.Testimony, digits []int) {
	for _, c := range u.choices {
		heard = append(heard, c[n%len(c)])
		digits = append(digits, n%len(c))
		n /= len(c)
	}
	return heard, digits
}

func (u universe) number(digits []int) int {
	n := 0
	for i := len(digits) - 1; i >= 0; i-- {
		n = n*len(u.choices[i]) + digits[i]
	}
	return n
}

func (u universe) judge(heard []proof.Testimony) proof.Verdict {
	c := proof.Case{Subject: "main", Heard: heard}
	for _, id := range ids(a1, a2, b1) {
		whole, could := false, false
		for i := range u.parts {
			p := heard[2+i]
			objects := false
			if m := 2 + u.parts + i; m < len(heard) && heard[m].Finding == proof.Present {
				named := heard[m].Identity
				objects = named.Lineage != id.Lineage || id.EarlierThan(named)
			}
			whole = whole || p.Finding == proof.Present && p.Identity == id && !objects
			could = could || p.Finding == proof.Unknown && !objects
		}
		if whole {
			c.Whole = append(c.Whole, id)
		}
		if could || whole {
			c.CouldBeWhole = append(c.CouldBeWhole, id)
		}
	}
	return proof.Judge(c)
}

// permitted is a bit for each operation, with a won claim and with an approval
// made for this very verdict.
func permitted(v proof.Verdict) (bits int) {
	for i, op := range proof.Operations {
		action := proof.Action{Operation: op}
		approval := &proof.Approval{Nonce: "n", Subject: v.Subject, Action: action, Digest: v.Digest}
		if v.Permit(action, proof.Claim{Subject: v.Subject, Attempt: "x", Open: true}, approval) == nil {
			bits |= 1 << i
		}
	}
	return bits
}

func bit(op proof.Operation) int {
	for i, o := range proof.Operations {
		if o == op {
			return 1 << i
		}
	}
	panic("no such operation: " + op)
}

func TestLaws(t *testing.T) {
	for _, parts := range []int{2, 3} {
		u := newUniverse(parts)
		states := make([]proof.State, u.size())
		may := make([]int, u.size())
		neverExisted := 0
		for n := range states {
			heard, _ := u.at(n)
			v := u.judge(heard)
			states[n], may[n] = v.State, permitted(v)
			if v.State == proof.NeverExisted {
				neverExisted++
			}
		}
		t.Logf("%d parts: %d cases", parts, len(states))
		if neverExisted != 1 {
			t.Errorf("%d cases say NeverExisted, expected the one where everybody says Absent", neverExisted)
		}
		for n := range states {
			checkLaws(t, u, n, states, may)
		}
		if t.Failed() {
			return
		}
	}
}

// dangerous is what no silence may ever permit.
var dangerous = bit(proof.Create) | bit(proof.Recreate) | bit(proof.Restore) | bit(proof.Destroy) | bit(proof.Adopt)

func checkLaws(t *testing.T, u universe, n int, states []proof.State, may []int) {
	heard, digits := u.at(n)
	for i, choices := range u.choices {
		was := digits[i]
		for other := range choices {
			digits[i] = other
			changed := u.number(digits)
			if choices[other].Silent() && may[changed]&dangerous&^may[n] != 0 {
				t.Errorf("law 1: %v permits %b, and with %s silent %b", heard, may[n], choices[other].Witness, may[changed])
			}
			if choices[other].Finding == proof.Present && states[changed] == proof.NeverExisted {
				t.Errorf("law 2: %v with %s present: NeverExisted", heard, choices[other].Witness)
			}
		}
		digits[i] = was
		if heard[i].Silent() && may[n]&dangerous != 0 {
			t.Errorf("%v permits %b while somebody is silent", heard, may[n])
		}
	}
}
