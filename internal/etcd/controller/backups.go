package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/backup"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/proof"
)

// backups takes plain backups on a schedule. It needs no lease: who takes the
// next one is claimed in the backup store, so that backups go on while the
// control store is silent. Every agent runs one.
type backups struct {
	c     *Controller
	watch backup.Watch

	mu       sync.Mutex
	identity proof.Identity // of the cluster, as last judged
	interval time.Duration
	last     backup.Schedule
	lastErr  error
	yieldTo  time.Time // until then another is left to take the one that is due
	busy     atomic.Bool
	running  sync.WaitGroup
}

func newBackups(c *Controller) *backups {
	return &backups{c: c, interval: time.Duration(c.cfg.Spec.BackupInterval)}
}

func (b *backups) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last.Newest = time.Time{}
}

// hear takes over what a pass found: whose backups to take, how often, and
// whether the store may be written to.
func (b *backups) hear(w *world) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interval = time.Duration(w.spec.BackupInterval)
	if len(w.verdict.Whole) == 1 {
		b.identity = w.verdict.Whole[0]
	}
	if w.backups.newest != nil {
		b.last.Newest = w.backups.newest.Stored
	}
}

// schedule takes a backup if one is due by what the pass found. It does not
// keep the pass waiting: a large database takes longer than an interval.
func (b *backups) schedule(ctx context.Context, w *world) {
	b.hear(w)
	why, due := b.due()
	if due && b.allowed(w) {
		b.c.deps.Log.Info("a backup is due", "why", why)
		b.begin(ctx, w, "schedule")
	}
}

// begin takes a backup beside the passes, unless one is being taken.
func (b *backups) begin(ctx context.Context, w *world, slot string) {
	if !b.busy.CompareAndSwap(false, true) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	b.running.Go(func() {
		defer b.busy.Store(false)
		_ = b.take(ctx, w, slot) // kept, logged and counted there
	})
}

// overdue: by what we last saw, whoever leads has not taken the backup that
// was due. A follower looks for itself then.
func (b *backups) overdue() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.last
	s.Interval = b.interval + b.interval/2
	due, _ := backup.Due(b.c.deps.Clock.Now(), s)
	return due && b.identity.Named()
}

func (b *backups) due() (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.identity.Named() || b.c.deps.Clock.Now().Before(b.yieldTo) {
		return "", false
	}
	s := b.last
	s.Interval = b.interval
	if b.c.hearsLeader() {
		s.Interval += s.Interval / 2 // it is the leader's to take first
	}
	due, why := backup.Due(b.c.deps.Clock.Now(), s)
	return why, due
}

// allowed: a backup is taken of what is whole and alone, whatever the verdict
// says of the record. A store that bears another mark is never written to.
func (b *backups) allowed(w *world) bool {
	return len(w.verdict.Whole) == 1 && w.backups.place.Writable() && len(w.live(w.verdict.Whole[0])) > 0
}

// A backup that another has claimed is left to it for so many passes, and so
// long, before the claim is looked at again.
const (
	yieldPasses  = 20
	yieldAtLeast = 5 * time.Second
)

// take takes one backup now. The slot is the newest backup that was seen, so
// that two takers who saw the same make one.
func (b *backups) take(ctx context.Context, w *world, slot string) error {
	entry, err := b.takeFrom(ctx, w, slot)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last.LastTry = b.c.deps.Clock.Now()
	if errors.Is(err, backup.ErrSlotDone) || errors.Is(err, backup.ErrClaimed) {
		b.yieldTo = b.last.LastTry.Add(max(yieldPasses*b.c.cfg.Interval, yieldAtLeast))
		return nil // another takes it
	}
	b.lastErr = err
	if b.c.deps.Metrics != nil {
		b.c.deps.Metrics.BackupTried(err)
	}
	if err != nil {
		b.last.Failures++
		b.c.deps.Log.Error("the backup failed", "error", err, "failures", b.last.Failures)
		return err
	}
	b.last.Failures, b.last.Newest = 0, entry.Stored
	if entry.Stored.IsZero() {
		b.last.Newest = b.c.deps.Clock.Now()
	}
	b.c.deps.Log.Info("a backup was taken", "name", entry.Name, "bytes", entry.Size)
	return nil
}

// claimPasses is for how many passes a claim may stand still before another
// takes the backup: a taker that died must not hold up the next ones for long.
const claimPasses = 25

