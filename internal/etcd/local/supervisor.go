package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

const (
	restartPause = time.Second
	stopLimit    = time.Minute // for an agent to stop its etcd and end
	maxLog       = 16 << 20    // an agent's log is set aside above this size
	tailBytes    = 4 << 10
	exitUsage    = 2 // of an agent: what it was told cannot be
	// patience is how often an agent may end before the cluster first serves.
	patience = 5
)

// supervisor keeps one agent running.
type supervisor struct {
	name    string
	program string
	args    []string
	logFile string
	clock   flow.Clock
	say     func(format string, args ...any)
	serves  *atomic.Bool // the cluster has served in this run

	pid atomic.Int64 // zero while none runs
}

// run starts the agent, and again one second after it ends, until ctx ends:
// then it is asked to stop its etcd and itself. An agent that cannot work as it
// was told ends the run with its own words.
func (s *supervisor) run(ctx context.Context) error {
	fails := 0
	for {
		cmd, err := s.start()
		if err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ctx.Done():
			return s.stop(cmd, ended)
		case _ = <-ended: // ProcessState says how
		}
		s.pid.Store(0)
		code, words := cmd.ProcessState.ExitCode(), ""
		if code >= 0 { // else it was killed, and said nothing about it
			words = ": " + lastLine(s.logFile)
		}
		s.say("%s: agent ended (%s)%s; log: %s", s.name, cmd.ProcessState, words, s.logFile)
		if fails++; s.hopeless(code, fails) {
			return fmt.Errorf("agent %s cannot work%s (log: %s)", s.name, words, s.logFile)
		}
		if s.clock.Sleep(ctx, restartPause) != nil {
			return nil //nolint:nilerr // it was stopped while it waited
		}
	}
}

// hopeless: trying again would not change anything.
func (s *supervisor) hopeless(code, fails int) bool {
	return code == exitUsage || code > 0 && fails >= patience && !s.serves.Load()
}

// start starts the agent in a session of its own: a Ctrl-C at the terminal is
// for us alone to hear.
func (s *supervisor) start() (*exec.Cmd, error) {
	log, err := openLog(s.logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(s.program, s.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start agent %s: %w", s.name, err)
	}
	s.pid.Store(int64(cmd.Process.Pid))
	s.say("%s: agent started (process %d)", s.name, cmd.Process.Pid)
	return cmd, nil
}

// stop lets the agent stop its etcd and end. One that does not is killed; its
// etcd then goes on.
func (s *supervisor) stop(cmd *exec.Cmd, ended <-chan error) error {
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case _ = <-ended: // ProcessState says how
	case <-s.clock.After(stopLimit):
		_ = cmd.Process.Kill()
		_ = <-ended
		return fmt.Errorf("agent %s did not end within %s and was killed; its etcd may still run (log: %s)", s.name, stopLimit, s.logFile)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("agent %s did not stop cleanly (%s): %s (log: %s)", s.name, cmd.ProcessState, lastLine(s.logFile), s.logFile)
	}
	return nil
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("set the agent's log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the agent's log: %w", err)
	}
	return f, nil
}

// lastLine is the last error in a log's end, else its last line.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err.Error()
	}
	text, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "Error: ") {
			return strings.TrimPrefix(lines[i], "Error: ")
		}
	}
	return lines[len(lines)-1]
}
