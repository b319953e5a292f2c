package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// report is what a check gives now.
func (r *rig) report() kops.Report {
	r.Helper()
	report, err := kops.Check(r.Context(), r.w.conf.Check)
	if err != nil {
		r.Fatal(err)
	}
	return report
}

// until polls a condition with a generous limit.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(time.Millisecond):
		}
	}
}

func (r *rig) passes() float64 {
	total := 0.0
	for _, outcome := range Words().Passes {
		n, _ := value(r.scrape(), "passes_total", map[string]string{"outcome": outcome})
		total += n
	}
	return total
}

// TestRun: one pass at a time, at the interval, and it ends when told to, in
// the middle of a pass too.
func TestRun(t *testing.T) {
	r := newRig(t, verifying(&opener{}), healthy)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Run(ctx) }()
	for n := range 5 {
		until(t, "pass has ended", func() bool { return r.passes() == float64(n+1) })
		r.clock.BlockUntil(2) // the loop and the lane
		r.clock.Advance(time.Minute)
	}
	hung := make(chan struct{})
	var once atomic.Bool
	r.store.SetHook(func(ctx context.Context, _, _ string) error {
		if once.CompareAndSwap(false, true) {
			close(hung)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	until(t, "a pass hangs", func() bool {
		r.clock.Advance(time.Minute)
		select {
		case <-hung:
			return true
		default:
			return false
		}
	})
	before := r.entryText()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if after := r.entryText(); after != before {
		t.Errorf("a pass that was broken off said %s, before %s", after, before)
	}
}

func (r *rig) entryText() string {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	e := r.entry()
	return fmt.Sprint(stateText(e.shown), e.stale, e.looked)
}

// TestThePause: what was missed is not made up for, a store that is silent is
// asked less often, and never less than every five intervals.
func TestThePause(t *testing.T) {
	r := newRig(t, nil, healthy)
	for _, c := range []struct {
		reason   string
		took     time.Duration
		failures int
		random   float64
		want     time.Duration
	}{
		{"quick", 0, 0, 0, time.Minute},
		{"some of the interval is gone", 20 * time.Second, 0, 0, 40 * time.Second},
		{"slow: a short breath, nothing piles up", 5 * time.Minute, 0, 0, 6 * time.Second},
		{"jitter takes off a tenth at most", 0, 0, 1, 54 * time.Second},
		{"one failure", 0, 1, 0, time.Minute},
		{"two", 0, 2, 0, 2 * time.Minute},
		{"many", 0, 1000, 0, 5 * time.Minute},
	} {
		r.w.failures = c.failures
		r.w.deps.Random = func() float64 { return c.random }
		if got := r.w.pause(c.took); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

// TestASlowPass is told once, and counted.
func TestASlowPass(t *testing.T) {
	r := newRig(t, nil, healthy)
	slow := true
	r.store.SetHook(func(_ context.Context, op, _ string) error {
		if slow && op == store.OpList {
			r.clock.Advance(90 * time.Second)
		}
		return nil
	})
	r.look()
	r.look()
	if n := strings.Count(r.log.take(), "longer than the interval"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	slow = false
	r.look()
	r.wantPass("slow_passes_total", 2)
	r.wantPass("pass_duration_seconds", 3)
}

func (r *rig) wantPass(name string, v float64) {
	r.Helper()
	if got, _ := value(r.scrape(), name, nil); got != v {
		r.Errorf("%s is %v, want %v", name, got, v)
	}
}

// TestHealth: only a loop that is stuck is ill.
func TestHealth(t *testing.T) {
	r := newRig(t, nil, healthy)
	if r.w.Ready() == nil || r.w.Healthy() != nil {
		t.Error("before the first pass it is healthy and not ready")
	}
	r.store.SetHook(func(context.Context, string, string) error { return errStore })
	r.look()
	if r.w.Ready() != nil || r.w.Healthy() != nil {
		t.Error("a silent store makes it neither ill nor unready: its metrics must be scraped")
	}
	r.clock.Advance(time.Hour)
	if err := r.w.Healthy(); err == nil || !strings.Contains(err.Error(), "no pass has ended") {
		t.Errorf("stuck: %v", err)
	}
}

// TestCardinalityIsBounded: by a limit on clusters, not by what lies in the
// bucket; and a life full of events adds no series to one cluster.
func TestCardinalityIsBounded(t *testing.T) {
	var many []func(time.Time) kopstest.Cluster
	for i := range 12 {
		many = append(many, named(fmt.Sprintf("c%02d.example.com", i)))
	}
	r := newRig(t, nil, many...)
	r.w.book.limit = 5
	r.look()
	if n := len(r.w.Status().Clusters); n != 5 {
		t.Errorf("%d are watched", n)
	}
	r.wantPass("untracked_clusters", 7)
	r.wantPass("clusters", 5)
	if s := r.w.Status(); s.Untracked != 7 || s.ExitCode != 4 {
		t.Errorf("the status is %d, exit %d", s.Untracked, s.ExitCode)
	}
	r.look()
	if n := strings.Count(r.log.take(), "more etcd clusters than are watched"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	before := r.seriesCount()
	for i := range 30 {
		kopstest.DeleteAll(t, r.store, fmt.Sprintf("c%02d.example.com/", i%5))
		r.look()
		named(fmt.Sprintf("c%02d.example.com", i%5))(r.clock.Now()).Write(t, r.store)
		kopstest.Put(t, r.store, fmt.Sprintf("junk%d/config", i), "junk")
		r.look()
	}
	r.look()
	if after := r.seriesCount(); after > before+10 {
		t.Errorf("%d series became %d", before, after)
	}
	if n := len(r.w.turns); n > keptTurns {
		t.Errorf("%d turns are kept", n)
	}
}

// TestWhatIsHeldDoesNotGrow: a long silence with ever new objects around it.
func TestWhatIsHeldDoesNotGrow(t *testing.T) {
	bucket := &bucketOf{}
	bucket.set(expiresAfter(12))
	r := newRig(t, func(c *Config) { c.Check.Inspect = bucket.inspect }, healthy)
	r.look()
	r.store.SetHook(func(_ context.Context, op, key string) error {
		if key == marker && op != store.OpPut {
			return errStore
		}
		return nil
	})
	n := 0
	for i := range 20 {
		r.backup(10+i, "")
		r.look()
		if i == 0 {
			n = len(r.entry().shown.Threats)
		}
	}
	if now := len(r.entry().shown.Threats); now > n || n == 0 {
		t.Errorf("%d threats became %d", n, now)
	}
}

// TestStatus: JSON with the fields of a report, and a page.
func TestStatus(t *testing.T) {
	r := newRig(t, nil, healthy)
	kopstest.Delete(t, r.store, marker)
	handler := telemetry.Handler(telemetry.Endpoints{Status: func() any { return r.w.Status() }})
	ask := func(accept string) string {
		request, answer := httptest.NewRequest("GET", "/status", nil), httptest.NewRecorder()
		request.Header.Set("Accept", accept)
		handler.ServeHTTP(answer, request)
		return answer.Body.String()
	}
	if text := ask("text/html"); !strings.Contains(text, "never") || strings.Contains(text, "0001-01-01") {
		t.Errorf("before the first pass: %s", text)
	}
	r.look()
	var s struct {
		State    string
		ExitCode int
		Clusters []struct {
			Cluster, Etcd, Action, Sentence string
			Looked                          time.Time
			Threats, Advice                 []any
		}
	}
	if err := json.Unmarshal([]byte(ask("application/json")), &s); err != nil {
		t.Fatal(err)
	}
	if c := s.Clusters[0]; s.ExitCode != 3 || c.Cluster != prod || c.Action != "seed-imminent" || c.Looked.IsZero() || len(c.Advice) == 0 {
		t.Errorf("the status is %+v", s)
	}
	for _, want := range []string{"ACT NOW", "etcd-cluster-created", prod, "class=\"escalation\""} {
		if text := ask("text/html"); !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	good := newRig(t, nil, healthy).w
	for reason, change := range map[string]func(*Config){
		"no interval":            func(c *Config) { c.Interval = 0 },
		"nobody opens stores":    func(c *Config) { c.Check.Open = nil },
		"nobody opens backups":   func(c *Config) { c.VerifyEvery, c.Check.Verifier = time.Hour, nil },
		"a bandwidth below zero": func(c *Config) { c.VerifyBytesPerSecond = -1 },
		"a time below zero":      func(c *Config) { c.VerifyEvery = -1 },
	} {
		conf := good.conf
		change(&conf)
		if _, err := New(conf, good.deps); err == nil {
			t.Errorf("%s was taken", reason)
		}
	}
}
