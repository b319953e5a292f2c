package kops

import (
	"context"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/statestore"
)

// The kinds of threats about backups.
const (
	NoBackup         = "no-backup"
	BackupsStopped   = "backups-stopped"
	BackupGap        = "backup-gap"
	BackupIncomplete = "backup-incomplete"
	BackupDamaged    = "backup-damaged"
	BackupOther      = "backup-of-another-cluster"
	BackupUnread     = "backup-not-read"
	BackupsNotListed = "backups-not-listed"
	BackupShrunk     = "backup-shrunk"
	BackupMeta       = "backup-meta-unusable"
	QueuedCommand    = "queued-command"
)

// farSmaller: a database shrinks, but not by this factor.
const farSmaller = 10

// gapAllowed is the longest time between two backups that retention leaves:
// one a day, and some.
const gapAllowed = 25 * time.Hour

// kept is what the backups of one etcd cluster are worth.
type kept struct {
	state             decide.BackupState
	newest, lastValid *Backup
	bad               []*Backup // newer than the last valid one, the newest first
	dated             bool      // the last valid one's name says when it was taken
}

// backups looks at the newest backups, and into them where that was asked for.
func (l look) backups(ctx context.Context) kept {
	listed, all := l.newest()
	if !all {
		return kept{state: decide.BackupsUnknown}
	}
	var k kept
	if l.Verify {
		k = l.opened(ctx, listed)
	} else {
		k = l.unopened(listed)
	}
	switch {
	case k.lastValid != nil && k.dated && k.lastValid.Age() <= l.MaxBackupAge:
		k.state = decide.BackupsRecent
	case k.lastValid != nil:
		k.state = decide.BackupsStale
	case k.unread():
		k.state = decide.BackupsUnknown
	default:
		k.state = decide.BackupsNone
	}
	return k
}

// newer: the last valid one is newer than that.
func (k kept) newer(than statestore.Backup) bool {
	return than.OlderThan(statestore.Backup{Name: k.lastValid.Name, Dated: k.dated})
}

// unread: one that could not be read may have been valid.
func (k kept) unread() bool {
	for _, b := range k.bad {
		if b.State == Unread {
			return true
		}
	}
	return false
}

// unopened goes by the listing alone.
func (l look) unopened(listed []statestore.Backup) kept {
	var k kept
	for _, b := range listed {
		told := l.tell(b)
		if k.newest == nil {
			k.newest = told
		}
		if b.Whole() {
			k.lastValid, k.dated = told, b.Dated
			break
		}
		k.bad = append(k.bad, told)
	}
	return k
}

func (l look) tell(b statestore.Backup) *Backup {
	told := &Backup{Name: b.Name, Time: b.Time.UTC(), SizeBytes: b.Data.Size, State: NotOpened}
	if age := l.now.Sub(b.Time); age > 0 {
		told.AgeSeconds = int64(age / time.Second)
	}
	switch {
	case b.Data.Key == "":
		told.State, told.Why = Incomplete, managerfiles.DataFile+" is missing"
	case b.Meta.Key == "":
		told.State, told.Why = Incomplete, managerfiles.MetaFile+" is missing"
	case !b.Whole():
		told.State, told.Why = Incomplete, "one of its files is empty"
	}
	return told
}

// backupThreats are told only of a cluster that has lived.
func (l look) backupThreats(k kept, d decide.Decision) []decide.Threat {
	var found []decide.Threat
	add := func(kind string, objects []string, format string, args ...any) {
		found = append(found, decide.Threat{Kind: kind, Sentence: fmt.Sprintf(format, args...), Objects: objects})
	}
	_, all := l.newest()
	switch {
	case !all:
		add(BackupsNotListed, nil, "The backups could not be listed: %s.", l.etcd.Tell(true, l.etcd.ShelfErr))
		return found
	case k.newest == nil && d.Action == decide.SeedNew:
		return found
	case k.newest == nil:
		add(NoBackup, nil, "There is no backup at all in %s.", l.etcd.Base)
		return found
	case k.lastValid == nil:
		add(NoBackup, nil, "None of the newest %d backups is valid.", len(k.bad))
	}
	for i, b := range k.bad {
		if i == 3 {
			break // the newest ones say enough
		}
		kind := map[BackupState]string{Incomplete: BackupIncomplete, Damaged: BackupDamaged, OtherCluster: BackupOther, Unread: BackupUnread}[b.State]
		add(kind, []string{b.Name}, "Backup %s: %s.", b.Name, b.Why)
	}
	if largest := l.etcd.Shelf.Largest; k.lastValid != nil && k.lastValid.State == NotOpened && k.lastValid.SizeBytes < largest.Data.Size/farSmaller && k.newer(largest) {
		add(BackupShrunk, []string{k.lastValid.Name, largest.Name}, "The newest backup is more than %d times smaller than %s: it may be of an empty cluster that took this one's place. Look into it with --verify.", farSmaller, largest.Name)
	}
	if l.etcd.MetaBad {
		add(BackupMeta, nil, "The %s of the newest backups cannot be used: etcd-manager could not restore them.", managerfiles.MetaFile)
	}
	l.stopped(k, add)
	l.gap(add)
	return found
}

// stopped says since when there are no backups, and how many are missing.
func (l look) stopped(k kept, add func(string, []string, string, ...any)) {
	age, due := k.newest.Age(), l.etcd.Interval
	if age <= max(2*due, l.MaxBackupAge) {
		return
	}
	add(BackupsStopped, []string{k.newest.Name}, "Backups stopped %s ago: the newest is of %s, one was due every %s, so about %d are missing.",
		decide.Age(age), k.newest.Time.Format("2006-01-02 15:04 UTC"), interval(due), int(age/due))
}

// interval is one between backups, in words: "15 minutes".
func interval(d time.Duration) string {
	if d >= time.Hour && d%time.Hour == 0 && d < 48*time.Hour {
		if d == time.Hour {
			return "hour"
		}
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return decide.Age(d)
}

// gap finds a hole among the newest ones, longer than retention makes one.
func (l look) gap(add func(string, []string, string, ...any)) {
	listed, _ := l.newest()
	for i := 1; i < len(listed); i++ {
		newer, older := listed[i-1], listed[i]
		if hole := newer.Time.Sub(older.Time); hole > max(gapAllowed, 2*l.etcd.Interval) {
			add(BackupGap, []string{older.Name, newer.Name}, "There is no backup between %s and %s: %s without one.",
				older.Time.UTC().Format("2006-01-02 15:04"), newer.Time.UTC().Format("2006-01-02 15:04 UTC"), decide.Age(hole))
			return
		}
	}
}
