package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

func testRoundTrip(t *testing.T, s store.Store) {
	for _, key := range []string{"a", "deep/er/and/deeper", "2026-01-02T03:04:05Z-000001/etcd.backup.gz", "with space+plus%25&äß"} {
		content := fresh(key)
		written := put(t, s, key, content)
		read := wantContent(t, s, key, content)
		stat, err := s.Stat(t.Context(), key)
		if err != nil {
			t.Fatalf("stat: %v", err)
		}
		for _, info := range []store.Info{written, read, stat} {
			if info.Key != key || info.Size != int64(len(content)) || info.Version != written.Version || info.Version == "" {
				t.Errorf("%+v; want key %s, %d bytes, version %s", info, key, len(content), written.Version)
			}
		}
		if age := time.Since(stat.Modified).Abs(); age > time.Hour {
			t.Errorf("modified %s, %s from now", stat.Modified, age)
		}
	}
	put(t, s, "empty", nil)
	wantContent(t, s, "empty", nil)
}

func testRanges(t *testing.T, s store.Store) {
	put(t, s, "digits", []byte("0123456789"))
	put(t, s, "empty", nil)
	for _, test := range []struct {
		reason string
		key    string
		r      store.Range
		want   string
	}{
		{"the zero range is everything", "digits", store.Range{}, "0123456789"},
		{"length 0 means to the end", "digits", store.Range{Offset: 4}, "456789"},
		{"a part in the middle", "digits", store.Range{Offset: 2, Length: 3}, "234"},
		{"a part from the start", "digits", store.Range{Length: 1}, "0"},
		{"past the end is clipped", "digits", store.Range{Offset: 8, Length: 100}, "89"},
		{"exactly at the end is empty", "digits", store.Range{Offset: 10}, ""},
		{"wholly past the end is empty", "digits", store.Range{Offset: 11, Length: 5}, ""},
		{"an empty object", "empty", store.Range{}, ""},
		{"past the end of an empty object", "empty", store.Range{Offset: 1, Length: 1}, ""},
	} {
		t.Run(test.reason, func(t *testing.T) {
			body, info, err := s.Open(t.Context(), test.key, test.r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(body)
			if cerr := body.Close(); err != nil || cerr != nil || string(got) != test.want {
				t.Fatalf("got %q, %v, close: %v; want %q", got, err, cerr, test.want)
			}
			if whole := int64(10); test.key == "digits" && info.Size != whole {
				t.Fatalf("size %d; want that of the whole object, %d", info.Size, whole)
			}
		})
	}
	for _, r := range []store.Range{{Offset: -1}, {Length: -1}} {
		if _, _, err := s.Open(t.Context(), "digits", r); err == nil {
			t.Errorf("range %+v: no error", r)
		} else {
			wantUnknown(t, err)
		}
	}
}

func testKeys(t *testing.T, s store.Store) {
	for _, key := range []string{"", "/absolute", "..", "../up", "a/../../up", "a/./b", ".", "a//b", "a/", "nul\x00", "line\n", "\xff", strings.Repeat("x/", 600) + "x"} {
		_, err := s.Put(t.Context(), key, strings.NewReader("x"), store.Condition{})
		wantBadKey(t, "put", key, err)
		_, err = s.Stat(t.Context(), key)
		wantBadKey(t, "stat", key, err)
		_, _, err = s.Open(t.Context(), key, store.Range{})
		wantBadKey(t, "open", key, err)
		wantBadKey(t, "delete", key, s.Delete(t.Context(), key, "v"))
	}
	if got := keys(t, s, "", ""); len(got) > 0 {
		t.Errorf("bad keys left %q", got)
	}
}

func wantBadKey(t *testing.T, op, key string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrBadKey) {
		t.Errorf("%s %q: %v; want ErrBadKey", op, key, err)
	}
	wantUnknown(t, err)
}

