package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/store"
)

// RunMarks runs the life of a place mark on a driver. open gives a new, empty
// place each time.
func RunMarks(t *testing.T, open func(t *testing.T) store.Store) {
	for name, run := range map[string]func(*testing.T, store.Store){
		"new, marked, emptied, healed": testMarkLife,
		"damaged":                      testMarkDamaged,
		"another's":                    testMarkOther,
		"silent":                       testMarkSilent,
		"race":                         testMarkRace,
		"lost reply":                   testMarkLostReply,
	} {
		t.Run(name, func(t *testing.T) { run(t, opened(t, open)) })
	}
}

func newMark() store.Mark { return store.NewMark(store.ControlStore, "main", time.Now()) }

func memoryOf(seen store.Seen, m store.Mark) []store.Remembered {
	return []store.Remembered{{URL: seen.URL, MarkID: m.ID, FS: seen.FS}}
}

func wantPlace(t *testing.T, s store.Store, remembered []store.Remembered, want store.PlaceState) store.Seen {
	t.Helper()
	seen := store.LookAtPlace(t.Context(), s)
	if found := store.JudgePlace(seen, remembered, true); found.State != want {
		t.Fatalf("the place is %s: %s; want %s", found.State, found.Why, want)
	}
	return seen
}

func putMark(t *testing.T, s store.Store, m store.Mark) {
	t.Helper()
	if err := store.PutMark(t.Context(), s, m); err != nil {
		t.Fatal(err)
	}
}

func testMarkLife(t *testing.T, s store.Store) {
	mark := newMark()
	wantPlace(t, s, nil, store.PlaceNew)
	putMark(t, s, mark)
	wantPlace(t, s, nil, store.PlaceTakenOver)
	memory := memoryOf(store.LookAtPlace(t.Context(), s), mark)
	seen := wantPlace(t, s, memory, store.PlaceOurs)
	if seen.Mark.Kind != mark.Kind || seen.Mark.Cluster != mark.Cluster || !seen.Mark.Created.Equal(mark.Created) {
		t.Errorf("read back %+v; put %+v", seen.Mark, mark)
	}
	version := seen.MarkVersion
	putMark(t, s, mark)
	if again := wantPlace(t, s, memory, store.PlaceOurs); again.MarkVersion != version {
		t.Error("a mark that stands was written again")
	}
	if err := s.Delete(t.Context(), store.MarkKey, version); err != nil {
		t.Fatal(err)
	}
	wantPlace(t, s, memory, store.PlaceEmptied)
	putMark(t, s, mark)
	wantPlace(t, s, memory, store.PlaceOurs)
}

func testMarkDamaged(t *testing.T, s store.Store) {
	mark := newMark()
	for _, damage := range []string{"", "{", strings.TrimSuffix(string(mark.Encode()), "}\n"), "null"} {
		put(t, s, store.MarkKey, []byte(damage))
		wantPlace(t, s, nil, store.PlaceUnknown)
		memory := memoryOf(store.LookAtPlace(t.Context(), s), mark)
		wantPlace(t, s, memory, store.PlaceEmptied)
		putMark(t, s, mark)
		wantPlace(t, s, memory, store.PlaceOurs)
	}
}

func testMarkOther(t *testing.T, s store.Store) {
	theirs, ours := newMark(), newMark()
	putMark(t, s, theirs)
	seen := wantPlace(t, s, memoryOf(store.LookAtPlace(t.Context(), s), ours), store.PlaceOther)
	if err := store.PutMark(t.Context(), s, ours); !errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("put over another mark: %v; want it refused", err)
	}
	if again := store.LookAtPlace(t.Context(), s); again.MarkVersion != seen.MarkVersion {
		t.Error("another's mark was touched")
	}
}

func testMarkSilent(t *testing.T, s store.Store) {
	silent := store.WithFaults(s, fault.NewInjector(1, fault.FailedBefore))
	seen := wantPlace(t, silent, nil, store.PlaceUnknown)
	if seen.Err == nil {
		t.Error("no reason is given")
	}
	if err := store.PutMark(t.Context(), store.WithFaults(s, fault.NewInjector(1, fault.FailedBefore)), newMark()); err == nil {
		t.Error("a mark was put into a place that could not be looked at")
	}
	wantAbsent(t, s, store.MarkKey)
}

func testMarkRace(t *testing.T, s store.Store) {
	same, errs := newMark(), make([]error, writers)
	var done sync.WaitGroup
	for i := range writers {
		done.Go(func() { errs[i] = store.PutMark(t.Context(), s, same) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("the same mark put at once: %v", err)
	}
}

func testMarkLostReply(t *testing.T, s store.Store) {
	mark, in := newMark(), fault.NewInjector(2, fault.LostReply)
	if err := store.PutMark(t.Context(), store.WithFaults(s, in), mark); err != nil {
		t.Errorf("%v; want Done", err)
	}
	if struck := in.Struck(); struck == nil || struck.Op != store.OpPut {
		t.Errorf("struck %v; want the put", struck)
	}
	putMark(t, s, mark)
}
