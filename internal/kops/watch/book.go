package watch

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// maxEntries bounds how many etcd clusters are remembered, and so the number of
// series: a bucket may hold anything.
const maxEntries = 4000

// firstBoot is how long the first start of a control plane is thought to take.
const firstBoot = time.Hour

// id names one etcd cluster of one kops cluster.
type id struct{ cluster, etcd string }

func (i id) compare(o id) int {
	return cmp.Or(cmp.Compare(i.cluster, o.cluster), cmp.Compare(i.etcd, o.etcd))
}

// entry is what is known of one etcd cluster.
type entry struct {
	shown    kops.Result // what stands
	plain    kops.Result // the same, without what opened backups say
	looked   time.Time   // when all that matters last answered
	seen     time.Time   // when anything of it was last there
	stale    time.Time   // since when not; zero: it is fresh
	silent   bool        // something of this very cluster is silent
	why      string      // why it is stale
	vanished time.Time   // zero: it is there
	opened   *opened     // nil: none was
	lived    bool        // it was seen with a marker or a backup

	marker    string       // what the marker held when it was last read
	rewritten time.Time    // since when it holds another content; zero: it does not
	before    *kops.Backup // the last verified one from before that
}

// book is the memory of the watch: what stands of each etcd cluster. It does no
// I/O and has no clock, and is not safe for concurrent use.
type book struct {
	entries  map[id]*entry
	released map[id]time.Time // acknowledged as gone, and gone since
	limit    int
	beyond   int // etcd clusters of the last report that are not watched
	maxAge   time.Duration
	markerOf func(r kops.Result) string // what a marker holds; "" if it was not read
}

func newBook(maxAge time.Duration) *book {
	return &book{entries: map[id]*entry{}, released: map[id]time.Time{}, limit: maxEntries, maxAge: maxAge, markerOf: func(kops.Result) string { return "" }}
}

// sorted are the names of all entries.
func (b *book) sorted() []id {
	var names []id
	for name := range b.entries {
		names = append(names, name)
	}
	slices.SortFunc(names, id.compare)
	return names
}

// take takes in the report of a pass and gives what turned.
func (b *book) take(r kops.Report) []Turn {
	var turns []Turn
	reported := map[id]bool{}
	blind := map[string]string{} // clusters of which some etcd clusters may not have been named
	quiet := r.Incomplete == ""
	for _, result := range r.Clusters {
		reported[id{result.Cluster, result.Etcd}] = true
		if f := result.Evidence.Config.Finding; f == proof.Unknown || f == proof.Unusable {
			blind[result.Cluster] = "config (" + result.Evidence.Config.Why + ")"
		}
		quiet = quiet && len(silence(result)) == 0
	}
	b.beyond = 0
	for _, result := range r.Clusters {
		turns = append(turns, b.one(result, r.At, quiet)...)
	}
	for _, name := range b.sorted() {
		if reported[name] {
			continue
		}
		why := r.Incomplete
		if why == "" {
			why = blind[name.cluster]
		}
		turns = append(turns, b.missing(name, why, r.At)...)
	}
	return turns
}

// one takes in the result of one etcd cluster.
func (b *book) one(now kops.Result, at time.Time, allAnswered bool) []Turn {
	name := id{now.Cluster, now.Etcd}
	e := b.entries[name]
	if e == nil {
		if len(b.entries) >= b.limit {
			b.beyond++
			return nil
		}
		e = &entry{}
		b.entries[name] = e
		delete(b.released, name)
		e.mark(b.markerOf(now), at)
		e.fill(now, silence(now), at, b.maxAge)
		return []Turn{e.first(at)}
	}
	was, wasBadness := e.face(), badness(e.shown)
	silent := silence(now)
	if len(e.plain.Evidence.SharedWith) > 0 && len(now.Evidence.SharedWith) == 0 && !allAnswered {
		silent = append(silent, "the cluster with which it shared its path")
	}
	if b.goneAnew(e, now, silent) {
		return b.missing(name, strings.Join(silent, "; "), at)
	}
	if len(silent) > 0 {
		now = held(e.plain, now)
	}
	e.vanished = time.Time{}
	e.mark(b.markerOf(now), at)
	e.fill(now, silent, at, b.maxAge)
	return e.turns(was, wasBadness, at)
}

// goneAnew: nothing of an etcd cluster is there that this watch saw alive, so it
// has vanished and nobody has said that this was meant. Its kops cluster has
// still a config, or could not be asked; neither makes it new.
func (b *book) goneAnew(e *entry, now kops.Result, silent []string) bool {
	if len(silent) > 0 {
		return !e.vanished.IsZero() && !shows(now)
	}
	return (e.lived || !e.vanished.IsZero()) && now.Verdict == proof.NeverExisted
}

