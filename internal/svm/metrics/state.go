package metrics

import (
	"time"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// State is how one SVM stands. A time that is zero is not known, and has no
// series.
type State struct {
	SVM     string
	Verdict proof.State
	Looked  time.Time // when the verdict was reached
	// Deleting: its record is closed for deletion, so that what is missing of it
	// is not missed.
	Deleting bool

	Secrets Secrets
	// VerifiedAt is when the delivered pair whose last good login is the oldest
	// had it; zero while one of them never had one.
	VerifiedAt time.Time
	// ActivatedAt is when the oldest delivered password was delivered.
	ActivatedAt time.Time
	// RotationDue is when the next password is to be changed; zero: never.
	RotationDue time.Time
	Drift       []Drift
}

// Secrets are the numbers of Secrets in the seed that the SVM is wanted to have.
type Secrets struct {
	Delivered int // with a pair that others may use
	Missing   int // known to be absent, or to hold no usable pair
	Unknown   int // could not be read
	Refused   int // of those delivered: refused at the last login
}

// Drift is how many objects of a kind differ from what is wanted.
type Drift struct {
	Kind   decide.StepName
	Person bool // it is never corrected by itself
	Count  int
}

// DriftOf counts what differs from what is wanted, by the steps that were
// decided. What could not be read, and the steps of the record and of passwords
// that are on their way, are no drift.
func DriftOf(steps []decide.Step) []Drift {
	counts := map[Drift]int{}
	var order []Drift
	for _, s := range steps {
		d := Drift{Kind: s.Name, Person: s.State == decide.StepStops}
		own := s.Name == decide.StepRecord || s.Name == decide.StepCredentials
		if !d.Person && (own || s.State != decide.StepDo) {
			continue
		}
		if counts[d]++; counts[d] == 1 {
			order = append(order, d)
		}
	}
	for i, d := range order {
		order[i].Count = counts[d]
	}
	return order
}

// SetSVM shows how an SVM stands, in place of what was shown of it before.
func (m *Metrics) SetSVM(s State) {
	s.SVM = label(s.SVM)
	m.startLogins(s.SVM)
	m.board.setSVM(s)
}
