package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const agentLockFile = "agent.lock"

// LockAgent makes sure that one agent alone works with a state directory. The
// lock is held until the file is closed or the process ends; the kernel says
// who holds it, so that a leftover agent is found without trusting a noted
// process id. The etcd does not inherit it.
func LockAgent(stateDir string) (*os.File, error) {
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	f, holder, err := lockFile(filepath.Join(stateDir, agentLockFile))
	if holder != 0 {
		return nil, fmt.Errorf("another agent (process %d) works with %s; end it first", holder, stateDir)
	}
	return f, err
}

// lockFile locks path for this process. When another one has it, it gives that
// one's id (-1: it cannot be seen from here).
func lockFile(path string) (f *os.File, holder int, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the lock: %w", err)
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock)
	if err == nil {
		return f, 0, nil
	}
	defer func() { _ = f.Close() }()
	if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
		return nil, 0, fmt.Errorf("lock %s: %w", path, err)
	}
	holder, err = holderOf(f)
	if err == nil && holder == 0 {
		holder = -1 // it ended meanwhile, or is in another container
	}
	return nil, holder, err
}

// holderOf is the process that holds the lock, or zero.
func holderOf(f *os.File) (int, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return 0, fmt.Errorf("ask who holds %s: %w", f.Name(), err)
	}
	if lock.Type == unix.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}

// endLeftover kills an agent that a killed run has left, so that its etcd goes
// on and a new agent adopts it. It returns the agent's process id, or zero.
func endLeftover(stateDir string) (int, error) {
	f, err := os.OpenFile(filepath.Join(stateDir, agentLockFile), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the agent's lock: %w", err)
	}
	defer func() { _ = f.Close() }()
	pid, err := holderOf(f)
	if err != nil || pid == 0 {
		return 0, err
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("take hold of leftover agent %d: %w", pid, err)
	}
	defer func() { _ = unix.Close(pidfd) }()
	// Asked again now that the id cannot pass to another process.
	if again, err := holderOf(f); err != nil || again != pid {
		return 0, err
	}
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return 0, fmt.Errorf("end leftover agent %d: %w", pid, err)
	}
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, leftoverLimit); err != nil && !errors.Is(err, unix.EINTR) {
		return 0, fmt.Errorf("wait for leftover agent %d: %w", pid, err)
	}
	return pid, nil
}

const leftoverLimit = 10_000 // milliseconds
