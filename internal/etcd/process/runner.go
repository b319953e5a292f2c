package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/fault"
)

// Runner starts and finds the etcd of one agent.
type Runner struct {
	StateDir   string          // of the agent, outside the data volume
	Executable string          // re-executed as etcd; empty: the running program
	Faults     *fault.Injector // tests only
}

// ErrRunning: an etcd runs on the data directory already.
var ErrRunning = errors.New("an etcd is running there")

// Start starts an etcd, after proof that none runs. That it started says
// nothing of its health, nor that it will not end at once. After an error it is
// not known whether something was started, unless the error is ErrRunning;
// Find tells.
func (r *Runner) Start(ctx context.Context, cfg Config) (*Process, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := r.mayStart(ctx, cfg); err != nil {
		return nil, fmt.Errorf("start etcd %s: %w", cfg.Name, err)
	}
	if err := os.MkdirAll(r.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("start etcd %s: %w", cfg.Name, err)
	}
	lock, err := takeStartLock(r.StateDir)
	if err != nil {
		return nil, fmt.Errorf("start etcd %s: %w", cfg.Name, err)
	}
	// Ours is one of two: etcd's own keeps the lock.
	defer func() { _ = lock.Close() }()
	defer r.closeOnCrash(lock)()
	cmd, err := r.command(cfg, lock)
	if err != nil {
		return nil, fmt.Errorf("start etcd %s: %w", cfg.Name, err)
	}
	if log, isFile := cmd.Stdout.(*os.File); isFile {
		defer func() { _ = log.Close() }() // etcd has its own
	}
	note := Note{Binary: cmd.Path, Name: cfg.Name, DataDir: cfg.DataDir, Token: cfg.Token}
	if err := note.write(r.StateDir); err != nil {
		return nil, fmt.Errorf("note the start of etcd %s: %w", cfg.Name, err)
	}
	p, err := r.fork(ctx, cmd, cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd %s: %w", cfg.Name, err)
	}
	return r.noteStarted(p, note)
}

// mayStart looks before the start lock is taken, since a look tests that lock.
func (r *Runner) mayStart(ctx context.Context, cfg Config) error {
	info, err := os.Stat(cfg.DataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("data directory %s is no directory", cfg.DataDir)
	}
	found, finding, err := r.Find(ctx, cfg.DataDir)
	if err != nil {
		return err
	}
	if finding == Running {
		found.Release()
		return fmt.Errorf("process %d: %w", found.PID, ErrRunning)
	}
	return nil
}

// closeOnCrash does for an injected crash what the kernel does for a real one:
// it closes our copy of the start lock. The result ends the watch.
func (r *Runner) closeOnCrash(lock *os.File) func() {
	if r.Faults == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-r.Faults.Dead():
			_ = lock.Close()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// fork is the act that crosses the transport. Whatever becomes of the answer,
// the child is reaped.
func (r *Runner) fork(ctx context.Context, cmd *exec.Cmd, cfg Config) (p *Process, err error) {
	call := fault.Call{Transport: "process", Op: "start", Target: cfg.Name}
	err = r.Faults.Around(ctx, call, func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		started := &Process{PID: cmd.Process.Pid, dataDir: cfg.DataDir, stateDir: r.StateDir,
			faults: r.Faults, exited: make(chan struct{}), pidfd: -1}
		pidfd, err := unix.PidfdOpen(started.PID, 0)
		if err == nil {
			started.pidfd = pidfd
		}
		go started.reap(cmd)
		if err != nil {
			return fmt.Errorf("take hold of process %d: %w", started.PID, err)
		}
		p = started
		return nil
	})
	return p, err
}

func (r *Runner) noteStarted(p *Process, note Note) (*Process, error) {
	id, err := identify(p.PID)
	if gone(err) {
		return p, nil // ended and reaped already: Exited tells
	}
	if err != nil {
		return nil, err
	}
	note.PID, note.StartTicks, note.BootID = id.pid, id.ticks, id.boot
	if err := note.write(r.StateDir); err != nil {
		return nil, fmt.Errorf("note etcd process %d: %w", p.PID, err)
	}
	p.Note, p.Noted = note, true
	return p, nil
}

// command is etcd in a session of its own, with a file for its output: it must
// not notice when its parent dies.
func (r *Runner) command(cfg Config, lock *os.File) (*exec.Cmd, error) {
	path, args := filepath.Join(cfg.BinDir, "etcd"), cfg.Args()
	if cfg.BinDir == "" {
		own, err := r.executable()
		if err != nil {
			return nil, err
		}
		path, args = own, append([]string{ServerCommand}, args...)
	}
	out, err := os.OpenFile(cfg.LogFile+".out", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the output file: %w", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = r.StateDir
	cmd.Env = environment(os.Environ())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

func (r *Runner) executable() (string, error) {
	if r.Executable != "" {
		return r.Executable, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find our own program: %w", err)
	}
	return path, nil
}

// passed are the variables that an etcd gets. Everything else stays behind:
// ETCD_* would override flags, and cloud credentials are none of its business.
var passed = []string{"PATH", "HOME", "TMPDIR", "TZ", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"}

func environment(all []string) []string {
	kept := []string{}
	for _, pair := range all {
		name, _, _ := strings.Cut(pair, "=")
		for _, want := range passed {
			if name == want {
				kept = append(kept, pair)
			}
		}
	}
	return kept
}
