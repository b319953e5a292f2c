package gate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
)

const (
	updateYes = "update cluster " + prod + " --yes"
	dryRun    = "update cluster " + prod
)

// TestFlow: what is asked, and whether kops is started.
func TestFlow(t *testing.T) {
	stale := func(t *testing.T) *stage {
		c := healthy()
		c.Last, c.EtcdVersion = now.AddDate(0, 0, -61), "3.7.0"
		return newStage(t, c)
	}
	well := func(t *testing.T) *stage { return newStage(t, healthy()) }
	open := func(t *testing.T) *stage {
		c := healthy()
		c.EtcdVersion, c.Filled = "", "3.6.11"
		return newStage(t, c)
	}
	for _, c := range []struct {
		reason  string
		stage   func(t *testing.T) *stage
		line    string
		answers []string // nil: no terminal
		asks    string   // "" for nothing
		code    int
	}{
		{"nothing changes", well, updateYes, nil, "", 0},
		{"a new cluster", func(t *testing.T) *stage { return newStage(t, kopstest.New(prod, 3)) }, updateYes, nil, "", 0},
		{"another command is not looked at", incident, "get clusters", nil, "", 0},
		{"a dry run over the incident", incident, dryRun, nil, "", 0},
		{"a changed spec, y", changed, updateYes, []string{"y"}, "[y/N]", 0},
		{"a changed spec, not y", changed, updateYes, []string{""}, "[y/N]", 3},
		{"a changed spec, nobody there", changed, updateYes, nil, "", 3},
		{"a changed spec, by reconcile", changed, "reconcile cluster " + prod + " -y", []string{"yes"}, "[y/N]", 0},
		{"a changed spec and an old backup: y is not enough", stale, updateYes, []string{"y"}, prod, 3},
		{"a changed spec and an old backup: the name", stale, updateYes, []string{prod}, prod, 0},
		{"the incident, the name", incident, updateYes, []string{prod}, prod, 0},
		{"the incident, y", incident, updateYes, []string{"y"}, prod, 3},
		{"the incident, nobody there", incident, updateYes, nil, "", 3},
		{"the incident, for Terraform", incident, dryRun + " --target=terraform", nil, "", 3},
		{"the incident, by rolling-update", incident, "rolling-update cluster " + prod + " --yes", []string{"y"}, prod, 3},
		{"the incident, by delete instance", incident, "delete instance i-0a5 --name " + prod + " --yes", []string{"no"}, prod, 3},
		{"a dry run of rolling-update", incident, "rolling-update cluster " + prod, nil, "", 0},
		{"seed imminent", func(t *testing.T) *stage { s := well(t); kopstest.Delete(t, s.store, marker); return s }, updateYes, []string{"y"}, prod, 3},
		{"an empty marker", func(t *testing.T) *stage { s := well(t); kopstest.Put(t, s.store, marker, ""); return s }, updateYes, nil, "", 3},
		{"the marker cannot be read", func(t *testing.T) *stage { s := well(t); s.store = denied{s.store, marker}; return s }, updateYes, nil, "", 3},
		{"the marker cannot be read, the name", func(t *testing.T) *stage { s := well(t); s.store = denied{s.store, marker}; return s }, updateYes, []string{prod}, prod, 0},
		{"the backups cannot be listed", func(t *testing.T) *stage { s := well(t); s.store = denied{s.store, "list"}; return s }, updateYes, nil, "", 3},
		{"backups not opened count for nothing", func(t *testing.T) *stage { s := changed(t); s.skipVerify = true; return s }, updateYes, []string{"y"}, prod, 3},
		{"no such cluster", func(t *testing.T) *stage { return newStage(t, kopstest.Healthy("other.example.com", 1, now)) }, updateYes, []string{prod}, "", 1},
		{"no such cluster, for kops to say", func(t *testing.T) *stage { return newStage(t, kopstest.Healthy("other.example.com", 1, now)) }, dryRun, nil, "", 0},
		{"the config leaves the version open, and this kops may be newer", open, updateYes, []string{"y"}, "[y/N]", 0},
		{"the same, nobody there", open, updateYes, nil, "", 3},
		{"a restore is queued: an update does not start it", queued, updateYes, nil, "", 0},
		{"a restore is queued: a restart does", queued, "rolling-update cluster " + prod + " --yes", []string{"y"}, prod, 3},
	} {
		s := c.stage(t)
		if c.answers != nil {
			s.who = &person{answers: c.answers}
		}
		err := s.run(c.line)
		if codeOf(err) != c.code || (len(s.started) == 1) != (c.code == 0) {
			t.Errorf("%s: %v; started %q\n%s", c.reason, err, s.started, &s.out)
		}
		if err == nil && !slices.Equal(s.started[0], strings.Fields(c.line)) {
			t.Errorf("%s: started with %q", c.reason, s.started[0])
		}
		asked := ""
		if s.who != nil {
			asked = strings.Join(s.who.asked, "|")
		}
		if !strings.Contains(asked, c.asks) || (asked == "") != (c.asks == "") {
			t.Errorf("%s: asked %q, want %q", c.reason, asked, c.asks)
		}
		var refusal *Refusal
		if c.code != 0 && (!errors.As(err, &refusal) || !strings.Contains(err.Error(), "kops was not started")) {
			t.Errorf("%s: it does not say that kops was not started: %v", c.reason, err)
		}
	}
}

