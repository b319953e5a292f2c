package snapshot

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// BenchmarkInspect inspects snapshots in a process of their own: a database of
// 1 GiB with values of 10 KiB of which a third is random, and one of many small
// keys, more than are counted in one pass. It says what the anonymous memory
// came to.
func BenchmarkInspect(b *testing.B) {
	for _, c := range []struct {
		name           string
		records, value int
	}{
		{"1GiB", 105_000, 10 << 10},
		{"3_million_keys", 3_000_000, 64},
	} {
		b.Run(c.name, func(b *testing.B) {
			plain := filepath.Join(b.TempDir(), "snapshot.db")
			synthetic(b, plain, c.records, c.value)
			zipped := gzipFile(b, plain)
			for name, path := range map[string]string{"plain": plain, "gzip": zipped} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						m := measureInspect(b, path)
						b.SetBytes(m.Size)
						b.ReportMetric(float64(m.Peak-m.Before)/(1<<20), "MiB-anon")
						if m.Live != int64(c.records) {
							b.Fatalf("%d live keys, want %d", m.Live, c.records)
						}
					}
				})
			}
		})
	}
}

// synthetic writes a snapshot with as many keys, as etcd would.
func synthetic(b *testing.B, path string, records, value int) {
	b.Helper()
	db, err := bolt.Open(path+".db", 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true})
	must(b, err)
	must(b, db.Update(likeEtcd(0)))
	random := rand.NewChaCha8([32]byte{1})
	content := make([]byte, value)
	for n := 0; n < records; {
		must(b, db.Update(func(tx *bolt.Tx) error {
			keys := tx.Bucket([]byte(keyBucket))
			keys.FillPercent = 0.9
			for range min(10_000, records-n) {
				_, _ = random.Read(content[:value/3])
				kv := mvccpb.KeyValue{
					Key: fmt.Appendf(nil, "/registry/configmaps/%09d", n), Value: content,
					CreateRevision: int64(n + 2), ModRevision: int64(n + 2), Version: 1,
				}
				v, err := kv.Marshal()
				if err != nil {
					return err
				}
				if err := keys.Put(revisionKey(int64(n+2), 0, false), v); err != nil {
					return err
				}
				n++
			}
			return nil
		}))
	}
	file, err := os.Create(path)
	must(b, err)
	out, sum := bufio.NewWriter(file), sha256.New()
	must(b, db.View(func(tx *bolt.Tx) error { _, err := tx.WriteTo(io.MultiWriter(out, sum)); return err }))
	_, err = out.Write(sum.Sum(nil))
	must(b, err)
	must(b, out.Flush())
	must(b, file.Close())
	must(b, db.Close())
	must(b, os.Remove(path+".db"))
}

func gzipFile(b *testing.B, path string) string {
	b.Helper()
	in, err := os.Open(path)
	must(b, err)
	defer func() { _ = in.Close() }()
	out, err := os.Create(path + ".gz")
	must(b, err)
	w := gzip.NewWriter(out)
	_, err = io.Copy(w, in)
	must(b, err)
	must(b, w.Close())
	must(b, out.Close())
	return path + ".gz"
}
