package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Record is what is written down of one SVM, and which object it was read from.
type Record struct {
	decide.Record
	Name   string // of the SVM
	Shoots []string
	// ShootNotes say what each shoot was given.
	ShootNotes []ShootNote
	// Made are the things on the SVM that were asked for: noted before they are
	// asked for.
	Made []Made
	// UsedApprovals are the nonces of approvals that were used up.
	UsedApprovals []string
	Note          string // for people

	object object
}

// Made is one interface, route or service that was asked for.
type Made struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name,omitempty"`
	UUID    string    `json:"uuid,omitempty"`
	Address string    `json:"address,omitempty"`
	Asked   time.Time `json:"asked"`
}

// recordBody is how a Record is written down.
type recordBody struct {
	Lineage       string          `json:"lineage"`
	Generation    uint64          `json:"generation"`
	Nonce         string          `json:"nonce,omitempty"`
	UUIDs         []string        `json:"uuids"`
	Array         string          `json:"array,omitempty"`
	Cluster       string          `json:"cluster,omitempty"`
	Credentials   uint64          `json:"credentials,omitempty"`
	Closed        string          `json:"closed,omitempty"`
	DeletionAsked time.Time       `json:"deletionAsked,omitzero"`
	Cleared       []string        `json:"cleared,omitempty"`
	Serial        uint64          `json:"serial"`
	Shoots        []string        `json:"shoots,omitempty"`
	ShootNotes    []shootNoteBody `json:"shootNotes,omitempty"`
	Made          []Made          `json:"made,omitempty"`
	UsedApprovals []string        `json:"usedApprovals,omitempty"`
	Note          string          `json:"note,omitempty"`
}

const maxSerial = 1 << 62 // no record is ever written that often

func (b recordBody) validate() error {
	switch {
	case b.Lineage == "" || b.Generation == 0:
		return errors.New("it names no owner, or no generation")
	case b.Serial == 0 || b.Serial > maxSerial:
		return fmt.Errorf("serial %d", b.Serial)
	case len(b.UUIDs) == 0:
		return errors.New("it names no SVM")
	}
	for _, u := range b.UUIDs {
		if u == "" {
			return errors.New("it names an SVM without a UUID")
		}
	}
	for _, n := range b.ShootNotes {
		if err := n.validate(); err != nil {
			return err
		}
	}
	return nil
}

func bodyOfRecord(r Record) recordBody {
	return recordBody{
		Lineage: r.Lineage, Generation: r.Generation, Nonce: r.Nonce, UUIDs: r.UUIDs, Array: r.Array, Cluster: r.Cluster,
		Credentials: r.Credentials, Closed: r.Closed, DeletionAsked: r.DeletionAsked.UTC(), Cleared: r.Cleared, Serial: r.Serial, Shoots: r.Shoots, ShootNotes: bodiesOfShoots(r.ShootNotes), Made: utcMade(r.Made), UsedApprovals: r.UsedApprovals, Note: r.Note,
	}
}

func recordOf(name string, d document[recordBody], o object) Record {
	r := Record{Name: name, object: o, Record: decide.Record{Finding: o.finding, Why: o.why}}
	if o.finding != proof.Present {
		return r
	}
	b := d.Body
	r.Record = decide.Record{
		Finding: proof.Present, Lineage: b.Lineage, Generation: b.Generation, Nonce: b.Nonce, UUIDs: b.UUIDs, Array: b.Array,
		Cluster: b.Cluster, Credentials: b.Credentials, Closed: b.Closed, DeletionAsked: b.DeletionAsked, Cleared: b.Cleared, Serial: b.Serial,
		Why: fmt.Sprintf("serial %d, written %s", b.Serial, d.WrittenAt.Format(time.RFC3339)),
	}
	r.Shoots, r.ShootNotes, r.Made, r.UsedApprovals, r.Note = b.Shoots, shootNotesOf(b.ShootNotes), b.Made, b.UsedApprovals, b.Note
	return r
}

func utcMade(made []Made) []Made {
	var out []Made
	for _, m := range made {
		m.Asked = m.Asked.UTC()
		out = append(out, m)
	}
	return out
}

// Record reads the record of an SVM. It is never an error: the finding says
// what was found, and Why, where it is not Present, why. Absent is only said
// when the API server itself says that this very object is not there, in a
// namespace that is there. Where reading namespaces is forbidden, the first
// half has to do: the one right more is not asked of everybody.
func (s *Store) Record(ctx context.Context, svm string) Record {
	d, o := readDocument[recordBody](ctx, s, KindRecord, svm)
	return recordOf(svm, d, o)
}

// WriteRecord creates the record where it was Absent, and otherwise replaces
// exactly what was read, a damaged one too. What could not be read is never
// written over. The serial grows by one. It gives the record as it stands then.
func (s *Store) WriteRecord(ctx context.Context, r Record) (Record, error) {
	r.Serial++
	d, o, err := writeDocument(ctx, s, KindRecord, r.Name, bodyOfRecord(r), r.object)
	if err != nil {
		return Record{}, fmt.Errorf("write the record of %s: %w", r.Name, err)
	}
	return recordOf(r.Name, d, o), nil
}

// RemoveRecord deletes exactly the record that was read. To remove one that was
// Absent is nothing.
func (s *Store) RemoveRecord(ctx context.Context, r Record) error {
	if err := s.removeObject(ctx, s.document(KindRecord, r.Name), r.object); err != nil {
		return fmt.Errorf("remove the record of %s: %w", r.Name, err)
	}
	return nil
}
