package proof

import (
	"errors"
	"fmt"
	"strings"
)

// Operation is what somebody wants to do to the thing.
type Operation string

const (
	Create      Operation = "create"       // make it for the first time
	Reconcile   Operation = "reconcile"    // bring what is there to the desired state
	WriteRecord Operation = "write-record" // write the record again from the substance
	Adopt       Operation = "adopt"        // make what is whole ours, over what contradicts it
	Restore     Operation = "restore"      // put back from a source, as a new generation
	Recreate    Operation = "recreate"     // make it anew and empty, as a new generation
	Destroy     Operation = "destroy"      // remove the subject for good
)

// Operations are all of them.
var Operations = []Operation{Create, Reconcile, WriteRecord, Adopt, Restore, Recreate, Destroy}

// Action is an operation and, where there is a choice, what it starts from: the
// backup to restore, the identity to adopt.
type Action struct {
	Operation Operation `json:"operation"`
	Source    string    `json:"source,omitempty"`
}

func (a Action) String() string {
	if a.Source == "" {
		return string(a.Operation)
	}
	return string(a.Operation) + " from " + a.Source
}

// Claim is the right to create, won in a conditional write. The zero value is
// no claim.
type Claim struct {
	Subject string
	Attempt string // nonce of the attempt that won
	Open    bool
}

// Approval is a person's word for one operation on one state of the evidence.
type Approval struct {
	Nonce   string `json:"nonce"`
	Subject string `json:"subject"`
	Action  Action `json:"action"`
	Digest  string `json:"digest"` // of the verdict it was given for
	By      string `json:"by"`
}

// ErrNotPermitted is wrapped by every refusal of Permit.
var ErrNotPermitted = errors.New("not permitted")

// Permit says whether the verdict allows the operation, and if not, why. The
// claim counts for Create alone, the approval for what needs a person.
func (v Verdict) Permit(action Action, claim Claim, approval *Approval) error {
	switch op := action.Operation; op {
	case Reconcile:
		return v.needs(op, Intact)
	case WriteRecord:
		return v.needs(op, RecordLost)
	case Create:
		if err := v.needs(op, NeverExisted); err != nil {
			return err
		}
		if !claim.Open || claim.Subject != v.Subject || claim.Attempt == "" {
			return refuse(op, "no claim on %s was won", v.Subject)
		}
		return nil
	case Adopt:
		return v.permitWithApproval(action, approval, Conflicting)
	case Restore:
		return v.permitWithApproval(action, approval, Intact, DataLost, Conflicting)
	case Recreate:
		if len(v.Whole) > 0 {
			return refuse(op, "%s is whole", join(v.Whole))
		}
		return v.permitWithApproval(action, approval, DataLost, Conflicting)
	case Destroy:
		return v.permitWithApproval(action, approval, Intact, DataLost, Conflicting)
	}
	return refuse(action.Operation, "it is not an operation that is known")
}

func (v Verdict) needs(op Operation, states ...State) error {
	for _, s := range states {
		if v.State == s {
			return nil
		}
	}
	return refuse(op, "the verdict is %s (%s)", v.State, v.Why)
}

// permitWithApproval is the second half of law 3: every witness answering or
// attested, and an approval bound to just these findings.
func (v Verdict) permitWithApproval(action Action, a *Approval, states ...State) error {
	op := action.Operation
	if err := v.needs(op, states...); err != nil {
		return err
	}
	if len(v.Missing) > 0 {
		return refuse(op, "not every witness has answered or was attested lost: %s", joinWitnesses(v.Missing))
	}
	switch {
	case a == nil:
		return refuse(op, "it needs an approval")
	case a.Nonce == "":
		return refuse(op, "the approval bears no nonce")
	case a.Subject != v.Subject:
		return refuse(op, "the approval is for %s", a.Subject)
	case a.Action != action:
		return refuse(op, "the approval is to %s, not to %s", a.Action, action)
	case a.Digest != v.Digest:
		return refuse(op, "what the witnesses say has changed since the approval was given")
	}
	return nil
}

func refuse(op Operation, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %w", op, fmt.Sprintf(format, args...), ErrNotPermitted)
}

func joinWitnesses(ws []Witness) string {
	names := make([]string, len(ws))
	for i, w := range ws {
		names[i] = w.Name
	}
	return strings.Join(names, ", ")
}
