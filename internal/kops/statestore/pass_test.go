package statestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// stand is a state store and the other stores beside it, by URL.
type stand map[string]store.Store

func (s stand) open(_ context.Context, url string) (store.Store, error) {
	if found := s[url]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("no store at %s", url)
}

func readAll(t *testing.T, s store.Store, o Options) *State {
	t.Helper()
	state, err := Read(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(state.Close)
	return state
}

func TestReadFleet(t *testing.T) {
	s := mem.New("state")
	for i := range 30 {
		kopstest.Healthy(fmt.Sprintf("c%02d.example.com", i), 1+2*(i%2), now).Write(t, s)
	}
	kopstest.Put(t, s, "some/other/thing", "x")
	kopstest.Put(t, s, "readme.txt", "x")
	var counter store.Counter
	state := readAll(t, store.Counted(s, &counter), Options{})
	if len(state.Clusters) != 30 || state.Incomplete != "" {
		t.Fatalf("%d clusters, %q", len(state.Clusters), state.Incomplete)
	}
	// One listing; a config and a completed spec for each cluster, and marker,
	// spec and one meta for each of two etcd clusters.
	if by := counter.By(); by[store.OpList] != 1 || by[store.OpOpen] != 30*(2+2*3) || counter.Total() != 1+30*8 {
		t.Errorf("requests: %v", by)
	}
	for i, c := range state.Clusters {
		e := c.Etcds[0]
		if c.Config.Finding != proof.Present || c.Completed.Finding != proof.Present || len(c.Etcds) != 2 || e.Name != "main" {
			t.Fatalf("%s: %+v", c.Name, c)
		}
		if e.Marker.Err != nil || e.Spec.Err != nil || e.ShelfErr != nil || e.Want.MemberCount != int32(1+2*(i%2)) || e.Meta == nil || e.Meta.Spec.EtcdVersion != "3.6.12" {
			t.Errorf("%s: %+v", c.Name, e)
		}
		if e.Base != "mem://state/"+c.Name+"/backups/etcd/main" || e.Elsewhere || e.Interval != 15*time.Minute || len(e.SharedWith) != 0 {
			t.Errorf("%s: %+v", c.Name, e)
		}
	}
}

// TestReadElsewhere: backup stores in other buckets, and elsewhere in this one.
func TestReadElsewhere(t *testing.T) {
	for _, name := range []string{"", "a.example.com"} {
		s, other := mem.New("state"), mem.New("other")
		a := kopstest.Healthy("a.example.com", 3, now)
		a.BackupStores = map[string]string{"main": "mem://other/etcd/a-main", "events": "mem://state/etcd/a-events"}
		a.Write(t, s)
		a.WriteEtcd(t, other, "etcd/a-main")
		a.WriteEtcd(t, s, "etcd/a-events")
		state := readAll(t, s, Options{Name: name, Open: stand{"mem://other/etcd": prefixed{other, "etcd/"}}.open})
		if len(state.Clusters) != 1 {
			t.Fatalf("%d clusters", len(state.Clusters))
		}
		for i, elsewhere := range []bool{true, false} {
			e := state.Clusters[0].Etcds[i]
			if e.Marker.Err != nil || e.Spec.Err != nil || e.ShelfErr != nil || e.Shelf.Count != 4 || e.Elsewhere != elsewhere || e.Meta == nil {
				t.Errorf("%s: %+v, %+v", e.Name, e, e.Shelf)
			}
		}
	}
}

// TestReadConfigBaseElsewhere: what an update leaves is looked for where the
// config puts it.
func TestReadConfigBaseElsewhere(t *testing.T) {
	s, other := mem.New("state"), mem.New("other")
	a := kopstest.Healthy("a.example.com", 1, now)
	a.ConfigBase = "mem://other/a.example.com"
	a.Write(t, other)
	kopstest.Put(t, s, "a.example.com/config", a.Config())
	state := readAll(t, s, Options{Open: stand{"mem://other": other, "mem://other/a.example.com/backups/etcd": prefixed{other, "a.example.com/backups/etcd/"}}.open})
	c := state.Clusters[0]
	if c.Config.Finding != proof.Present || c.Completed.Finding != proof.Present || c.FolderErr != nil || !c.Folder.Applied() {
		t.Errorf("%+v, %+v", c, c.Folder)
	}
	if e := c.Etcds[0]; e.Marker.Err != nil || e.Shelf.Count != 4 || !e.Elsewhere {
		t.Errorf("%+v", e)
	}
	// A store that cannot be opened is no absence.
	c = readAll(t, s, Options{}).Clusters[0]
	if c.Completed.Finding != proof.Unknown || c.FolderErr == nil || c.Etcds[0].Marker.Err == nil || c.Etcds[0].Marker.Missing() || c.Etcds[0].ShelfErr == nil {
		t.Errorf("%+v, %+v", c, c.Etcds[0])
	}
}

// prefixed is a folder of a store, as a store.
type prefixed struct {
	*mem.Store
	prefix string
}

func (p prefixed) Open(ctx context.Context, key string, r store.Range) (body io.ReadCloser, info store.Info, err error) {
	return p.Store.Open(ctx, p.prefix+key, r)
}

func (p prefixed) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range p.Store.List(ctx, p.prefix+prefix, after) {
			info.Key = strings.TrimPrefix(info.Key, p.prefix)
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestReadSharedPaths: equal ones, and one inside the other.
func TestReadSharedPaths(t *testing.T) {
	s := mem.New("state")
	a, b := kopstest.Healthy("a.example.com", 1, now), kopstest.Healthy("b.example.com", 1, now)
	b.BackupStores = map[string]string{"main": "mem://state/a.example.com/backups/etcd/main/"}
	c := kopstest.Healthy("c.example.com", 1, now)
	c.BackupStores = map[string]string{"events": "mem://state/c.example.com/backups/etcd/main/events"}
	for _, cluster := range []kopstest.Cluster{a, b, c} {
		cluster.Write(t, s)
	}
	want := map[string]string{
		"main of a.example.com": "[main of b.example.com]", "events of a.example.com": "[]",
		"main of b.example.com": "[main of a.example.com]", "events of b.example.com": "[]",
		"main of c.example.com": "[events of c.example.com]", "events of c.example.com": "[main of c.example.com]",
	}
	clusters := readAll(t, s, Options{}).Clusters
	// By name the others are asked where the config names a backup store.
	for _, name := range []string{"b.example.com", "c.example.com"} {
		clusters = append(clusters, readAll(t, s, Options{Name: name}).Clusters...)
	}
	if len(clusters) != 5 {
		t.Fatalf("%d clusters", len(clusters))
	}
	for _, cluster := range clusters {
		for _, e := range cluster.Etcds {
			if got := fmt.Sprint(e.SharedWith); got != want[e.label()] {
				t.Errorf("%s shares with %s, want %s", e.label(), got, want[e.label()])
			}
		}
	}
}

// TestNothingThere: no error here ever says that a cluster is new, and each
// says what to type.
func TestNothingThere(t *testing.T) {
	full := mem.New("state")
	kopstest.Healthy("prod.example.com", 3, now).Write(t, full)
	kopstest.Healthy("test.example.com", 1, now).Write(t, full)
	inside, nested, other := mem.New("state/prod.example.com"), mem.New("state"), mem.New("logs")
	for info, err := range full.List(t.Context(), "prod.example.com/", "") {
		if err != nil {
			t.Fatal(err)
		}
		kopstest.Put(t, inside, strings.TrimPrefix(info.Key, "prod.example.com/"), "x")
		kopstest.Put(t, nested, "fleet/"+info.Key, "x")
	}
	kopstest.Put(t, other, "2026/11/21/access.log", "x")
	gone, denied := mem.New("state"), mem.New("state")
	gone.SetGone(true)
	denied.SetHook(func(context.Context, string, string) error { return store.ErrDenied })
	for _, c := range []struct {
		reason    string
		store     store.Store
		name      string
		why, next string
		unproven  bool
	}{
		{"an empty bucket", mem.New("state"), "", "the state store mem://state is empty", "echo $KOPS_STATE_STORE", false},
		{"an empty bucket, by name", mem.New("state"), "prod.example.com", "no other either", "kops get clusters --state mem://state", false},
		{"no such bucket", gone, "", "there is no such bucket", "echo $KOPS_STATE_STORE", false},
		{"no such bucket, by name", gone, "prod.example.com", "there is no such bucket", "echo $KOPS_STATE_STORE", false},
		{"a bucket of something else", other, "", "holds 1 objects, and no kops cluster", "echo $KOPS_STATE_STORE", false},
		{"a path too deep", inside, "", "is the folder of one cluster", "seedproof kops check --state mem://state --name prod.example.com", false},
		{"a path not deep enough", nested, "", `its folder "fleet" does`, "seedproof kops check --state mem://state/fleet", false},
		{"a mistyped name", full, "prd.example.com", "there are prod.example.com, test.example.com", "seedproof kops check --state mem://state --name prod.example.com", false},
		{"a name that is nothing like it", full, "nothing", "the name is mistyped, or it was deleted", "kops get clusters --state mem://state", false},
		{"a name that is a path", full, "../x", "no name of a cluster", "kops get clusters --state mem://state", false},
		{"a listing that is refused", denied, "", "access denied", "seedproof kops check --state mem://state", true},
	} {
		state, err := Read(t.Context(), c.store, Options{Name: c.name})
		var place *PlaceError
		if !errors.As(err, &place) || state != nil {
			t.Errorf("%s: %+v, %v", c.reason, state, err)
			continue
		}
		if !strings.Contains(place.Why, c.why) || place.Next != c.next || place.Unproven != c.unproven {
			t.Errorf("%s: %q, next %q, unproven %v", c.reason, place.Why, place.Next, place.Unproven)
		}
		if strings.Contains(place.Why, "new") {
			t.Errorf("%s: it speaks of something new: %s", c.reason, place.Why)
		}
	}
}

// TestOneBrokenClusterHidesNoOther, and says itself what is wrong.
func TestOneBrokenClusterHidesNoOther(t *testing.T) {
	for _, c := range []struct {
		reason, key, content string
		err                  error
		config               proof.Finding
		why                  string
	}{
		{"empty", "b.example.com/config", "", nil, proof.Unusable, "it is empty"},
		{"cut", "b.example.com/config", "apiVersion: kops.k8s.io/v1alpha2\nkind: Clu", nil, proof.Unusable, `its kind is "Clu"`},
		{"huge", "b.example.com/config", strings.Repeat("x", maxConfig+1), nil, proof.Unknown, "far larger"},
		{"of another cluster", "b.example.com/config", kopstest.New("a.example.com", 1).Config(), nil, proof.Unusable, `the config of "a.example.com"`},
		{"denied", "b.example.com/config", "x", store.ErrDenied, proof.Unknown, "access denied"},
	} {
		s := mem.New("state")
		for _, name := range []string{"a.example.com", "b.example.com", "c.example.com"} {
			kopstest.Healthy(name, 1, now).Write(t, s)
		}
		kopstest.Put(t, s, c.key, c.content)
		s.SetHook(func(_ context.Context, op, key string) error {
			if op == store.OpOpen && key == c.key {
				return c.err
			}
			return nil
		})
		state := readAll(t, s, Options{})
		if len(state.Clusters) != 3 {
			t.Fatalf("%s: %d clusters", c.reason, len(state.Clusters))
		}
		for i, cluster := range state.Clusters {
			broken := i == 1
			if (cluster.Config.Finding != proof.Present) != broken || len(cluster.Etcds) != 2 {
				t.Errorf("%s: %s: %+v", c.reason, cluster.Name, cluster.Config)
			}
			if broken && (cluster.Config.Finding != c.config || !strings.Contains(cluster.Config.Why, c.why)) {
				t.Errorf("%s: %+v", c.reason, cluster.Config)
			}
			for _, e := range cluster.Etcds {
				if e.Marker.Err != nil || e.Spec.Err != nil {
					t.Errorf("%s: %s was not looked at: %v, %v", c.reason, e.label(), e.Marker.Err, e.Spec.Err)
				}
			}
		}
	}
}

// TestLeftOvers: what a deletion left behind is shown, without a config.
func TestLeftOvers(t *testing.T) {
	s := mem.New("state")
	kopstest.Healthy("a.example.com", 1, now).Write(t, s)
	kopstest.Healthy("b.example.com", 1, now).Write(t, s)
	kopstest.Healthy("c.example.com", 1, now).Write(t, s)
	kopstest.Delete(t, s, "b.example.com/config")
	kopstest.DeleteAll(t, s, "b.example.com/pki/")
	kopstest.Delete(t, s, "b.example.com/cluster-completed.spec")
	for _, key := range []string{"config", "cluster-completed.spec", "kops-version.txt", "pki/", "igconfig/", "manifests/"} {
		kopstest.DeleteAll(t, s, "c.example.com/"+key)
	}
	state := readAll(t, s, Options{})
	if len(state.Clusters) != 3 {
		t.Fatalf("%d clusters", len(state.Clusters))
	}
	for _, c := range state.Clusters[1:] {
		if c.Config.Finding != proof.Absent || len(c.Etcds) != 2 || c.Etcds[1].Name != "main" || c.Etcds[1].Shelf.Count != 4 {
			t.Errorf("%+v", c)
		}
	}
}

// endless lists a fleet that nobody stores: keys are made as they are asked for.
type endless struct {
	store.Store
	clusters, backups int
}

func (f endless) List(_ context.Context, _, _ string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for c := range f.clusters {
			base := fmt.Sprintf("c%03d.example.com/backups/etcd/main/", c)
			for b := range f.backups {
				folder := base + now.Add(time.Duration(b-f.backups)*15*time.Minute).Format(time.RFC3339) + "-000001/"
				for _, file := range []string{"_etcd_backup.meta", "etcd.backup.gz"} {
					if !yield(store.Info{Key: folder + file, Size: 1000, Modified: now, Version: "x"}, nil) {
						return
					}
				}
			}
		}
	}
}

// TestAFleetIsHeldInLittleMemory: what is remembered of a listing does not grow
// with the number of backups.
func TestAFleetIsHeldInLittleMemory(t *testing.T) {
	held := func(backups int) (uint64, *scan) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		found := list(t.Context(), endless{mem.New("state"), 200, backups}, "", time.Minute, nil)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if shelf, err := found.at("c199.example.com/backups/etcd/main"); err != nil || shelf.Count != backups {
			t.Fatalf("%d backups: %+v, %v", backups, shelf, err)
		}
		return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc), found
	}
	few, _ := held(100)
	many, found := held(2000)
	t.Logf("200 clusters with 100 backups each: %d KiB; with 2000: %d KiB, of %d keys", few>>10, many>>10, found.keys)
	if many > 2*few+1<<20 || many > 16<<20 {
		t.Errorf("%d KiB for 2000 backups each, %d KiB for 100", many>>10, few>>10)
	}
}
