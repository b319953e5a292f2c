package statestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

var now = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

func scanOf(t *testing.T, s store.Store, prefix string) *scan {
	t.Helper()
	return list(t.Context(), s, prefix, time.Minute, nil)
}

func TestScanFindsWhatAnUpdateLeaves(t *testing.T) {
	s := mem.New("state")
	kopstest.Healthy("a.example.com", 3, now).Write(t, s)
	made := kopstest.New("b.k8s.local", 1)
	made.ByHand = true
	made.Write(t, s)
	found := scanOf(t, s, "")
	a, b := found.folders["a.example.com"], found.folders["b.k8s.local"]
	if a == nil || !a.Applied() || a.Config == nil || a.Completed == nil || a.Version == nil || a.IGConfigs != 2 || a.AllManifests != 3 {
		t.Errorf("an applied cluster: %+v", a)
	}
	if got := fmt.Sprint(a.KeysetsOf("main"), a.ManifestsOf("events"), a.EtcdNames()); got != "[etcd-manager-ca-main etcd-peers-ca-main] [events-control-plane-eu-central-1a.yaml] [events main]" {
		t.Errorf("its names: %s", got)
	}
	if b == nil || b.Applied() || b.Config == nil || !b.Oldest.IsZero() {
		t.Errorf("SSH keys, secrets and a CA made by hand are no leavings: %+v", b)
	}
	shelf, err := found.at("a.example.com/backups/etcd/main")
	if err != nil || shelf.Marker == nil || shelf.Spec == nil || shelf.Count != 4 || len(shelf.Newest) != 4 {
		t.Fatalf("the backup store: %+v, %v", shelf, err)
	}
	if newest := shelf.Newest[0]; !newest.Time.Equal(now.Add(-5*time.Minute)) || newest.Name != "2026-11-21T02:55:00Z-000004" || !newest.Whole() {
		t.Errorf("the newest backup: %+v", newest)
	}
	if shelf.Oldest.Name != "2026-11-21T02:10:00Z-000001" {
		t.Errorf("the oldest: %+v", shelf.Oldest)
	}
}

// TestShelfIsBounded: of ten thousand backups a few are remembered.
func TestShelfIsBounded(t *testing.T) {
	shelf := &Shelf{}
	begin := now.Add(-10_000 * time.Hour)
	for i := range 10_000 {
		folder := fmt.Sprintf("c/backups/etcd/main/%s-%06d", begin.Add(time.Duration(i)*time.Hour).Format(time.RFC3339), i%7)
		size := int64(1000)
		if i == 4321 {
			size = 5000
		}
		shelf.add(folder, "_etcd_backup.meta", store.Info{Key: folder + "/_etcd_backup.meta", Size: 100})
		shelf.add(folder, "etcd.backup.gz", store.Info{Key: folder + "/etcd.backup.gz", Size: size})
		if len(shelf.Newest) > 2*keep {
			t.Fatalf("%d backups are held", len(shelf.Newest))
		}
	}
	shelf.close()
	shelf.trim()
	if shelf.Count != 10_000 || len(shelf.Newest) != keep || shelf.Bytes != 10_000*1100+4000 || shelf.Largest.Data.Size != 5000 {
		t.Errorf("%d backups, %d held, %d bytes, the largest %d", shelf.Count, len(shelf.Newest), shelf.Bytes, shelf.Largest.Data.Size)
	}
	if !shelf.Newest[0].Time.Equal(now.Add(-time.Hour)) || !shelf.Newest[keep-1].Time.Equal(now.Add(-keep*time.Hour)) {
		t.Errorf("from %s to %s", shelf.Newest[0].Time, shelf.Newest[keep-1].Time)
	}
}

