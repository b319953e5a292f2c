package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// inspectVariable makes the test program inspect a file and say how much
// anonymous memory that took: in a process of its own, where nothing else is.
const inspectVariable = "SEEDPROOF_TEST_INSPECT"

func TestMain(m *testing.M) {
	if path := os.Getenv(inspectVariable); path != "" {
		if err := measure(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// measured is what the process says, in bytes.
type measured struct {
	Before, Peak int64
	Seconds      float64
	Size, Live   int64
}

func measure(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	debug.FreeOSMemory()
	var m measured
	if m.Before, err = rssAnon(); err != nil {
		return err
	}
	m.Peak = m.Before
	done, sampled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			if now, err := rssAnon(); err == nil {
				m.Peak = max(m.Peak, now)
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	began := time.Now()
	s, err := Inspect(context.Background(), file, Options{})
	m.Seconds = time.Since(began).Seconds()
	close(done)
	<-sampled
	if err != nil {
		return err
	}
	m.Size, m.Live = s.Size, s.LiveKeys
	return json.NewEncoder(os.Stdout).Encode(m)
}

func rssAnon() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "RssAnon:"); found {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("this process has no RssAnon")
}

// measureInspect inspects a file in a process of its own.
func measureInspect(t testing.TB, path string) measured {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), inspectVariable+"="+path, "TMPDIR="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("inspect %s: %v", path, err)
	}
	var m measured
	must(t, json.Unmarshal(out, &m))
	t.Logf("NOTE: a database of %d MiB: RssAnon from %.1f to %.1f MiB, %.1f s, %d live keys",
		m.Size>>20, float64(m.Before)/(1<<20), float64(m.Peak)/(1<<20), m.Seconds, m.Live)
	return m
}

// memoryStaysBounded: what is taken beside the file's size is far below it. The
// race detector multiplies all memory, so the limit is generous.
func memoryStaysBounded(t *testing.T, paths ...string) {
	t.Helper()
	for _, file := range paths {
		if m := measureInspect(t, file); m.Peak-m.Before > 64<<20 {
			t.Errorf("it took %d MiB of anonymous memory", (m.Peak-m.Before)>>20)
		}
	}
}
