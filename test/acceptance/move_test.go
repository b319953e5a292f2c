package acceptance

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/controller"
)

// moves moves both stores away, and starts everything anew with the old flags.
func (f *fleet) moves() {
	f.t.Helper()
	old := f.controlDir()
	newControl, newBackup := filepath.Join(f.dir, "moved-control"), filepath.Join(f.dir, "moved-backup")
	f.moveStore("--control-store", "file://"+newControl)
	f.until("the cluster is led from there", func(r controller.Report) bool {
		return serving(3)(r) && len(r.Stores) == 2 && r.Stores[0].URL == "file://"+newControl
	})
	f.moveStore("--backup-store", "file://"+newBackup)
	follows := func(r controller.Report) bool {
		urls := map[string]string{}
		for _, s := range r.Stores {
			urls[s.Kind] = s.URL + " " + s.State
		}
		return serving(3)(r) && urls["control-store"] == "file://"+newControl+" ours" && urls["backup-store"] == "file://"+newBackup+" ours"
	}
	f.until("the cluster has followed", follows)
	if text, err := os.ReadFile(filepath.Join(old, "moved.json")); err != nil || !strings.Contains(string(text), newControl) {
		f.t.Errorf("the old place says %q (%v); want where it moved to", text, err)
	}
	f.until("backups go to the new place", func(controller.Report) bool {
		found, _ := filepath.Glob(filepath.Join(newBackup, "*", "*"))
		return len(found) > 0
	})
	stale := mtimes(f.t, old)

	f.killWithEtcd()
	f.start() // with the old flags
	r := f.until("it follows again", follows)
	if said := strings.Join(r.Troubles, "\n"); !strings.Contains(said, old) || !strings.Contains(said, newControl) {
		f.t.Errorf("it is not said that the command line names another store: %q", said)
	}
	if now := mtimes(f.t, old); now != stale {
		f.t.Errorf("the old place was written to:\n%s\n%s", stale, now)
	}
}

// moveStore asks whoever leads, and once more whenever another one leads by the
// time that the question is there.
func (f *fleet) moveStore(args ...string) {
	f.t.Helper()
	f.waitFor("the store moves", func() bool {
		got := f.command(append([]string{"move-store"}, args...)...)
		if got.code != 0 && !strings.Contains(got.stderr, "does not lead") {
			f.t.Fatalf("move-store %v: exit code %d\n%s", args, got.code, got.stderr)
		}
		return got.code == 0
	})
}
