package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// build builds one of the programs below cmd.
func build(b *testing.B, name string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "./cmd/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// cost is what a piece of work took: the time on the wall, the CPU of the
// processes that did it, and the CPU of the etcd that served it.
type cost struct{ wall, cpu, etcd time.Duration }

// program is a command to be measured.
type program struct {
	*exec.Cmd
	out     bytes.Buffer
	started time.Time
}

func command(ctx context.Context, path string, args ...string) *program {
	p := &program{Cmd: exec.CommandContext(ctx, path, args...)}
	p.Stdout, p.Stderr = &p.out, &p.out
	return p
}

func (p *program) start(b *testing.B) {
	b.Helper()
	p.started = time.Now()
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
}

// wait gives the CPU time that the process has used. It must end with one of
// these exit codes.
func (p *program) wait(b *testing.B, codes ...int) time.Duration {
	b.Helper()
	err := p.Wait()
	have := p.ProcessState.ExitCode()
	for _, code := range codes {
		if have == code {
			return p.ProcessState.UserTime() + p.ProcessState.SystemTime()
		}
	}
	b.Fatalf("%s: %v\n%s", p, err, &p.out)
	return 0
}

func (p *program) run(b *testing.B) time.Duration {
	b.Helper()
	p.start(b)
	return p.wait(b, 0)
}
