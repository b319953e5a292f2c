package process

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// The ways in which tests spoil a data directory.

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) { t.Helper(); must(t, os.RemoveAll(path)) }

func write(t *testing.T, path, text string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func truncate(t *testing.T, path string, size int64) { t.Helper(); must(t, os.Truncate(path, size)) }

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// halve cuts a database in the middle of the pages that it uses.
func halve(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	must(t, err)
	var used int64
	must(t, db.View(func(tx *bolt.Tx) error { used = tx.Size(); return nil }))
	must(t, db.Close())
	truncate(t, path, used/2/4096*4096)
}

func zero(t *testing.T, path string, from int64) {
	t.Helper()
	size := sizeOf(t, path)
	truncate(t, path, from)
	truncate(t, path, size)
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[at] ^= 0x10
	must(t, os.WriteFile(path, raw, 0o600))
}

func rename(t *testing.T, path, name string) {
	t.Helper()
	must(t, os.Rename(path, filepath.Join(filepath.Dir(path), name)))
}

func lastWAL(t *testing.T, dir string) string {
	t.Helper()
	files, err := walFiles(walPath(dir))
	must(t, err)
	return files[len(files)-1].path
}

// tearLast appends the beginning of a record whose rest never reached the disk.
func tearLast(t *testing.T, dir string) {
	t.Helper()
	path := lastWAL(t, dir)
	raw, err := os.ReadFile(path)
	must(t, err)
	end := (len(bytes.TrimRight(raw, "\x00")) + 7) / 8 * 8
	copy(raw[end:], []byte{0, 16, 0, 0, 0, 0, 0, 0, 8, 2}) // 4096 bytes announced, two written
	must(t, os.WriteFile(path, raw, 0o600))
}

func removeSnaps(t *testing.T, dir string) {
	t.Helper()
	snaps, err := filepath.Glob(filepath.Join(dir, "member/snap/*.snap"))
	must(t, err)
	if len(snaps) == 0 {
		t.Fatal("there is no raft snapshot to remove")
	}
	for _, s := range snaps {
		remove(t, s)
	}
}

func newDB(t *testing.T, path string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Close())
}

// newWAL makes the WAL of a member that has got no entry, and with a term took
// part in an election.
func newWAL(t *testing.T, dir string, term bool) {
	t.Helper()
	mkdir(t, filepath.Dir(walPath(dir)))
	identity, err := (&etcdserverpb.Metadata{NodeID: 1, ClusterID: 2}).Marshal()
	must(t, err)
	w, err := wal.Create(zap.NewNop(), walPath(dir), identity)
	must(t, err)
	if term {
		must(t, w.Save(raftpb.HardState{Term: 1, Vote: 1}, nil))
	}
	must(t, w.Close())
}

func set(t *testing.T, dir, bucket, key, value string) {
	t.Helper()
	db, err := bolt.Open(dbPath(dir), 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	}))
	must(t, db.Close())
}

// fingerprint is every name, size, hash and time of a tree.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if isMissing(err) && path == dir {
				return nil
			}
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum [32]byte
		if info.Mode().IsRegular() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(raw)
		}
		fmt.Fprintf(&all, "%s %d %x %s\n", path, info.Size(), sum[:8], info.ModTime())
		return nil
	})
	must(t, err)
	return all.String()
}
