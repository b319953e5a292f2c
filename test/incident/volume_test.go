package incident

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// volume is an ext4 filesystem in a file, on a loop device of its own.
type volume struct {
	t      testing.TB
	device string
	dir    string
}

// newVolume makes a filesystem and mounts it at dir. Blocks of the file are
// taken as they are written.
func newVolume(t testing.TB, dir string) *volume {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	f, err := os.OpenFile(image, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<30), f.Close()); err != nil {
		t.Fatal(err)
	}
	v := &volume{t: t, dir: dir}
	v.device = v.command("losetup", "--find", "--show", image)
	held, err := os.Open(v.device)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		_ = held.Close()
	})
	v.command("losetup", "--detach", v.device) // once nobody has it open, nor mounted
	v.command("mkfs.ext4", "-q", "-m", "0", v.device)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	v.mount()
	_ = os.Remove(filepath.Join(dir, "lost+found"))
	return v
}

func (v *volume) command(name string, args ...string) string {
	v.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		v.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// mount mounts the same device again: what still holds a lazily unmounted one
// open sees the same filesystem.
func (v *volume) mount() {
	v.t.Helper()
	if err := unix.Mount(v.device, v.dir, "ext4", 0, ""); err != nil {
		v.t.Fatalf("mount %s at %s: %v", v.device, v.dir, err)
	}
}

func (v *volume) unmountLazily() {
	v.t.Helper()
	if err := unix.Unmount(v.dir, unix.MNT_DETACH); err != nil {
		v.t.Fatalf("unmount %s: %v", v.dir, err)
	}
}

// underneath is what lies under the mount point while it is unmounted.
func (v *volume) underneath() []string {
	v.t.Helper()
	var all []string
	if err := filepath.WalkDir(v.dir, func(path string, _ os.DirEntry, err error) error {
		if path != v.dir {
			all = append(all, path)
		}
		return err
	}); err != nil {
		v.t.Fatal(err)
	}
	return all
}
