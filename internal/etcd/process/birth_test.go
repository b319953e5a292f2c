package process

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A first start may be cut short at any moment. What it leaves must read as
// usable, and then etcd must come up on it, or as hollow: else a crash during
// seeding would look like lost data.
func TestFirstStartCutShort(t *testing.T) {
	cases := map[string]func(dataDir string) error{
		"at once":            func(string) error { return nil },
		"member directory":   func(d string) error { _, err := os.Stat(filepath.Join(d, "member")); return err },
		"database":           func(d string) error { _, err := os.Stat(dbPath(d)); return err },
		"WAL being made":     func(d string) error { return either(walPath(d)+".tmp", walPath(d)) },
		"WAL in place":       func(d string) error { _, err := os.Stat(walPath(d)); return err },
		"database of size":   func(d string) error { return larger(dbPath(d), 16<<10) },
		"its log has a line": func(d string) error { return larger(filepath.Join(filepath.Dir(d), "etcd.log"), 1) },
	}
	for name, reached := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p := b.start(t)
			await(t, name, func() error { return reached(b.cfg.DataDir) })
			must(t, p.Signal(deadline(t), unix.SIGKILL))
			awaitExit(t, p)
			c, err := InspectDeep(b.cfg.DataDir)
			if err != nil || c.Class != Empty && c.Class != Whole && !c.Hollow {
				t.Errorf("%v (%s, hollow %v), %v", c.Class, c.Reason, c.Hollow, err)
			}
			t.Cleanup(func() { tellOnFailure(t, b, c) })
			if c.Hollow {
				remove(t, filepath.Join(b.cfg.DataDir, "member"))
			}
			b.start(t)
			b.serving(t)
		})
	}
}

// tellOnFailure shows what was left and what etcd made of it.
func tellOnFailure(t *testing.T, b *bench, c Contents) {
	if !t.Failed() {
		return
	}
	text, err := readTail(b.cfg.LogFile)
	t.Logf("left: %+v\netcd's log: %s (%v)", c, text, err)
}

func either(a, b string) error {
	if _, err := os.Stat(a); err == nil {
		return nil
	}
	_, err := os.Stat(b)
	return err
}

func larger(path string, size int64) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() < size {
		err = errors.New("too small yet")
	}
	return err
}
