package watch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// How a pass can end.
const (
	passComplete   = "complete"
	passIncomplete = "incomplete" // a listing ended early, or nobody answered
	passNothing    = "nothing"    // answered: there is no cluster at all
	passFailed     = "failed"     // nothing is known of it
)

// passNote is what is told of the last pass.
type passNote struct {
	id, outcome, why string
	began, ended     time.Time
	incomplete       string
	exit             int
	untracked        int // etcd clusters beyond the limit
}

// pass looks once.
func (w *Watcher) pass(ctx context.Context) {
	note := passNote{id: newPassID(), began: w.deps.Clock.Now()}
	ctx = flow.WithPassID(ctx, note.id)
	w.markers.forget()
	asking, cancel := context.WithTimeout(ctx, w.limit)
	report, err := kops.Check(asking, w.conf.Check)
	cancel()
	if ctx.Err() != nil {
		return // told to stop: a check that was broken off says nothing
	}
	note.ended = w.deps.Clock.Now()
	acknowledged, ackErr := readAcknowledged(w.conf.Acknowledged)
	w.mu.Lock()
	defer w.mu.Unlock()
	turns := w.takeIn(&note, report, err)
	w.acknowledge(ctx, note.ended, acknowledged, ackErr)
	last := w.last
	w.show(note) // first, so that whoever reads the log finds what it tells
	w.tell(ctx, last, note, turns)
}

// takeIn gives the book what came, and says how the pass ended.
func (w *Watcher) takeIn(note *passNote, report kops.Report, err error) []Turn {
	var place *statestore.PlaceError
	switch {
	case err == nil:
		note.outcome, note.incomplete, note.why = passComplete, report.Incomplete, report.Incomplete
		if report.Incomplete != "" {
			note.outcome = passIncomplete
		} else if nobodyAnswered(report) {
			note.outcome, note.why = passIncomplete, "of no etcd cluster all that matters could be read"
		}
		note.exit = report.ExitCode
		return w.book.take(report)
	case errors.As(err, &place) && !place.Unproven && !errors.Is(err, store.ErrNoPlace):
		note.outcome, note.why = passNothing, place.Error()
		return w.book.nothing(note.ended)
	}
	note.outcome, note.why = passFailed, err.Error()
	w.book.failed(note.ended, "the state store did not answer")
	return nil
}

func nobodyAnswered(r kops.Report) bool {
	for _, result := range r.Clusters {
		if len(silence(result)) == 0 {
			return false
		}
	}
	return true
}

func (w *Watcher) acknowledge(ctx context.Context, at time.Time, all []acknowledgement, err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	if why != w.ackWhy && why != "" {
		w.deps.Log.WarnContext(ctx, "not all acknowledgements count", "err", why)
	}
	w.ackWhy = why
	if err != nil && all == nil {
		return // those that counted before still do
	}
	for _, name := range w.book.release(all, at) {
		w.deps.Log.InfoContext(ctx, "let go of by a person's word", "cluster", name.cluster, "etcd", name.etcd)
	}
}

// tell writes the log: what turned, once, and when the store falls silent or
// answers again.
func (w *Watcher) tell(ctx context.Context, last, note passNote, turns []Turn) {
	first := last.id == ""
	switch was, is := answered(last.outcome), answered(note.outcome); {
	case !is && (was || first || note.outcome != last.outcome):
		w.deps.Log.ErrorContext(ctx, "the state store gives no full answer; what was last known stays", "state", w.conf.Check.State,
			"outcome", note.outcome, "why", note.why)
	case is && !was && !first:
		w.deps.Log.InfoContext(ctx, "the state store answers again", "state", w.conf.Check.State)
	}
	if note.outcome == passNothing && last.outcome != passNothing {
		w.deps.Log.ErrorContext(ctx, "there is no cluster to watch", "state", w.conf.Check.State, "why", note.why)
	}
	if beyond := w.book.beyond; beyond > 0 && last.untracked == 0 {
		w.deps.Log.ErrorContext(ctx, "there are more etcd clusters than are watched", "not_watched", beyond, "limit", w.book.limit)
	}
	for _, t := range turns {
		t.log(ctx, w.deps.Log)
		if t.What == turnSeen {
			continue
		}
		w.deps.Metrics.Turned(t.Cluster, t.Etcd, t.What)
		w.turns = append(w.turns, t)
	}
	w.turns = w.turns[max(len(w.turns)-keptTurns, 0):]
	if first {
		w.deps.Log.InfoContext(ctx, "first look", "state", w.conf.Check.State, "outcome", note.outcome,
			"etcd_clusters", len(w.book.entries), "exit", note.exit)
	}
	took := note.ended.Sub(note.began)
	if took > w.conf.Interval && last.ended.Sub(last.began) <= w.conf.Interval {
		w.deps.Log.WarnContext(ctx, "a pass takes longer than the interval", "took", took, "interval", w.conf.Interval)
	}
}

// answered: the store said what there is, be it nothing.
func answered(outcome string) bool { return outcome == passComplete || outcome == passNothing }

// show brings metrics and status up to date.
func (w *Watcher) show(note passNote) {
	note.untracked = w.book.beyond
	w.last, w.beat = note, note.ended
	// A store that is empty from the start is no success: it is the wrong one.
	success := note.outcome == passComplete || note.outcome == passNothing && !w.success.IsZero()
	if success {
		w.success = note.ended
	}
	w.failures++
	if answered(note.outcome) {
		w.failures = 0
	}
	took := note.ended.Sub(note.began)
	w.deps.Metrics.PassEnded(note.outcome, note.ended, took, success, took > w.conf.Interval)
	w.deps.Metrics.SetListing(note.incomplete != "", w.book.beyond)
	if w.buckets != nil {
		w.deps.Metrics.SetBucketsStale(w.buckets.stale())
	}
	w.showClusters()
}

func (w *Watcher) showClusters() {
	all := make([]telemetry.KopsCluster, 0, len(w.book.entries))
	for _, name := range w.book.sorted() {
		all = append(all, w.book.entries[name].metrics())
	}
	w.deps.Metrics.SetClusters(all)
	released := map[[2]string]time.Time{}
	for name, since := range w.book.released {
		released[[2]string{name.cluster, name.etcd}] = since
	}
	w.deps.Metrics.SetAcknowledged(released)
}

func newPassID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}
