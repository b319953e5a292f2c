package lifecycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Versioning is whether a bucket keeps what is deleted or overwritten.
type Versioning uint8

// The states. Suspended: versions made before are kept, and what is written
// since is not.
const (
	VersioningUnknown Versioning = iota
	VersioningOff
	VersioningEnabled
	VersioningSuspended
)

func (v Versioning) String() string {
	return []string{"unknown", "off", "enabled", "suspended"}[min(v, VersioningSuspended)]
}

// Policy is all that decides on what becomes of the objects of a bucket.
type Policy struct {
	Rules      []Rule
	Unreadable []Unreadable
	Versioning Versioning
	// Retention: no version is deleted before it is that old (Google's
	// retention policy; S3's default retention says nothing of objects that
	// are older than it).
	Retention time.Duration
	// SoftDelete: what was deleted can be put back for that long.
	SoftDelete time.Duration
}

// Unreadable is a rule that is switched on and not understood.
type Unreadable struct {
	Rule string
	Why  string
	// Filter is whom it reaches, as far as that was understood.
	Filter Filter
}

// Fate is what becomes of one version of an object.
type Fate struct {
	// Deletes: a rule deletes it. Certain: that is so for sure; without it,
	// Deletes means "may". Neither means that nobody knows: a rule or all of
	// them could not be read.
	Deletes bool
	Certain bool
	When    time.Time // the earliest moment
	Rule    string    // the rule that does it
	Why     string    // in words; also for what is not deleted, or not known
	// CertainBy is when a rule deletes it for sure, where an earlier one only
	// may. Zero: none does.
	CertainBy time.Time

	// Hidden: deleting puts a delete marker over it, or makes it noncurrent;
	// it can be put back until Gone. Gone is when nothing of it is left; zero
	// if no rule goes that far.
	Hidden bool
	Gone   time.Time

	// Moves are the changes of its storage class, the earliest first.
	Moves []MoveFate
}

// MoveFate is a change of storage class that a rule makes.
type MoveFate struct {
	Rule    string
	Class   string
	When    time.Time
	Certain bool
	Offline bool // it cannot be read from then on, until somebody restores it
}

// hit is a rule that deletes an object.
type hit struct {
	rule    Rule
	when    time.Time
	certain bool
	missing string
}

// Fate judges one version of an object. Of several rules the earliest counts.
func (p Policy) Fate(o Object) Fate {
	hits := p.hits(o)
	f := Fate{Moves: p.moves(o)}
	unread, blind := p.unreadable(o)
	if len(hits) == 0 {
		f.Certain = !blind
		f.Why = "no rule deletes it"
		if blind {
			f.Why = unread
		}
		return f
	}
	first := hits[0]
	f.Deletes, f.Certain, f.When, f.Rule = true, first.certain && !blind, first.when, first.rule.ID
	for _, h := range hits {
		if h.certain {
			f.CertainBy = h.when
			break
		}
	}
	f.Hidden = p.hides(o)
	f.Gone = p.gone(o, f)
	f.Why = p.why(o, first, f)
	if blind {
		f.Why += "; " + unread
	}
	return f
}

// hits are the rules that delete an object, the earliest first.
func (p Policy) hits(o Object) []hit {
	var hits []hit
	for _, r := range p.Rules {
		if r.Action != Delete {
			continue
		}
		answer, when, missing := r.acts(o)
		if answer == no {
			continue
		}
		hits = append(hits, hit{r, p.notBefore(o, when), answer == yes, missing})
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		if c := a.when.Compare(b.when); c != 0 {
			return c
		}
		return cmp.Compare(order(a.certain), order(b.certain))
	})
	return hits
}

func order(certain bool) int {
	if certain {
		return 0
	}
	return 1
}

// notBefore keeps to what forbids the deletion of data. A delete marker put
// over it deletes none.
func (p Policy) notBefore(o Object, when time.Time) time.Time {
	if p.hides(o) {
		return when
	}
	for _, held := range []time.Time{o.Held, o.Modified.Add(p.Retention)} {
		if held.After(when) {
			when = held
		}
	}
	return when
}

// hides: deleting this version leaves its data in the bucket. In a bucket whose
// versioning is suspended or not known nobody counts on that.
func (p Policy) hides(o Object) bool {
	return p.Versioning == VersioningEnabled && !o.Noncurrent && !o.DeleteMarker
}

// gone is when nothing of an object is left.
func (p Policy) gone(o Object, f Fate) time.Time {
	if !f.Hidden {
		return f.When.Add(p.SoftDelete)
	}
	o.Noncurrent, o.Superseded, o.Newer = true, f.When, Exactly(0)
	hits := p.hits(o)
	if len(hits) == 0 {
		return time.Time{}
	}
	when := hits[0].when
	if when.Before(f.When) { // a rule that counts from the writing was due before
		when = f.When
	}
	return when.Add(p.SoftDelete)
}

// unreadable says whether a rule that was not understood may reach the object.
func (p Policy) unreadable(o Object) (string, bool) {
	for _, u := range p.Unreadable {
		if answer, _ := u.Filter.reaches(o); answer != no {
			return fmt.Sprintf("rule %s could not be read (%s) and may reach it", u.Rule, u.Why), true
		}
	}
	return "", false
}

func (p Policy) moves(o Object) []MoveFate {
	var moves []MoveFate
	for _, r := range p.Rules {
		if r.Action != Move {
			continue
		}
		if answer, when, _ := r.acts(o); answer != no {
			moves = append(moves, MoveFate{r.ID, r.Class, when, answer == yes, r.Offline})
		}
	}
	slices.SortStableFunc(moves, func(a, b MoveFate) int { return a.When.Compare(b.When) })
	return moves
}

func (p Policy) why(o Object, h hit, f Fate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %s (%s) ", h.rule.ID, h.rule.Filter)
	if !h.certain {
		fmt.Fprintf(&b, "may delete it: %s", h.missing)
	} else {
		b.WriteString("deletes it")
	}
	switch {
	case o.DeleteMarker:
		b.WriteString("; it is a delete marker and holds nothing")
	case f.Hidden && f.Gone.IsZero():
		b.WriteString("; a version of it stays, and can be put back")
	case f.Hidden:
		fmt.Fprintf(&b, "; a version of it can be put back until %s", f.Gone.UTC().Format(time.RFC3339))
	case p.SoftDelete > 0:
		fmt.Fprintf(&b, "; it can be put back until %s", f.Gone.UTC().Format(time.RFC3339))
	case p.Versioning == VersioningUnknown && !o.Noncurrent:
		b.WriteString("; whether a version of it stays is not known")
	}
	return b.String()
}
