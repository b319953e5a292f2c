package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// opener stands in for the one who opens backups: by what is written in them.
type opener struct {
	mu       sync.Mutex
	keys     []string
	revision int64  // of what holds; 0 is 1000
	member   uint64 // of what holds; 0 is 1
}

func (o *opener) Verify(ctx context.Context, s store.Store, key string) (kops.Snapshot, error) {
	o.mu.Lock()
	o.keys = append(o.keys, key)
	o.mu.Unlock()
	body, _, err := s.Open(ctx, key, store.Range{})
	if err != nil {
		return kops.Snapshot{}, err
	}
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(body)
	switch {
	case err != nil:
		return kops.Snapshot{}, err
	case string(content) == "rot":
		return kops.Snapshot{}, fmt.Errorf("%w: its hash does not match", kops.ErrDamaged)
	case string(content) == "cut":
		return kops.Snapshot{}, store.ErrCut
	}
	return kops.Snapshot{Revision: cmp.Or(o.revision, 1000), Keys: 900, Members: []uint64{cmp.Or(o.member, 1)}}, nil
}

// opened are the keys that were opened since the last call.
func (o *opener) opened() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.keys)
	o.keys = nil
	return n
}

func verifying(o *opener) func(*Config) {
	return func(c *Config) { c.Check.Verifier, c.VerifyEvery = o, time.Hour }
}

// open opens what is due, as the lane does, until nothing is.
func (r *rig) open() {
	r.Helper()
	for range 100 {
		cluster, _ := r.w.nextToOpen()
		if cluster == "" {
			return
		}
		r.w.openCluster(r.Context(), cluster)
	}
	r.Fatal("something is always due")
}

func (r *rig) backup(seq int, content string) {
	r.Helper()
	c := healthy(r.clock.Now())
	folder := c.WriteBackup(r, r.store, base, r.clock.Now(), seq)
	if content != "" {
		kopstest.Put(r, r.store, folder+"/etcd.backup.gz", content)
	}
}

// TestBackupsAreOpenedOncePerVersion, at their own pace and not at every pass.
func TestBackupsAreOpenedOncePerVersion(t *testing.T) {
	o := &opener{}
	r := newRig(t, verifying(o), healthy)
	r.look()
	r.wantNone("last_verified_backup_timestamp_seconds")
	r.open()
	if n := o.opened(); n != 1 {
		t.Fatalf("%d were opened, want the newest", n)
	}
	first := r.entry().lastVerified().Time
	r.want("last_verified_backup_timestamp_seconds", float64(first.Unix()))
	r.want("newest_backup_state", 1, "state", "holds")
	r.look()
	r.open()
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	if n := o.opened(); n != 0 {
		t.Errorf("the same version was opened %d times more", n)
	}
	kopstest.Put(t, r.store, r.entry().shown.NewestBackup.Name, "") // elsewhere: changes nothing
	folder := base + "/" + r.entry().shown.NewestBackup.Name
	kopstest.Put(t, r.store, folder+"/etcd.backup.gz", "rot")
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	if n := o.opened(); n == 0 {
		t.Error("a new version under the same name was not opened")
	}
	r.want("newest_backup_state", 1, "state", "damaged")
	r.wantAnswers("opened_backups_total", "state", "damaged", 1)
}

func (r *rig) wantAnswers(name, label, of string, v float64) {
	r.Helper()
	if got, found := value(r.scrape(), name, map[string]string{label: of}); !found || got != v {
		r.Errorf("%s{%s=%q} is %v, want %v", name, label, of, got, v)
	}
}

// TestADamagedBackup is told, does not count as the last valid one, and what
// comes after it is not trusted before it was opened.
func TestADamagedBackup(t *testing.T) {
	o := &opener{}
	r := newRig(t, verifying(o), healthy)
	r.look()
	r.open()
	good := r.entry().shown.LastValidBackup.Time
	r.turned()
	r.backup(5, "rot")
	r.clock.Advance(time.Hour)
	r.look()
	r.open()
	if told := r.turned(); !slices.Contains(told, "threat: no backup-damaged -> backup-damaged") {
		t.Errorf("it told %v", told)
	}
	r.want("last_valid_backup_timestamp_seconds", float64(good.Unix()))
	r.want("backups_state", 1, "state", "stale")
	r.clock.Advance(time.Minute)
	r.backup(6, "")
	r.look()
	r.want("last_valid_backup_timestamp_seconds", float64(good.Unix()))
	r.want("threats", 1, "kind", kops.BackupDamaged)
	r.clock.Advance(time.Hour)
	r.look()
	r.open()
	r.wantNone("threats", "kind", kops.BackupDamaged)
	r.want("last_valid_backup_timestamp_seconds", float64(r.entry().shown.NewestBackup.Time.Unix()))
	kopstest.DeleteAll(t, r.store, base+"/2")
	r.look()
	r.wantNone("last_verified_backup_timestamp_seconds")
}

