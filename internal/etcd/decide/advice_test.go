package decide

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

// A cluster that goes on without an emptied disk is Intact, and still needs a
// person: the advice names the command, until the word was given.
func TestAdviceOnAnEmptiedDisk(t *testing.T) {
	b := proof.Testimony{Witness: proof.Witness{Kind: proof.Part, Name: MemberWitness("b")}, Finding: proof.Unusable}
	a := proof.Testimony{Witness: proof.Witness{Kind: proof.Part, Name: MemberWitness("a")}, Finding: proof.Present}
	v := proof.Verdict{State: proof.Intact, Heard: []proof.Testimony{a, b}}
	if got := strings.Join(Advice(v), "\n"); !strings.Contains(got, "seedproof etcd attest lost b") || strings.Contains(got, "lost a") {
		t.Errorf("the advice is %q; want what to type for b alone", got)
	}
	v.Heard[1].AttestedBy = "ann"
	if got := Advice(v); len(got) != 0 {
		t.Errorf("after it was attested the advice is %q", got)
	}
}
