package watch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// bad are states that nobody's silence may make look better.
func bad() map[string]func(t *testing.T, r *rig) {
	return map[string]func(t *testing.T, r *rig){
		"seed imminent":    func(t *testing.T, r *rig) { kopstest.Delete(t, r.store, marker) },
		"seed over it":     func(t *testing.T, r *rig) { kopstest.DeleteAll(t, r.store, control) },
		"an empty marker":  func(t *testing.T, r *rig) { kopstest.Put(t, r.store, marker, "") },
		"no backup at all": func(t *testing.T, r *rig) { kopstest.DeleteAll(t, r.store, base+"/2") },
		"backups stopped":  func(_ *testing.T, r *rig) { r.clock.Advance(5 * time.Hour) },
		"a spec that asks": func(t *testing.T, r *rig) {
			kopstest.Put(t, r.store, spec, `{"memberCount":1,"etcdVersion":"3.6.12"}`)
			r.clock.Advance(5 * time.Hour)
		},
		"a rule": func(*testing.T, *rig) {},
		"a queued command": func(t *testing.T, r *rig) {
			kopstest.Put(t, r.store, control+"2024-01-01T00:00:00Z-000000/_command.json", "{}")
		},
		"a shared path": func(t *testing.T, r *rig) { sharer(r.clock.Now()).Write(t, r.store) },
		"two things at once": func(t *testing.T, r *rig) {
			kopstest.Delete(t, r.store, marker)
			kopstest.DeleteAll(t, r.store, base+"/2")
		},
	}
}

// sharer has its backups where those of prod are.
func sharer(now time.Time) kopstest.Cluster {
	c := healthy(now)
	c.Name = "twin.example.com"
	c.BackupStores = map[string]string{"main": "mem://state/" + base}
	return c
}

var errStore = errors.New("503 slow down")

// TestSilenceNeverMakesItBetter: in every bad state every single call to the
// store fails once, alone and with all that follow, and each kind of answer is
// missing. What stood stands, and is marked as stale where it is from memory;
// when the store answers again, it is as it was.
func TestSilenceNeverMakesItBetter(t *testing.T) {
	passes := 0
	for name, make := range bad() {
		for _, onlyOne := range []bool{true, false} {
			for k := int64(1); ; k++ {
				bucket := &bucketOf{}
				bucket.set(expiresAfter(12))
				r := newRig(t, func(c *Config) { c.Check.Inspect = bucket.inspect }, healthy)
				r.look()
				make(t, r)
				r.look()
				before, kinds := *r.entry(), r.entry().metrics().Threats
				var n atomic.Int64
				var struck atomic.Bool
				r.store.SetHook(func(_ context.Context, _, _ string) error {
					if i := n.Add(1); i == k || i > k && !onlyOne {
						struck.Store(true)
						return errStore
					}
					return nil
				})
				r.look()
				r.store.SetHook(nil)
				if !struck.Load() {
					break
				}
				passes++
				what := fmt.Sprintf("%s, call %d (alone: %v)", name, k, onlyOne)
				r.noBetter(what, &before, kinds)
				r.look()
				r.recovered(what, &before, kinds)
			}
		}
	}
	t.Logf("%d passes with a call that failed", passes)
	if passes < 100 {
		t.Error("hardly any call failed")
	}
}

// ranks orders actions and exit codes by how bad they are, as the test has it.
func ranks(r kops.Result) int {
	rank := map[decide.Action]int{decide.SeedImminent: 100, decide.SeedOverExisting: 50}[r.Action]
	return rank + map[int]int{decide.Safe: 0, decide.UnprovenOutcome: 1, decide.Refused: 2}[r.ExitCode]
}

func (r *rig) noBetter(what string, before *entry, kinds map[string]int) {
	r.Helper()
	now := r.entry()
	if ranks(now.shown) < ranks(before.shown) {
		r.Errorf("%s: %s became %s", what, stateText(before.shown), stateText(now.shown))
	}
	for kind, n := range kinds {
		if left := now.metrics().Threats[kind]; left == 0 || kind == kops.LifecycleControl && left < n {
			r.Errorf("%s: of %d threats %s there are %d (%s)", what, n, kind, left, r.kinds())
		}
	}
	if !now.vanished.IsZero() {
		r.Errorf("%s: silence was taken for an absence", what)
	}
	if now.shown.Evidence.Backups > before.shown.Evidence.Backups {
		r.Errorf("%s: the backups became %s, and were %s", what, now.shown.Evidence.Backups, before.shown.Evidence.Backups)
	}
	if before.shown.NewestBackup != nil && now.shown.NewestBackup == nil {
		r.Errorf("%s: the backups that were known are shown no more", what)
	}
}

