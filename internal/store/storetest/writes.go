package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/store"
)

func testRead(t *testing.T, s store.Store) {
	content := fresh("bounded")
	put(t, s, "key", content)
	if got, _, err := store.Read(t.Context(), s, "key", int64(len(content))); err != nil || !bytes.Equal(got, content) {
		t.Errorf("limit met exactly: %q, %v", got, err)
	}
	if _, _, err := store.Read(t.Context(), s, "key", int64(len(content))-1); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("limit exceeded by one: %v; want ErrTooLarge", err)
	}
	if _, _, err := store.Read(t.Context(), s, "not-there", 10); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("missing: %v; want ErrNotFound", err)
	}
}

func testCreateAndSwap(t *testing.T, s store.Store) {
	one, two := fresh("one"), fresh("two")
	first, err := store.Create(t.Context(), s, "key", one)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	_, err = store.Create(t.Context(), s, "key", fresh("late"))
	wantRefused(t, err, one)
	second, err := store.Swap(t.Context(), s, "key", first.Version, two)
	if err != nil {
		t.Fatalf("swap: %v", err)
	}
	_, err = store.Swap(t.Context(), s, "key", first.Version, fresh("stale"))
	wantRefused(t, err, two)
	_, err = store.Swap(t.Context(), s, "not-there", second.Version, fresh("gone"))
	wantRefused(t, err, nil)
	wantAbsent(t, s, "not-there")
	wantContent(t, s, "key", two)
}

// wantRefused checks that err is a refusal that carries what stands there.
func wantRefused(t *testing.T, err error, stands []byte) {
	t.Helper()
	var refused *store.Refused
	if !errors.As(err, &refused) || !refused.Refused() || !errors.Is(err, store.ErrConditionFailed) {
		t.Fatalf("%v; want *store.Refused", err)
	}
	if !bytes.Equal(refused.Content, stands) {
		t.Fatalf("refused by %.60q; want %.60q", refused.Content, stands)
	}
}

// testLostReplies: a write whose answer is lost ends Done when it took effect,
// and refused when another's content stands.
func testLostReplies(t *testing.T, s store.Store) {
	lossy := func() store.Store { return store.WithFaults(s, fault.NewInjector(1, fault.LostReply)) }
	one, two := fresh("one"), fresh("two")
	first, err := store.Create(t.Context(), lossy(), "key", one)
	if err != nil {
		t.Fatalf("create: %v; want Done", err)
	}
	if info := wantContent(t, s, "key", one); info.Version != first.Version {
		t.Errorf("created version %s is read as %s", first.Version, info.Version)
	}
	_, err = store.Create(t.Context(), lossy(), "key", fresh("late"))
	wantRefused(t, err, one)
	second, err := store.Swap(t.Context(), lossy(), "key", first.Version, two)
	if err != nil {
		t.Fatalf("swap: %v; want Done", err)
	}
	_, err = store.Swap(t.Context(), lossy(), "key", first.Version, fresh("stale"))
	wantRefused(t, err, two)
	_, err = store.Swap(t.Context(), lossy(), "not-there", second.Version, fresh("x"))
	wantUnknown(t, err)
	wantContent(t, s, "key", two)

	wantUnknown(t, lossy().Delete(t.Context(), "key", second.Version))
	if err := s.Delete(t.Context(), "key", second.Version); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete after a delete whose answer was lost: %v; want ErrNotFound", err)
	}
}

// testFailedBefore: a write that did not take effect ends unknown, whatever
// kept it from it; it may still be under way.
func testFailedBefore(t *testing.T, s store.Store) {
	content := fresh("stands")
	info := put(t, s, "key", content)
	for _, mode := range []fault.Mode{fault.FailedBefore, fault.Refused, fault.Hung} {
		t.Run(mode.String(), func(t *testing.T) {
			ctx := t.Context()
			if mode == fault.Hung {
				soon, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
				defer cancel()
				ctx = soon
			}
			for k := range 2 {
				in := fault.NewInjector(1, mode)
				key, write := "new", func() (store.Info, error) {
					return store.Create(ctx, store.WithFaults(s, in), "new", fresh("x"))
				}
				if k == 1 {
					key, write = "key", func() (store.Info, error) {
						return store.Swap(ctx, store.WithFaults(s, in), "key", info.Version, fresh("x"))
					}
				}
				_, err := write()
				wantUnknown(t, err)
				if !errors.Is(err, fault.ErrInjected) {
					t.Errorf("%s: %v; want the cause in the chain", key, err)
				}
				if calls := in.Calls(); len(calls) != 2 || calls[1].Op != store.OpOpen {
					t.Errorf("%s: calls %v; want the write, once, and the look", key, calls)
				}
			}
			wantAbsent(t, s, "new")
			wantContent(t, s, "key", content)
		})
	}
}

// testSilence: the answer is lost and the look fails: unknown, though it took.
func testSilence(t *testing.T, s store.Store) {
	content := fresh("took effect")
	silent := store.WithFaults(s, fault.NewInjector(2, fault.FailedBefore))
	_, err := store.Create(t.Context(), store.WithFaults(silent, fault.NewInjector(1, fault.LostReply)), "key", content)
	wantUnknown(t, err)
	wantContent(t, s, "key", content)

	ctx, cancel := context.WithCancel(t.Context())
	late := store.WithFaults(cancelling{s, cancel}, fault.NewInjector(1, fault.LostReply))
	if _, err := store.Create(ctx, late, "second", content); err != nil {
		t.Errorf("the caller's context ended with the answer lost: %v; want Done by a look of its own", err)
	}
}

// cancelling ends the caller's context once a write has taken effect.
type cancelling struct {
	store.Store
	cancel func()
}

func (c cancelling) Put(ctx context.Context, key string, r io.Reader, cond store.Condition) (store.Info, error) {
	defer c.cancel()
	return c.Store.Put(ctx, key, r, cond)
}

func testProbe(t *testing.T, s store.Store) {
	if err := store.Probe(t.Context(), s); err != nil {
		t.Fatalf("probe: %v", err)
	}
	if got := keys(t, s, "", ""); len(got) != 0 {
		t.Errorf("the probe left %q", got)
	}
}
