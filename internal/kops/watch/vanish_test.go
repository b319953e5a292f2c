package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// TestAClusterThatVanishes keeps its series, and is a threat of its own until
// a person lets go of it by the very line that the status shows.
func TestAClusterThatVanishes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acknowledged")
	r := newRig(t, func(c *Config) { c.Acknowledged = file }, healthy, named("other.example.com"))
	r.look()
	r.turned()
	kopstest.DeleteAll(t, r.store, prod+"/")
	at := r.clock.Now()
	r.look()
	lines := r.lines()
	if len(lines) != 1 || lines[0]["level"] != "ERROR" || lines[0]["what"] != "vanished" || lines[0]["to"] != "gone" || lines[0]["next"] == nil {
		t.Fatalf("it told %v", lines)
	}
	r.wantAction("unproven", 3)
	r.want("vanished_timestamp_seconds", float64(at.Unix()))
	r.want("threats", 1, "kind", Vanished)
	r.want("turns_total", 1, "what", "vanished")
	r.want("newest_backup_timestamp_seconds", float64(at.Add(-7*time.Minute-time.Minute).Unix()))
	r.look()
	r.wantTurns("still gone")

	line := r.w.Status().Clusters[1].Acknowledge
	if want := fmt.Sprintf("%s/main %s", prod, at.UTC().Format(time.RFC3339)); line != want {
		t.Fatalf("the line is %q, want %q", line, want)
	}
	acknowledge(t, file, strings.Replace(line, at.UTC().Format(time.RFC3339), "2023-01-01T00:00:00Z", 1))
	r.look()
	r.want("threats", 1, "kind", Vanished)
	acknowledge(t, file, "# deleted by hand\n"+line)
	r.look()
	if lines = r.lines(); len(lines) != 1 || !strings.Contains(lines[0]["msg"].(string), "person's word") {
		t.Errorf("it told %v", lines)
	}
	r.wantNone("exit_code", "cluster", prod)
	r.wantNone("turns_total", "cluster", prod)
	r.want("vanish_acknowledged_timestamp_seconds", float64(at.Unix()))
	r.look()
	r.wantTurns("let go of")

	// It comes back and vanishes again: the old line does not cover that.
	healthy(r.clock.Now()).Write(t, r.store)
	back := r.clock.Now()
	r.look()
	r.wantAction("none", 0)
	r.wantNone("vanish_acknowledged_timestamp_seconds")
	r.want("seen_timestamp_seconds", float64(back.Unix()), "cluster", prod)
	kopstest.DeleteAll(t, r.store, prod+"/")
	r.look()
	r.want("threats", 1, "kind", Vanished)

	// A restart forgets, which the documentation says; the old line then stands
	// with its time, by which the alert tells that it is not about this loss.
	r.start(func(c *Config) { c.Acknowledged = file })
	r.look()
	r.wantNone("exit_code", "cluster", prod)
	r.want("vanish_acknowledged_timestamp_seconds", float64(at.Unix()))
}

// TestOnlyItsConfigIsLeft: the last sign of a cluster that was seen alive goes,
// and it looks like one that never was. Only a person may say so.
func TestOnlyItsConfigIsLeft(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acknowledged")
	r := newRig(t, func(c *Config) { c.Acknowledged = file }, healthy)
	r.look()
	r.turned()
	for _, below := range []string{"/backups/", "/cluster-completed.spec", "/kops-version.txt", "/manifests/", "/igconfig/", "/pki/"} {
		kopstest.DeleteAll(t, r.store, prod+below)
	}
	at := r.clock.Now()
	r.look()
	r.wantTurns("all but the config is gone", "vanished: there -> gone")
	r.want("vanished_timestamp_seconds", float64(at.Unix()))
	r.want("threats", 1, "kind", Vanished)
	r.look()
	r.wantTurns("still gone")
	acknowledge(t, file, r.w.Status().Clusters[0].Acknowledge)
	r.look()
	r.look()
	r.wantAction("seed-new", 0)
}

