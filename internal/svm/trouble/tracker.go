package trouble

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Tracker turns samples into conditions. It holds what was, in memory only:
// after a restart a trouble that stands is raised anew, once it has lasted. Its
// methods may be called from several goroutines.
type Tracker struct {
	thresholds Thresholds
	mu         sync.Mutex
	tracks     map[key]*track
}

type key struct {
	Type
	Subject
}

// track is how one kind of trouble with one subject stands.
type track struct {
	raised bool
	turned time.Time // when it became, or ceased to be, raised; else the first sample
	span   time.Time // since when samples lie where it turns; zero: they do not
	from   time.Time // when the span began by which it turned
	seen   time.Time // the newest sample that says something
	value  float64
	answer Answer // of the newest sample
	some   Answer // of the newest sample that says something
	why    string
}

// NewTracker begins without any sample.
func NewTracker(t Thresholds) (*Tracker, error) {
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("reading the thresholds of trouble: %w", err)
	}
	return &Tracker{thresholds: t.Filled(), tracks: map[key]*track{}}, nil
}

// Thresholds are those in use, with the defaults filled in.
func (t *Tracker) Thresholds() Thresholds { return t.thresholds }

// Observe takes samples of one time, and returns the conditions that were
// raised or ended by them, for logs and Events. A kind that is not known is
// passed over.
func (t *Tracker) Observe(at time.Time, readings ...Reading) []Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	var turned []Condition
	for _, r := range readings {
		level, known := t.thresholds.level(r.Type)
		if !known {
			continue
		}
		k := key{r.Type, r.Subject}
		tr := t.tracks[k]
		if tr == nil {
			tr = &track{}
			t.tracks[k] = tr
		}
		if tr.take(at, r.sound(), level) {
			turned = append(turned, tr.condition(k, at, level))
		}
	}
	return turned
}

// Conditions are all of which a sample was ever taken, as they stand now, in a
// steady order.
func (t *Tracker) Conditions(at time.Time) []Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Condition, 0, len(t.tracks))
	for k, tr := range t.tracks {
		level, _ := t.thresholds.level(k.Type)
		all = append(all, tr.condition(k, at, level))
	}
	slices.SortFunc(all, func(a, b Condition) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), a.Subject.compare(b.Subject))
	})
	return all
}

// Forget drops what is held of the subjects that match: an SVM that was
// deleted, an array or aggregate that is not there any more.
func (t *Tracker) Forget(match func(Subject) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.tracks {
		if match(k.Subject) {
			delete(t.tracks, k)
		}
	}
}

// take takes one sample, and says whether the condition turned by it. A sample
// that says nothing changes nothing but that; samples that lie too far apart,
// or behind each other, make no span.
func (tr *track) take(at time.Time, r Reading, l Level) bool {
	tr.answer, tr.why = r.Answer, r.Why
	if r.Answer == NotMeasured {
		return false
	}
	if tr.seen.IsZero() {
		tr.turned = at
	} else if at.Before(tr.seen) || at.Sub(tr.seen) > time.Duration(l.Stale) {
		tr.span = time.Time{}
	}
	tr.seen, tr.value, tr.some = at, r.Value, r.Answer
	across := r.Value >= l.Raise
	if tr.raised {
		across = r.Value <= l.Clear
	}
	switch {
	case !across:
		tr.span = time.Time{}
	case tr.span.IsZero():
		tr.span = at
	case at.Sub(tr.span) >= time.Duration(l.For):
		tr.raised, tr.turned = !tr.raised, at
		tr.from, tr.span = tr.span, time.Time{}
		return true
	}
	return false
}

// silent: nothing is known of it now.
func (tr *track) silent(at time.Time, l Level) bool {
	return tr.answer == NotMeasured || at.Sub(tr.seen) > time.Duration(l.Stale)
}
