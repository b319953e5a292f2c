package seed

import (
	"context"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Words are what persons said about one SVM.
type Words struct {
	Name         string // of the SVM
	Attestations []proof.Attestation
	Approval     *proof.Approval
	FailClaim    string // nonce of a claim that a person gave up
	TakeOver     string // UUID of an unmarked SVM that may be taken over

	object object
}

type wordsBody struct {
	Attestations []proof.Attestation `json:"attestations,omitempty"`
	Approval     *proof.Approval     `json:"approval,omitempty"`
	FailClaim    string              `json:"failClaim,omitempty"`
	TakeOver     string              `json:"takeOver,omitempty"`
}

func (wordsBody) validate() error { return nil }

func wordsOf(name string, b wordsBody, o object) Words {
	return Words{Name: name, Attestations: b.Attestations, Approval: b.Approval, FailClaim: b.FailClaim, TakeOver: b.TakeOver, object: o}
}

// Words reads the words about an SVM; there may be none. With an error no words
// are given, but they can be written over if it was of reason ReasonDamaged.
func (s *Store) Words(ctx context.Context, svm string) (Words, error) {
	d, o := readDocument[wordsBody](ctx, s, KindWords, svm)
	w := wordsOf(svm, d.Body, o)
	switch o.finding {
	case proof.Present, proof.Absent:
		return w, nil
	case proof.Unusable:
		k := s.document(KindWords, svm)
		e := &Error{Verb: "get", Object: k.String(), Reason: ReasonDamaged, Message: o.why, class: flow.NeedsPerson,
			advice: "kubectl delete configmap --namespace " + k.namespace + " " + k.name}
		return w, fmt.Errorf("read the words about %s: %w", svm, e)
	}
	if o.err != nil {
		return w, fmt.Errorf("read the words about %s: %w", svm, o.err)
	}
	return w, fmt.Errorf("read the words about %s: %w", svm, errors.New(o.why))
}

// WriteWords writes them, as WriteRecord does.
func (s *Store) WriteWords(ctx context.Context, w Words) (Words, error) {
	b := wordsBody{Attestations: w.Attestations, Approval: w.Approval, FailClaim: w.FailClaim, TakeOver: w.TakeOver}
	d, o, err := writeDocument(ctx, s, KindWords, w.Name, b, w.object)
	if err != nil {
		return Words{}, fmt.Errorf("write the words about %s: %w", w.Name, err)
	}
	return wordsOf(w.Name, d.Body, o), nil
}

type pinBody struct {
	Cluster string `json:"cluster"`
}

func (b pinBody) validate() error {
	if b.Cluster == "" {
		return errors.New("it names no cluster")
	}
	return nil
}

// Pin reads which cluster an array is remembered as. Absent means what it means
// for a record.
func (s *Store) Pin(ctx context.Context, array string) decide.Pin {
	d, o := readDocument[pinBody](ctx, s, KindPin, array)
	if o.finding != proof.Present {
		if o.finding != proof.Absent {
			s.o.Log.WarnContext(ctx, "the pin of an array could not be read", "array", array, "finding", o.finding.String(), "why", o.why, "pass", flow.PassID(ctx))
		}
		return decide.Pin{Finding: o.finding}
	}
	return decide.Pin{Finding: proof.Present, UUID: d.Body.Cluster}
}

// WritePin notes which cluster an array is. It only ever creates: an array that
// is remembered as this cluster is left as it is, one that is remembered as
// another is an error for a person.
func (s *Store) WritePin(ctx context.Context, array, clusterUUID string) error {
	wanted := object{finding: proof.Absent, read: true, at: s.document(KindPin, array)}
	_, _, err := writeDocument(ctx, s, KindPin, array, pinBody{Cluster: clusterUUID}, wanted)
	if err == nil {
		return nil
	}
	if HasReason(err, ReasonInvalid) {
		return fmt.Errorf("pin array %s: %w", array, err)
	}
	look, cancel := s.detached(ctx)
	defer cancel()
	switch there := s.Pin(look, array); {
	case there.Finding == proof.Present && there.UUID == clusterUUID:
		return nil
	case there.Finding == proof.Present:
		k := s.document(KindPin, array)
		return fmt.Errorf("pin array %s as cluster %s: %w", array, clusterUUID, &Error{Verb: "create", Object: k.String(), Reason: ReasonPinned,
			Message: "it is remembered as cluster " + there.UUID, Outcome: flow.Refused, class: flow.NeedsPerson,
			advice: "kubectl get configmap --output yaml --namespace " + k.namespace + " " + k.name})
	}
	return fmt.Errorf("pin array %s: %w", array, err)
}

// RemoveWords deletes exactly the words that were read.
func (s *Store) RemoveWords(ctx context.Context, w Words) error {
	if err := s.removeObject(ctx, s.document(KindWords, w.Name), w.object); err != nil {
		return fmt.Errorf("remove the words about %s: %w", w.Name, err)
	}
	return nil
}
