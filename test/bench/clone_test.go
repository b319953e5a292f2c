package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serves is what "make run" prints once the cluster does.
const serves = "The cluster serves."

// BenchmarkClone measures the time from "git clone" of this repository to the
// cluster that "make run" starts. With empty caches all modules are fetched.
func BenchmarkClone(b *testing.B) {
	for _, c := range []struct {
		name  string
		empty []string
	}{
		{"WarmCaches", nil},
		{"WarmModulesColdBuild", []string{"GOCACHE"}},
		{"EmptyCaches", []string{"GOCACHE", "GOMODCACHE"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			env := append(os.Environ(), "GOFLAGS=-modcacherw")
			for _, cache := range c.empty {
				env = append(env, cache+"="+b.TempDir())
			}
			for range b.N {
				took, size := cloneAndRun(b, env)
				report(b, map[string]float64{"serves-s": took.Seconds(), "binary-MiB": float64(size) / mib})
				b.Logf("load %s: %s to a serving cluster", load(b), took.Round(time.Second))
			}
		})
	}
}

func cloneAndRun(b *testing.B, env []string) (took time.Duration, size int64) {
	b.Helper()
	top, err := exec.CommandContext(b.Context(), "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		b.Fatalf("find the repository: %v", err)
	}
	dir := filepath.Join(b.TempDir(), "clone")
	start := time.Now()
	clone := exec.CommandContext(b.Context(), "git", "clone", "--quiet", "--no-local", string(bytes.TrimSpace(top)), dir)
	if out, err := clone.CombinedOutput(); err != nil {
		b.Fatalf("git clone: %v\n%s", err, out)
	}
	took = makeRun(b, dir, env, start)
	info, err := os.Stat(filepath.Join(dir, "bin", "seedproof"))
	if err != nil {
		b.Fatal(err)
	}
	return took, info.Size()
}

// makeRun runs "make run" until the cluster serves, and then ends it as Ctrl-C
// does.
func makeRun(b *testing.B, dir string, env []string, start time.Time) time.Duration {
	b.Helper()
	out := &awaited{text: serves, seen: make(chan struct{})}
	cmd := exec.Command("make", "run")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-out.seen:
	case err := <-ended:
		b.Fatalf("make run: %v\n%s", err, out)
	}
	took := time.Since(start)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	<-ended // it was interrupted
	return took
}

// awaited is an output in which a text is waited for.
type awaited struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	seen chan struct{}
}

func (a *awaited) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := bytes.Contains(a.buf.Bytes(), []byte(a.text))
	a.buf.Write(p)
	if !before && bytes.Contains(a.buf.Bytes(), []byte(a.text)) {
		close(a.seen)
	}
	return len(p), nil
}

func (a *awaited) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.buf.String()
}
