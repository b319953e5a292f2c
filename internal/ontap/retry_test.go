package ontap_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/ontap"
)

// waiter is a clock that never waits and remembers for how long it was asked to.
type waiter struct {
	*flowtest.FakeClock
	mu    sync.Mutex
	slept []time.Duration
}

func newWaiter() *waiter { return &waiter{FakeClock: flowtest.NewFakeClock()} }

// Sleep moves the clock instead.
func (w *waiter) Sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.slept = append(w.slept, d)
	w.mu.Unlock()
	w.Advance(d)
	return ctx.Err()
}

func TestWhatIsRepeated(t *testing.T) {
	busy := errorText("262160", "too many requests in progress")
	read := func(c *ontap.Client) error { _, err := c.Cluster(t.Context()); return err }
	create := func(c *ontap.Client) error {
		_, err := c.CreateInterface(t.Context(), ontap.NewInterface{SVMUUID: svmUUID, Name: "lif", Subnet: "s"})
		return err
	}
	unlock := func(c *ontap.Client) error {
		no := false
		return c.ChangeAccount(t.Context(), svmUUID, "shoot", ontap.AccountChange{Locked: &no})
	}
	remove := func(c *ontap.Client) error { return c.DeleteInterface(t.Context(), svmUUID) }
	password := func(c *ontap.Client) error {
		return c.SetPassword(t.Context(), svmUUID, "shoot", ontap.NewSecret(accountPass))
	}
	sec := time.Second
	cases := []struct {
		reason string
		call   func(*ontap.Client) error
		status int
		body   string
		slept  []time.Duration // before the third answer, which is good; nil: no wait
	}{
		{"a GET waits as long as it was told", read, 429, "@Retry-After: 7\n" + busy, []time.Duration{7 * sec, 7 * sec}},
		{"a GET that is told to wait by a bare 503", read, 503, "@Retry-After: 3\n", []time.Duration{3 * sec, 3 * sec}},
		{"a GET at a full queue that says no time", read, 429, busy, []time.Duration{sec, 2 * sec}},
		{"a bare 503 is for the caller", read, 503, "", nil},
		{"a wait longer than allowed is for the caller", read, 429, "@Retry-After: 31\n" + busy, nil},
		{"a time that is none", read, 503, "@Retry-After: soon\n", nil},
		{"a quorum error is for the caller, whatever it asks for", read, 500, "@Retry-After: 1\n" + errorText("393271", "out of quorum"), nil},
		{"a PATCH that says the same twice", unlock, 429, "@Retry-After: 2\n" + busy, []time.Duration{2 * sec, 2 * sec}},
		{"a POST is never repeated", create, 429, "@Retry-After: 1\n" + busy, nil},
		{"a DELETE is never repeated: what it would hit may be another's by then", remove, 429, "@Retry-After: 1\n" + busy, nil},
		{"a password is never set twice", password, 503, "@Retry-After: 1\n", nil},
	}
	for _, c := range cases {
		f := newFake(t, func(n int, r *http.Request) (int, string) {
			if n <= 2 {
				return c.status, c.body
			}
			if r.Method == http.MethodGet {
				return 200, clusterText
			}
			return 200, ""
		})
		clock := newWaiter()
		err := c.call(f.client(t, func(o *ontap.Options) { o.Clock = clock }))
		if (err == nil) != (c.slept != nil) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if len(f.requests()) != len(c.slept)+1 || !slices.Equal(clock.slept, c.slept) {
			t.Errorf("%s: sent %d times, waited %v, want %v", c.reason, len(f.requests()), clock.slept, c.slept)
		}
	}
}

func TestADateToWaitFor(t *testing.T) {
	f := newFake(t, func(n int, _ *http.Request) (int, string) {
		if n == 1 {
			return 503, "@Retry-After: Thu, 29 Feb 2024 12:00:09 GMT\n"
		}
		return 200, clusterText
	})
	clock := newWaiter() // at 12:00:00 of that day
	_, err := f.client(t, func(o *ontap.Options) { o.Clock = clock }).Cluster(t.Context())
	if err != nil || !slices.Equal(clock.slept, []time.Duration{9 * time.Second}) {
		t.Errorf("waited %v: %v", clock.slept, err)
	}
}

func TestPatienceEnds(t *testing.T) {
	f := newFake(t, always(429, "@Retry-After: 2\n"+errorText("262160", "too many requests")))
	clock := newWaiter()
	_, err := f.client(t, func(o *ontap.Options) { o.Clock = clock }).Cluster(t.Context())
	e := asError(t, err)
	if len(f.requests()) != 5 || e.RetryAfter != 2*time.Second || flow.ClassOf(err) != flow.Transient || e.Outcome != flow.Refused {
		t.Errorf("%d requests, retry after %s, %s: %v", len(f.requests()), e.RetryAfter, e.Outcome, err)
	}
}

func TestAPostWithoutAnAnswerIsSentOnce(t *testing.T) {
	f := newFake(t, nil)
	var mu sync.Mutex
	posts := 0
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // leaves a connection that can be used again
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(clusterText))
			return
		}
		mu.Lock()
		posts++
		mu.Unlock()
		panic(http.ErrAbortHandler)
	})
	c := f.client(t)
	for range 3 {
		if _, err := c.Cluster(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"}); flow.OutcomeOf(err) != flow.Unknown {
			t.Errorf("%v", err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if posts != 3 {
		t.Errorf("3 calls were sent %d times", posts)
	}
}
