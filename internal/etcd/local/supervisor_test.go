package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// instant is a clock on which nobody waits; it counts the pauses.
type instant struct {
	flow.RealClock
	pauses *[]time.Duration
}

func (c instant) Sleep(ctx context.Context, d time.Duration) error {
	*c.pauses = append(*c.pauses, d)
	return ctx.Err()
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHowOftenAnAgentIsStartedAgain(t *testing.T) {
	for _, c := range []struct {
		reason, script string
		served         bool
		pauses         int // then the run ends
		want           string
	}{
		{"what it was told cannot be", "echo 'Error: no such thing' >&2; exit 2", false, 0, "agent a cannot work: no such thing"},
		{"nor after it has served", "echo 'Error: no such thing' >&2; exit 2", true, 0, "no such thing"},
		{"it never comes up", "echo 'Error: no luck' >&2; exit 1", false, patience - 1, "agent a cannot work: no luck"},
		{"the error is said, not the line after it", "echo 'Error: no luck'; echo 'Next:  seedproof'; exit 2", false, 0, "no luck (log:"},
	} {
		var pauses []time.Duration
		var served atomic.Bool
		served.Store(c.served)
		s := &supervisor{name: "a", program: script(t, c.script), logFile: filepath.Join(t.TempDir(), "agent.log"),
			clock: instant{pauses: &pauses}, say: func(string, ...any) {}, serves: &served}
		err := s.run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
		}
		if len(pauses) != c.pauses {
			t.Errorf("%s: paused %v, want %d pauses", c.reason, pauses, c.pauses)
		}
		for _, d := range pauses {
			if d != time.Second {
				t.Errorf("%s: paused for %s, want a second", c.reason, d)
			}
		}
	}
}

func TestAnAgentThatServedIsStartedAgainForEver(t *testing.T) {
	var pauses []time.Duration
	var served atomic.Bool
	served.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	starts := 0
	s := &supervisor{name: "a", program: script(t, "exit 1"), logFile: filepath.Join(t.TempDir(), "agent.log"),
		clock: instant{pauses: &pauses}, serves: &served}
	s.say = func(format string, args ...any) {
		if strings.Contains(fmt.Sprintf(format, args...), "started") {
			if starts++; starts == 3*patience {
				cancel()
			}
		}
	}
	if err := s.run(ctx); err != nil && !strings.Contains(err.Error(), "did not stop cleanly") {
		t.Error(err)
	}
	if starts < 3*patience {
		t.Errorf("it was started %d times and then given up", starts)
	}
}

func TestALongLogIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxLog+1); err != nil {
		t.Fatal(err)
	}
	f, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("the log is not a new one: %v %v", info, err)
	}
	if info, err := os.Stat(path + ".1"); err != nil || info.Size() != maxLog+1 {
		t.Errorf("the old log is gone: %v %v", info, err)
	}
}
