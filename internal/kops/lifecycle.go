package kops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// The kinds of threats that a bucket's own settings are.
const (
	LifecycleControl = "lifecycle-deletes-control-file"
	LifecycleBackup  = "lifecycle-deletes-backup"
	LifecycleArchive = "lifecycle-archives"
	NoVersioning     = "no-versioning"
	ObjectLock       = "object-lock"
	PublicAccess     = "public-access"
	RulesNotRead     = "bucket-settings-not-read"
)

// buckets asks each bucket about itself once, whoever wants to know.
type buckets struct {
	find  func(ctx context.Context, s store.Store) (lifecycle.Inspector, error)
	mu    sync.Mutex
	asked map[string]func() bucket // by the store's URL
}

// bucket is what one said.
type bucket struct {
	inspector lifecycle.Inspector // nil: it cannot be asked
	said      lifecycle.Inspection
	err       error
}

func (b *buckets) of(ctx context.Context, s store.Store, timeout time.Duration) bucket {
	b.mu.Lock()
	ask := b.asked[s.URL()]
	if ask == nil {
		ask = sync.OnceValue(func() bucket { return b.ask(ctx, s, timeout) })
		b.asked[s.URL()] = ask
	}
	b.mu.Unlock()
	return ask()
}

func (b *buckets) ask(ctx context.Context, s store.Store, timeout time.Duration) bucket {
	if b.find == nil {
		return bucket{}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	inspector, err := b.find(ctx, s)
	if err != nil || inspector == nil {
		return bucket{err: err}
	}
	return bucket{inspector: inspector, said: inspector.Inspect(ctx)}
}

// settings are what a bucket's own settings mean for one etcd cluster. They
// never change what an update would do.
type settings struct {
	threats []decide.Threat
	advice  []decide.Step
	putBack map[string]string
}

func (s *settings) add(kind, format string, args ...any) *decide.Threat {
	s.threats = append(s.threats, decide.Threat{Kind: kind, Sentence: fmt.Sprintf(format, args...)})
	return &s.threats[len(s.threats)-1]
}

// inspect holds the objects of this etcd cluster against its bucket's settings.
func (l look) inspect(ctx context.Context) settings {
	var s settings
	if l.etcd.Store == nil {
		return s
	}
	b := l.buckets.of(ctx, l.etcd.Store, l.Timeout)
	if b.err != nil {
		s.add(RulesNotRead, "The bucket's rules were not looked at: %s.", l.etcd.Tell(false, b.err))
	}
	if b.inspector == nil {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	l.controlFates(ctx, b, &s)
	l.backupFates(b, &s)
	if len(s.threats) > 0 {
		s.advice = append(s.advice, decide.Step{Do: "Take this path out of the bucket's lifecycle rule, and let etcd-manager itself delete old backups: set manager.backupRetentionDays of etcd " +
			l.etcd.Name + " (kops edit cluster). Stock etcd-manager's control files cannot be moved to another path."})
	}
	l.otherSettings(b.said, &s)
	l.deletedVersions(ctx, b, &s)
	return s
}

// controlFates says what becomes of the control files that are there.
func (l look) controlFates(ctx context.Context, b bucket, s *settings) {
	for _, file := range []statestore.File{l.etcd.Marker, l.etcd.Spec} {
		if file.Err != nil {
			continue
		}
		o := objectOf(b, file.Info)
		fate, untold := b.said.Fate(o), ""
		if fate.Deletes && !fate.Certain {
			tags, err := b.inspector.Tags(ctx, file.Info.Key)
			if err == nil {
				o.Tags, o.TagsKnown = tags, true
				fate = b.said.Fate(o)
			} else {
				untold = fmt.Sprintf(" Its tags could not be read%s.", needs(err))
			}
		}
		l.archived(fate, file.Info.Key, s)
		if !fate.Deletes {
			continue
		}
		t := s.add(LifecycleControl, "LIFECYCLE RULE %q %s A CONTROL FILE, %s, %s. After that a running cluster can be replaced by an empty one.%s",
			fate.Rule, strings.ToUpper(deletes(fate)), file.Info.Key, l.when(fate.When), untold)
		t.Objects, t.At = []string{file.Info.Key}, fate.When.UTC()
	}
}

// backupFates says what becomes of the newest backup and of the oldest.
func (l look) backupFates(b bucket, s *settings) {
	shelf := l.etcd.Shelf
	if len(shelf.Newest) == 0 {
		return
	}
	ends := []statestore.Backup{shelf.Newest[0]}
	if shelf.Oldest.Folder != shelf.Newest[0].Folder {
		ends = append(ends, shelf.Oldest)
	}
	for _, backup := range ends {
		if backup.Data.Key == "" {
			continue
		}
		fate := b.said.Fate(objectOf(b, backup.Data))
		l.archived(fate, backup.Data.Key, s)
		if !fate.Deletes {
			continue
		}
		t := s.add(LifecycleBackup, "Lifecycle rule %q %s backup %s %s.", fate.Rule, deletes(fate), backup.Name, l.when(fate.When))
		t.Objects, t.At = []string{backup.Data.Key}, fate.When.UTC()
	}
}

func objectOf(b bucket, info store.Info) lifecycle.Object {
	return lifecycle.Object{Key: b.inspector.Key(info.Key), Size: info.Size, Modified: info.Modified}
}

func deletes(f lifecycle.Fate) string {
	if f.Certain {
		return "deletes"
	}
	return "may delete"
}

func (l look) archived(fate lifecycle.Fate, key string, s *settings) {
	for _, move := range fate.Moves {
		if move.Offline {
			t := s.add(LifecycleArchive, "Lifecycle rule %q moves %s to %s %s: it cannot be read from then on.", move.Rule, key, move.Class, l.when(move.When))
			t.Objects, t.At = []string{key}, move.When.UTC()
			return
		}
	}
}

// when is "in 12 days (2026-12-03)".
func (l look) when(at time.Time) string {
	day := " (" + at.UTC().Format(time.DateOnly) + ")"
	if !at.After(l.now) {
		return "at any moment"
	}
	return "in " + decide.Age(at.Sub(l.now)) + day
}

func (l look) otherSettings(said lifecycle.Inspection, s *settings) {
	var silent []string
	note(&silent, "lifecycle rules", said.Lifecycle)
	for _, unread := range said.Lifecycle.Value.Unreadable {
		silent = append(silent, fmt.Sprintf("rule %q (%s)", unread.Rule, unread.Why))
	}
	note(&silent, "versioning", said.Versioning)
	note(&silent, "object lock", said.ObjectLock)
	note(&silent, "public access", said.PublicPolicy)
	if said.PublicBlock.Permission != "" { // few servers but S3 offer it
		note(&silent, "the block of public access", said.PublicBlock)
	}
	if len(silent) > 0 {
		s.add(RulesNotRead, "Not known of the bucket: %s.", strings.Join(silent, "; "))
	}
	if v := said.Versioning; v.State != lifecycle.Unknown && v.Value != lifecycle.VersioningEnabled {
		s.add(NoVersioning, "The bucket keeps no old versions: what is deleted there is gone for good.")
	}
	if lock := said.ObjectLock; lock.State == lifecycle.Present {
		s.add(ObjectLock, "The bucket locks its objects: etcd-manager cannot delete old backups there, and tries again every hour.")
	}
	if public := said.PublicPolicy; public.State == lifecycle.Present && public.Value {
		s.add(PublicAccess, "THE BUCKET IS OPEN TO THE WORLD by its policy: whoever reads a backup has every secret of the cluster.")
	}
}

func note[T any](silent *[]string, what string, a lifecycle.Answer[T]) {
	switch {
	case a.State != lifecycle.Unknown:
	case a.Permission != "":
		*silent = append(*silent, what+" (needs "+a.Permission+")")
	case errors.Is(a.Err, lifecycle.ErrNotOffered):
		*silent = append(*silent, what+" (the server does not offer this)")
	default:
		*silent = append(*silent, what)
	}
}

// needs names the permission that an error asks for, in brackets; "" if it is
// no denial.
func needs(err error) string {
	var denied *lifecycle.Denied
	if errors.As(err, &denied) {
		return " (needs " + denied.Permission + ")"
	}
	return ""
}

// deletedVersions looks whether what is missing can be put back.
func (l look) deletedVersions(ctx context.Context, b bucket, s *settings) {
	if l.etcd.Marker.Missing() {
		l.deletedVersion(ctx, b, managerfiles.CreatedKey, s)
	}
	if l.etcd.Spec.Missing() {
		l.deletedVersion(ctx, b, managerfiles.SpecKey, s)
	}
}

// deletedVersion finds the newest version of one file that holds something.
func (l look) deletedVersion(ctx context.Context, b bucket, key string, s *settings) {
	full := l.etcd.Key(key)
	for version, err := range b.inspector.Versions(ctx, full) {
		if err != nil { // then it is written anew
			s.add(RulesNotRead, "Whether a deleted version of %s can be put back is not known%s.", full, needs(err))
			return
		}
		if version.DeleteMarker || version.Key != b.inspector.Key(full) || version.Size == 0 {
			continue
		}
		if command := decide.PutBack(l.etcd.Base, key, version.ID); command != "" {
			if s.putBack == nil {
				s.putBack = map[string]string{}
			}
			s.putBack[key] = command
		}
		return
	}
}
