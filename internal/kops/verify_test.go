package kops_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// verdicts stands for the snapshot package: what each backup holds, by the
// minute of the hour in its name.
type verdicts map[string]any

func (v verdicts) Verify(_ context.Context, _ store.Store, key string) (kops.Snapshot, error) {
	_, minute, _ := strings.Cut(key, "T02:")
	switch said := v[minute[:2]].(type) {
	case error:
		return kops.Snapshot{}, said
	case kops.Snapshot:
		return said, nil
	}
	return kops.Snapshot{}, fmt.Errorf("nobody was to open %s", key)
}

// TestVerify: the newest is opened, and older ones until one holds.
func TestVerify(t *testing.T) {
	good := kops.Snapshot{Revision: 90_000, Keys: 4000, Members: []uint64{1, 2, 3}}
	damaged := fmt.Errorf("%w: the snapshot was cut short", kops.ErrDamaged)
	for _, c := range []struct {
		reason string
		says   verdicts
		// sizes are those of the data, from the newest back (02:55, 02:40, 02:25, 02:10).
		sizes      [4]int
		newest     kops.BackupState
		last, warn string
		backups    decide.BackupState
		age        time.Duration
	}{
		{"the newest holds", verdicts{"55": good}, [4]int{100, 100, 100, 100}, kops.Holds, "02:55", "", decide.BackupsRecent, time.Hour},
		{"the newest is damaged", verdicts{"55": damaged, "40": good}, [4]int{100, 100, 100, 100}, kops.Damaged, "02:40", kops.BackupDamaged, decide.BackupsRecent, time.Hour},
		{"what holds is too old", verdicts{"55": damaged, "40": good}, [4]int{100, 100, 100, 100}, kops.Damaged, "02:40", kops.BackupDamaged, decide.BackupsStale, 10 * time.Minute},
		{"the newest cannot be read", verdicts{"55": store.ErrDenied, "40": good}, [4]int{100, 100, 100, 100}, kops.Unread, "02:40", kops.BackupUnread, decide.BackupsRecent, time.Hour},
		{"none can be read: not known", verdicts{"55": store.ErrDenied, "40": store.ErrDenied, "25": store.ErrDenied, "10": store.ErrDenied}, [4]int{100, 100, 100, 100}, kops.Unread, "", kops.BackupUnread, decide.BackupsUnknown, time.Hour},
		{"all are damaged", verdicts{"55": damaged, "40": damaged, "25": damaged, "10": damaged}, [4]int{100, 100, 100, 100}, kops.Damaged, "", kops.NoBackup, decide.BackupsNone, time.Hour},
		{"an empty cluster took its place", verdicts{"55": kops.Snapshot{Revision: 1, Members: []uint64{7}}, "40": good, "25": good}, [4]int{50, 100, 101, 100}, kops.OtherCluster, "02:40", kops.BackupOther, decide.BackupsRecent, time.Hour},
		{"an empty cluster took its place, and the old one cannot be read", verdicts{"55": kops.Snapshot{Revision: 34, Keys: 12}, "40": kops.Snapshot{Revision: 20, Keys: 11}, "25": store.ErrDenied, "10": kops.Snapshot{Revision: 8, Keys: 9}},
			[4]int{50, 51, 101, 52}, kops.Unread, "02:10", kops.BackupUnread, decide.BackupsRecent, time.Hour},
		{"shrunk, and the largest is damaged: it will never tell", verdicts{"55": kops.Snapshot{Revision: 34, Keys: 1200}, "25": damaged}, [4]int{10, 100, 101, 100}, kops.Holds, "02:55", "", decide.BackupsRecent, time.Hour},
		{"small, and nothing older to compare with", verdicts{"55": kops.Snapshot{Revision: 3, Keys: 2}}, [4]int{100, 50, 50, 50}, kops.Holds, "02:55", "", decide.BackupsRecent, time.Hour},
		{"few keys, and the revision goes on: events that expired", verdicts{"55": kops.Snapshot{Revision: 99_000, Keys: 3}, "25": good}, [4]int{50, 100, 101, 100}, kops.Holds, "02:55", "", decide.BackupsRecent, time.Hour},
		{"shrunk by a compaction: the revision goes on", verdicts{"55": kops.Snapshot{Revision: 99_000, Keys: 3000}, "25": good}, [4]int{10, 100, 101, 100}, kops.Holds, "02:55", "", decide.BackupsRecent, time.Hour},
	} {
		s := mem.New("state")
		cluster := healthy(3)
		cluster.Etcds = []string{"main"}
		cluster.Write(t, s)
		for i, size := range c.sizes {
			at := now.Add(-5*time.Minute - time.Duration(i)*15*time.Minute)
			kopstest.Put(t, s, fmt.Sprintf("%s/backups/etcd/main/%s-%06d/etcd.backup.gz", prod, at.Format(time.RFC3339), 4-i), strings.Repeat("x", size))
		}
		report, err := kops.Check(t.Context(), kops.Options{
			State: "mem://state", Open: in(s), Now: func() time.Time { return now }, Verify: true, Verifier: c.says, MaxBackupAge: c.age,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := report.Clusters[0]
		if r.NewestBackup.State != c.newest || r.Evidence.Backups != c.backups {
			t.Errorf("%s: the newest %+v, backups %s", c.reason, r.NewestBackup, r.Evidence.Backups)
		}
		if last := r.LastValidBackup; (last == nil) != (c.last == "") || last != nil && !strings.Contains(last.Name, "T"+c.last) {
			t.Errorf("%s: the last valid one is %+v", c.reason, last)
		}
		if !strings.Contains(kinds(r), c.warn) || c.warn == "" && kinds(r) != "[]" {
			t.Errorf("%s: threats %s", c.reason, kinds(r))
		}
	}
}

// TestInspect: damage is told from a transfer that was cut, and from a store
// that stops sending.
func TestInspect(t *testing.T) {
	s := mem.New("state")
	kopstest.Put(t, s, "no-snapshot.gz", kopstest.Gzip("hello"))
	kopstest.Put(t, s, "no-gzip.gz", "hello")
	kopstest.Put(t, s, "empty.gz", "")
	for _, key := range []string{"no-snapshot.gz", "no-gzip.gz", "empty.gz"} {
		if _, err := (kops.Inspect{Dir: t.TempDir()}).Verify(t.Context(), s, key); !errors.Is(err, kops.ErrDamaged) {
			t.Errorf("%s: %v, want damage", key, err)
		}
	}
	for _, clean := range []bool{false, true} {
		cut := &cutting{Store: s, k: 1, clean: clean}
		if _, err := (kops.Inspect{Dir: t.TempDir()}).Verify(t.Context(), cut, "no-snapshot.gz"); err == nil || errors.Is(err, kops.ErrDamaged) {
			t.Errorf("a transfer that was cut (clean %v): %v", clean, err)
		}
	}
	if _, err := (kops.Inspect{Dir: t.TempDir(), Stall: shortTime}).Verify(t.Context(), stalling{s}, "no-snapshot.gz"); err == nil || errors.Is(err, kops.ErrDamaged) {
		t.Errorf("a store that stops sending: %v", err)
	}
	if _, err := (kops.Inspect{}).Verify(t.Context(), s, "not-there"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("not there: %v", err)
	}
}

// stalling sends one byte and then nothing, until it is closed.
type stalling struct{ store.Store }

func (s stalling) Open(ctx context.Context, key string, r store.Range) (bodyOf, store.Info, error) {
	_, info, err := s.Store.Open(ctx, key, r)
	return &stalled{closed: make(chan struct{})}, info, err
}

type stalled struct {
	sent   bool
	closed chan struct{}
}

func (s *stalled) Read(p []byte) (int, error) {
	if !s.sent {
		s.sent = true
		p[0] = 0x1f
		return 1, nil
	}
	<-s.closed
	return 0, errors.New("closed")
}

func (s *stalled) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}
