package gcs

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

// TestLongUploadsTakeLittleMemory sends many times what may be held at once to
// a server that counts and forgets.
func TestLongUploadsTakeLittleMemory(t *testing.T) {
	const size, limit = 256 << 20, 64 << 20
	received := int64(0)
	s := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("upload_id") {
			n, _ := io.Copy(io.Discard, r.Body)
			received += n
			if strings.HasSuffix(r.Header.Get("Content-Range"), "/*") { // there is more
				w.Header().Set("X-Http-Status-Code-Override", "308")
			}
		} else {
			w.Header().Set("Location", "http://"+r.Host+"/upload?upload_id=1")
		}
		fmt.Fprintf(w, `{"name":"p/k","generation":"1","size":"%d","timeCreated":"2026-01-01T00:00:00Z"}`, received)
	})
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	look := onChunk(func() {
		runtime.ReadMemStats(&now)
		peak = max(peak, now.HeapAlloc)
	})
	info, err := s.Put(t.Context(), "k", io.LimitReader(look, size), store.IfAbsent())
	if err != nil || info.Size != size || received != size {
		t.Fatalf("put %d bytes, the server received %d, %v", info.Size, received, err)
	}
	if peak > before.HeapAlloc+limit {
		t.Errorf("the heap grew by %d MiB, more than %d", (peak-before.HeapAlloc)>>20, limit>>20)
	}
	t.Logf("the heap grew by %d MiB", (peak-min(peak, before.HeapAlloc))>>20)
}

// onChunk gives zeros, and does something with every few MiB.
type onChunk func()

func (f onChunk) Read(p []byte) (int, error) {
	clear(p)
	if len(p) >= 1<<20 {
		f()
	}
	return len(p), nil
}
