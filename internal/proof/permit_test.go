package proof_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

// needs is the table of verdicts of the design: for each operation the verdicts
// that allow it, and what it takes besides.
var needs = map[proof.Operation]struct {
	states   []proof.State
	claim    bool
	approval bool
}{
	proof.Create:      {states: []proof.State{proof.NeverExisted}, claim: true},
	proof.Reconcile:   {states: []proof.State{proof.Intact}},
	proof.WriteRecord: {states: []proof.State{proof.RecordLost}},
	proof.Adopt:       {states: []proof.State{proof.Conflicting}, approval: true},
	proof.Restore:     {states: []proof.State{proof.Intact, proof.DataLost, proof.Conflicting}, approval: true},
	proof.Recreate:    {states: []proof.State{proof.DataLost, proof.Conflicting}, approval: true},
	proof.Destroy:     {states: []proof.State{proof.Intact, proof.DataLost, proof.Conflicting}, approval: true},
}

func verdict(s proof.State) proof.Verdict {
	return proof.Verdict{Subject: "main", State: s, Digest: "d1", Why: "as it is"}
}

func approvalFor(a proof.Action) *proof.Approval {
	return &proof.Approval{Nonce: "n", Subject: "main", Action: a, Digest: "d1", By: "ada"}
}

var won = proof.Claim{Subject: "main", Attempt: "x", Open: true}

// Every state, operation, claim and approval.
func TestPermit(t *testing.T) {
	claims := map[string]proof.Claim{
		"won":            won,
		"none":           {},
		"closed":         {Subject: "main", Attempt: "x"},
		"of another":     {Subject: "other", Attempt: "x", Open: true},
		"without a name": {Subject: "main", Open: true},
	}
	action := func(op proof.Operation) proof.Action { return proof.Action{Operation: op, Source: "backup 7"} }
	approvals := map[string]func(proof.Operation) *proof.Approval{
		"valid":         func(op proof.Operation) *proof.Approval { return approvalFor(action(op)) },
		"none":          func(proof.Operation) *proof.Approval { return nil },
		"without nonce": func(op proof.Operation) *proof.Approval { a := approvalFor(action(op)); a.Nonce = ""; return a },
		"of another":    func(op proof.Operation) *proof.Approval { a := approvalFor(action(op)); a.Subject = "other"; return a },
		"other source": func(op proof.Operation) *proof.Approval {
			a := approvalFor(action(op))
			a.Action.Source = "backup 6"
			return a
		},
		"other action": func(op proof.Operation) *proof.Approval {
			return approvalFor(action(op + "-not"))
		},
		"other findings": func(op proof.Operation) *proof.Approval { a := approvalFor(action(op)); a.Digest = "d0"; return a },
		"empty":          func(proof.Operation) *proof.Approval { return &proof.Approval{} },
	}
	if len(needs) != len(proof.Operations) {
		t.Fatalf("%d operations, %d of them in the table", len(proof.Operations), len(needs))
	}
	for _, op := range proof.Operations {
		need := needs[op]
		for _, state := range proof.States() {
			for claimName, claim := range claims {
				for approvalName, approval := range approvals {
					want := false
					for _, s := range need.states {
						want = want || s == state
					}
					want = want && (!need.claim || claimName == "won") && (!need.approval || approvalName == "valid")
					err := verdict(state).Permit(action(op), claim, approval(op))
					if (err == nil) != want {
						t.Errorf("%s under %s, claim %s, approval %s: permitted %v, expected %v (%v)",
							op, state, claimName, approvalName, err == nil, want, err)
					}
					if err != nil && !errors.Is(err, proof.ErrNotPermitted) {
						t.Errorf("%s under %s: %v does not wrap ErrNotPermitted", op, state, err)
					}
				}
			}
		}
	}
}

func TestPermitWaitsForEveryWitness(t *testing.T) {
	for op, need := range needs {
		for _, state := range need.states {
			v := verdict(state)
			v.Missing = []proof.Witness{{Kind: proof.Part, Name: "member/c"}}
			action := proof.Action{Operation: op}
			err := v.Permit(action, won, approvalFor(action))
			if need.approval == (err == nil) {
				t.Errorf("%s under %s while member/c is silent: %v", op, state, err)
			}
			if need.approval && !strings.Contains(err.Error(), "member/c") {
				t.Errorf("%v does not name who is silent", err)
			}
		}
	}
}

func TestPermitNeverRecreatesOverWhatIsWhole(t *testing.T) {
	for _, state := range proof.States() {
		v := verdict(state)
		v.Whole = ids(a1)
		action := proof.Action{Operation: proof.Recreate}
		if err := v.Permit(action, won, approvalFor(action)); err == nil {
			t.Errorf("re-created under %s, while %s is whole", state, a1)
		}
	}
}

func TestPermitRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, op := range []proof.Operation{"", "seed", "CREATE"} {
		for _, state := range proof.States() {
			if err := verdict(state).Permit(proof.Action{Operation: op}, won, approvalFor(proof.Action{Operation: op})); err == nil {
				t.Errorf("%q was permitted under %s", op, state)
			}
		}
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	restore := proof.Action{Operation: proof.Restore, Source: "backup 7"}
	tests := []struct {
		reason string
		err    error
		says   string
	}{
		{"the verdict", verdict(proof.Unproven).Permit(proof.Action{Operation: proof.Create}, won, nil),
			"create: the verdict is Unproven (as it is): not permitted"},
		{"no claim", verdict(proof.NeverExisted).Permit(proof.Action{Operation: proof.Create}, proof.Claim{}, nil), "no claim on main was won"},
		{"no approval", verdict(proof.DataLost).Permit(restore, won, nil), "needs an approval"},
		{"another action", verdict(proof.DataLost).Permit(restore, won, approvalFor(proof.Action{Operation: proof.Recreate})),
			"the approval is to recreate, not to restore from backup 7"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			if tt.err == nil || !strings.Contains(tt.err.Error(), tt.says) {
				t.Errorf("got %v, expected %q", tt.err, tt.says)
			}
		})
	}
}
