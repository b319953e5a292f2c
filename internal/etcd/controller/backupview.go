package controller

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/backup"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// The backup store as a witness: any backup is a trace, and so is
// etcd-manager's marker, which names nobody.
const (
	backupsWitness = "backups"
	markerWitness  = "created-marker"
)

// backupView is what one look at the backup store found.
type backupView struct {
	place  store.PlaceFinding
	seen   store.Seen
	err    error
	newest *backup.Entry // with its proof, where it has one
	listed map[string]store.Info
}

// backupLook remembers what need not be read again while the listing shows no
// change.
type backupLook struct {
	mark   *store.Seen
	newest *backup.Entry
}

// lookAtBackups lists from the newest known backup on: one request while
// nothing changes.
func (c *Controller) lookAtBackups(ctx context.Context, w *world, allKnown bool) backupView {
	if c.backup == nil {
		return backupView{err: fmt.Errorf("the backup store could not be opened")}
	}
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	return c.look.at(ctx, c.backup.store, noted(w.answers, backupOf, c.cfg.BackupStore), allKnown)
}

// markBackup marks a backup store that is new or was emptied, and looks again.
func (c *Controller) markBackup(ctx context.Context, w *world, allKnown bool) {
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	before := w.backups.place
	mark := store.NewMark(store.BackupStore, c.cfg.Cluster, c.deps.Clock.Now())
	if before.MarkID != "" {
		mark.ID = before.MarkID
	}
	if err := store.PutMark(ctx, c.backup.store, mark); err != nil {
		c.deps.Log.Warn("the backup store could not be marked", "error", err)
		return
	}
	c.deps.Log.Warn("the backup store was marked", "was", before.State.String(), "why", before.Why)
	w.backups = c.look.at(ctx, c.backup.store, noted(w.answers, backupOf, c.cfg.BackupStore), allKnown)
	if before.State == store.PlaceEmptied && w.backups.newest == nil {
		w.backups.place = before
	}
}

func (l *backupLook) at(ctx context.Context, s store.Store, remembered []store.Remembered, allKnown bool) backupView {
	v := backupView{}
	after := ""
	if l.newest != nil {
		after = l.newest.Name[:len(l.newest.Name)-1] // so that the newest known one is listed again
	}
	listing := &listing{Store: s, infos: map[string]store.Info{}}
	catalogue, err := backup.List(ctx, listing, after)
	if err == nil && l.newest != nil && !catalogueHas(catalogue, l.newest.Name) {
		l.newest = nil
		listing.infos = map[string]store.Info{}
		catalogue, err = backup.List(ctx, listing, "")
	}
	v.listed = listing.infos
	v.seen = l.lookAtMark(ctx, s, v.listed, err)
	v.place = store.JudgePlace(v.seen, remembered, allKnown)
	if err != nil {
		v.err = err
		return v
	}
	v.err = l.takeNewest(ctx, s, catalogue)
	v.newest = l.newest
	return v
}

func (l *backupLook) lookAtMark(ctx context.Context, s store.Store, listed map[string]store.Info, listErr error) store.Seen {
	if listErr != nil {
		return store.Seen{URL: s.URL(), Err: listErr}
	}
	info, present := listed[store.MarkKey]
	if present && l.mark != nil && l.mark.MarkFinding == store.MarkPresent && l.mark.MarkVersion == info.Version {
		return *l.mark
	}
	seen := store.LookAtPlace(ctx, s)
	l.mark = &seen
	return seen
}

func (l *backupLook) takeNewest(ctx context.Context, s store.Store, c backup.Catalogue) error {
	listed, found := c.Newest()
	if !found || l.newest != nil && l.newest.Name == listed.Name {
		return nil
	}
	entry, err := backup.Read(ctx, s, listed.Name)
	if err != nil {
		return fmt.Errorf("read the newest backup %s: %w", listed.Name, err)
	}
	entry.Stored, entry.Size = listed.Stored, max(entry.Size, listed.Size)
	l.newest = &entry
	return nil
}

func catalogueHas(c backup.Catalogue, name string) bool {
	for _, e := range c.Backups {
		if e.Name == name {
			return true
		}
	}
	return false
}

// traces are the testimonies of the backup store.
func (v backupView) traces() []decide.Trace {
	backups := decide.Trace{Name: backupsWitness}
	marker := decide.Trace{Name: markerWitness}
	if v.err != nil {
		backups.Why = "the backup store could not be asked: " + v.err.Error()
		marker.Why = backups.Why
		return []decide.Trace{backups, marker}
	}
	absent, why := placeAbsence(v.place)
	backups.Finding, backups.Why = absent, why
	if v.newest != nil && absent != proof.Unknown {
		backups.Finding, backups.Why = proof.Present, "the newest is "+v.newest.Name
		// Of a cluster that was not made by us the backup is ours: it vouches for
		// nobody, or taking one would take the place of a person's approval.
		if p := v.newest.Proof; p != nil && !strings.HasPrefix(p.Lineage, StockLineage) {
			backups.Identity = proof.Identity{Lineage: p.Lineage, Generation: uint64(max(p.Generation, 0)), Birth: p.BirthID}
		}
	}
	marker.Finding, marker.Why = absent, why
	if _, there := v.listed[managerfiles.CreatedKey]; there && absent != proof.Unknown {
		marker.Finding, marker.Why = proof.Present, "etcd-manager's marker says that a cluster was made"
	}
	return []decide.Trace{backups, marker}
}

func placeAbsence(f store.PlaceFinding) (proof.Finding, string) {
	switch f.State {
	case store.PlaceNew, store.PlaceOurs, store.PlaceTakenOver:
		return proof.Absent, "asked in the right place, and none there"
	case store.PlaceEmptied:
		return proof.Unusable, "the backup store was emptied: " + f.Why
	}
	return proof.Unknown, f.Why
}

// members are those that the newest backup names.
func (v backupView) members() decide.List {
	if v.newest == nil || v.newest.Proof == nil {
		return nil
	}
	var list decide.List
	for _, m := range v.newest.Proof.Members {
		list = append(list, decide.MemberRef{Name: m.Name, Learner: m.Learner})
	}
	return list
}

// listing is a store that keeps what one listing showed, so that one request
// answers for backups, control files and the mark.
type listing struct {
	store.Store
	infos map[string]store.Info
}

func (l *listing) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range l.Store.List(ctx, prefix, after) {
			if err == nil {
				l.infos[info.Key] = info
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// ofLineage: the newest backup is of one of these lineages, or nobody else
// knows a lineage. The members of another cluster's backup are nobody here.
func (v backupView) ofLineage(known map[string]bool) bool {
	if v.newest == nil || v.newest.Proof == nil {
		return false
	}
	return len(known) == 0 || known[v.newest.Proof.Lineage]
}