// TestSilenceEndsNoVanishing: what has vanished stays so while the store does
// not answer.
func TestSilenceEndsNoVanishing(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Check.Name = prod }, healthy)
	r.look()
	r.turned()
	kopstest.DeleteAll(t, r.store, prod+"/")
	r.look()
	r.wantTurns("emptied", "vanished: there -> gone")
	r.store.SetHook(func(context.Context, string, string) error { return store.ErrDenied })
	r.look()
	r.wantTurns("silent")
	r.want("threats", 1, "kind", Vanished)
	r.store.SetHook(nil)
	r.look()
	r.wantTurns("it answers, and nothing is there")
	r.want("threats", 1, "kind", Vanished)
}

func acknowledge(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAStoreThatIsEmptied answers, so everything that was there has vanished.
func TestAStoreThatIsEmptied(t *testing.T) {
	r := newRig(t, nil, healthy, named("other.example.com"))
	r.look()
	r.turned()
	r.store.Empty()
	r.look()
	r.wantTurns("emptied", "vanished: there -> gone", "vanished: there -> gone")
	if s := r.w.Status(); s.ExitCode != 3 || s.LastPass != passNothing || !strings.Contains(s.Why, "is empty") {
		t.Errorf("the status is %+v", s)
	}
	healthy(r.clock.Now()).Write(t, r.store)
	r.look()
	r.wantAction("none", 0)
	if told := r.turned(); len(told) == 0 || told[0] != "vanished: gone -> there" {
		t.Errorf("back: it told %v", told)
	}
}

// TestWhatProvesNoVanishing: no bucket, a listing that ends early, a config
// that cannot be read or used. All of it is stale, and nothing has vanished.
func TestWhatProvesNoVanishing(t *testing.T) {
	for _, c := range []struct {
		reason string
		spoil  func(t *testing.T, r *rig)
	}{
		{"the bucket is gone: another one may hold it", func(_ *testing.T, r *rig) { r.store.SetGone(true) }},
		{"its config cannot be read: some etcd clusters may not be named", func(t *testing.T, r *rig) {
			kopstest.DeleteAll(t, r.store, base)
			r.store.SetHook(func(_ context.Context, _, key string) error {
				if key == prod+"/config" {
					return store.ErrDenied
				}
				return nil
			})
		}},
		{"its config cannot be used", func(t *testing.T, r *rig) {
			kopstest.Put(t, r.store, prod+"/config", "kind: Pod\n")
			kopstest.DeleteAll(t, r.store, prod+"/backups/etcd/events")
			kopstest.DeleteAll(t, r.store, prod+"/manifests/etcd/events")
			kopstest.DeleteAll(t, r.store, prod+"/cluster-completed.spec")
		}},
	} {
		r := newRig(t, nil, func(now time.Time) kopstest.Cluster { return kopstest.Healthy(prod, 1, now) }, named("zz.example.com"))
		r.look()
		n := len(r.w.book.entries)
		c.spoil(t, r)
		r.look()
		for name, e := range r.w.book.entries {
			if !e.vanished.IsZero() {
				t.Errorf("%s: %v has vanished", c.reason, name)
			}
		}
		if len(r.w.book.entries) != n {
			t.Errorf("%s: %d entries became %d", c.reason, n, len(r.w.book.entries))
		}
		r.store.SetHook(nil)
		r.store.SetGone(false)
	}
}

// TestAListingThatEndsEarly: who was not named is stale.
func TestAListingThatEndsEarly(t *testing.T) {
	r := newRig(t, nil, healthy, named("zz.example.com"))
	r.look()
	r.turned()
	report := r.report()
	report.Incomplete = "the listing ended early"
	report.Clusters = report.Clusters[:1]
	r.w.book.take(report)
	e := r.w.book.entries[id{"zz.example.com", "main"}]
	if !e.vanished.IsZero() || e.stale.IsZero() || e.why == "" {
		t.Errorf("it is %+v", e)
	}
}

// TestAnEtcdThatNobodyNames: while the config is silent, or cannot be used, the
// other etcd clusters of its cluster are known from elsewhere or not at all.
func TestAnEtcdThatNobodyNames(t *testing.T) {
	for finding, vanishes := range map[proof.Finding]bool{proof.Unknown: false, proof.Unusable: false, proof.Present: true, proof.Absent: true} {
		r := newRig(t, nil, func(now time.Time) kopstest.Cluster { return kopstest.Healthy(prod, 1, now) })
		r.look()
		report := r.report()
		report.Clusters = report.Clusters[:1]
		report.Clusters[0].Evidence.Config.Finding = finding
		r.w.book.take(report)
		if e := r.w.book.entries[id{prod, "events"}]; e.vanished.IsZero() == vanishes || e.stale.IsZero() != vanishes {
			t.Errorf("its config is %s: vanished %v, stale %v", finding, e.vanished, e.stale)
		}
	}
}

// TestAnEtcdTakenOutOfTheConfig has vanished too, though its cluster is there.
func TestAnEtcdTakenOutOfTheConfig(t *testing.T) {
	r := newRig(t, nil, func(now time.Time) kopstest.Cluster { return kopstest.Healthy(prod, 1, now) })
	r.look()
	r.turned()
	kopstest.DeleteAll(t, r.store, prod+"/")
	healthy(r.clock.Now()).Write(t, r.store)
	r.look()
	if e := r.w.book.entries[id{prod, "events"}]; e.vanished.IsZero() || !r.entry().vanished.IsZero() {
		t.Errorf("events: %+v", e.vanished)
	}
}

// TestTheWrongStore: one that is empty from the start is no success.
func TestTheWrongStore(t *testing.T) {
	r := newRig(t, nil)
	r.look()
	r.look()
	if n := strings.Count(r.log.take(), "there is no cluster to watch"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	r.wantNone("pass_success_timestamp_seconds")
	if s := r.w.Status(); s.ExitCode != 4 || !s.Success.IsZero() {
		t.Errorf("the status is %+v", s)
	}
}

func TestAcknowledgements(t *testing.T) {
	since := time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		reason, text string
		n            int
		says         string
	}{
		{"none", "", 0, ""},
		{"comments and empty lines", "# a\n\n  # b\n", 0, ""},
		{"one", "prod.example.com/main 2026-11-21T16:00:00Z\n", 1, ""},
		{"without a newline, in another zone", "prod.example.com/main 2026-11-21T17:00:00+01:00", 1, ""},
		{"a name alone lets go of nothing", "prod.example.com\n", 0, "line 1"},
		{"a time alone", "2026-11-21T16:00:00Z", 0, "line 1"},
		{"no etcd", "prod.example.com/ 2026-11-21T16:00:00Z", 0, "line 1"},
		{"a day is no time", "prod.example.com/main 2026-11-21", 0, "line 1"},
		{"the good one counts beside the bad", "x\nprod.example.com/main 2026-11-21T16:00:00Z", 1, "line 1"},
		{"too many", strings.Repeat("a/b 2026-11-21T16:00:00Z\n", maxAcknowledged+1), maxAcknowledged, "more than"},
		{"too large", strings.Repeat("#\n", maxAcknowledgedBytes), 0, "larger"},
	} {
		all, err := parseAcknowledged([]byte(c.text))
		if len(all) != c.n || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d, %v; want %d, %q", c.reason, len(all), err, c.n, c.says)
		}
		if len(all) == 1 && (all[0].id != id{"prod.example.com", "main"} || !all[0].since.Equal(since)) {
			t.Errorf("%s: %+v", c.reason, all[0])
		}
	}
	if all, err := readAcknowledged(t.TempDir()); err == nil || all != nil {
		t.Error("a directory was read")
	}
	if all, err := readAcknowledged(filepath.Join(t.TempDir(), "none")); err != nil || all != nil {
		t.Errorf("a file that is not there: %v, %v", all, err)
	}
}

// FuzzAcknowledgements: whatever is read stands as a line that reads the same.
func FuzzAcknowledgements(f *testing.F) {
	for _, seed := range []string{"", "# x", "prod.example.com/main 2026-11-21T16:00:00Z", "a/b/c 2026-11-21T16:00:00Z", "/ ", "a/b  2026-11-21T16:00:00+01:00", "\xff/\xff 2026-11-21T16:00:00Z"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, _ := parseAcknowledged(text)
		for _, a := range all {
			again, err := parseAcknowledged([]byte(a.String()))
			if a.since.Nanosecond() == 0 && a.since.Year() > 0 && a.since.Year() < 10000 && !strings.ContainsAny(a.id.cluster+a.id.etcd, "\r\v\f\u0085\u00a0#") &&
				(err != nil || len(again) != 1 || again[0] != a) {
				t.Errorf("%q became %v, %v", a, again, err)
			}
		}
	})
}
