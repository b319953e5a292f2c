package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

var (
	mine    = store.NewMark(store.ControlStore, "main", time.Unix(1, 0))
	foreign = store.NewMark(store.ControlStore, "other", time.Unix(1, 0))
	disk    = &store.Filesystem{ID: "ef53-1", MountPoint: true, Exists: true}
	unmount = &store.Filesystem{ID: "ef53-0", Exists: true}
	noDir   = &store.Filesystem{ID: "ef53-1"}
)

const here, there = "s3://bucket/here", "s3://bucket/there"

func seenMark(m store.Mark) store.Seen {
	return store.Seen{URL: here, MarkFinding: store.MarkPresent, Mark: &m, MarkVersion: "v"}
}

func seen(f store.MarkFinding, err error) store.Seen {
	return store.Seen{URL: here, MarkFinding: f, Err: err}
}

func on(s store.Seen, fs *store.Filesystem) store.Seen { s.FS = fs; return s }

func remembers(url string, m store.Mark, fs *store.Filesystem) store.Remembered {
	return store.Remembered{URL: url, MarkID: m.ID, FS: fs}
}

func TestJudgePlace(t *testing.T) {
	damaged, outage := errors.New("damaged"), errors.New("503")
	noPlace := fmt.Errorf("ask: %w", store.ErrNoPlace)
	absent, unusable := seen(store.MarkAbsent, nil), seen(store.MarkUnusable, damaged)
	type memories = []store.Remembered
	one := memories{remembers(here, mine, nil)}
	path := memories{remembers(here, mine, disk)}
	for _, test := range []struct {
		reason     string
		seen       store.Seen
		remembered memories
		silent     bool // somebody who could remember it has not answered
		want       store.PlaceState
		why        string
	}{
		{"the remembered mark", seenMark(mine), one, false, store.PlaceOurs, "remembered mark"},
		{"the remembered mark, and one is silent: silence hinders nothing that runs", seenMark(mine), one, true, store.PlaceOurs, ""},
		{"the remembered mark on a path: the filesystem is not asked", on(seenMark(mine), unmount), path, false, store.PlaceOurs, ""},
		{"another mark", seenMark(foreign), one, false, store.PlaceOther, foreign.ID},
		{"another mark, and one is silent", seenMark(foreign), one, true, store.PlaceOther, ""},
		{"the remembered mark at another URL may be a copy", seenMark(mine), memories{remembers(there, mine, nil)}, false, store.PlaceOther, there},
		{"no mark at another URL", absent, memories{remembers(there, mine, nil)}, false, store.PlaceOther, there},
		{"damaged mark at another URL", unusable, memories{remembers(there, mine, nil)}, false, store.PlaceOther, there},
		{"no bucket, remembered", seen(store.MarkUnknown, noPlace), one, false, store.PlaceOther, "no such place"},
		{"no bucket, not remembered: nobody makes buckets", seen(store.MarkUnknown, noPlace), nil, false, store.PlaceOther, "no such place"},
		{"an outage, remembered", seen(store.MarkUnknown, outage), one, false, store.PlaceUnknown, "503"},
		{"an outage, not remembered", seen(store.MarkUnknown, outage), nil, false, store.PlaceUnknown, "503"},
		{"a newer mark is no damage", seen(store.MarkUnknown, store.ErrNewerMark), one, false, store.PlaceUnknown, "newer"},
		{"the zero value of a look", store.Seen{URL: here}, nil, false, store.PlaceUnknown, ""},

		{"no mark where one was: emptied", absent, one, false, store.PlaceEmptied, "gone"},
		{"no mark where one was, one is silent: healing does not wait", absent, one, true, store.PlaceEmptied, ""},
		{"a damaged mark where one was", unusable, one, false, store.PlaceEmptied, "damaged"},
		{"no mark, the remembered filesystem", on(absent, disk), path, false, store.PlaceEmptied, "remembered filesystem"},
		{"no mark, unmounted", on(absent, unmount), path, false, store.PlaceOther, "not mounted"},
		{"a damaged mark on another filesystem", on(unusable, unmount), path, false, store.PlaceOther, ""},
		{"no mark, the directory of the mount is gone, too", on(absent, noDir), path, false, store.PlaceOther, "not mounted"},
		{"no mark, the directory removed on the remembered filesystem", on(absent, noDir),
			memories{remembers(here, mine, &store.Filesystem{ID: "ef53-1"})}, false, store.PlaceEmptied, ""},
		{"no mark, something mounted over the directory", on(absent, disk),
			memories{remembers(here, mine, &store.Filesystem{ID: "ef53-1"})}, false, store.PlaceOther, "mounted there"},
		{"no mark, the filesystem was not remembered", on(absent, disk), one, false, store.PlaceUnknown, "not known or not remembered"},
		{"no mark, the filesystem cannot be told", absent, path, false, store.PlaceUnknown, "not known"},

		{"no mark, nobody remembers, all answered: new", absent, nil, false, store.PlaceNew, "nobody remembers"},
		{"no mark, nobody remembers, one is silent", absent, nil, true, store.PlaceUnknown, "not all have answered"},
		{"a memory without a mark remembers nothing", absent, memories{{URL: there}}, false, store.PlaceNew, ""},
		{"a mark that nobody remembers", seenMark(mine), nil, false, store.PlaceTakenOver, mine.ID},
		{"a mark, and the silent one may remember another", seenMark(mine), nil, true, store.PlaceUnknown, "not all"},
		{"a damaged mark that nobody remembers: something was here", unusable, nil, false, store.PlaceUnknown, "damaged"},
		{"a damaged mark, one is silent", unusable, nil, true, store.PlaceUnknown, ""},

		{"two agree", seenMark(mine), memories{one[0], {URL: here}, one[0]}, false, store.PlaceOurs, ""},
		{"two name different marks, one of them present", seenMark(mine), memories{one[0], remembers(here, foreign, nil)}, false, store.PlaceUnknown, "disagree"},
		{"two name different marks, none present", absent, memories{one[0], remembers(here, foreign, nil)}, false, store.PlaceUnknown, "disagree"},
		{"two name different URLs", seenMark(mine), memories{one[0], remembers(there, mine, nil)}, false, store.PlaceUnknown, "disagree"},
		{"two name different filesystems", on(absent, disk), memories{path[0], remembers(here, mine, unmount)}, false, store.PlaceUnknown, "disagree"},
		{"one remembers the filesystem, the other not", on(absent, unmount), memories{one[0], path[0]}, false, store.PlaceOther, ""},
	} {
		t.Run(test.reason, func(t *testing.T) {
			got := store.JudgePlace(test.seen, test.remembered, !test.silent)
			if got.State != test.want || !strings.Contains(got.Why, test.why) || got.Why == "" {
				t.Errorf("%s: %s; want %s, saying %q", got.State, got.Why, test.want, test.why)
			}
		})
	}
}

