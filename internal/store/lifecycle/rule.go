package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Action is what a rule does to an object that it reaches.
type Action uint8

// The actions. Rules that only end unfinished uploads do nothing to objects,
// and are left out.
const (
	Delete Action = iota + 1
	Move          // to another storage class
)

// Scope is which versions of an object a rule is about.
type Scope uint8

// The scopes.
const (
	Current     Scope = iota + 1 // what a plain GET gives
	Noncurrent                   // what a newer version or a delete marker stands over
	AllVersions                  // both (Google)
	LoneMarkers                  // delete markers that stand over nothing any more
)

// Rule is one action of one rule of a bucket. A rule of S3 or Azure with
// several actions gives several.
type Rule struct {
	ID     string // as the owner named it, or its number, such as "#2"
	Action Action
	Class  string // Move: where to
	// Offline: what was moved cannot be read before somebody restores it.
	Offline bool
	Scope   Scope
	Filter  Filter
	// Due are the conditions; all must hold. None: the rule acts at once.
	Due []Condition
}

// Filter says which objects a rule reaches. The zero value reaches all.
type Filter struct {
	// Base stands before every key where the filter's prefixes begin higher up
	// (Azure: the container and a slash).
	Base     string
	Prefixes []string          // any of them; none given: every key
	Suffixes []string          // any of them
	Tags     map[string]string // all of them
	Over     *int64            // more bytes than
	Under    *int64            // fewer bytes than
	Classes  []string          // any of them
}

// truth is an answer that may be unknown. Its order matters: an "and" is the
// least of its parts.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

// reaches says whether the filter takes an object, and what it would have to
// know.
func (f Filter) reaches(o Object) (truth, string) {
	key := f.Base + o.Key
	switch {
	case !anyOf(f.Prefixes, func(p string) bool { return strings.HasPrefix(key, p) }),
		!anyOf(f.Suffixes, func(s string) bool { return strings.HasSuffix(key, s) }),
		f.Over != nil && o.Size <= *f.Over,
		f.Under != nil && o.Size >= *f.Under:
		return no, ""
	}
	answer, missing := f.tagged(o)
	if answer == no || len(f.Classes) == 0 {
		return answer, missing
	}
	switch {
	case o.Class == "":
		return maybe, "its storage class is not known"
	case !slices.Contains(f.Classes, o.Class):
		return no, ""
	}
	return answer, missing
}

func (f Filter) tagged(o Object) (truth, string) {
	if len(f.Tags) == 0 {
		return yes, ""
	}
	if !o.TagsKnown {
		return maybe, "its tags are not known"
	}
	for name, value := range f.Tags {
		if have, ok := o.Tags[name]; !ok || have != value {
			return no, ""
		}
	}
	return yes, ""
}

func anyOf(list []string, fits func(string) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, fits)
}

// String says it for people.
func (f Filter) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	for _, p := range f.Prefixes {
		add("prefix %q", p)
	}
	for _, s := range f.Suffixes {
		add("suffix %q", s)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Tags)) {
		add("tag %q = %q", name, f.Tags[name])
	}
	if f.Over != nil {
		add("over %d bytes", *f.Over)
	}
	if f.Under != nil {
		add("under %d bytes", *f.Under)
	}
	if len(f.Classes) > 0 {
		add("class %s", strings.Join(f.Classes, " or "))
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

// Basis is the moment from which days are counted.
type Basis uint8

// The bases.
const (
	Modified   Basis = iota + 1 // when the version was written
	Superseded                  // when it became noncurrent
	Created                     // when the object was first written
	Accessed                    // when it was last read or moved, which a listing does not tell
	Custom                      // a time that its owner gave it, or not; a listing does not tell
)

// Condition is one thing that must hold before a rule acts. Exactly one of
// Days, From, Before and Newer is set.
type Condition struct {
	Basis Basis
	// Days must have passed since the basis; Midnight: and the next midnight
	// UTC have come.
	Days     *int
	Midnight bool
	From     time.Time // not before this moment, whatever the basis
	Before   time.Time // the basis lies before this moment
	Newer    int       // so many newer versions, at least
}

// holds says whether the condition can hold, from when on, and what it would
// have to know.
func (c Condition) holds(o Object) (truth, time.Time, string) {
	if c.Newer > 0 {
		return c.newer(o)
	}
	if !c.From.IsZero() {
		return yes, c.From, ""
	}
	basis, answer, missing := c.basis(o)
	if answer == no {
		return no, time.Time{}, ""
	}
	if c.Days == nil {
		if answer == yes && !basis.Before(c.Before) {
			return no, time.Time{}, ""
		}
		return answer, basis, missing
	}
	due := basis.Add(time.Duration(*c.Days) * 24 * time.Hour)
	if c.Midnight {
		due = nextMidnight(due)
	}
	return answer, due, missing
}

func (c Condition) newer(o Object) (truth, time.Time, string) {
	switch {
	case !o.Noncurrent:
		return no, time.Time{}, ""
	case !o.Newer.Known:
		return maybe, o.Superseded, "the number of newer versions is not known"
	case o.Newer.N < c.Newer:
		return no, time.Time{}, ""
	}
	return yes, o.Superseded, ""
}

// basis is the moment from which the condition counts, or else the earliest that
// it can be.
func (c Condition) basis(o Object) (time.Time, truth, string) {
	switch c.Basis {
	case Modified:
		return o.Modified, yes, ""
	case Superseded:
		if !o.Noncurrent {
			return time.Time{}, no, ""
		}
		if o.Superseded.IsZero() {
			return o.Modified, maybe, "when it became noncurrent is not known"
		}
		return o.Superseded, yes, ""
	case Created:
		if o.Created.IsZero() {
			return time.Time{}, maybe, "when it was first written is not known"
		}
		return o.Created, yes, ""
	case Accessed:
		return o.Modified, maybe, "when it was last read or moved is not known"
	}
	return time.Time{}, maybe, "whether it has a custom time, and which, is not known"
}

// nextMidnight is the next midnight UTC, or t if it is one.
func nextMidnight(t time.Time) time.Time {
	day := t.UTC().Truncate(24 * time.Hour)
	if day.Equal(t) {
		return day
	}
	return day.Add(24 * time.Hour)
}

// scoped: the rule is about this kind of version.
func (r Rule) scoped(o Object) (truth, string) {
	if o.DeleteMarker && !o.Noncurrent && (r.Scope == LoneMarkers || r.Scope == Current) {
		switch { // S3 lets both kinds of rules remove a marker that stands over nothing
		case !o.Others.Known:
			return maybe, "what the delete marker stands over is not known"
		case o.Others.N > 0 || r.Action == Move:
			return no, ""
		}
		return yes, ""
	}
	switch {
	case r.Scope == AllVersions, r.Scope == Noncurrent && o.Noncurrent, r.Scope == Current && !o.Noncurrent:
		return yes, ""
	}
	return no, ""
}

// acts says whether and when the rule acts on an object.
func (r Rule) acts(o Object) (truth, time.Time, string) {
	answer, missing := r.scoped(o)
	when := o.Modified
	and := func(part truth, lacks string) {
		answer = min(answer, part)
		if missing == "" {
			missing = lacks
		}
	}
	and(r.Filter.reaches(o))
	for _, c := range r.Due {
		part, from, lacks := c.holds(o)
		and(part, lacks)
		if from.After(when) {
			when = from
		}
	}
	return answer, when, missing
}
