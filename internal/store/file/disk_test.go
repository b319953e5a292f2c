package file_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

// at opens a store in dir.
func at(t *testing.T, dir string) *file.Store { return openURL(t, "file://"+dir) }

func create(t *testing.T, s store.Store, key, content string) store.Info {
	t.Helper()
	info, err := store.Create(t.Context(), s, key, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// tree gives all files and folders under dir.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantNoAnswer(t *testing.T, reason string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("%s: %v; want an error that is no absence", reason, err)
	}
}

func TestLookingMakesNothing(t *testing.T) {
	dir := t.TempDir()
	s := at(t, dir+"/new/store")
	if _, err := s.Stat(t.Context(), "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("stat: %v; want ErrNotFound", err)
	}
	if _, err := store.Swap(t.Context(), s, "key", "v", []byte("x")); !errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("swap: %v; want ErrConditionFailed", err)
	}
	for range s.List(t.Context(), "", "") {
		t.Error("listed something")
	}
	_ = s.Delete(t.Context(), "key", "v")
	store.LookAtPlace(t.Context(), s)
	if left := tree(t, dir); len(left) != 0 {
		t.Errorf("looking made %q", left)
	}
}

func TestPlainFiles(t *testing.T) {
	dir := t.TempDir()
	s := at(t, dir+"/a/b")
	const key = "2026-01-02T03:04:05Z-000001/_etcd_backup.meta"
	create(t, s, key, "ours")
	content, err := os.ReadFile(filepath.Join(dir, "a/b", key))
	if err != nil || string(content) != "ours" {
		t.Errorf("plain file: %q, %v", content, err)
	}
	for name, want := range map[string]fs.FileMode{"a": 0o700 | fs.ModeDir, "a/b/" + filepath.Dir(key): 0o700 | fs.ModeDir, "a/b/" + key: 0o600} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %s", name, fi.Mode(), err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a/b/theirs"), []byte("by another program"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, info, err := store.Read(t.Context(), s, "theirs", 100)
	if err != nil || string(got) != "by another program" {
		t.Errorf("another program's file: %q, %v", got, err)
	}
	if _, err := store.Swap(t.Context(), s, "theirs", info.Version, []byte("swapped")); err != nil {
		t.Errorf("swap another program's file: %v", err)
	}
}

func TestReservedNames(t *testing.T) {
	dir := t.TempDir()
	s := at(t, dir)
	if err := os.Mkdir(dir+"/lost+found", 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, s, "key", "x")
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil || info.Key != "key" {
			t.Errorf("listed %s, %v", info.Key, err)
		}
	}
	for _, key := range []string{".seedproof-lock", ".seedproof-tmp/x", "lost+found/x"} {
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, store.ErrBadKey) {
			t.Errorf("stat %s: %v; want ErrBadKey", key, err)
		}
	}
}

func TestLinksAreNoWayOut(t *testing.T) {
	base := t.TempDir()
	dir, outside := base+"/store", base+"/outside"
	for _, d := range []string{dir, outside} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(outside+"/secret", []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ reason, target, key string }{
		{"a link to a folder outside", "../outside", "link/secret"},
		{"a link to a file outside", "../outside/secret", "link"},
		{"an absolute link", outside + "/secret", "link"},
		{"a link into nothing", "nothing", "link"},
		{"a folder that links into nothing", "nothing", "link/key"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			if err := os.Symlink(test.target, dir+"/link"); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.Remove(dir + "/link") }()
			s := at(t, dir)
			_, err := s.Stat(t.Context(), test.key)
			wantNoAnswer(t, "stat", err)
			var listed error
			for _, err := range s.List(t.Context(), "", "") {
				listed = err
			}
			wantNoAnswer(t, "list", listed)
			_, _ = s.Put(t.Context(), "link/new", strings.NewReader("x"), store.Condition{})
			if got := tree(t, outside); len(got) != 1 {
				t.Errorf("wrote outside: %q", got)
			}
		})
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := at(t, dir).Stat(t.Context(), "pipe")
	wantNoAnswer(t, "a pipe", err)
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = at(t, dir+"/file").Stat(t.Context(), "key")
	wantNoAnswer(t, "a root that is a file", err)
	_, err = at(t, dir+"/file/below").Stat(t.Context(), "key")
	wantNoAnswer(t, "a root below a file", err)
	if err := os.Symlink(dir+"/unmounted", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{"/link", "/link/below"} {
		s := at(t, dir+root)
		_, err = s.Stat(t.Context(), "key")
		wantNoAnswer(t, "a root that links into nothing", err)
		_, err = s.Put(t.Context(), "key", strings.NewReader("x"), store.IfAbsent())
		wantNoAnswer(t, "put where the root links into nothing", err)
		if !errors.Is(err, store.ErrNoPlace) {
			t.Errorf("%v; want ErrNoPlace", err)
		}
	}
}

