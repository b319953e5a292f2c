package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Claim is the right to make one SVM, and which object it was read from.
type Claim struct {
	decide.Claim
	Name    string    // of the SVM
	Lineage string    // whose it is, as decide.Owner gives it
	AskedAt time.Time // when Asked was noted
	Note    string    // for people

	object object
}

// claimBody is how a Claim is written down.
type claimBody struct {
	Lineage     string            `json:"lineage,omitempty"`
	Attempt     uint64            `json:"attempt"`
	Nonce       string            `json:"nonce"`
	Array       string            `json:"array"`
	Cluster     string            `json:"cluster,omitempty"`
	State       decide.ClaimState `json:"state"`
	Asked       bool              `json:"asked,omitempty"`
	AskedAt     time.Time         `json:"askedAt,omitzero"`
	UUID        string            `json:"uuid,omitempty"`
	SeenRunning bool              `json:"seenRunning,omitempty"`
	Approval    string            `json:"approval,omitempty"`
	Covers      []proof.Identity  `json:"covers,omitempty"`
	Note        string            `json:"note,omitempty"`
}

// errNewer: of a format that this program does not know.
var errNewer = errors.New("written by a newer Seedproof")

func (b claimBody) validate() error {
	switch b.State {
	case decide.ClaimOpen, decide.ClaimBorn, decide.ClaimFailed:
	case "":
		return errors.New("it has no state")
	default:
		return fmt.Errorf("state %q: %w", tidy(string(b.State)), errNewer)
	}
	if b.Attempt == 0 || b.Nonce == "" || b.Array == "" {
		return errors.New("it names no attempt, or no array")
	}
	return nil
}

func bodyOfClaim(c Claim) claimBody {
	return claimBody{
		Lineage: c.Lineage,
		Attempt: c.Attempt, Nonce: c.Nonce, Array: c.Array, Cluster: c.Cluster, State: c.State, Asked: c.Asked, AskedAt: c.AskedAt.UTC(),
		UUID: c.UUID, SeenRunning: c.SeenRunning, Approval: c.Approval, Covers: c.Covers, Note: c.Note,
	}
}

func claimOf(name string, d document[claimBody], o object) Claim {
	c := Claim{Name: name, object: o, Claim: decide.Claim{Finding: o.finding, Why: o.why}}
	if o.finding != proof.Present {
		return c
	}
	b := d.Body
	c.Claim = decide.Claim{
		Finding: proof.Present, Attempt: b.Attempt, Nonce: b.Nonce, Array: b.Array, Cluster: b.Cluster, State: b.State, Asked: b.Asked,
		UUID: b.UUID, SeenRunning: b.SeenRunning, Approval: b.Approval, Covers: b.Covers,
		Why: fmt.Sprintf("attempt %d, written %s", b.Attempt, d.WrittenAt.Format(time.RFC3339)),
	}
	c.Lineage, c.AskedAt, c.Note = b.Lineage, b.AskedAt, b.Note
	return c
}

// Claim reads the claim for an SVM, as Record does.
func (s *Store) Claim(ctx context.Context, svm string) Claim {
	d, o := readDocument[claimBody](ctx, s, KindClaim, svm)
	return claimOf(svm, d, o)
}

// WriteClaim writes the claim, as WriteRecord does. Of many who write one that
// was Absent to all of them, one wins.
func (s *Store) WriteClaim(ctx context.Context, c Claim) (Claim, error) {
	d, o, err := writeDocument(ctx, s, KindClaim, c.Name, bodyOfClaim(c), c.object)
	if err != nil {
		return Claim{}, fmt.Errorf("write the claim for %s: %w", c.Name, err)
	}
	return claimOf(c.Name, d, o), nil
}

// RemoveClaim deletes exactly the claim that was read.
func (s *Store) RemoveClaim(ctx context.Context, c Claim) error {
	if err := s.removeObject(ctx, s.document(KindClaim, c.Name), c.object); err != nil {
		return fmt.Errorf("remove the claim for %s: %w", c.Name, err)
	}
	return nil
}
