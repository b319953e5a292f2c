package backup

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/store/open"
)

// benchmarkSize is how much is put into the etcd that is backed up.
const benchmarkSize = 96 << 20

func filledEtcd(b *testing.B) (*clientv3.Client, int64) {
	b.Helper()
	_, client := startEtcd(b)
	chacha := rand.NewChaCha8([32]byte{1})
	half := make([]byte, 3000)
	for i := range benchmarkSize / 6000 {
		_, _ = chacha.Read(half)
		value := fmt.Sprintf("%x", half[:1500]) + string(half)
		if _, err := client.Put(context.Background(), fmt.Sprintf("/registry/pods/%07d", i), value); err != nil {
			b.Fatal(err)
		}
	}
	status, err := client.Status(context.Background(), client.Endpoints()[0])
	if err != nil {
		b.Fatal(err)
	}
	return client, status.DbSize
}

// BenchmarkTake is a whole backup with all its checks, into files; beside it
// what a script would do: save the snapshot to a file, then gzip the file.
func BenchmarkTake(b *testing.B) {
	client, size := filledEtcd(b)
	b.Run("seedproof", func(b *testing.B) {
		s, err := open.Open(b.Context(), "file://"+b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		src, err := NewClientSource("a", client)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(size)
		for i := 0; b.Loop(); i++ {
			o := optionsFor(s, src)
			o.Identity.ClusterID, o.Slot = "", fmt.Sprint(i)
			if _, err := Take(b.Context(), o); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("save-then-gzip", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			saveThenGzip(b, client)
		}
	})
	b.Run("stream-into-gzip", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			streamIntoGzip(b, client)
		}
	})
}

func saveThenGzip(b *testing.B, client *clientv3.Client) {
	b.Helper()
	dir := b.TempDir()
	response, err := client.SnapshotWithVersion(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	raw, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	if _, err := io.Copy(raw, response.Snapshot); err != nil {
		b.Fatal(err)
	}
	if err := raw.Sync(); err != nil {
		b.Fatal(err)
	}
	if _, err := raw.Seek(0, io.SeekStart); err != nil {
		b.Fatal(err)
	}
	gzipInto(b, filepath.Join(dir, "gz"), raw)
}

func streamIntoGzip(b *testing.B, client *clientv3.Client) {
	b.Helper()
	response, err := client.SnapshotWithVersion(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	gzipInto(b, filepath.Join(b.TempDir(), "gz"), response.Snapshot)
}

func gzipInto(b *testing.B, path string, r io.Reader) {
	b.Helper()
	out, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	zip := gzip.NewWriter(out)
	if _, err := io.Copy(zip, r); err != nil {
		b.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		b.Fatal(err)
	}
	if err := out.Sync(); err != nil {
		b.Fatal(err)
	}
}