func (r *rig) recovered(what string, before *entry, kinds map[string]int) {
	r.Helper()
	now := r.entry()
	if stateText(now.shown) != stateText(before.shown) || !now.stale.IsZero() || !maps.Equal(now.metrics().Threats, kinds) {
		r.Errorf("%s: afterwards it is %s, stale %v, %s; it was %s, %v", what, stateText(now.shown), now.stale, r.kinds(), stateText(before.shown), kinds)
	}
}

// cutting ends every listing after so many keys, with an error.
type cutting struct {
	store.Store
	after int // -1: not
	cut   bool
}

func (c *cutting) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		n := 0
		for info, err := range c.Store.List(ctx, prefix, after) {
			if n == c.after {
				c.cut = true
				yield(store.Info{}, errStore)
				return
			}
			if n++; !yield(info, err) {
				return
			}
		}
	}
}

// TestAListingCutAnywhere: in every bad state the listing ends after any number
// of keys. What was not heard is not gone.
func TestAListingCutAnywhere(t *testing.T) {
	for name, make := range bad() {
		for n := 0; ; n++ {
			bucket := &bucketOf{}
			bucket.set(expiresAfter(12))
			cut := &cutting{after: -1}
			r := newRig(t, func(c *Config) {
				c.Check.Inspect = bucket.inspect
				open := c.Check.Open
				c.Check.Open = func(ctx context.Context, url string) (store.Store, error) {
					cut.Store, _ = open(ctx, url) // it never fails
					return cut, nil
				}
			}, healthy)
			bucket.unwrap = true
			r.look()
			make(t, r)
			r.look()
			before, kinds := *r.entry(), r.entry().metrics().Threats
			cut.after = n
			r.look()
			if !cut.cut {
				break
			}
			cut.after = -1
			what := fmt.Sprintf("%s, a listing cut after %d keys", name, n)
			r.noBetter(what, &before, kinds)
			if r.entry().stale.IsZero() {
				r.noLie(what, &before)
			}
			r.look()
			r.recovered(what, &before, kinds)
		}
	}
}

// noLie: where it is not stale, all that is shown was heard.
func (r *rig) noLie(what string, before *entry) {
	r.Helper()
	if now := r.entry(); now.shown.Backups != before.shown.Backups || stateText(now.shown) != stateText(before.shown) {
		r.Errorf("%s: it is not stale, and shows %s, %d backups; it was %s, %d", what, stateText(now.shown), now.shown.Backups, stateText(before.shown), before.shown.Backups)
	}
}

// TestATwinThatFallsSilent: two clusters on one path stay two, when the files
// of one cannot be read any more.
func TestATwinThatFallsSilent(t *testing.T) {
	r := newRig(t, nil, healthy, sharer)
	r.look()
	if len(r.entry().shown.Evidence.SharedWith) == 0 {
		t.Fatal("nothing is shared")
	}
	before, kinds := *r.entry(), r.entry().metrics().Threats
	r.store.SetHook(func(_ context.Context, _, key string) error {
		if strings.HasPrefix(key, "twin.example.com/") {
			return errStore
		}
		return nil
	})
	r.look()
	r.noBetter("its twin is silent", &before, kinds)
	if r.entry().stale.IsZero() {
		t.Error("it is not stale")
	}
	r.store.SetHook(nil)
	kopstest.DeleteAll(t, r.store, "twin.example.com/")
	r.look()
	r.wantAction("none", 0)
}