func testAbsence(t *testing.T, s store.Store) {
	if got := keys(t, s, "", ""); len(got) != 0 {
		t.Fatalf("an empty place lists %q", got)
	}
	put(t, s, "there/is", fresh("one"))
	for _, key := range []string{"not", "there/is-not", "there", "th"} {
		wantAbsent(t, s, key)
		if _, _, err := s.Open(t.Context(), key, store.Range{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("open %s: %v; want ErrNotFound", key, err)
		}
		if err := s.Delete(t.Context(), key, "v"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("delete %s: %v; want ErrNotFound", key, err)
		}
	}
	if got := keys(t, s, "", ""); !slices.Equal(got, []string{"there/is"}) {
		t.Errorf("looking changed what is there: %q", got)
	}
}

func testMissingPlace(t *testing.T, s store.Store) {
	_, errStat := s.Stat(t.Context(), "key")
	_, _, errOpen := s.Open(t.Context(), "key", store.Range{})
	_, errPut := s.Put(t.Context(), "key", strings.NewReader("x"), store.IfAbsent())
	errList := error(nil)
	for _, err := range s.List(t.Context(), "", "") {
		errList = err
	}
	for op, err := range map[string]error{
		"stat": errStat, "open": errOpen, "put": errPut, "list": errList,
		"delete": s.Delete(t.Context(), "key", "v"),
	} {
		if !errors.Is(err, store.ErrNoPlace) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s in a missing place: %v; want ErrNoPlace alone", op, err)
		}
	}
	if seen := store.LookAtPlace(t.Context(), s); seen.MarkFinding != store.MarkUnknown {
		t.Errorf("the mark of a missing place is %s; want unknown", seen.MarkFinding)
	}
}

func testOverwrite(t *testing.T, s store.Store) {
	first := put(t, s, "key", fresh("first"))
	content := fresh("second, and longer")
	second := put(t, s, "key", content)
	if first.Version == second.Version {
		t.Errorf("both contents have version %s", first.Version)
	}
	if info := wantContent(t, s, "key", content); info.Version != second.Version {
		t.Errorf("version %s; want %s", info.Version, second.Version)
	}
}

func testConditions(t *testing.T, s store.Store) {
	wantFailed := func(reason string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrConditionFailed) {
			t.Errorf("%s: %v; want ErrConditionFailed", reason, err)
		}
	}
	try := func(content []byte, c store.Condition) (store.Info, error) {
		return s.Put(t.Context(), "key", bytes.NewReader(content), c)
	}
	_, err := try(fresh("x"), store.IfVersion("never-seen"))
	wantFailed("swap of what is not there", err)
	wantAbsent(t, s, "key")

	one, two := fresh("one"), fresh("two")
	first, err := try(one, store.IfAbsent())
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	_, err = try(fresh("x"), store.IfAbsent())
	wantFailed("create of what is there", err)
	wantContent(t, s, "key", one)

	second, err := try(two, store.IfVersion(first.Version))
	if err != nil {
		t.Fatalf("swap: %v", err)
	}
	_, err = try(fresh("x"), store.IfVersion(first.Version))
	wantFailed("swap of a stale version", err)
	if info := wantContent(t, s, "key", two); info.Version != second.Version {
		t.Errorf("version %s; want %s", info.Version, second.Version)
	}
}

func testDelete(t *testing.T, s store.Store) {
	first := put(t, s, "dir/key", fresh("first"))
	put(t, s, "dir/other", fresh("other"))
	content := fresh("second")
	second := put(t, s, "dir/key", content)
	if err := s.Delete(t.Context(), "dir/key", first.Version); !errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("delete of a stale version: %v; want ErrConditionFailed", err)
	}
	if err := s.Delete(t.Context(), "dir/key", ""); err == nil {
		t.Error("delete without a version: no error")
	}
	wantContent(t, s, "dir/key", content)
	if err := s.Delete(t.Context(), "dir/key", second.Version); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantAbsent(t, s, "dir/key")
	if err := s.Delete(t.Context(), "dir/key", second.Version); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete once more: %v; want ErrNotFound", err)
	}
	if got := keys(t, s, "", ""); !slices.Equal(got, []string{"dir/other"}) {
		t.Errorf("left: %q; want dir/other", got)
	}
	again := fresh("again")
	if _, err := s.Put(t.Context(), "dir/key", bytes.NewReader(again), store.IfAbsent()); err != nil {
		t.Errorf("create what was deleted: %v", err)
	}
	wantContent(t, s, "dir/key", again)
}

func testEndedContext(t *testing.T, s store.Store) {
	there := fresh("there")
	info := put(t, s, "there", there)
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	for name, ctx := range map[string]context.Context{"cancelled": ended(t), "past its deadline": past} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"there", "not-there"} {
				_, err := s.Stat(ctx, key)
				wantUnknown(t, err)
				_, _, err = s.Open(ctx, key, store.Range{})
				wantUnknown(t, err)
			}
			for _, err := range s.List(ctx, "", "") {
				wantUnknown(t, err)
			}
			wantUnknown(t, s.Delete(ctx, "there", info.Version))
			for _, c := range []store.Condition{{}, store.IfAbsent(), store.IfVersion("v")} {
				_, err := s.Put(ctx, "new", strings.NewReader("x"), c)
				wantUnknown(t, err)
			}
			wantAbsent(t, s, "new")
			wantContent(t, s, "there", there)
		})
	}
}
