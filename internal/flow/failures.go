package flow

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// failures is what a Runner remembers of rows of failures, by flow, subject
// and step. It is memory only: after a restart a step is due at once, and
// begins with a look.
type failures struct {
	mu   sync.Mutex
	rows map[rowKey]*row
}

type rowKey struct{ flow, subject, step string }

type row struct {
	Escalation
	escalated bool
	next      time.Time
}

// failed adds a failure to its row and says whether the row escalates by it.
func (fs *failures) failed(k rowKey, err error, now time.Time, b Backoff, rnd float64) (row, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.rows == nil {
		fs.rows = map[rowKey]*row{}
	}
	r := fs.rows[k]
	if r == nil {
		r = &row{Escalation: Escalation{Flow: k.flow, Subject: k.subject, Step: k.step, Since: now}}
		fs.rows[k] = r
	}
	r.Attempts++
	r.Class, r.Why, r.Advice = ClassOf(err), err.Error(), AdviceOf(err)
	first := !r.escalated && (r.Class != Transient || b.Escalates(r.Attempts))
	r.escalated = r.escalated || first
	if r.escalated {
		r.next = now.Add(b.Slow(rnd))
	} else {
		r.next = now.Add(b.Delay(r.Attempts, rnd))
	}
	return *r, first
}

// resting gives the row of a step that is not due yet.
func (fs *failures) resting(k rowKey, now time.Time) (row, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	r := fs.rows[k]
	if r == nil || !now.Before(r.next) {
		return row{}, false
	}
	return *r, true
}

// cleared ends the rows that match and returns those that had escalated.
func (fs *failures) cleared(match func(rowKey) bool) []Escalation {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var gone []Escalation
	for k, r := range fs.rows {
		if !match(k) {
			continue
		}
		if r.escalated {
			gone = append(gone, r.Escalation)
		}
		delete(fs.rows, k)
	}
	slices.SortFunc(gone, bySince)
	return gone
}

// due ends the rest of all rows of a subject and keeps their counts.
func (fs *failures) due(flow, subject string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for k, r := range fs.rows {
		if k.flow == flow && k.subject == subject {
			r.next = time.Time{}
		}
	}
}

func (fs *failures) escalations() []Escalation {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var all []Escalation
	for _, r := range fs.rows {
		if r.escalated {
			all = append(all, r.Escalation)
		}
	}
	slices.SortFunc(all, bySince)
	return all
}

// bySince puts the oldest first, and is total.
func bySince(a, b Escalation) int {
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Flow, b.Flow),
		cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Step, b.Step))
}