func (b *backups) takeFrom(ctx context.Context, w *world, slot string) (backup.Entry, error) {
	if !b.allowed(w) {
		return backup.Entry{}, fmt.Errorf("no backup can be taken: the verdict is %s and the backup store is %s (%s)",
			w.verdict.State, w.backups.place.State, w.backups.place.Why)
	}
	id := w.verdict.Whole[0]
	member := b.member(w, id)
	etcd, err := process.NewClient([]string{member.testimony.ClientURL}, b.c.deps.EtcdTLS)
	if err != nil {
		return backup.Entry{}, err
	}
	defer func() { _ = etcd.Close() }()
	source, err := backup.NewClientSource(member.name, etcd.Etcd())
	if err != nil {
		return backup.Entry{}, err
	}
	if w.backups.newest != nil {
		slot += " after " + w.backups.newest.Name
	}
	return backup.Take(ctx, backup.Options{
		Store: w.backupPlace.store, Source: source, Identity: b.identityOf(id, member), Holder: b.c.cfg.Name, Slot: slot, Watch: &b.watch,
		ClaimTerm: min(backup.DefaultClaimTerm, claimPasses*b.c.cfg.Interval),
		Spec:      managerfiles.Spec{MemberCount: int32(w.spec.MemberCount), EtcdVersion: w.spec.EtcdVersion},
		Members:   membersOf(member), HashKV: b.hashes(ctx, w, etcd, id), Marks: b.marks(w),
		Clock: b.c.deps.Clock, Log: b.c.deps.Log,
	})
}

// member prefers a follower, and our own, so that the stream costs least.
func (b *backups) member(w *world, id proof.Identity) heard {
	live := w.live(id)
	best := live[0]
	for _, a := range live {
		if a.name == b.c.cfg.Name {
			best = a
		}
	}
	return best
}

func (b *backups) identityOf(id proof.Identity, member heard) backup.Identity {
	return backup.Identity{Cluster: b.c.cfg.Cluster, Lineage: id.Lineage, Generation: int64(id.Generation), BirthID: id.Birth,
		ClusterID: fmt.Sprintf("%x", member.testimony.EtcdClusterID)}
}

func membersOf(a heard) []backup.Member {
	var members []backup.Member
	for _, m := range a.testimony.Node.Part.Members {
		members = append(members, backup.Member{Name: m.Name, ID: fmt.Sprintf("%x", m.ID), PeerURLs: []string{m.PeerURL}, ClientURLs: []string{m.ClientURL}, Learner: m.Learner})
	}
	return members
}

// hashes asks every live member for its HashKV at one revision. Members that
// differ are reported by whoever compares; a member that is silent is left out.
func (b *backups) hashes(ctx context.Context, w *world, etcd *process.Client, id proof.Identity) *backup.HashKV {
	ctx, cancel := context.WithTimeout(ctx, b.c.askTimeout())
	defer cancel()
	revision, err := etcd.LinearizableRead(ctx)
	if err != nil {
		return nil
	}
	result := &backup.HashKV{Revision: revision, Members: map[string]uint32{}}
	for _, a := range w.live(id) {
		one, err := process.NewClient([]string{a.testimony.ClientURL}, b.c.deps.EtcdTLS)
		if err != nil {
			continue
		}
		if hash, err := one.HashKV(ctx, a.testimony.ClientURL, revision); err == nil {
			result.Members[a.name], result.CompactRevision = hash.Hash, hash.Compacted
		}
		_ = one.Close()
	}
	if len(result.Members) == 0 {
		return nil
	}
	return result
}

func (b *backups) marks(w *world) []backup.Mark {
	var marks []backup.Mark
	if w.control.Place.MarkID != "" {
		marks = append(marks, backup.Mark{URL: w.controlPlace.url, ID: w.control.Place.MarkID})
	}
	return append(marks, backup.Mark{URL: w.backupPlace.url, ID: w.backups.place.MarkID})
}

// freshEnough is the age up to which a backup counts as taken before a risky
// change.
const freshEnough = 5 * time.Minute

// giveUpAfter is how many failed backups in a row a risky change waits for.
const giveUpAfter = 3

// fresh says whether a backup was taken shortly ago, or cannot be taken at all.
func (b *backups) fresh(w *world) (string, bool) {
	if !b.allowed(w) {
		return "no backup can be taken now: " + w.backups.place.Why, true
	}
	b.mu.Lock()
	failures := b.last.Failures
	b.mu.Unlock()
	if failures >= giveUpAfter {
		return fmt.Sprintf("%d backups in a row failed; the change is not kept waiting for one", failures), true
	}
	if w.backups.newest == nil {
		return "", false
	}
	age := b.c.deps.Clock.Now().Sub(w.backups.newest.Stored)
	return fmt.Sprintf("the newest backup is %s old", age.Round(time.Second)), age < min(freshEnough, time.Duration(w.spec.BackupInterval))
}
