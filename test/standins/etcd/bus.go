package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// bus stands for the network between the members of one cluster: a directory
// with what the leader would send, and a lock for each process that lives. It
// holds no truth: it is written anew by whoever takes the lead.
type bus struct {
	dir  string
	seen os.FileInfo // of the state, as it was last read
	life *os.File    // locked as long as this process lives
}

// position is the end of a member's log.
type position struct{ Term, Index uint64 }

func (p position) less(q position) bool {
	return p.Term < q.Term || p.Term == q.Term && p.Index < q.Index
}

// wire is what is on the wire.
type wire struct {
	Term    uint64
	Leader  uint64
	Commit  uint64
	Entries [][]byte            // the leader's log, from index 1 on
	Match   map[uint64]uint64   // how far each member holds it
	Last    map[uint64]position // where the log of each that lives ends
}

func openBus(cluster uint64) (*bus, error) {
	root := os.Getenv("STANDIN_ETCD_DIR")
	if root == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		root = filepath.Join(filepath.Dir(own), "clusters")
	}
	b := &bus{dir: filepath.Join(root, fmt.Sprintf("%016x", cluster))}
	return b, os.MkdirAll(b.dir, 0o700)
}

func (b *bus) path(name string) string { return filepath.Join(b.dir, name) }
func (b *bus) lifeOf(id uint64) string { return b.path(fmt.Sprintf("member-%016x", id)) }

// changed reports whether somebody wrote since the last exchange.
func (b *bus) changed() bool {
	info, err := os.Stat(b.path("wire"))
	return err != nil || b.seen == nil || !os.SameFile(info, b.seen) || !info.ModTime().Equal(b.seen.ModTime())
}

// exchange runs act alone among all members, and keeps what it did when it says
// so.
func (b *bus) exchange(act func(*wire) (keep bool, err error)) error {
	lock, err := os.OpenFile(b.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := flock(lock, unix.LOCK_EX); err != nil {
		return err
	}
	w := &wire{}
	text, err := os.ReadFile(b.path("wire"))
	if err == nil {
		err = json.Unmarshal(text, w)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the wire: %w", err)
	}
	if w.Match == nil {
		w.Match, w.Last = map[uint64]uint64{}, map[uint64]position{}
	}
	keep, err := act(w)
	if err != nil {
		return err
	}
	if keep {
		if text, err = json.Marshal(w); err != nil {
			return err
		}
		next := b.path("wire.next") // renamed: a process that is killed leaves no half
		if err := os.WriteFile(next, text, 0o600); err != nil {
			return err
		}
		if err := os.Rename(next, b.path("wire")); err != nil {
			return err
		}
	}
	b.seen, _ = os.Stat(b.path("wire"))
	return nil
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// live takes the lock that says that this process lives. It is called within
// an exchange.
func (b *bus) live(id uint64) error {
	f, err := os.OpenFile(b.lifeOf(id), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := flock(f, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return fmt.Errorf("another process runs as member %x: %w", id, err)
	}
	b.life = f
	return nil
}

// lives reports whether the process of a member lives.
func (b *bus) lives(id uint64) bool {
	f, err := os.Open(b.lifeOf(id))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(flock(f, unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}
