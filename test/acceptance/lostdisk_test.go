package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/proof"
)

// The disk of b is lost while its host is down. Under its old name it is
// reported and left alone; attested lost, it joins as a new member.
func TestALostDiskJoinsAsANewMember(t *testing.T) {
	f := newFleet(t, 3, 3)
	f.start()
	f.until("the cluster serves", serving(3))
	for _, key := range []string{"k1", "k2", "k3"} {
		f.put(key, "v")
	}
	before := f.voters()

	f.killWithEtcd("b")
	f.empty(f.nodes["b"].dataDir)
	f.start("b")
	f.until("the lost disk is reported", func(r controller.Report) bool {
		return r.Verdict.State == proof.Intact && member(r, "b").Finding == proof.Unusable
	})
	f.passes(5)
	if now := f.voters(); now["b"] != before["b"] || len(now) != 3 {
		t.Errorf("the voters were %x and are %x; want them left alone", before, now)
	}
	if _, err := os.Stat(filepath.Join(f.nodes["b"].dataDir, "etcd")); !os.IsNotExist(err) {
		t.Errorf("something was made on the emptied volume: %v", err)
	}
	if got := f.command("status"); !strings.Contains(got.stdout+got.stderr, "attest lost b") {
		t.Errorf("status does not say what to type:\n%s%s", got.stdout, got.stderr)
	}

	f.must("attest", "lost", "b", "--yes", "--by", "ann", "--reason", "the disk burnt")
	f.until("b serves again", func(r controller.Report) bool {
		return serving(3)(r) && f.voters()["b"] != before["b"] && member(r, "b").Serves
	})
	now := f.voters()
	if now["b"] == 0 || now["a"] != before["a"] || now["c"] != before["c"] {
		t.Errorf("the voters were %x and are %x; want a new id for b alone", before, now)
	}
	if n := f.keys(); n != 3 {
		t.Errorf("%d keys of 3 are left", n)
	}
	f.removedMemberGoesToTheTrash()
}

// removedMemberGoesToTheTrash: c is down, is attested lost and replaced by d;
// when it comes back its data is kept aside, and never starts again.
func (f *fleet) removedMemberGoesToTheTrash() {
	f.t.Helper()
	f.killWithEtcd("c")
	f.add("d")
	f.start("d")
	f.until("c is missed", func(r controller.Report) bool { return member(r, "c").Finding == proof.Unknown })
	f.must("attest", "lost", "c", "--yes", "--by", "ann")
	f.kill("a", "b") // they learn of d where they are started
	f.start("a", "b")
	f.until("d serves in the place of c", func(r controller.Report) bool {
		v := f.voters()
		return r.Verdict.State == proof.Intact && v["d"] != 0 && v["c"] == 0 && member(r, "d").Serves
	})
	f.start("c")
	f.waitFor("the data of c are in its trash", func() bool { return len(f.trash("c")) == 1 })
	kept, err := filepath.Glob(filepath.Join(f.nodes["c"].dataDir, "trash", "*", "member", "snap", "db"))
	if err != nil || len(kept) != 1 {
		f.t.Errorf("the trash holds %v (%v); want the whole directory", f.trash("c"), err)
	}
	if n := f.keys(); n != 3 {
		f.t.Errorf("%d keys of 3 are left", n)
	}
}

func member(r controller.Report, name string) controller.MemberReport {
	for _, m := range r.Members {
		if m.Name == name {
			return m
		}
	}
	return controller.MemberReport{}
}

// empty removes everything from a directory, and leaves the directory.
func (f *fleet) empty(dir string) {
	f.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			f.t.Fatal(err)
		}
	}
}
