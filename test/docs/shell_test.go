package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// run types a block into a shell, and gives what it printed and its exit code.
func (w *world) run(t *testing.T, b block) (printed string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", w.replace.Replace(b.text))
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if b.types != "" {
		defer sit(t, cmd, b.types, &out)()
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if b.until != "" {
		out.await(t, b.until)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	err := cmd.Wait()
	var ended *exec.ExitError
	switch {
	case err == nil, b.until != "" && ctx.Err() == nil: // a shell may die of the signal too
		return out.text(), 0
	case errors.As(err, &ended) && ended.Exited():
		return out.text(), ended.ExitCode()
	}
	t.Fatalf("%v; it printed:\n%s", err, out.text())
	return "", -1
}

// sit gives the command a terminal, at which somebody types an answer. The
// result lets go of it.
func sit(t *testing.T, cmd *exec.Cmd, answer string, out io.Writer) (leave func()) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = tty
	cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, 0
	if _, err := person.WriteString(answer + "\n"); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(out, person) // until the terminal is closed
	}()
	return func() {
		_, _ = tty.Close(), person.Close()
		<-read
	}
}

// buffer is output that is read while it is written.
type buffer struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept.Write(p)
}

func (b *buffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept.String()
}

// await waits until something was written.
func (b *buffer) await(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(b.text(), want) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never printed %q, but:\n%s", want, b.text())
		}
	}
}