// TestAStoreThatFallsSilent: nothing moves but the time since when it is
// stale, and it is told once.
func TestAStoreThatFallsSilent(t *testing.T) {
	r := newRig(t, nil, healthy, named("other.example.com"))
	r.look()
	kopstest.Delete(t, r.store, marker)
	r.look()
	r.turned()
	silentFrom := r.clock.Now()
	r.store.SetHook(func(context.Context, string, string) error { return store.ErrDenied })
	for range 3 {
		r.look()
	}
	told := r.lines()
	if len(told) != 1 || told[0]["level"] != "ERROR" || !strings.Contains(told[0]["msg"].(string), "no full answer") {
		t.Errorf("it told %v", told)
	}
	if pause := r.w.pause(0); pause != 4*time.Minute {
		t.Errorf("after three failures it asks again in %s", pause)
	}
	r.wantAction("seed-imminent", 3)
	r.want("stale_since_timestamp_seconds", float64(silentFrom.Unix()))
	r.want("looked_timestamp_seconds", float64(silentFrom.Add(-time.Minute).Unix()))
	r.want("passes_total", 3, "cluster", "", "etcd", "", "outcome", "failed")
	families := r.scrape()
	if n, _ := value(families, "store_errors_total", map[string]string{"class": "denied"}); n < 3 {
		t.Errorf("%v errors of the store were counted", n)
	}
	if at, _ := value(families, "pass_success_timestamp_seconds", nil); at != float64(silentFrom.Add(-time.Minute).Unix()) {
		t.Errorf("the last success is at %v", at)
	}
	if at, _ := value(families, "pass_timestamp_seconds", nil); at != float64(silentFrom.Add(2*time.Minute).Unix()) {
		t.Errorf("the last pass is at %v", at)
	}
	if s := r.w.Status(); s.ExitCode != 3 || s.LastPass != passFailed || s.Clusters[0].StaleSince.IsZero() || s.Clusters[0].StaleWhy == "" {
		t.Errorf("the status is %+v", s)
	}
	if r.w.Healthy() != nil || r.w.Ready() != nil {
		t.Error("a silent store is no reason to restart")
	}
	r.store.SetHook(nil)
	r.look()
	if told = r.lines(); len(told) != 1 || !strings.Contains(told[0]["msg"].(string), "answers again") {
		t.Errorf("back again: it told %v", told)
	}
	r.wantNone("stale_since_timestamp_seconds")
	if pause := r.w.pause(0); pause != time.Minute {
		t.Errorf("back again it asks in %s", pause)
	}
}

// TestOneClusterThatCannotBeRead is unproven at once, and does not touch others.
func TestOneClusterThatCannotBeRead(t *testing.T) {
	r := newRig(t, nil, healthy, named("other.example.com"))
	r.look()
	r.turned()
	r.store.SetHook(func(_ context.Context, _, key string) error {
		if key == marker {
			return store.ErrDenied
		}
		return nil
	})
	r.look()
	r.wantAction("unproven", 4)
	told := r.turned()
	if len(told) != 2 || !strings.HasPrefix(told[0], "state: none, Intact, exit 0 -> unproven") || told[1] != "answer: answers -> silent" {
		t.Errorf("it told %v", told)
	}
	if v, _ := value(r.scrape(), "exit_code", map[string]string{"cluster": "other.example.com"}); v != 0 {
		t.Errorf("the other one has %v", v)
	}
	if at, found := value(r.scrape(), "stale_since_timestamp_seconds", map[string]string{"cluster": "other.example.com"}); found {
		t.Errorf("the other one is stale since %v", at)
	}
	r.look()
	r.wantTurns("still silent")
	r.store.SetHook(nil)
	r.look()
	r.wantAction("none", 0)
}

// TestABucketThatFallsSilent: its rules of yesterday stand; that a rule was
// taken out is believed only of an answer.
func TestABucketThatFallsSilent(t *testing.T) {
	bucket := &bucketOf{}
	bucket.set(expiresAfter(12))
	r := newRig(t, func(c *Config) { c.Check.Inspect = bucket.inspect }, healthy)
	r.look()
	hit, _ := value(r.scrape(), "rule_hits_control_file_timestamp_seconds", map[string]string{"file": "spec"})
	bucket.set(func(said *lifecycle.Inspection) {
		*said = lifecycle.Inspection{Lifecycle: lifecycle.Answer[lifecycle.Policy]{Permission: "s3:GetLifecycleConfiguration"}}
	})
	since := r.clock.Now()
	r.turned()
	r.look()
	r.wantTurns("the bucket says nothing")
	r.want("rule_hits_control_file_timestamp_seconds", hit, "file", "spec")
	if at, _ := value(r.scrape(), "bucket_settings_stale_since_timestamp_seconds", map[string]string{"bucket": "mem://state"}); at != float64(since.Unix()) {
		t.Errorf("the settings are stale since %v", at)
	}
	bucket.set(nil)
	r.look()
	r.wantNone("rule_hits_control_file_timestamp_seconds")
	r.wantNone("bucket_settings_stale_since_timestamp_seconds")

	// What the server does not offer is an answer, and stands in nobody's way.
	bucket.set(func(said *lifecycle.Inspection) {
		said.PublicPolicy = lifecycle.Answer[bool]{Err: lifecycle.ErrNotOffered}
		said.ObjectLock = lifecycle.Answer[lifecycle.Lock]{Err: fmt.Errorf("ask: %w", lifecycle.ErrNotOffered)}
	})
	r.look()
	r.wantNone("bucket_settings_stale_since_timestamp_seconds")
}
