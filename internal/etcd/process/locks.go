package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func dbPath(dataDir string) string  { return filepath.Join(dataDir, "member", "snap", "db") }
func walPath(dataDir string) string { return filepath.Join(dataDir, "member", "wal") }

// heldLock names the first lock that shows a living etcd (or its starter), or
// is empty when all are free. Locks are seen across users and containers, where
// /proc is not.
func heldLock(stateDir, dataDir string) (string, error) {
	for _, path := range []string{filepath.Join(stateDir, lockFile), dbPath(dataDir)} {
		held, err := flockHeld(path)
		if err != nil {
			return "", err
		}
		if held {
			return path, nil
		}
	}
	// While a defrag swaps the database nobody holds its lock for a moment; the
	// WAL files stay locked.
	return walHeld(walPath(dataDir))
}

func walHeld(dir string) (string, error) {
	wals, err := walFiles(dir)
	if err != nil {
		return "", err
	}
	for _, wal := range wals {
		held, err := recordLockHeld(wal.path)
		if err != nil {
			return "", err
		}
		if held {
			return wal.path, nil
		}
	}
	return "", nil
}

// flockHeld asks for a shared lock and gives it back at once. It is refused
// just while somebody holds the exclusive one, as etcd does, and does not
// disturb others who look.
func flockHeld(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open to test the lock: %w", err)
	}
	defer func() { _ = f.Close() }() // releases the lock
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("test the lock of %s: %w", path, err)
	}
	return false, nil
}

// recordLockHeld asks whether somebody holds an exclusive record lock, the kind
// that etcd takes on its WAL files.
func recordLockHeld(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if isMissing(err) {
		return false, nil // purged since it was listed
	}
	if err != nil {
		return false, fmt.Errorf("open to test the lock: %w", err)
	}
	defer func() { _ = f.Close() }()
	lock := unix.Flock_t{Type: unix.F_RDLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		return false, fmt.Errorf("test the lock of %s: %w", path, err)
	}
	return lock.Type != unix.F_UNLCK, nil
}

// ErrStarting: the start lock is held, so that somebody is starting or running
// an etcd for this state directory.
var ErrStarting = errors.New("another start or its etcd holds the start lock")

// takeStartLock locks the state directory's lock file. The file is handed to
// etcd; the lock lasts until the last of its holders is gone.
func takeStartLock(stateDir string) (*os.File, error) {
	path := filepath.Join(stateDir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the start lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrStarting
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
