package acceptance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/proof"
)

// The volume of c is not mounted when its host starts: nothing is made under
// the mount point, c is not replaced, and comes back as it was.
func TestAnUnmountedVolumeComesBackAsItWas(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT RUN: loop mounts need root")
	}
	f := newFleet(t, 3, 3)
	data := f.nodes["c"].dataDir
	mount := loopVolume(t, data)
	f.start()
	f.until("the cluster serves", serving(3))
	f.put("k", "v")
	before := f.voters()

	f.killWithEtcd("c")
	f.waitFor("the volume is unmounted", func() bool { return unix.Unmount(data, 0) == nil })
	f.start("c")
	f.until("its volume is missed", func(r controller.Report) bool {
		return r.Verdict.State == proof.Intact && member(r, "c").Finding == proof.Unknown && f.heard("c")
	})
	f.put("k2", "v")
	f.passes(5)
	if entries, err := os.ReadDir(data); err != nil || len(entries) != 0 {
		t.Errorf("under the mount point lies %v (%v)", entries, err)
	}
	mount()
	f.until("it serves again", serving(3))
	if now := f.voters(); now["c"] != before["c"] || len(now) != 3 {
		t.Errorf("the voters were %x and are %x", before, now)
	}
	if n := f.keys(); n != 2 {
		t.Errorf("%d keys of 2 are left", n)
	}
	f.killWithEtcd("c") // its volume is to be unmounted
}

// heard: the agent answers.
func (f *fleet) heard(name string) bool {
	_, ok := f.testimony(name)
	return ok
}

// loopVolume mounts an ext4 filesystem of its own at dir. The result mounts it
// again.
func loopVolume(t *testing.T, dir string) (mount func()) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	file, err := os.OpenFile(image, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(512<<20), file.Close()); err != nil {
		t.Fatal(err)
	}
	command := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	device := command("losetup", "--find", "--show", image)
	t.Cleanup(func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		_ = exec.Command("losetup", "--detach", device).Run()
	})
	command("mkfs.ext4", "-q", "-m", "0", device)
	mount = func() {
		t.Helper()
		if err := unix.Mount(device, dir, "ext4", 0, ""); err != nil {
			t.Fatalf("mount %s at %s: %v", device, dir, err)
		}
	}
	mount()
	_ = os.Remove(filepath.Join(dir, "lost+found"))
	return mount
}
