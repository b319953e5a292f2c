package backup

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

const (
	first  = "2026-01-02T02:55:00Z-000001"
	second = "2026-01-02T03:10:00Z-000002"
	third  = "2026-01-02T03:25:00Z-000003"
	good   = `{"etcdVersion":"3.6.12","timestamp":"1767322500","clusterSpec":{"memberCount":3,"etcdVersion":"3.6.12"}}`
)

func names(entries []Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name)
	}
	return all
}

func TestList(t *testing.T) {
	s := mem.New("backups")
	for key, body := range map[string]string{
		first + "/etcd.backup.gz":                     "1234",
		first + "/_etcd_backup.meta":                  good,
		second + "/etcd.backup.gz":                    "data without meta",
		third + "/etcd.backup.gz":                     "123",
		third + "/_etcd_backup.meta":                  good,
		third + "/_seedproof.json":                    "{}",
		third + "/notes.txt":                          "by hand",
		"by-hand/_etcd_backup.meta":                   good,
		"control/etcd-cluster-spec":                   "{}",
		"control/etcd-cluster-created":                "{}",
		"control/" + first + "/_command.json":         "{}",
		"control/" + first + "/_etcd_backup.meta":     good,
		"archive/old/" + first + "/_etcd_backup.meta": good,
		"archive/old/" + first + "/etcd.backup.gz":    "x",
		FormatKey: "{}", ClaimKey: "{}", store.MarkKey: "{}",
	} {
		put(t, s, key, body)
	}
	got, err := List(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{first, third, "by-hand"}, names(got.Backups)); diff != "" {
		t.Errorf("backups: %s", diff)
	}
	if diff := cmp.Diff([]string{second}, got.Incomplete); diff != "" {
		t.Errorf("incomplete: %s", diff)
	}
	if diff := cmp.Diff([]string{
		third + "/notes.txt",
		"archive/old/" + first + "/_etcd_backup.meta", "archive/old/" + first + "/etcd.backup.gz",
		"control/" + first + "/_etcd_backup.meta",
	}, got.Foreign); diff != "" {
		t.Errorf("foreign: %s", diff)
	}
	if e := got.Backups[0]; e.Size != 4 || e.Problem != "" || e.Stored.IsZero() || e.Taken.Format(time.RFC3339) != first[:20] {
		t.Errorf("%+v", e)
	}
	if e := got.Backups[2]; !strings.Contains(e.Problem, "missing") {
		t.Errorf("a meta without data, under a strange name: %+v", e)
	}
	// Whatever etcd-manager lists is a backup here, or named as foreign.
	for _, listed := range listedByManager(t, s) {
		if !slices.Contains(names(got.Backups), listed) && !slices.ContainsFunc(got.Foreign, func(key string) bool {
			return strings.Contains(key, listed)
		}) {
			t.Errorf("etcd-manager lists %s, we say nothing of it", listed)
		}
	}
}

func TestListFromTheLastNameOn(t *testing.T) {
	s := mem.New("backups")
	for _, name := range []string{first, second, third} {
		put(t, s, name+"/etcd.backup.gz", "1")
		put(t, s, name+"/_etcd_backup.meta", good)
	}
	for after, want := range map[string][]string{
		"":     {first, second, third},
		first:  {second, third},
		second: {third},
		third:  nil,
		"2025": {first, second, third},
	} {
		got, err := List(t.Context(), s, after)
		if err != nil || !slices.Equal(names(got.Backups), want) || got.Incomplete != nil || got.Foreign != nil {
			t.Errorf("after %q: %+v, %v; want %v", after, got, err, want)
		}
	}
	counter := &store.Counter{}
	if _, err := List(t.Context(), store.Counted(s, counter), first); err != nil || counter.Total() != 1 {
		t.Errorf("%d calls for one listing: %v", counter.Total(), err)
	}
}

func TestListIsNeverEmptyBecauseOfAnError(t *testing.T) {
	s := mem.New("backups")
	s.SetGone(true)
	if _, err := List(t.Context(), s, ""); !errors.Is(err, store.ErrNoPlace) {
		t.Errorf("no place: %v", err)
	}
	if _, err := Read(t.Context(), s, first); !errors.Is(err, store.ErrNoPlace) || errors.Is(err, store.ErrNotFound) {
		t.Errorf("no place: %v", err)
	}
	s.SetGone(false)
	if got, err := List(t.Context(), s, ""); err != nil || got.Backups != nil {
		t.Errorf("an empty place: %+v, %v", got, err)
	}
}

func TestForeignIsBounded(t *testing.T) {
	s := mem.New("backups")
	for i := range maxForeign + 50 {
		put(t, s, fmt.Sprintf("junk-%d", i), "x")
	}
	got, err := List(t.Context(), s, "")
	if err != nil || len(got.Foreign) != maxForeign {
		t.Errorf("%d keys named, %v", len(got.Foreign), err)
	}
}

func TestNewest(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := Catalogue{Backups: []Entry{
		{Name: "a", Stored: at.Add(2 * time.Hour)},
		{Name: "b", Stored: at.Add(time.Hour)},
		{Name: "c", Stored: at.Add(3 * time.Hour), Problem: "the data is missing"},
	}}
	if got, ok := c.Newest(); !ok || got.Name != "a" {
		t.Errorf("%+v, %v; want the one that the store received last and that is sound", got, ok)
	}
	if _, ok := (Catalogue{}).Newest(); ok {
		t.Error("a newest of none")
	}
}

