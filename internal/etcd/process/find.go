package process

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/fault"
)

// Finding says whether an etcd runs on a data directory. The zero value is
// Unknown.
type Finding uint8

const (
	Unknown    Finding = iota // cannot be told now; comes with an error
	Running                   // adopted
	NotRunning                // proved: no process has it, and every lock is free
)

func (f Finding) String() string {
	switch f {
	case Running:
		return "running"
	case NotRunning:
		return "not running"
	}
	return "unknown"
}

// ErrNotSeen: a lock is held, and the process that holds it is not to be seen
// from here. It may be of another user or container, or about to show itself.
var ErrNotSeen = errors.New("the holder of the lock cannot be seen from here")

// errVanished: what was found ended before it could be adopted.
var errVanished = errors.New("the process ended while it was looked at")

// looks is how often Find looks anew when what it saw changed meanwhile.
const looks = 3

// Find looks for the etcd on dataDir and adopts it. The error is set just when
// the finding is Unknown; then no etcd may be started.
func (r *Runner) Find(ctx context.Context, dataDir string) (*Process, Finding, error) {
	var err error
	for range looks {
		var p *Process
		p, err = r.look(ctx, dataDir)
		if err == nil && p != nil {
			return p, Running, nil
		}
		if err == nil {
			return nil, NotRunning, nil
		}
		if ctx.Err() != nil || !errors.Is(err, errVanished) && !errors.Is(err, ErrNotSeen) {
			break
		}
	}
	return nil, Unknown, fmt.Errorf("look for the etcd on %s: %w", dataDir, err)
}

// look returns neither process nor error when nothing runs. Processes come
// first and locks second: one that starts in between has its lock by then.
func (r *Runner) look(ctx context.Context, dataDir string) (*Process, error) {
	pids, held, err := r.etcdsOn(dataDir)
	switch {
	case err != nil:
		return nil, err
	case len(pids) == 1:
		return r.adopt(ctx, pids[0], dataDir)
	case len(pids) > 1:
		return nil, fmt.Errorf("several etcd processes name it: %v", pids)
	case held != "":
		return nil, fmt.Errorf("%s is locked: %w", held, ErrNotSeen)
	}
	return nil, nil
}

// etcdsOn lists the processes that run on dataDir, and names a lock that is
// held. What the others hold open is read only where there is an etcd to be
// found: an agent that waits for its turn looks often, and at all there are.
func (r *Runner) etcdsOn(dataDir string) (pids []int, held string, err error) {
	all, err := processes()
	if err != nil {
		return nil, "", err
	}
	pids, err = among(all, namesDir, dataDir)
	if err != nil {
		return nil, "", err
	}
	held, err = heldLock(r.StateDir, dataDir)
	if len(pids) == 0 && (err != nil || held == "") {
		return nil, "", err
	}
	others := slices.DeleteFunc(all, func(pid int) bool { return slices.Contains(pids, pid) })
	writers, err := among(others, writesDatabase, dbPath(dataDir))
	return append(pids, writers...), held, err
}

func (r *Runner) adopt(ctx context.Context, pid int, dataDir string) (p *Process, err error) {
	call := fault.Call{Transport: "process", Op: "adopt", Target: dataDir}
	err = r.Faults.Around(ctx, call, func() error {
		p, err = r.adoptNow(pid, dataDir)
		return err
	})
	if err != nil && p != nil {
		p.Release()
		p = nil
	}
	return p, err
}

// adoptNow takes hold of the process first and then asks again whether it is
// the one: from here on its id cannot be given to another.
func (r *Runner) adoptNow(pid int, dataDir string) (*Process, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil, errVanished
	}
	if err != nil {
		return nil, fmt.Errorf("take hold of process %d: %w", pid, err)
	}
	id, err := r.confirm(pid, dataDir)
	if err != nil {
		_ = unix.Close(pidfd)
		return nil, err
	}
	p := &Process{PID: pid, Adopted: true, dataDir: dataDir, stateDir: r.StateDir,
		faults: r.Faults, exited: make(chan struct{}), pidfd: pidfd}
	p.Note, p.Noted = noted(r.StateDir, id)
	go p.watch(pidfd)
	return p, nil
}

func (r *Runner) confirm(pid int, dataDir string) (identity, error) {
	runs, err := runsOn(pid, dataDir)
	if err != nil {
		return identity{}, err
	}
	if !runs {
		return identity{}, errVanished
	}
	id, err := identify(pid)
	if gone(err) {
		return identity{}, errVanished
	}
	return id, err
}
