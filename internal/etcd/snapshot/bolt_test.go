package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// boltFile writes a database with bbolt itself, in one transaction after the
// other, and gives it as a member streams it.
func boltFile(t testing.TB, o *bolt.Options, fill ...func(*bolt.Tx) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fill {
		if err := db.Update(f); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := db.View(func(tx *bolt.Tx) error { _, err := tx.WriteTo(&out); return err }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// revisionKey is the key of a record.
func revisionKey(main, sub int64, deleted bool) []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(main))
	k = binary.BigEndian.AppendUint64(append(k, '_'), uint64(sub))
	if deleted {
		k = append(k, 't')
	}
	return k
}

// likeEtcd fills a database as etcd does: n records, and some small buckets.
func likeEtcd(n int) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		for _, name := range []string{"alarm", "auth", "cluster", "lease", "members", "members_removed", metaBucket} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		if err := tx.Bucket([]byte("members")).Put([]byte("8e9e05c52164694d"), []byte(`{"id":1,"peerURLs":["http://a:2380"],"name":"a"}`)); err != nil {
			return err
		}
		keys, err := tx.CreateBucket([]byte(keyBucket))
		if err != nil {
			return err
		}
		keys.FillPercent = 0.9
		for i := range n {
			kv := mvccpb.KeyValue{
				Key: fmt.Appendf(nil, "key/%d", i%(n/2+1)), Value: bytes.Repeat([]byte{byte(i)}, 40+i%200),
				CreateRevision: 2, ModRevision: int64(i + 2), Version: 1,
			}
			v, err := kv.Marshal()
			if err != nil {
				return err
			}
			if err := keys.Put(revisionKey(int64(i+2), 0, false), v); err != nil {
				return err
			}
		}
		return nil
	}
}

// sealed is a database as a member streams it.
func sealed(db []byte) []byte {
	sum := sha256.Sum256(db)
	return append(bytes.Clone(db), sum[:]...)
}

// boltCheck is bbolt's own check of a database. It may take the process down:
// only what our check lets through is given to it.
func boltCheck(t testing.TB, db []byte) error {
	t.Helper()
	return boltView(t, db, func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = err
			}
		}
		return first
	})
}

func boltView(t testing.TB, db []byte, look func(*bolt.Tx) error) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checked")
	if err := os.WriteFile(path, db, 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(path) }()
	opened, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	return opened.View(look)
}

// remeta gives both meta pages a right checksum after a change.
func remeta(db []byte, pageSize int, change func(meta []byte)) []byte {
	db = bytes.Clone(db)
	for _, at := range []int{0, pageSize} {
		b := db[at+pageHeader:][:metaSize]
		change(b)
		sum := fnv.New64a()
		sum.Write(b[:metaSummed])
		binary.LittleEndian.PutUint64(b[metaSummed:], sum.Sum64())
	}
	return db
}
