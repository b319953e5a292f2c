package store_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// cut gives another body than the one it states.
type cut struct {
	*mem.Store
	body func(io.ReadCloser) io.Reader
}

func (c cut) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	body, info, err := c.Store.Open(ctx, key, r)
	if err != nil {
		return nil, info, err
	}
	return io.NopCloser(c.body(body)), info, nil
}

func TestReadNeverTakesAPartForTheWhole(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, test := range []struct {
		reason string
		body   func(io.ReadCloser) io.Reader
		want   error
	}{
		{"ends early", func(r io.ReadCloser) io.Reader { return io.LimitReader(r, 3) }, store.ErrCut},
		{"ends early, and the driver says so", func(r io.ReadCloser) io.Reader {
			return store.Exactly(io.NopCloser(io.LimitReader(r, 3)), 7)
		}, store.ErrCut},
		{"is empty", func(io.ReadCloser) io.Reader { return strings.NewReader("") }, store.ErrCut},
		{"is longer than stated", func(r io.ReadCloser) io.Reader { return io.MultiReader(r, strings.NewReader("x")) }, store.ErrCut},
		{"never ends", func(io.ReadCloser) io.Reader { return endless{} }, store.ErrTooLarge},
		{"breaks", func(io.ReadCloser) io.Reader { return iotest.ErrReader(broken) }, broken},
	} {
		t.Run(test.reason, func(t *testing.T) {
			s := mem.New("x")
			if _, err := store.Create(t.Context(), s, "key", []byte("content")); err != nil {
				t.Fatal(err)
			}
			content, _, err := store.Read(t.Context(), cut{s, test.body}, "key", 100)
			if !errors.Is(err, test.want) || content != nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q, %v; want %v", content, err, test.want)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestExactly(t *testing.T) {
	for _, test := range []struct {
		reason, from string
		n            int64
		want         string
		err          error
	}{
		{"as many as asked", "abc", 3, "abc", nil},
		{"more than asked", "abcdef", 3, "abc", nil},
		{"none asked", "abc", 0, "", nil},
		{"fewer than asked", "ab", 3, "ab", io.ErrUnexpectedEOF},
		{"none come", "", 3, "", io.ErrUnexpectedEOF},
	} {
		got, err := io.ReadAll(store.Exactly(io.NopCloser(iotest.DataErrReader(strings.NewReader(test.from))), test.n))
		if string(got) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %v; want %q, %v", test.reason, got, err, test.want, test.err)
		}
	}
}

// claimsRefusal is a store that answers 412 although nothing stands in the way.
type claimsRefusal struct{ *mem.Store }

func (claimsRefusal) Put(context.Context, string, io.Reader, store.Condition) (store.Info, error) {
	return store.Info{}, store.ErrConditionFailed
}

func TestRefusalIsBelievedOnlyWhenSeen(t *testing.T) {
	s := mem.New("x")
	info, err := store.Create(t.Context(), s, "key", []byte("stands"))
	if err != nil {
		t.Fatal(err)
	}
	_, create := store.Create(t.Context(), claimsRefusal{s}, "new", []byte("x"))
	_, swap := store.Swap(t.Context(), claimsRefusal{s}, "key", info.Version, []byte("x"))
	for op, err := range map[string]error{"create": create, "swap": swap} {
		if err == nil || errors.Is(err, store.ErrConditionFailed) {
			t.Errorf("%s: %v; want unknown: nothing else was seen to stand there", op, err)
		}
	}
	large := strings.Repeat("x", 5<<20)
	if _, err := s.Put(t.Context(), "large", strings.NewReader(large), store.Condition{}); err != nil {
		t.Fatal(err)
	}
	var refused *store.Refused
	if _, err := store.Create(t.Context(), s, "large", []byte("y")); !errors.As(err, &refused) || refused.Content != nil || refused.Have.Size != int64(len(large)) {
		t.Errorf("%v; want it refused by what is too large to be ours", err)
	}
}

func TestEveryMethodIsACall(t *testing.T) {
	in := fault.NewInjector(0, fault.None)
	var counter store.Counter
	s := store.WithFaults(store.Counted(mem.New("x"), &counter), in)
	info, err := store.Create(t.Context(), s, "key", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Read(t.Context(), s, "key", 10); err != nil {
		t.Fatal(err)
	}
	for range s.List(t.Context(), "k", "") {
	}
	if err := s.Delete(t.Context(), "key", info.Version); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range in.Calls() {
		got = append(got, call.String())
	}
	if want := "store put key, store stat key, store open key, store list k, store delete key"; strings.Join(got, ", ") != want {
		t.Errorf("calls %s; want %s", strings.Join(got, ", "), want)
	}
	if counter.Total() != len(got) {
		t.Errorf("counted %v; want %d calls", counter.By(), len(got))
	}
	counter.Reset()
	if counter.Total() != 0 {
		t.Error("reset left a count")
	}
}

// closing notes whether each body that was opened was closed.
type closing struct {
	*mem.Store
	open int
}

func (c *closing) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	body, info, err := c.Store.Open(ctx, key, r)
	if err == nil {
		c.open++
		body = closer{body, &c.open}
	}
	return body, info, err
}

type closer struct {
	io.Reader
	open *int
}

func (c closer) Close() error { *c.open--; return nil }

func TestBodiesAreClosed(t *testing.T) {
	s := &closing{Store: mem.New("x")}
	if _, err := store.Create(t.Context(), s, "key", []byte("content")); err != nil {
		t.Fatal(err)
	}
	lost := store.WithFaults(s, fault.NewInjector(1, fault.LostReply))
	if body, _, err := lost.Open(t.Context(), "key", store.Range{}); err == nil || body != nil {
		t.Errorf("%v, %v; want the answer lost", body, err)
	}
	_, _, _ = store.Read(t.Context(), s, "key", 3)
	_, _, _ = store.Read(t.Context(), s, "key", 100)
	if s.open != 0 {
		t.Errorf("%d bodies left open", s.open)
	}
}
