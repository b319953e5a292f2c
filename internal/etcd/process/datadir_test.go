package process

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

func TestInspectFollowsALife(t *testing.T) {
	b := newBench(t)
	p := b.start(t)
	c := b.serving(t)
	b.put(t, c, 20)
	s, err := c.Status(deadline(t), b.cfg.AdvertiseClientURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Inspect(b.cfg.DataDir); got.Class != Unreadable || !errors.Is(err, ErrInUse) {
		t.Errorf("while it runs: %v, %v", got.Class, err)
	}
	if err := p.Signal(deadline(t), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitExit(t, p)
	killed := inspectWhole(t, b.cfg.DataDir)
	if killed.Log.Index < s.RaftIndex || killed.Log.HardTerm != s.RaftTerm {
		t.Errorf("after SIGKILL the log ends at %d (term %d), the member was at %d (%d)", killed.Log.Index, killed.Log.HardTerm, s.RaftIndex, s.RaftTerm)
	}
	p = b.start(t)
	awaitRead(t, c)
	if err := p.Stop(deadline(t), limit); err != nil {
		t.Fatal(err)
	}
	stopped := inspectWhole(t, b.cfg.DataDir)
	if stopped.Log.MemberID != s.MemberID || stopped.Log.ClusterID != s.ClusterID {
		t.Errorf("identity %x of %x, want %x of %x", stopped.Log.MemberID, stopped.Log.ClusterID, s.MemberID, s.ClusterID)
	}
	if stopped.Store.Revision != 21 || stopped.Store.ClusterVersion != "3.6.0" {
		t.Errorf("revision %d, cluster version %q", stopped.Store.Revision, stopped.Store.ClusterVersion)
	}
	if m := stopped.Store.Members; len(m) != 1 || m[0].ID != s.MemberID || m[0].Name != "m1" || !slices.Equal(m[0].PeerURLs, b.cfg.AdvertisePeerURLs) {
		t.Errorf("members %+v", m)
	}
	if ch := stopped.Log.Changes; len(ch) != 1 || ch[0].Kind != "ConfChangeAddNode" || ch[0].Member.ID != s.MemberID || ch[0].Member.Name != "m1" {
		t.Errorf("changes in the log %+v", ch)
	}
	if !slices.Equal(stopped.Store.Voters, []uint64{s.MemberID}) {
		t.Errorf("voters %x", stopped.Store.Voters)
	}
}

func inspectWhole(t *testing.T, dir string) Contents {
	t.Helper()
	c, err := InspectDeep(dir)
	if err != nil || c.Class != Whole {
		t.Fatalf("%v (%s), %v; want whole", c.Class, c.Reason, err)
	}
	return c
}

// stoppedDir is the data directory of an etcd that had a few raft snapshots.
func stoppedDir(t *testing.T) string {
	t.Helper()
	b := newBench(t)
	b.cfg.SnapshotCount = 100
	p := b.start(t)
	c := b.serving(t)
	b.put(t, c, 400)
	if _, err := c.Etcd().Compact(deadline(t), 50); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(deadline(t), limit); err != nil {
		t.Fatal(err)
	}
	return b.cfg.DataDir
}

func TestInspectClasses(t *testing.T) {
	base := stoppedDir(t)
	whole := inspectWhole(t, base)
	if whole.Log.SnapshotIndex == 0 || whole.Store.Compacted != 50 || whole.Store.Revision != 401 {
		t.Fatalf("the base is not what the cases need: %+v", whole)
	}
	cases := map[string]struct {
		reason string
		spoil  func(t *testing.T, dir string)
		class  Class
		says   string
		hollow bool
	}{
		"untouched":        {"the control", func(*testing.T, string) {}, Whole, "", false},
		"missing":          {"explicitly not there", func(t *testing.T, d string) { remove(t, d) }, Empty, "", false},
		"emptied":          {"no entry at all", func(t *testing.T, d string) { remove(t, d); mkdir(t, d) }, Empty, "", false},
		"own mark only":    {"our marks do not count", func(t *testing.T, d string) { remove(t, d); write(t, filepath.Join(d, "mark"), "x") }, Empty, "", false},
		"foreign entry":    {"something is there", func(t *testing.T, d string) { remove(t, d); write(t, filepath.Join(d, "member.bak"), "x") }, Damaged, `"member.bak"`, false},
		"hollow":           {"a first start cut short", func(t *testing.T, d string) { remove(t, d); mkdir(t, filepath.Join(d, "member/snap")) }, Damaged, "neither", true},
		"only a new db":    {"a first start cut short", func(t *testing.T, d string) { remove(t, d); newDB(t, dbPath(d)) }, Damaged, "no WAL", true},
		"db of 0, no WAL":  {"a first start cut short", func(t *testing.T, d string) { remove(t, d); write(t, dbPath(d), "") }, Damaged, "no WAL", true},
		"stillborn":        {"etcd would wait for ever", func(t *testing.T, d string) { remove(t, d); newDB(t, dbPath(d)); newWAL(t, d, false) }, Damaged, "no term", true},
		"stillborn, no db": {"etcd would wait for ever", func(t *testing.T, d string) { remove(t, d); newWAL(t, d, false); mkdir(t, filepath.Dir(dbPath(d))) }, Damaged, "no term", true},
		"new WAL, old db":  {"keys are there", func(t *testing.T, d string) { remove(t, walPath(d)); newWAL(t, d, false) }, Damaged, "above the end", false},
		"term, no db":      {"it may have voted", func(t *testing.T, d string) { remove(t, d); newWAL(t, d, true); mkdir(t, filepath.Dir(dbPath(d))) }, Damaged, "no database", false},
		"term, empty db":   {"a joined learner may have got this far", func(t *testing.T, d string) { remove(t, d); newDB(t, dbPath(d)); newWAL(t, d, true) }, Whole, "", false},
		"WAL missing":      {"etcd would hang for ever", func(t *testing.T, d string) { remove(t, walPath(d)) }, Damaged, "no WAL", false},
		"WAL dir empty":    {"the same", func(t *testing.T, d string) { remove(t, walPath(d)); mkdir(t, walPath(d)) }, Damaged, "no WAL", false},
		"db missing":       {"keys are gone", func(t *testing.T, d string) { remove(t, dbPath(d)) }, Damaged, "no database", false},
		"db of 0 bytes":    {"keys are gone", func(t *testing.T, d string) { truncate(t, dbPath(d), 0) }, Damaged, "no bytes", false},
		"db tiny":          {"keys are gone", func(t *testing.T, d string) { truncate(t, dbPath(d), 100) }, Damaged, "database is damaged", false},
		"db of metas only": {"pages beyond the end fault", func(t *testing.T, d string) { truncate(t, dbPath(d), 8192) }, Damaged, "cut to", false},
		"db cut":           {"pages beyond the end fault", func(t *testing.T, d string) { halve(t, dbPath(d)) }, Damaged, "cut to", false},
		"db zeroed":        {"keys are gone", func(t *testing.T, d string) { zero(t, dbPath(d), 0) }, Damaged, "invalid database", false},
		"db pages zeroed":  {"keys are gone", func(t *testing.T, d string) { zero(t, dbPath(d), 8192) }, Damaged, "database is damaged", false},
		"db unreadable":    {"an I/O error is no damage", func(t *testing.T, d string) { remove(t, dbPath(d)); mkdir(t, dbPath(d)) }, Unreadable, "", false},
		"file for member": {"an I/O error is no absence", func(t *testing.T, d string) {
			remove(t, filepath.Join(d, "member"))
			write(t, filepath.Join(d, "member"), "x")
		}, Unreadable, "", false},
		"file for dir": {"an I/O error is no absence", func(t *testing.T, d string) { remove(t, d); write(t, d, "x") }, Unreadable, "", false},
		"path below file": {"an I/O error is no absence", func(t *testing.T, d string) {
			remove(t, filepath.Dir(walPath(d)))
			write(t, filepath.Join(d, "member"), "")
		}, Unreadable, "", false},
		"WAL unreadable":  {"an I/O error is no damage", func(t *testing.T, d string) { f := lastWAL(t, d); remove(t, f); mkdir(t, f) }, Unreadable, "", false},
		"WAL record torn": {"usual after a power cut; etcd repairs it", tearLast, Whole, "", false},
		"WAL bit flipped": {"acknowledged entries are lost; in a frame's length it reads as the end", func(t *testing.T, d string) { flip(t, lastWAL(t, d), 4000) }, Damaged, "WAL", false},
		"WAL of 0 bytes":  {"bears no identity", func(t *testing.T, d string) { truncate(t, lastWAL(t, d), 0) }, Damaged, "WAL is damaged", false},
		"WAL cut early":   {"the log ends below the database", func(t *testing.T, d string) { truncate(t, lastWAL(t, d), 4096) }, Damaged, "", false},
		"WAL gap": {"a file is missing", func(t *testing.T, d string) {
			write(t, filepath.Join(walPath(d), "0000000000000005-0000000000001000.wal"), "")
		}, Damaged, "one is missing", false},
		"WAL starts late": {"it does not reach back to the snapshot", func(t *testing.T, d string) { rename(t, lastWAL(t, d), "0000000000000000-00000000000003e8.wal") }, Damaged, "WAL", false},
		"snaps gone":      {"the WAL still reaches back to the start", func(t *testing.T, d string) { removeSnaps(t, d) }, Whole, "", false},
		"newer storage":   {"not ours to judge", func(t *testing.T, d string) { set(t, d, "meta", "storageVersion", "3.7.0") }, Newer, "storage version is 3.7", false},
		"newer cluster":   {"not ours to judge", func(t *testing.T, d string) { set(t, d, "cluster", "clusterVersion", "4.0.0") }, Newer, "cluster version is 4.0", false},
		"newer, no WAL":   {"what we do not know we do not call damaged", func(t *testing.T, d string) { set(t, d, "meta", "storageVersion", "3.7.0"); remove(t, walPath(d)) }, Newer, "3.7", false},
		"version garbage": {"not known", func(t *testing.T, d string) { set(t, d, "meta", "storageVersion", "new") }, Newer, "not known", false},
		"older storage":   {"etcd migrates it", func(t *testing.T, d string) { set(t, d, "meta", "storageVersion", "3.5.0") }, Whole, "", false},
		"behind snapshot": {"etcd refuses it", func(t *testing.T, d string) {
			set(t, d, "meta", "consistent_index", "\x00\x00\x00\x00\x00\x00\x00\x01")
		}, Damaged, "behind its raft snapshot", false},
		"member garbage":   {"etcd panics on it", func(t *testing.T, d string) { set(t, d, "members", "00000000000000aa", "{") }, Damaged, "member cannot be decoded", false},
		"revision garbage": {"etcd panics on it", func(t *testing.T, d string) { set(t, d, "key", "\xff\xff", "x") }, Damaged, "revision", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			before := fingerprint(t, dir)
			got, err := InspectDeep(dir, "mark")
			if got.Class != c.class || got.Hollow != c.hollow || !strings.Contains(got.Reason, c.says) {
				t.Errorf("%s: %v (%s, hollow %v), %v; want %v %q", c.reason, got.Class, got.Reason, got.Hollow, err, c.class, c.says)
			}
			if (err != nil) != (c.class == Unreadable) {
				t.Errorf("error %v with class %v", err, got.Class)
			}
			if (got.Reason != "") != (c.class == Damaged || c.class == Newer) {
				t.Errorf("reason %q with class %v", got.Reason, got.Class)
			}
			if after := fingerprint(t, dir); after != before {
				t.Errorf("the look changed something:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// TestDeepFindsWhatShallowCannot: a page that no ordinary look needs.
func TestDeepFindsWhatShallowCannot(t *testing.T) {
	base := stoppedDir(t)
	zeroFirstKeys(t, dbPath(base))
	if c, err := Inspect(base); c.Class != Whole {
		t.Errorf("shallow: %v (%s), %v; the case is not what it should be", c.Class, c.Reason, err)
	}
	if c, err := InspectDeep(base); c.Class != Damaged {
		t.Errorf("deep: %v, %v", c.Class, err)
	}
}

// zeroFirstKeys zeroes each leaf page that bears the first key, the live one
// and older copies of it.
func zeroFirstKeys(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	must(t, err)
	var first []byte
	must(t, db.View(func(tx *bolt.Tx) error {
		key, _ := tx.Bucket([]byte("key")).Cursor().First()
		first = bytes.Clone(key)
		return nil
	}))
	size := db.Info().PageSize
	must(t, db.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	for at := 2 * size; at < len(raw); at += size {
		page := raw[at : at+size]
		isLeaf := page[8] == 2 && page[9] == 0
		if isLeaf && bytes.Contains(page, first) {
			clear(page)
		}
	}
	must(t, os.WriteFile(path, raw, 0o600))
}

func FuzzInspectDamage(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add(make([]byte, 16384), make([]byte, 512))
	f.Add([]byte("not a database"), []byte("not a log"))
	f.Fuzz(func(t *testing.T, db, log []byte) {
		dir := t.TempDir()
		mkdir(t, walPath(dir))
		write(t, dbPath(dir), string(db))
		write(t, filepath.Join(walPath(dir), "0000000000000000-0000000000000000.wal"), string(log))
		c, err := Inspect(dir)
		if c.Class == Empty || (err != nil) != (c.Class == Unreadable) {
			t.Fatalf("%v, %v", c.Class, err)
		}
	})
}
