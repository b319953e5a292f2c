// Package storetest is the conformance suite that every store driver passes:
// what store.Store promises, what the functions on top of it make of lost
// answers, and the place marks. It knows no driver and makes no exception for
// one.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

// Options are what only some drivers can be asked for.
type Options struct {
	// MissingPlace opens a store whose bucket or the like does not exist. nil
	// if the driver has no such thing.
	MissingPlace func(t *testing.T) store.Store
	// Second opens the place of s again, as another process would. nil: s
	// itself is used by all writers of a race.
	Second func(t *testing.T, s store.Store) store.Store
}

// Run runs the suite. open gives a new, empty place each time; the suite
// closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store, options ...Options) {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	tests := []struct {
		name string
		run  func(t *testing.T, s store.Store)
	}{
		{"put and read back", testRoundTrip},
		{"ranges", testRanges},
		{"keys", testKeys},
		{"absence", testAbsence},
		{"overwrite", testOverwrite},
		{"conditions", testConditions},
		{"delete", testDelete},
		{"list", testList},
		{"list while writing", testListWhileWriting},
		{"stream of unknown size", testStream},
		{"reader that fails", testFailingReader},
		{"ended context", testEndedContext},
		{"whole bounded reads", testRead},
		{"create and swap", testCreateAndSwap},
		{"lost replies", testLostReplies},
		{"failed before", testFailedBefore},
		{"lost reply, then silence", testSilence},
		{"races to create", func(t *testing.T, s store.Store) { testCreateRaces(t, o.handles(t, s)) }},
		{"races to swap", func(t *testing.T, s store.Store) { testSwapRaces(t, o.handles(t, s)) }},
		{"no lost update", func(t *testing.T, s store.Store) { testCounter(t, o.handles(t, s)) }},
		{"probe", testProbe},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, opened(t, open)) })
	}
	t.Run("missing place", func(t *testing.T) {
		if o.MissingPlace != nil {
			testMissingPlace(t, opened(t, o.MissingPlace))
		}
	})
}

const writers = 8

// handles are the stores that the writers of a race use.
func (o Options) handles(t *testing.T, s store.Store) []store.Store {
	all := []store.Store{s}
	for len(all) < writers {
		if o.Second == nil {
			all = append(all, s)
			continue
		}
		all = append(all, opened(t, func(t *testing.T) store.Store { return o.Second(t, s) }))
	}
	return all
}

func opened(t *testing.T, open func(t *testing.T) store.Store) store.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// fresh is content that nobody else writes.
func fresh(what string) []byte { return []byte(what + " " + rand.Text()) }

func put(t *testing.T, s store.Store, key string, content []byte) store.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, bytes.NewReader(content), store.Condition{})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return info
}

// wantContent checks that key holds content, and gives its Info.
func wantContent(t *testing.T, s store.Store, key string, content []byte) store.Info {
	t.Helper()
	got, info, err := store.Read(t.Context(), s, key, 64<<20)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if !bytes.Equal(got, content) {
		t.Fatalf("%s holds %d bytes %.60q; want %d bytes %.60q", key, len(got), got, len(content), content)
	}
	return info
}

func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	if info, err := s.Stat(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("stat %s: %+v, %v; want ErrNotFound", key, info, err)
	}
	if got := keys(t, s, key, ""); slices.Contains(got, key) {
		t.Fatalf("%s is listed and cannot be found", key)
	}
}

// wantUnknown checks that err is an error that says nothing of what is there.
func wantUnknown(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, class := range []error{store.ErrNotFound, store.ErrNoPlace, store.ErrConditionFailed} {
		if errors.Is(err, class) {
			t.Fatalf("%v: is taken for %q; want an unknown outcome", err, class)
		}
	}
}

func keys(t *testing.T, s store.Store, prefix, after string) []string {
	t.Helper()
	var got []string
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatalf("list %q after %q: %v", prefix, after, err)
		}
		got = append(got, info.Key)
	}
	return got
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