// TestAChangedSpecOnDamagedBackups is refused, where the listing alone would
// have called it safe.
func TestAChangedSpecOnDamagedBackups(t *testing.T) {
	o := &opener{}
	r := newRig(t, verifying(o), healthy)
	kopstest.Put(t, r.store, spec, `{"memberCount":1,"etcdVersion":"3.6.12"}`)
	for info, err := range r.store.List(t.Context(), base+"/2", "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(info.Key, ".gz") {
			kopstest.Put(t, r.store, info.Key, "rot")
		}
	}
	r.look()
	r.wantAction("change-spec", 0)
	r.open()
	r.wantAction("change-spec", 3)
	r.want("backups_state", 1, "state", "none")
	if next := firstCommand(r.entry().shown.Advice); !strings.HasPrefix(next, "etcdctl --endpoints https://127.0.0.1:4001 ") {
		t.Errorf("the advice begins with %q", next)
	}
}

// TestABackupThatCannotBeRead says nothing of what was known.
func TestABackupThatCannotBeRead(t *testing.T) {
	o := &opener{}
	r := newRig(t, verifying(o), healthy)
	r.look()
	r.open()
	r.backup(5, "rot")
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	r.want("threats", 1, "kind", kops.BackupDamaged)
	r.store.SetHook(func(_ context.Context, op, key string) error {
		if strings.HasSuffix(key, ".gz") && op != store.OpList {
			return errors.New("503")
		}
		return nil
	})
	r.clock.Advance(2 * time.Hour)
	r.look()
	r.open()
	r.want("threats", 1, "kind", kops.BackupDamaged)
	r.want("threats", 3, "kind", kops.BackupUnread) // the newest, of which no more are named
	if r.entry().lastVerified() == nil {
		t.Error("what was verified is forgotten")
	}
	r.store.SetHook(func(context.Context, string, string) error { return errors.New("503") })
	r.w.openCluster(t.Context(), prod) // not even the listing
	r.want("threats", 1, "kind", kops.BackupDamaged)
}

// TestTheLaneForgetsWhoIsGone keeps the memory of opened backups bounded.
func TestTheLaneForgetsWhoIsGone(t *testing.T) {
	o := &opener{}
	r := newRig(t, verifying(o), healthy, named("other.example.com"))
	r.look()
	r.open()
	if len(r.w.lane.known) != 2 || len(r.w.lane.known[prod]) != 1 {
		t.Fatalf("known are %v", r.w.lane.known)
	}
	kopstest.DeleteAll(t, r.store, prod+"/")
	r.look()
	r.open()
	if len(r.w.lane.known) != 1 || len(r.w.lane.due) != 1 {
		t.Errorf("known are %v, due %v", r.w.lane.known, r.w.lane.due)
	}
}

// TestThePace: so many bytes take so long, whoever reads them.
func TestThePace(t *testing.T) {
	clock := flowtest.NewFakeClock()
	began, total := clock.Now(), 0
	p := &pacer{clock: clock, perSec: 2 * pieceBytes, count: func(n int) { total += n }}
	s := mem.New("state")
	kopstest.Put(t, s, "k", strings.Repeat("x", 10*pieceBytes))
	body, _, err := p.over(t.Context(), s).Open(t.Context(), "k", store.Range{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, struct{ io.Reader }{body})
		done <- err
	}()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
			clock.Advance(100 * time.Millisecond)
		}
	}
	if took := clock.Now().Sub(began); took < 4*time.Second || total != 10*pieceBytes {
		t.Errorf("%d bytes took %s", total, took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	body, _, err = p.over(ctx, s).Open(ctx, "k", store.Range{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(body); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that was told to stop: %v", err)
	}
}

// TestOpenedNeverMakesItBetter: laid over any result, what was opened never
// raises the worth of the backups.
func TestOpenedNeverMakesItBetter(t *testing.T) {
	r := newRig(t, nil, healthy)
	r.look()
	plain := r.entry().plain
	at := r.clock.Now()
	for _, newest := range []kops.BackupState{kops.Holds, kops.Damaged, kops.OtherCluster, kops.Incomplete, kops.Unread} {
		for _, valid := range []*kops.Backup{nil, plain.LastValidBackup, {Name: "older", Time: at.Add(-100 * time.Hour), State: kops.Holds}} {
			for _, worth := range []decide.BackupState{decide.BackupsUnknown, decide.BackupsNone, decide.BackupsStale, decide.BackupsRecent} {
				p := plain
				p.Evidence.Backups = worth
				b := *plain.NewestBackup
				b.State = newest
				o := &opened{newest: &b, lastValid: valid}
				if got := o.over(p, at, time.Hour); got.Evidence.Backups > worth || badness(got) < badness(p) {
					t.Errorf("%s over %s: %s, %s", newest, worth, got.Evidence.Backups, stateText(got))
				}
			}
		}
	}
}
