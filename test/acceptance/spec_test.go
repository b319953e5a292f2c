package acceptance

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
)

// A living cluster is asked for something else: by configure, and by
// etcd-manager's spec file.
func TestAChangedSpecTakesEffect(t *testing.T) {
	f := newFleet(t, 3, 1)
	f.start()
	f.until("the cluster serves", serving(1))
	f.put("k", "v")

	f.intervalTakesEffect()
	f.invalidSpecIsRefused()
	before := f.specFile()
	f.growsThroughLearners("configure", func() { f.must("configure", "--member-count", "3") })

	f.until("the spec file follows", func(controller.Report) bool {
		s, err := managerfiles.DecodeSpec(f.specFile())
		return err == nil && s.MemberCount == 3
	})
	f.oldSpecFileIsReported(before)
	f.shrinksIntoTheTrash()
	if n := f.keys(); n != 1 {
		t.Errorf("%d keys of 1 are left", n)
	}
}

// intervalTakesEffect: what was configured is in the first report of a pass
// that began after the command, and the backups follow it.
func (f *fleet) intervalTakesEffect() {
	f.t.Helper()
	first := f.until("there is a backup", func(r controller.Report) bool { return r.Backup.Newest != "" })
	f.must("configure", "--backup-interval", "1s")
	configured := time.Now()
	r := f.until("a pass began since", func(r controller.Report) bool { return r.At.After(configured) })
	if got := time.Duration(r.Spec.BackupInterval); got != time.Second {
		f.t.Errorf("the first pass after the change goes by a backup interval of %s", got)
	}
	f.until("there is another backup", func(r controller.Report) bool { return r.Backup.Newest > first.Backup.Newest })
	f.must("configure", "--backup-interval", "15m")
}

func (f *fleet) invalidSpecIsRefused() {
	f.t.Helper()
	before := f.record().Spec
	for _, bad := range []struct{ flag, value, field string }{
		{"--member-count", "2", "memberCount"},
		{"--member-count", "many", "memberCount"},
		{"--backup-interval", "1ms", "backupInterval"},
		{"--backup-interval", "soon", "backupInterval"},
	} {
		got := f.command("configure", bad.flag, bad.value)
		if got.code != 2 || !strings.Contains(got.stderr, bad.field) || !strings.Contains(got.stderr, "expected") {
			f.t.Errorf("%s %s: exit code %d and %q; want 2, and the field %s", bad.flag, bad.value, got.code, got.stderr, bad.field)
		}
	}
	if now := f.record().Spec; now != before {
		f.t.Errorf("the spec was %+v and is %+v", before, now)
	}
}

// growsThroughLearners: each new member is on the list as a learner before it
// is a voter.
func (f *fleet) growsThroughLearners(by string, ask func()) {
	f.t.Helper()
	roles := f.watchRoles()
	ask()
	f.until("three serve, asked for by "+by, serving(3))
	voters := 0
	for id, seen := range roles() {
		switch {
		case seen == "voter":
			voters++ // it was there before
		case seen != "learner,voter":
			f.t.Errorf("member %x was seen as %s", id, seen)
		}
	}
	if voters != 1 {
		f.t.Errorf("%d members were never learners; want only the first", voters)
	}
}

// watchRoles asks for the member list all the while. The result ends it, and
// gives each member's roles in the order in which they were seen.
func (f *fleet) watchRoles() func() map[uint64]string {
	ctx, cancel := contextOf(f.t)
	roles := map[uint64]string{}
	var done sync.WaitGroup
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{f.nodes["a"].client}, DialTimeout: askLimit})
	if err != nil {
		f.t.Fatal(err)
	}
	look := func() {
		list, err := client.MemberList(ctx)
		if err != nil {
			return
		}
		for _, m := range list.Members {
			role := "voter"
			if m.IsLearner {
				role = "learner"
			}
			if !strings.HasSuffix(roles[m.ID], role) {
				roles[m.ID] = strings.TrimPrefix(roles[m.ID]+","+role, ",")
			}
		}
	}
	look()
	done.Go(func() {
		defer func() { _ = client.Close() }()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			look()
			<-tick.C
		}
	})
	return func() map[uint64]string {
		cancel()
		done.Wait()
		return roles
	}
}

func (f *fleet) specPath() string { return filepath.Join(f.dir, "backup", managerfiles.SpecKey) }

// specFile is etcd-manager's spec file, once it is there.
func (f *fleet) specFile() (content []byte) {
	f.t.Helper()
	f.waitFor("the spec file is there", func() bool {
		text, err := os.ReadFile(f.specPath())
		content = text
		return err == nil
	})
	return content
}

// putSpecFile replaces the spec file as somebody else would.
func (f *fleet) putSpecFile(content []byte) {
	f.t.Helper()
	aside := filepath.Join(f.dir, "spec.new")
	if err := os.WriteFile(aside, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(aside, f.specPath()); err != nil {
		f.t.Fatal(err)
	}
}

// oldSpecFileIsReported: a spec file that we wrote earlier and that somebody
// put back is no request.
func (f *fleet) oldSpecFileIsReported(old []byte) {
	f.t.Helper()
	f.putSpecFile(old)
	f.until("the old spec file is reported", func(r controller.Report) bool {
		return strings.Contains(strings.Join(r.Troubles, "\n"), managerfiles.SpecKey)
	})
	f.passes(3)
	if n := f.record().Spec.MemberCount; n != 3 {
		f.t.Errorf("the spec counts %d members; an old file was followed", n)
	}
}

// shrinksIntoTheTrash: members that are too many are removed, and their data
// is kept in the trash of their nodes.
func (f *fleet) shrinksIntoTheTrash() {
	f.t.Helper()
	f.must("configure", "--member-count", "1")
	f.until("one serves", func(r controller.Report) bool { return serving(1)(r) && len(f.voters()) == 1 })
	trashed := func() (n int) {
		for _, name := range f.names {
			n += len(f.trash(name))
		}
		return n
	}
	f.waitFor("the data of two members is in the trash", func() bool { return trashed() == 2 })
}

// trash are the entries of a node's trash.
func (f *fleet) trash(name string) []string {
	entries, _ := os.ReadDir(filepath.Join(f.nodes[name].dataDir, "trash"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// voters are the ids of the members that vote, by their names; nil when nobody
// can be asked.
func (f *fleet) voters() map[string]uint64 {
	var ids map[string]uint64
	_ = f.etcd(func(ctx context.Context, c *clientv3.Client) error {
		list, err := c.MemberList(ctx)
		if err != nil {
			return err
		}
		ids = map[string]uint64{}
		for _, m := range list.Members {
			if !m.IsLearner {
				ids[m.Name] = m.ID
			}
		}
		return nil
	})
	return ids
}

// A spec file that somebody changed is a request: one that is valid is applied
// once, one that is not is reported and not followed.
func TestASpecFileIsARequest(t *testing.T) {
	f := newFleet(t, 3, 1)
	f.start()
	f.until("the cluster serves", serving(1))
	spec, err := managerfiles.DecodeSpec(f.specFile())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(members int32) []byte {
		asked := spec
		asked.MemberCount = members
		content, err := managerfiles.EncodeSpec(asked)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	f.putSpecFile(ask(4))
	f.until("the invalid one is reported", func(r controller.Report) bool {
		return strings.Contains(strings.Join(r.Troubles, "\n"), "memberCount")
	})
	if n := f.record().Spec.MemberCount; n != 1 {
		t.Errorf("the spec counts %d members", n)
	}
	f.growsThroughLearners("the spec file", func() { f.putSpecFile(ask(3)) })
	f.moves()
}
