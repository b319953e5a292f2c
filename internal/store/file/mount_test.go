package file_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

func TestFilesystemOf(t *testing.T) {
	dir := t.TempDir()
	there, err := file.FilesystemOf(dir)
	if err != nil || !there.Exists || there.MountPoint || there.ID == "" {
		t.Fatalf("%+v, %v; want a plain directory", there, err)
	}
	missing, err := file.FilesystemOf(dir + "/not/there")
	if err != nil || missing.Exists || missing.MountPoint || missing.ID != there.ID {
		t.Errorf("%+v, %v; want what lies under the nearest ancestor, %+v", missing, err, there)
	}
	proc, err := file.FilesystemOf("/proc")
	if err != nil || !proc.MountPoint || proc.ID == there.ID {
		t.Errorf("/proc: %+v, %v; want a mount point of another filesystem", proc, err)
	}
	if err := os.Symlink(dir+"/unmounted", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if got, err := file.FilesystemOf(dir + "/link/below"); !errors.Is(err, store.ErrNoPlace) {
		t.Errorf("a link into nothing: %+v, %v; want ErrNoPlace", got, err)
	}
}

// mount puts a tmpfs at dir.
func mount(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT RUN: mounting needs root. Unmounted stores are not tested here; run as root.")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

func TestUnmountedStoreIsAnotherPlace(t *testing.T) {
	for name, below := range map[string]string{"the root is the mount point": "", "the root is below it": "/control/etcd"} {
		t.Run(name, func(t *testing.T) { testUnmounted(t, below) })
	}
}

func testUnmounted(t *testing.T, below string) {
	dir := t.TempDir()
	mount(t, dir)
	s := at(t, dir+below)
	mark := store.NewMark(store.ControlStore, "main", time.Now())
	if err := store.PutMark(t.Context(), s, mark); err != nil {
		t.Fatal(err)
	}
	seen := store.LookAtPlace(t.Context(), s)
	memory := []store.Remembered{{URL: seen.URL, MarkID: mark.ID, FS: seen.FS}}
	if got := store.JudgePlace(seen, memory, true); got.State != store.PlaceOurs || seen.FS.MountPoint != (below == "") {
		t.Fatalf("%+v, %+v; want ours", got, seen.FS)
	}
	info := create(t, s, "key", "x")

	// Not detached: it would fail if the store held anything open.
	if err := unix.Unmount(dir, 0); err != nil {
		t.Fatalf("unmount: %v", err)
	}
	for _, c := range []store.Condition{{}, store.IfAbsent()} {
		if _, err := s.Put(t.Context(), "key", strings.NewReader("y"), c); !errors.Is(err, store.ErrNoPlace) {
			t.Errorf("put: %v; want ErrNoPlace", err)
		}
	}
	_ = s.Delete(t.Context(), "key", info.Version)
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("wrote under the mount point: %q", got)
	}
	got := store.JudgePlace(store.LookAtPlace(t.Context(), s), memory, true)
	if got.State != store.PlaceOther {
		t.Errorf("unmounted: %+v; want another place", got)
	}
}

// lazily unmounts in the middle of a stream.
type lazily struct {
	t   *testing.T
	dir string
}

func (l lazily) Read([]byte) (int, error) {
	if err := unix.Unmount(l.dir, unix.MNT_DETACH); err != nil {
		l.t.Errorf("unmount: %v", err)
	}
	return 0, io.EOF
}

func TestUnmountedWhileWriting(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir)
	s := at(t, dir+"/store")
	store.LookAtPlace(t.Context(), s)
	body := io.MultiReader(strings.NewReader("half"), lazily{t, dir}, strings.NewReader("and half"))
	_, _ = s.Put(t.Context(), "folder/key", body, store.IfAbsent())
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("wrote under the mount point: %q", got)
	}
}