func TestRead(t *testing.T) {
	proof := func(change func(*Proof)) string {
		p := Proof{Format: 1, Name: first, SHA256: "x", StoredSHA256: "y", StoredSize: 4, Identity: Identity{Lineage: "l1"}}
		change(&p)
		content, err := p.encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	fine := proof(func(*Proof) {})
	for _, c := range []struct {
		reason            string
		meta, side, data  string
		problem           string // part of it; "" for none
		withMeta, withOur bool
	}{
		{"whole", good, fine, "1234", "", true, true},
		{"a stock etcd-manager's: no identity", good, "", "1234", "", true, false},
		{"meta damaged", `{"etcdVersion"`, fine, "1234", "unusable", false, true},
		{"meta with a field of ours", `{"etcdVersion":"3","verified":true}`, fine, "1234", "unusable", false, true},
		{"meta from which etcd-manager does not restore", `{"timestamp":"1"}`, fine, "1234", "etcdVersion", true, true},
		{"meta too large", good + strings.Repeat(" ", 1<<16), fine, "1234", "too large", false, true},
		{"our object damaged", good, fine[:40], "1234", "_seedproof.json", true, false},
		{"our object too large", good, strings.Repeat(" ", maxProof+1), "1234", "too large", true, false},
		{"our object of a later format", good, proof(func(p *Proof) { p.Format = 2 }), "1234", "format 2", true, false},
		{"our object of another backup", good, proof(func(p *Proof) { p.Name = second }), "1234", second, true, false},
		{"our object without lineage", good, proof(func(p *Proof) { p.Lineage = "" }), "1234", "missing", true, false},
		{"data gone", good, fine, "", "the data is missing", true, true},
		{"data cut", good, fine, "123", "3 bytes", true, true},
	} {
		s := mem.New("backups")
		for file, body := range map[string]string{"_etcd_backup.meta": c.meta, "_seedproof.json": c.side, "etcd.backup.gz": c.data} {
			if body != "" {
				put(t, s, first+"/"+file, body)
			}
		}
		got, err := Read(t.Context(), s, first)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		if !strings.Contains(got.Problem, c.problem) || (c.problem == "") != (got.Problem == "") {
			t.Errorf("%s: problem %q, want %q", c.reason, got.Problem, c.problem)
		}
		if (got.Meta != nil) != c.withMeta || (got.Proof != nil) != c.withOur {
			t.Errorf("%s: meta %v, our object %v", c.reason, got.Meta, got.Proof)
		}
	}
	if _, err := Read(t.Context(), mem.New("backups"), first); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such backup: %v", err)
	}
}

func FuzzDecodeProof(f *testing.F) {
	p := Proof{Format: 1, Name: first, SHA256: "x", StoredSHA256: "y", Identity: Identity{Lineage: "l1"}}
	whole, _ := p.encode()
	f.Add(whole)
	f.Add(bytes.ReplaceAll(whole, []byte(`"format": 1`), []byte(`"format": 2`)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := decodeProof(first, content)
		if err == nil && (got.Name != first || got.Lineage == "" || got.Format != proofFormat) {
			t.Fatalf("%+v passed", got)
		}
	})
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const every = 15 * time.Minute
	for _, c := range []struct {
		reason   string
		schedule Schedule
		want     bool
	}{
		{"none is there", Schedule{Interval: every}, true},
		{"young", Schedule{Interval: every, Newest: ago(every - 1)}, false},
		{"an interval old", Schedule{Interval: every, Newest: ago(every)}, true},
		{"a clock that is a little behind the store's", Schedule{Interval: every, Newest: ago(-4 * time.Minute)}, false},
		{"a clock far behind: age unknown, none tried", Schedule{Interval: every, Newest: ago(-24 * time.Hour)}, true},
		{"a clock far behind: one taken within the interval", Schedule{Interval: every, Newest: ago(-24 * time.Hour), LastTry: ago(every - 1)}, false},
		{"a clock far behind: the last one an interval ago", Schedule{Interval: every, Newest: ago(-24 * time.Hour), LastTry: ago(every)}, true},
		{"a clock far behind that was set back", Schedule{Interval: every, Newest: ago(-24 * time.Hour), LastTry: ago(-time.Hour)}, true},
		{"failed just now", Schedule{Interval: every, Newest: ago(every), LastTry: ago(29 * time.Second), Failures: 1}, false},
		{"failed, and waited", Schedule{Interval: every, Newest: ago(every), LastTry: ago(30 * time.Second), Failures: 1}, true},
		{"failed twice: twice the pause", Schedule{Interval: every, Newest: ago(every), LastTry: ago(59 * time.Second), Failures: 2}, false},
		{"failed often: at most the interval", Schedule{Interval: every, Newest: ago(99 * every), LastTry: ago(every), Failures: 1000}, true},
		{"failed before a restart: nothing remembered", Schedule{Interval: every, Newest: ago(every), Failures: 9}, true},
		{"failed, and no backup at all", Schedule{Interval: every, LastTry: ago(time.Second), Failures: 1}, false},
	} {
		due, why := Due(now, c.schedule)
		if due != c.want || why == "" {
			t.Errorf("%s: %v (%s), want %v", c.reason, due, why, c.want)
		}
	}
}