// TestItCannotLook: where nothing can be looked at, nothing is proven, and there
// is nothing that an approval could be for.
func TestItCannotLook(t *testing.T) {
	for _, c := range []struct {
		reason, line string
		answers      []string
		code         int
	}{
		{"nobody there", updateYes, nil, 4},
		{"the name", updateYes, []string{prod}, 0},
		{"y", updateYes, []string{"y"}, 3},
		{"a dry run", dryRun, nil, 0},
	} {
		s := newStage(t, healthy())
		s.lookErr = fmt.Errorf("%w: unknown URL scheme", kops.ErrState)
		if c.answers != nil {
			s.who = &person{answers: c.answers}
		}
		if err := s.run(c.line); codeOf(err) != c.code || (len(s.started) == 1) != (c.code == 0) || !strings.Contains(s.out.String(), "NOT PROVEN") {
			t.Errorf("%s: %v\n%s", c.reason, err, &s.out)
		}
	}
	s := newStage(t, healthy())
	path := incident(t).approve(updateYes)
	s.lookErr = errors.New("connection refused")
	if err := s.runWith(path, updateYes); codeOf(err) != 3 || len(s.started) != 0 {
		t.Errorf("approved: %v", err)
	}
	s.who = &person{answers: []string{prod}}
	if err := s.gate().Approve(t.Context(), s.request(updateYes), "Ada", filepath.Join(s.home, "a.json")); codeOf(err) != 4 {
		t.Errorf("approving: %v", err)
	}
}

// queued is a healthy cluster with a command for etcd-manager.
func queued(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, healthy())
	kopstest.Put(t, s.store, prod+"/backups/etcd/main/control/2026-11-01T02:00:00Z-000000/_command.json", "{}")
	return s
}

// denied refuses reads of one key, or listings.
type denied struct {
	store.Store
	what string
}

func (d denied) Open(ctx context.Context, key string, r store.Range) (bodyOf, store.Info, error) {
	if key == d.what {
		return nil, store.Info{}, store.ErrDenied
	}
	return d.Store.Open(ctx, key, r)
}

func (d denied) List(ctx context.Context, prefix, after string) listOf {
	if d.what != "list" {
		return d.Store.List(ctx, prefix, after)
	}
	return func(yield func(store.Info, error) bool) { yield(store.Info{}, store.ErrDenied) }
}

// TestItLooksAgain: what changed between the look and the start is noticed.
func TestItLooksAgain(t *testing.T) {
	lose := func(s *stage) func() {
		return func() {
			if s.looks == 1 {
				kopstest.Delete(t, s.store, marker)
				kopstest.Delete(t, s.store, spec)
			}
		}
	}
	t.Run("a person is asked anew, for what it is now", func(t *testing.T) {
		s := changed(t)
		s.who = &person{answers: []string{"y", "y"}}
		s.who.before = lose(s)
		if err := s.run(updateYes); codeOf(err) != 3 || len(s.started) != 0 || len(s.who.asked) != 2 || !strings.Contains(s.who.asked[1], prod) {
			t.Errorf("%v, asked %q", err, s.who.asked)
		}
		if !strings.Contains(s.out.String(), "From the beginning") {
			t.Error(&s.out)
		}
	})
	t.Run("and starts if the new word is given", func(t *testing.T) {
		s := changed(t)
		s.who = &person{answers: []string{"y", prod}}
		s.who.before = lose(s)
		if err := s.run(updateYes); err != nil || len(s.started) != 1 {
			t.Error(err)
		}
	})
	t.Run("nothing was asked, and now it would be", func(t *testing.T) {
		s := newStage(t, healthy())
		s.looked = func(n int) {
			if n == 2 {
				kopstest.Delete(t, s.store, marker)
			}
		}
		if err := s.run(updateYes); codeOf(err) != 3 || len(s.started) != 0 {
			t.Error(err)
		}
	})
	t.Run("it changes for ever", func(t *testing.T) {
		s := newStage(t, healthy())
		s.looked = func(n int) {
			kopstest.Put(t, s.store, spec, map[bool]string{true: `{"memberCount":3,"etcdVersion":"3.6.12"}`, false: `{"memberCount":3,"etcdVersion":"3.5.31"}`}[n%2 == 1])
		}
		if err := s.run(updateYes); codeOf(err) != 3 || len(s.started) != 0 || !strings.Contains(err.Error(), "keeps changing") {
			t.Error(err)
		}
	})
	t.Run("a new backup is no change", func(t *testing.T) {
		s := changed(t)
		s.who = &person{answers: []string{"y"}}
		s.who.before = func() { healthy().WriteBackup(t, s.store, prod+"/backups/etcd/main", now, 9) }
		if err := s.run(updateYes); err != nil || len(s.started) != 1 {
			t.Error(err)
		}
	})
}

// TestInterrupted: whoever stops it before the start has stopped kops.
func TestInterrupted(t *testing.T) {
	for n := 1; n <= 2; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		s := newStage(t, healthy())
		s.looked = func(look int) {
			if look == n {
				cancel()
			}
		}
		if err := s.gate().Run(ctx, s.request(updateYes)); !errors.Is(err, context.Canceled) || len(s.started) != 0 {
			t.Errorf("stopped in look %d: %v, started %q", n, err, s.started)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newStage(t)
	if err := s.gate().Run(ctx, s.request("get clusters")); !errors.Is(err, context.Canceled) || len(s.started) != 0 {
		t.Errorf("stopped before: %v", err)
	}
}
