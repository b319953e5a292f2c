package statestore

import (
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
)

// keep is how many of the newest backups are remembered of a shelf.
const keep = 32

// Backup is one backup as a listing shows it.
type Backup struct {
	Name string
	// Folder is its key without a file, relative to the store listed.
	Folder string
	// Time is when it was taken, by its name; if the name says no time, or one
	// after the store wrote it, when the store wrote it.
	Time time.Time
	// Dated: the name says when it was taken, as all names do that etcd-manager
	// gives.
	Dated bool
	// Data and Meta are its two files; without a key where one is missing.
	Data, Meta store.Info
}

// Whole reports whether both files are there and not empty. Nothing was opened.
func (b Backup) Whole() bool { return b.Data.Size > 0 && b.Meta.Size > 0 }

// Shelf is what a listing shows of one backup store: a bounded summary.
type Shelf struct {
	// Marker and Spec are the control files as listed; nil if not listed.
	Marker, Spec *store.Info
	// Commands is the number of queued commands; Queued are the first of them,
	// each with its version, at most 32.
	Commands int
	Queued   []string
	// Ours is the number of objects that only Seedproof writes.
	Ours int
	// Count is the number of backups, whole or not; Bytes their size.
	Count int
	Bytes int64
	// Newest are the newest ones by name, the newest first, at most 32.
	Newest []Backup
	// Oldest and Largest are zero where there is none.
	Oldest, Largest Backup

	open Backup // the one whose files are just being listed
}

// Empty reports whether nothing of an etcd cluster was listed.
func (s *Shelf) Empty() bool {
	return s.Marker == nil && s.Spec == nil && s.Commands == 0 && s.Ours == 0 && s.Count == 0
}

// add takes one file of a backup. Keys come in byte order, so the files of one
// backup follow each other.
func (s *Shelf) add(folder, file string, info store.Info) {
	if s.open.Folder != folder {
		s.close()
		s.open = Backup{Folder: folder, Name: folder[strings.LastIndexByte(folder, '/')+1:]}
	}
	if file == managerfiles.DataFile {
		s.open.Data = info
	} else {
		s.open.Meta = info
	}
}

// close ends the backup whose files were being listed.
func (s *Shelf) close() {
	b := s.open
	s.open = Backup{}
	if b.Folder == "" {
		return
	}
	b.Time, b.Dated = timeOf(b)
	s.Count++
	s.Bytes += b.Data.Size + b.Meta.Size
	if s.Oldest.Name == "" || b.OlderThan(s.Oldest) {
		s.Oldest = b
	}
	if b.Whole() && b.Data.Size > s.Largest.Data.Size {
		s.Largest = b
	}
	s.Newest = append(s.Newest, b)
	if len(s.Newest) >= 2*keep {
		s.trim()
	}
}

// trim keeps the newest, in order.
func (s *Shelf) trim() {
	slices.SortFunc(s.Newest, func(a, b Backup) int { return b.compare(a) })
	if len(s.Newest) > keep {
		s.Newest = append([]Backup(nil), s.Newest[:keep]...)
	}
}

// OlderThan reports whether it comes before another one.
func (b Backup) OlderThan(o Backup) bool { return b.compare(o) < 0 }

// compare orders by age. A name that somebody else gave says nothing of it, and
// comes before all that etcd-manager gave: a copy of an old backup must not
// pass for the newest.
func (b Backup) compare(o Backup) int {
	switch {
	case b.Dated && !o.Dated:
		return 1
	case o.Dated && !b.Dated:
		return -1
	}
	return strings.Compare(b.Name, o.Name)
}

// queue notes a queued command.
func (s *Shelf) queue(info store.Info) {
	s.Commands++
	if len(s.Queued) < keep {
		s.Queued = append(s.Queued, info.Key+" "+string(info.Version))
	}
}

func timeOf(b Backup) (at time.Time, dated bool) {
	stored := b.Meta.Modified
	if stored.IsZero() {
		stored = b.Data.Modified
	}
	named, _, err := managerfiles.ParseName(b.Name)
	if err != nil || !stored.IsZero() && named.After(stored) {
		return stored, err == nil
	}
	return named, true
}

// merge adds another shelf: etcd-manager lists its base to any depth.
func (s *Shelf) merge(o *Shelf) {
	s.Commands += o.Commands
	s.Queued = append(s.Queued, o.Queued[:min(len(o.Queued), keep-min(keep, len(s.Queued)))]...)
	s.Ours += o.Ours
	s.Count += o.Count
	s.Bytes += o.Bytes
	if o.Oldest.Name != "" && (s.Oldest.Name == "" || o.Oldest.OlderThan(s.Oldest)) {
		s.Oldest = o.Oldest
	}
	if o.Largest.Data.Size > s.Largest.Data.Size {
		s.Largest = o.Largest
	}
	s.Newest = append(s.Newest, o.Newest...)
	s.trim()
}
