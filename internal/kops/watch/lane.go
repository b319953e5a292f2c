package watch

import (
	"context"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/kops"
)

// lane is where backups are opened, one cluster after the other and beside the
// passes, so that a pass never waits for a snapshot.
type lane struct {
	due   map[string]time.Time             // when a cluster's backups are opened next
	known map[string]map[string]remembered // what was opened, by cluster
}

// openBackups works until ctx ends.
func (w *Watcher) openBackups(ctx context.Context) {
	for {
		cluster, pause := w.nextToOpen()
		if cluster == "" {
			if err := w.deps.Clock.Sleep(ctx, pause); err != nil {
				return
			}
			continue
		}
		w.openCluster(ctx, cluster)
		if ctx.Err() != nil {
			return
		}
	}
}

// nextToOpen is the cluster that is due longest, or how long to wait for one.
func (w *Watcher) nextToOpen() (cluster string, pause time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.deps.Clock.Now()
	there := map[string]bool{}
	var when time.Time
	for _, name := range w.book.sorted() {
		if !w.book.entries[name].vanished.IsZero() || there[name.cluster] {
			continue
		}
		there[name.cluster] = true
		if at := w.lane.due[name.cluster]; cluster == "" || at.Before(when) {
			cluster, when = name.cluster, at
		}
	}
	w.lane.forget(there)
	switch {
	case cluster == "":
		return "", w.conf.Interval
	case when.After(now):
		return "", min(when.Sub(now), w.conf.Interval)
	}
	return cluster, 0
}

func (l *lane) forget(there map[string]bool) {
	for name := range l.due {
		if !there[name] {
			delete(l.due, name)
			delete(l.known, name)
		}
	}
}

// openCluster opens the newest backups of one cluster.
func (w *Watcher) openCluster(ctx context.Context, cluster string) {
	id := newPassID()
	ctx = flow.WithPassID(ctx, id)
	w.mu.Lock()
	known := w.lane.known[cluster]
	w.mu.Unlock()
	w.verifier.begin(known)
	options := w.conf.Check
	options.Name, options.Verify, options.Verifier, options.Inspect = cluster, true, w.verifier, nil
	report, err := kops.Check(ctx, options)
	asked := w.verifier.end()
	if ctx.Err() != nil {
		return
	}
	now := w.deps.Clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	next := now.Add(w.conf.VerifyEvery - time.Duration(float64(w.conf.VerifyEvery)*jitter*w.deps.Random()))
	switch {
	case err != nil:
		next = now.Add(min(w.conf.VerifyEvery, slowest*w.conf.Interval))
		w.deps.Log.WarnContext(ctx, "backups could not be opened", "cluster", cluster, "err", err)
	case slices.ContainsFunc(report.Clusters, backupsSilent):
		next = now.Add(min(w.conf.VerifyEvery, slowest*w.conf.Interval)) // the passes tell it
	default:
		w.lane.known[cluster] = asked
	}
	w.lane.due[cluster] = next
	var turns []Turn
	for _, r := range report.Of(cluster) {
		turns = append(turns, w.book.opened(r, now)...)
	}
	w.showClusters() // first, so that whoever reads the log finds what it tells
	for _, t := range turns {
		t.log(ctx, w.deps.Log)
		w.deps.Metrics.Turned(t.Cluster, t.Etcd, t.What)
		w.turns = append(w.turns, t)
	}
	w.turns = w.turns[max(len(w.turns)-keptTurns, 0):]
}

// opened takes in what was found in opened backups. What could not be read does
// not take the place of what was.
func (b *book) opened(r kops.Result, at time.Time) []Turn {
	e := b.entries[id{r.Cluster, r.Etcd}]
	o := openedOf(r, at)
	if e == nil || o == nil || !e.vanished.IsZero() {
		return nil
	}
	was, wasBadness := e.face(), badness(e.shown)
	if o.unread() && e.opened != nil {
		kept := *e.opened
		kept.threats = unite(o.threats, kept.threats)
		o = &kept
	}
	e.opened = o
	if e.cleared(o.newest) {
		e.rewritten = time.Time{}
	}
	e.reshow(at, b.maxAge)
	return e.turns(was, wasBadness, at)
}