// TestJudgePlaceLaws goes through all combinations of what can be seen and
// remembered.
func TestJudgePlaceLaws(t *testing.T) {
	filesystems := []*store.Filesystem{nil, disk, unmount, noDir}
	var looks []store.Seen
	for _, fs := range filesystems {
		looks = append(looks, on(seenMark(mine), fs), on(seenMark(foreign), fs), on(seen(store.MarkAbsent, nil), fs), on(seen(store.MarkUnusable, errors.New("x")), fs))
	}
	memories := []store.Remembered{{}}
	for _, fs := range filesystems {
		memories = append(memories, remembers(here, mine, fs), remembers(there, mine, fs), remembers(here, foreign, fs))
	}
	for _, look := range looks {
		for _, a := range memories {
			for _, b := range memories {
				checkLaws(t, look, []store.Remembered{a, b})
			}
		}
	}
}

func checkLaws(t *testing.T, look store.Seen, remembered []store.Remembered) {
	t.Helper()
	all := store.JudgePlace(look, remembered, true)
	if all.Writable() && all.Markable() {
		t.Errorf("%+v: writable before it is marked", all)
	}
	if all.Writable() && look.MarkFinding != store.MarkPresent {
		t.Errorf("%+v: writable without a mark", all)
	}
	if swapped := store.JudgePlace(look, []store.Remembered{remembered[1], remembered[0]}, true); swapped.State != all.State {
		t.Errorf("%s or %s, by the order of memories", all.State, swapped.State)
	}
	for _, r := range remembered {
		wrong := r.MarkID != "" && look.Mark != nil && look.Mark.ID != r.MarkID
		if wrong && (all.Writable() || all.Markable()) {
			t.Errorf("%+v: may be written to, bearing %s while %s is remembered", all, look.Mark.ID, r.MarkID)
		}
		if r.MarkID != "" && all.State == store.PlaceNew {
			t.Errorf("new, while %+v remembers it", r)
		}
	}
	some := store.JudgePlace(look, remembered, false)
	if (some.Writable() && !all.Writable()) || (some.Markable() && !all.Markable()) {
		t.Errorf("silence permits %s; all answered: %s", some.State, all.State)
	}
	silent := look
	silent.MarkFinding, silent.Mark, silent.Err = store.MarkUnknown, nil, errors.New("timeout")
	if got := store.JudgePlace(silent, remembered, true); got.State != store.PlaceUnknown {
		t.Errorf("an outage is %s", got.State)
	}
}
