package azblob

import (
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

// TestLongUploadsTakeLittleMemory sends many times what may be held at once to
// a server that counts and forgets.
func TestLongUploadsTakeLittleMemory(t *testing.T) {
	const size, limit = 256 << 20, 64 << 20
	received := int64(0)
	s := byTheBook(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("comp") == "block" {
			n, _ := io.Copy(io.Discard, r.Body)
			received += n
		}
		w.Header().Set("ETag", `"0x8DE"`)
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		w.WriteHeader(http.StatusCreated)
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
