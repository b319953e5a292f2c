package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

const grace = time.Hour

// graveyard is a store with a clock and one object to delete.
type graveyard struct {
	*mem.Store
	now  time.Time
	info store.Info
}

func newGraveyard(t *testing.T) *graveyard {
	g := &graveyard{Store: mem.New("graveyard"), now: time.Unix(1e9, 0)}
	g.SetClock(func() time.Time { return g.now })
	g.info = g.put(t, "backups/old", "old")
	return g
}

func (g *graveyard) put(t *testing.T, key, content string) store.Info {
	t.Helper()
	info, err := g.Put(t.Context(), key, strings.NewReader(content), store.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func (g *graveyard) keys(t *testing.T) (keys []string) {
	for info := range g.List(t.Context(), "", "") {
		keys = append(keys, info.Key)
	}
	return keys
}

func (g *graveyard) bury(t *testing.T) {
	t.Helper()
	if err := store.Bury(t.Context(), g, g.info.Key, g.info.Version, "older than 90 days", rand()); err != nil {
		t.Fatal(err)
	}
}

func rand() string { return store.NewMark("", "", time.Time{}).Nonce }

func (g *graveyard) exhume(t *testing.T, want ...string) {
	t.Helper()
	deleted, err := store.Exhume(t.Context(), g, grace, store.StoreClock(g))
	if err != nil || !slices.Equal(deleted, want) {
		t.Fatalf("deleted %q, %v; want %q", deleted, err, want)
	}
}

func TestTwoPhaseDelete(t *testing.T) {
	g := newGraveyard(t)
	g.bury(t)
	g.now = g.now.Add(grace - time.Minute)
	g.bury(t) // once more: the grace does not begin anew
	g.exhume(t)
	if got := g.keys(t); len(got) != 2 {
		t.Fatalf("within the grace: %q; want the object and its tombstone", got)
	}
	g.now = g.now.Add(2 * time.Minute)
	g.exhume(t, "backups/old")
	if got := g.keys(t); len(got) != 0 {
		t.Fatalf("left %q", got)
	}
}

func TestExhumeSparesWhatWasWrittenAnew(t *testing.T) {
	g := newGraveyard(t)
	g.bury(t)
	g.put(t, g.info.Key, "new")
	g.now = g.now.Add(2 * grace)
	g.exhume(t)
	if got := g.keys(t); !slices.Equal(got, []string{g.info.Key}) {
		t.Fatalf("left %q; want the new object alone", got)
	}
}

func TestExhumeAsksForTheTimeOnlyWithTombstones(t *testing.T) {
	g := newGraveyard(t)
	var counter store.Counter
	asked := func(context.Context) (time.Time, error) { return time.Time{}, errors.New("asked") }
	if _, err := store.Exhume(t.Context(), store.Counted(g, &counter), grace, asked); err != nil {
		t.Errorf("nothing buried: %v", err)
	}
	if counter.Total() != 1 || counter.By()[store.OpList] != 1 {
		t.Errorf("calls %v; want one listing", counter.By())
	}
	g.bury(t)
	g.now = g.now.Add(2 * grace)
	if _, err := store.Exhume(t.Context(), g, grace, asked); err == nil {
		t.Error("deleted without knowing the time")
	}
}

func TestBuryRefuses(t *testing.T) {
	g := newGraveyard(t)
	for reason, args := range map[string][3]string{
		"a place mark":  {store.MarkKey, "v", "n"},
		"a tombstone":   {"tombstones/x.json", "v", "n"},
		"no version":    {"key", "", "n"},
		"no nonce":      {"key", "v", ""},
		"a bad key":     {"../key", "v", "n"},
		"a long reason": {"key", "v", "n"},
	} {
		why := "reason"
		if reason == "a long reason" {
			why = strings.Repeat(why, 10000)
		}
		if err := store.Bury(t.Context(), g, args[0], store.Version(args[1]), why, args[2]); err == nil {
			t.Errorf("%s was buried", reason)
		}
	}
}

func TestADamagedTombstoneDeletesNothing(t *testing.T) {
	g := newGraveyard(t)
	g.put(t, "tombstones/damaged.json", `{"key":"backups/old"}`)
	g.put(t, "tombstones/mark.json", `{"key":"seedproof-mark.json","version":"v","reason":"","nonce":"n"}`)
	g.now = g.now.Add(2 * grace)
	deleted, err := store.Exhume(t.Context(), g, grace, store.StoreClock(g))
	if err == nil || len(deleted) != 0 || len(g.keys(t)) != 3 {
		t.Errorf("deleted %q, %v, left %q", deleted, err, g.keys(t))
	}
}

// TestExhumeFaults strikes every call; the next pass comes to the same end.
func TestExhumeFaults(t *testing.T) {
	for _, mode := range []fault.Mode{fault.Refused, fault.FailedBefore, fault.LostReply} {
		reached := 0
		for k := 1; ; k++ {
			g, in := newGraveyard(t), fault.NewInjector(k, mode)
			g.bury(t)
			g.put(t, "backups/kept", "kept")
			g.now = g.now.Add(2 * grace)
			s := store.WithFaults(g, in)
			_, _ = store.Exhume(t.Context(), s, grace, store.StoreClock(g))
			if in.Struck() == nil {
				break
			}
			reached++
			if _, err := store.Exhume(t.Context(), g, grace, store.StoreClock(g)); err != nil {
				t.Errorf("after call %d %s: %v", k, mode, err)
			}
			if got := g.keys(t); !slices.Equal(got, []string{"backups/kept"}) {
				t.Errorf("after call %d %s: left %q", k, mode, got)
			}
		}
		if reached < 4 {
			t.Errorf("%s: only %d calls", mode, reached)
		}
	}
}

func FuzzTombstone(f *testing.F) {
	f.Add([]byte(`{"key":"backups/old","version":"generation-1","reason":"r","nonce":"n"}`))
	f.Add([]byte(`{"key":"backups/kept","version":"x"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		g := newGraveyard(t)
		g.put(t, store.MarkKey, "mark")
		g.put(t, "tombstones/fuzzed.json", string(content))
		g.now = g.now.Add(2 * grace)
		deleted, _ := store.Exhume(t.Context(), g, grace, store.StoreClock(g))
		for _, key := range deleted {
			if key != g.info.Key {
				t.Fatalf("%q deleted %s", content, key)
			}
		}
		if _, err := g.Stat(t.Context(), store.MarkKey); err != nil {
			t.Fatalf("%q: the mark: %v", content, err)
		}
	})
}
