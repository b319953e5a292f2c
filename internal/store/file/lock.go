package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lockPollMin = time.Millisecond
	lockPollMax = 20 * time.Millisecond
	// tmpLeftover is the age of a temporary file at which it is removed if
	// nobody holds it.
	tmpLeftover = time.Hour
)

// lock takes the lock of a root, among all processes of this host, and waits
// for it until ctx ends. It is asked for again and again, since a blocking
// flock(2) could not be broken off.
func lock(ctx context.Context, root *os.Root) (unlock func(), err error) {
	pause := lockPollMin
	for {
		f, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return nil, fmt.Errorf("open the lock file: %w", classed(err))
		}
		err = tryLock(f)
		if err == nil && isCurrent(root, f) {
			return func() { _ = f.Close() }, nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("take the lock: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the lock: %w", ctx.Err())
		case <-time.After(pause):
		}
		pause = min(2*pause, lockPollMax)
	}
}

// isCurrent: the file that was locked still has the name. Somebody may have
// emptied the store, and a lock on a removed file keeps nobody out.
func isCurrent(root *os.Root, f *os.File) bool {
	named, err := root.Stat(lockName)
	if err != nil {
		return false
	}
	held, err := f.Stat()
	return err == nil && os.SameFile(named, held)
}

// tryLock takes flock(2) on f without waiting. Closing f gives it back.
func tryLock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			return err
		}
	}
}

// sweep removes temporary files that a crash left. What it cannot remove does
// no harm: it is no object, and the next process tries again.
func sweep(root *os.Root) {
	d, err := root.Open(tmpName)
	if err != nil {
		return
	}
	defer func() { _ = d.Close() }()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := path.Join(tmpName, e.Name())
		fi, err := root.Lstat(name)
		if err == nil && fi.Mode().IsRegular() && time.Since(fi.ModTime()) > tmpLeftover {
			removeUnheld(root, name)
		}
	}
}

func removeUnheld(root *os.Root, name string) {
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if tryLock(f) == nil {
		_ = root.Remove(name)
	}
}