// TestBackupTime: a name from the future does not hide that backups stopped.
func TestBackupTime(t *testing.T) {
	for _, c := range []struct {
		reason, name string
		stored, want time.Time
	}{
		{"by the name", "2026-11-01T00:00:00Z-000001", now, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{"a name after the store wrote it", "2030-01-01T00:00:00Z-000001", now, now},
		{"no time in the name", "by-hand", now, now},
		{"the store says no time", "2026-11-01T00:00:00Z-000001", time.Time{}, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
	} {
		got, dated := timeOf(Backup{Name: c.name, Meta: store.Info{Modified: c.stored}})
		if !got.Equal(c.want) || dated != (c.name != "by-hand") {
			t.Errorf("%s: %s (dated %v), want %s", c.reason, got, dated, c.want)
		}
	}
}

// TestAForeignNameIsNeverTheNewest: letters sort behind digits, and a copy of
// an old backup would pass for the newest for ever.
func TestAForeignNameIsNeverTheNewest(t *testing.T) {
	shelf := &Shelf{}
	for _, name := range []string{"2026-10-01T00:00:00Z-000001", "2026-10-02T00:00:00Z-000001", "0-copy", "before-upgrade"} {
		shelf.add("base/"+name, managerfiles.DataFile, store.Info{Key: name, Size: 5, Modified: now})
		shelf.add("base/"+name, managerfiles.MetaFile, store.Info{Key: name, Size: 5, Modified: now})
	}
	shelf.close()
	shelf.trim()
	var names []string
	for _, b := range shelf.Newest {
		names = append(names, b.Name)
	}
	want := []string{"2026-10-02T00:00:00Z-000001", "2026-10-01T00:00:00Z-000001", "before-upgrade", "0-copy"}
	if !slices.Equal(names, want) || shelf.Oldest.Name != "0-copy" || !shelf.Newest[3].OlderThan(shelf.Newest[1]) {
		t.Errorf("%q, the oldest %s", names, shelf.Oldest.Name)
	}
}

// cutAfter lists n keys and then fails.
type cutAfter struct {
	store.Store
	n   int
	err error
}

func (c cutAfter) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		n := 0
		for info, err := range c.Store.List(ctx, prefix, after) {
			if n++; n > c.n {
				yield(store.Info{}, c.err)
				return
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestCutListing: at whatever key a listing ends, what it did not reach is not
// taken for absent, and what it reached stays.
func TestCutListing(t *testing.T) {
	s := mem.New("state")
	for _, name := range []string{"a.example.com", "b.example.com"} {
		kopstest.Healthy(name, 1, now).Write(t, s)
	}
	whole := scanOf(t, s, "")
	cut := errors.New("connection reset")
	for n := range whole.keys + 1 {
		found := scanOf(t, cutAfter{s, n, cut}, "")
		if (found.err != nil) != (n < whole.keys) {
			t.Fatalf("after %d keys: %v", n, found.err)
		}
		for _, base := range []string{"a.example.com/backups/etcd/main", "b.example.com/backups/etcd/events"} {
			want, _ := whole.at(base)
			got, err := found.at(base)
			if err == nil && (got.Count != want.Count || (got.Marker == nil) != (want.Marker == nil) || (got.Spec == nil) != (want.Spec == nil)) {
				t.Errorf("cut after %d keys (%s): %s is said to be whole, with %+v", n, found.last, base, got)
			}
		}
		if found.covers("a.example.com/") == nil && !found.folders["a.example.com"].Applied() {
			t.Errorf("cut after %d keys: the folder is said to be whole", n)
		}
	}
}

// TestStalledListing ends when a store stops answering.
func TestStalledListing(t *testing.T) {
	s := mem.New("state")
	s.SetHook(func(ctx context.Context, op, _ string) error {
		if op == store.OpList {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	if found := list(t.Context(), s, "", time.Millisecond, nil); !errors.Is(found.err, errStalled) {
		t.Errorf("%v", found.err)
	}
}

func TestNestedAndOddKeys(t *testing.T) {
	s := mem.New("state")
	for key, content := range map[string]string{
		"c/backups/etcd/main/archive/2020-01-01T00:00:00Z-000001/_etcd_backup.meta": "{}",
		"c/backups/etcd/main/control/2026-01-02T03:04:05Z-000000/_command.json":     "{}",
		"c/backups/etcd/main/seedproof-mark.json":                                   "{}",
		"c/backups/etcd/main/_etcd_backup.meta":                                     "{}",
		"_etcd_backup.meta":                                                         "{}",
		"etcd.backup.gz":                                                            "x",
	} {
		kopstest.Put(t, s, key, content)
	}
	shelf, err := scanOf(t, s, "").at("c/backups/etcd/main")
	if err != nil || shelf.Commands != 1 || shelf.Ours != 1 || shelf.Count != 1 || shelf.Newest[0].Name != "2020-01-01T00:00:00Z-000001" {
		t.Errorf("%+v, %v", shelf, err)
	}
	if shelf.Newest[0].Whole() {
		t.Error("a meta without data is no whole backup")
	}
}

// FuzzScan: whatever keys a bucket holds, a listing of them neither crashes nor
// remembers more than it should.
func FuzzScan(f *testing.F) {
	f.Add("a/config\na/backups/etcd/main/control/etcd-cluster-spec\na/backups/etcd/main/2026-01-02T03:04:05Z-000001/_etcd_backup.meta")
	f.Add("control/etcd-cluster-created\n_command.json\ncontrol/_command.json\n/etcd.backup.gz\n//_etcd_backup.meta")
	f.Add("a/pki/private/etcd-manager-ca-/k\na/pki/issued\na/manifests/etcd/\na/igconfig/\nx/y/config")
	f.Fuzz(func(t *testing.T, keys string) {
		found := &scan{folders: map[string]*Folder{}, shelves: map[string]*Shelf{}}
		n := 0
		for key := range strings.SplitSeq(keys, "\n") {
			found.add(store.Info{Key: key, Size: int64(len(key))})
			n++
		}
		backups := 0
		for base, shelf := range found.shelves {
			shelf.close()
			shelf.trim()
			backups += shelf.Count
			if len(shelf.Newest) > keep || shelf.Count > 0 && len(shelf.Newest) == 0 {
				t.Errorf("%q: %d backups, %d remembered", base, shelf.Count, len(shelf.Newest))
			}
			if all, err := found.at(base); err != nil || all.Count < shelf.Count {
				t.Errorf("%q: %+v, %v", base, all, err)
			}
		}
		for name, folder := range found.folders {
			if strings.Contains(name, "/") || len(folder.Keysets) > maxNames || len(folder.EtcdNames()) > maxNames {
				t.Errorf("%q: %+v", name, folder)
			}
		}
		if backups > n || found.keys != n {
			t.Errorf("%d backups of %d keys, %d counted", backups, n, found.keys)
		}
	})
}
