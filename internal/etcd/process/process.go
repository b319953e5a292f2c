package process

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/fault"
)

// Process is a running etcd that we started or adopted. Its methods may be
// called from several goroutines.
type Process struct {
	PID     int
	Note    Note // as its starter wrote it; zero when Noted is not set
	Noted   bool // the note of the state directory is of this very process
	Adopted bool // found running, not started by us

	dataDir  string
	stateDir string
	faults   *fault.Injector
	exited   chan struct{}
	status   string // how our child ended; read after exited is closed

	mu    sync.Mutex
	pidfd int // -1 when released
}

// Exited is closed when the process has ended (and, if it is our child, has
// been reaped). It also closes when an adopted process is released.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitStatus says how it ended, as far as that can be known: only a parent is
// told. Empty while it runs.
func (p *Process) ExitStatus() string {
	select {
	case <-p.exited:
		return p.status
	default:
		return ""
	}
}

// reap waits for our own child. The pidfd was taken before, while the id could
// not yet be given to another process.
func (p *Process) reap(cmd *exec.Cmd) {
	_ = cmd.Wait()
	p.status = cmd.ProcessState.String()
	p.forget(p.pidfd)
	close(p.exited)
}

// pollEvery bounds how long a released handle keeps its goroutine.
const pollEvery = 500 // milliseconds

// watch waits for an adopted process, whose end no Wait reports.
func (p *Process) watch(pidfd int) {
	defer close(p.exited)
	for {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, pollEvery)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if ready > 0 || err != nil {
			p.status = "ended (not our child: its status is not known)"
			p.forget(pidfd)
			return
		}
		if p.released() {
			p.status = "released"
			p.forget(pidfd)
			return
		}
	}
}

// Release forgets an adopted process and leaves it running. Of a process that
// we started, nothing is to be released: its end has to be reaped.
func (p *Process) Release() {
	if !p.Adopted {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pidfd = -1 // closed by watch, which may be polling it
}

func (p *Process) released() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pidfd < 0
}

func (p *Process) forget(pidfd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pidfd = -1
	if pidfd >= 0 {
		_ = unix.Close(pidfd)
	}
}

// Signal sends sig to this process and to no other that has its id. A process
// that has ended needs no signal.
func (p *Process) Signal(ctx context.Context, sig unix.Signal) error {
	call := fault.Call{Transport: "process", Op: "signal", Target: p.dataDir}
	return p.faults.Around(ctx, call, func() error { return p.send(sig) })
}

func (p *Process) send(sig unix.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd < 0 {
		return nil
	}
	err := unix.PidfdSendSignal(p.pidfd, sig, nil, 0)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("signal etcd process %d: %w", p.PID, err)
	}
	return nil
}

// Stop ends the process: SIGTERM, SIGKILL after the grace, and the proof that
// it is gone and its locks are free. An error means that this is not known.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	call := fault.Call{Transport: "process", Op: "stop", Target: p.dataDir}
	return p.faults.Around(ctx, call, func() error { return p.stop(ctx, grace) })
}

func (p *Process) stop(ctx context.Context, grace time.Duration) error {
	if err := p.send(unix.SIGTERM); err != nil {
		return err
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.exited:
		return p.proveGone(ctx)
	case <-ctx.Done():
		return fmt.Errorf("stop etcd process %d: %w", p.PID, ctx.Err())
	case <-patience.C:
	}
	if err := p.send(unix.SIGKILL); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return p.proveGone(ctx)
	case <-ctx.Done():
		return fmt.Errorf("kill etcd process %d: %w", p.PID, ctx.Err())
	}
}

// proveGone waits until no lock of the data directory is held, which the kernel
// may do a moment after the process can be reaped.
func (p *Process) proveGone(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		held, err := heldLock(p.stateDir, p.dataDir)
		if err != nil {
			return fmt.Errorf("prove that etcd process %d is gone: %w", p.PID, err)
		}
		if held == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("etcd process %d has ended, yet %s is locked: %w", p.PID, held, ctx.Err())
		}
	}
}