// shows reports whether anything of the etcd cluster was seen.
func shows(r kops.Result) bool {
	there := func(n decide.Named) bool { return n.Finding == proof.Present || n.Finding == proof.Unusable }
	file := func(f managerfiles.File) bool { return f == managerfiles.Usable || f == managerfiles.Unusable }
	e := r.Evidence
	return file(e.Marker.File) || file(e.Spec.File) || slices.ContainsFunc(e.Leavings, there) || slices.ContainsFunc(e.Traces, there)
}

// fill sets what stands.
func (e *entry) fill(plain kops.Result, silent []string, at time.Time, maxAge time.Duration) {
	e.plain = plain
	if shows(plain) {
		e.seen = at
	}
	e.silent = len(silent) > 0
	e.why = strings.Join(silent, "; ")
	if e.silent {
		e.setStale(at)
	} else {
		e.looked, e.stale = at, time.Time{}
	}
	e.lived = e.lived || plain.Evidence.Marker.File == managerfiles.Usable || traces(plain)
	e.reshow(at, maxAge)
}

// reshow puts together what stands, of what was listed, opened and remembered.
func (e *entry) reshow(at time.Time, maxAge time.Duration) {
	e.shown = e.opened.over(e.plain, at, maxAge)
	if !e.rewritten.IsZero() {
		e.shown.Threats = unite([]decide.Threat{e.rewrittenThreat(id{e.plain.Cluster, e.plain.Etcd})}, e.shown.Threats)
	}
}

func (e *entry) setStale(at time.Time) {
	if e.stale.IsZero() {
		e.stale = at
	}
}

func traces(r kops.Result) bool {
	return slices.ContainsFunc(r.Evidence.Traces, func(n decide.Named) bool { return n.Finding == proof.Present })
}

// first is told when an etcd cluster is seen for the first time.
func (e *entry) first(at time.Time) Turn {
	level := slog.LevelDebug
	if e.shown.ExitCode != decide.Safe {
		level = stateLevel(-1, badness(e.shown), e.firstStart())
	}
	return Turn{At: at, Cluster: e.shown.Cluster, Etcd: e.shown.Etcd, What: turnSeen, From: "not watched", To: stateText(e.shown),
		Sentence: e.shown.Sentence, Next: firstCommand(e.shown.Advice), level: level}
}

// firstStart: the marker is not there and the spec is, but all that shows is
// young and nobody has seen this cluster alive. It may be starting for the
// first time.
func (e *entry) firstStart() bool {
	evidence := e.shown.Evidence
	if e.shown.Action != decide.SeedImminent || e.lived || evidence.Applied.IsZero() || evidence.At.Sub(evidence.Applied) >= firstBoot {
		return false
	}
	return !slices.ContainsFunc(evidence.Traces, func(n decide.Named) bool { return n.Finding != proof.Absent })
}

// missing is for an etcd cluster that the report does not name. why is set
// where that proves nothing.
func (b *book) missing(name id, why string, at time.Time) []Turn {
	e := b.entries[name]
	if !e.vanished.IsZero() { // it was told
		if why != "" {
			e.setStale(at)
		} else {
			e.looked, e.stale, e.why = at, time.Time{}, ""
		}
		return nil
	}
	was, wasBadness := e.face(), badness(e.shown)
	if why != "" {
		e.setStale(at)
		e.silent, e.why = true, why
		return e.turns(was, wasBadness, at)
	}
	e.vanished = at.UTC().Truncate(time.Second)
	e.looked, e.stale, e.silent, e.why = at, time.Time{}, false, ""
	e.shown = gone(e.shown, acknowledgement{name, e.vanished}.String())
	return e.turns(was, wasBadness, at)
}

// failed is for a pass that gave no report: all that is known stays.
func (b *book) failed(at time.Time, why string) {
	for _, e := range b.entries {
		e.setStale(at)
		if !e.silent {
			e.why = why
		}
	}
}

// nothing is for a pass that was answered, and found no cluster at all.
func (b *book) nothing(at time.Time) []Turn {
	return b.take(kops.Report{At: at})
}

// release lets go of those that vanished, or whose marker was rewritten, and
// that a person has named, each with the time since when: an old line does not
// cover a later loss.
func (b *book) release(acknowledged []acknowledgement, at time.Time) []id {
	var let []id
	clear(b.released)
	for _, a := range acknowledged {
		e := b.entries[a.id]
		switch {
		case e == nil:
			b.released[a.id] = a.since
		case e.vanished.Equal(a.since):
			delete(b.entries, a.id)
			b.released[a.id] = a.since
			let = append(let, a.id)
		case e.vanished.IsZero() && e.rewritten.Equal(a.since):
			e.rewritten = time.Time{}
			e.reshow(at, b.maxAge)
			let = append(let, a.id)
		}
	}
	return let
}