// TestDenied takes away the right to look, from a thread of its own.
func TestDenied(t *testing.T) {
	dir := t.TempDir()
	create(t, at(t, dir+"/closed/store"), "folder/key", "x")
	for _, closed := range []string{"/closed", "/closed/store", "/closed/store/folder", "/closed/store/folder/key"} {
		if err := os.Chmod(dir+closed, 0); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 3)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			_, _ = unix.SetfsuidRetUid(65534)
			s := at(t, dir+"/closed/store")
			_, err := s.Stat(t.Context(), "folder/key")
			errs <- err
			for _, err = range s.List(t.Context(), "", "") {
				break
			}
			errs <- err
			_, err = s.Put(t.Context(), "folder/key", strings.NewReader("y"), store.IfAbsent())
			errs <- err
		}()
		for _, op := range []string{"stat", "list", "put"} {
			if err := <-errs; !errors.Is(err, store.ErrDenied) {
				t.Errorf("%s with %s closed: %v; want ErrDenied", op, closed, err)
			} else {
				wantNoAnswer(t, op, err)
			}
		}
		if err := os.Chmod(dir+closed, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTemporaries(t *testing.T) {
	dir := t.TempDir()
	create(t, at(t, dir), "key", "x")
	tmp := dir + "/.seedproof-tmp"
	for _, c := range []store.Condition{{}, store.IfAbsent(), store.IfVersion("stale")} {
		_, _ = at(t, dir).Put(t.Context(), "key", strings.NewReader("y"), c)
	}
	if left := tree(t, tmp); len(left) != 0 {
		t.Fatalf("left %q", left)
	}
	long := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{"crashed", "held", "young"} {
		if err := os.WriteFile(filepath.Join(tmp, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(tmp, name), long, long); name != "young" && err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	if err := os.Chtimes(tmp+"/young", now, now); err != nil {
		t.Fatal(err)
	}
	defer flock(t, tmp+"/held")()
	create(t, at(t, dir), "next", "x")
	if got := strings.Join(tree(t, tmp), " "); got != "held young" {
		t.Errorf("left %s; want what is held and what is young", got)
	}
}

func flock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}

// TestAnotherPlaceIsLeftAsItIs: a swap and a delete that were meant for an object
// of another place, which was exchanged for this one meanwhile.
func TestAnotherPlaceIsLeftAsItIs(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	info := create(t, at(t, ours), "key", "ours")
	if err := os.WriteFile(theirs+"/key", []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := at(t, theirs)
	before := strings.Join(tree(t, theirs), " ")
	if _, err := s.Put(t.Context(), "key", strings.NewReader("x"), store.IfVersion(info.Version)); !errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("swap: %v", err)
	}
	if err := s.Delete(t.Context(), "key", info.Version); !errors.Is(err, store.ErrConditionFailed) {
		t.Errorf("delete: %v", err)
	}
	if after := strings.Join(tree(t, theirs), " "); after != before {
		t.Errorf("there is %s; before: %s", after, before)
	}
}

func TestLockHeldByAnother(t *testing.T) {
	dir := t.TempDir()
	s := at(t, dir)
	info := create(t, s, "key", "x")
	unlock := flock(t, dir+"/.seedproof-lock")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := s.Put(ctx, "new", strings.NewReader("x"), store.IfAbsent())
	wantNoAnswer(t, "put", err)
	wantNoAnswer(t, "delete", s.Delete(ctx, "key", info.Version))
	if _, err := s.Stat(t.Context(), "new"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("stat: %v; want ErrNotFound", err)
	}
	// Somebody empties the store: the lock that is held keeps nobody out now.
	if err := os.Remove(dir + "/.seedproof-lock"); err != nil {
		t.Fatal(err)
	}
	create(t, s, "after", "x")
	unlock()
	create(t, s, "new", "x")
}
