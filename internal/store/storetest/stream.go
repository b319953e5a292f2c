package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

// odd gives size bytes of a fixed pattern in chunks of changing, odd sizes,
// without a length, and then ends with err (nil: io.EOF).
type odd struct {
	size, at, turn int
	err            error
}

func (o *odd) Read(p []byte) (int, error) {
	if o.at == o.size {
		if o.err != nil {
			return 0, o.err
		}
		return 0, io.EOF
	}
	o.turn++
	n := min(len(p), o.size-o.at, []int{1, 7, 511, 4099, 65537}[o.turn%5])
	for i := range n {
		p[i] = byte((o.at + i) * 31 >> 3)
	}
	o.at += n
	return n, nil
}

func pattern(size int) []byte {
	content, _ := io.ReadAll(&odd{size: size})
	return content
}

func testStream(t *testing.T, s store.Store) {
	for _, test := range []struct {
		reason string
		size   int
		c      store.Condition
	}{
		{"several megabytes", 11<<20 + 13, store.Condition{}},
		{"several megabytes, create", 6<<20 + 1, store.IfAbsent()},
		{"exactly a mebibyte", 1 << 20, store.IfAbsent()},
		{"a byte more than a mebibyte", 1<<20 + 1, store.IfAbsent()},
		{"nothing at all", 0, store.IfAbsent()},
	} {
		t.Run(test.reason, func(t *testing.T) {
			key := "stream/" + test.reason
			info, err := s.Put(t.Context(), key, &odd{size: test.size}, test.c)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size != int64(test.size) {
				t.Errorf("size %d; want %d", info.Size, test.size)
			}
			read := wantContent(t, s, key, pattern(test.size))
			stat, err := s.Stat(t.Context(), key)
			if err != nil || stat.Version != info.Version || read.Version != info.Version {
				t.Errorf("versions: put %s, read %s, stat %s, %v", info.Version, read.Version, stat.Version, err)
			}
		})
	}
	t.Run("a large object is swapped and deleted", func(t *testing.T) { testLargeSwap(t, s) })
}

func testLargeSwap(t *testing.T, s store.Store) {
	const key, size = "stream/swapped", 7 << 20
	first, err := s.Put(t.Context(), key, &odd{size: size}, store.IfAbsent())
	if err != nil {
		t.Fatal(err)
	}
	other := append(pattern(size-1), 'x')
	second, err := s.Put(t.Context(), key, bytes.NewReader(other), store.IfVersion(first.Version))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), key, &odd{size: size}, store.IfVersion(first.Version))
	if !errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("swap of a stale version: %v; want ErrConditionFailed", err)
	}
	wantContent(t, s, key, other)
	if err := s.Delete(t.Context(), key, second.Version); err != nil {
		t.Errorf("delete: %v", err)
	}
	wantAbsent(t, s, key)
}

var errReader = errors.New("the source broke")

func testFailingReader(t *testing.T, s store.Store) {
	content := fresh("stands")
	info := put(t, s, "there", content)
	for _, size := range []int{0, 100, 6 << 20} {
		for reason, test := range map[string]struct {
			key string
			c   store.Condition
		}{
			"create":               {"new", store.IfAbsent()},
			"unconditional, new":   {"new", store.Condition{}},
			"unconditional, there": {"there", store.Condition{}},
			"swap":                 {"there", store.IfVersion(info.Version)},
		} {
			_, err := s.Put(t.Context(), test.key, &odd{size: size, err: errReader}, test.c)
			if !errors.Is(err, errReader) {
				t.Errorf("%s after %d bytes: %v; want the reader's error", reason, size, err)
			}
			wantUnknown(t, err)
			wantAbsent(t, s, "new")
			wantContent(t, s, "there", content)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Put(ctx, "new", io.MultiReader(&odd{size: 6 << 20}, ending{cancel}, &odd{size: 6 << 20}), store.Condition{})
	wantUnknown(t, err)
	wantAbsent(t, s, "new")
	if got := keys(t, s, "", ""); len(got) != 1 {
		t.Errorf("left: %q; want the one object that was there", got)
	}
}

// ending cancels in the middle of a stream.
type ending struct{ cancel func() }

func (e ending) Read([]byte) (int, error) { e.cancel(); return 0, io.EOF }
