package seed_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// busy answers the first calls with a request to wait, and the rest as a server
// in which nothing is; all others are those of a real one.
type busy struct {
	calls, first atomic.Int64
	status       int
	after        int // seconds; 0: no header
	agent        atomic.Value
}

func (b *busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := b.calls.Add(1)
	b.agent.Store(r.UserAgent())
	w.Header().Set("Content-Type", "application/json")
	if n <= b.first.Load() {
		if b.after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(b.after))
		}
		w.WriteHeader(b.status)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"TooManyRequests","code":` + strconv.Itoa(b.status) + `}`))
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/")
	if len(parts) == 1 {
		_, _ = w.Write([]byte(`{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"` + parts[0] + `","uid":"u","resourceVersion":"1"}}`))
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"details":{"kind":"` + parts[1] + `","name":"` + parts[2] + `"}}`))
}

func (b *busy) store(t *testing.T, clock flow.Clock, o seed.Observer, timeout time.Duration) *seed.Store {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	s, err := seed.New(seed.Options{Config: &rest.Config{Host: server.URL, UserAgent: "seedproof/test"}, Namespace: "garden", Clock: clock, Timeout: timeout, Observer: o})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAReadWaitsWhenItIsAskedTo(t *testing.T) {
	b := &busy{status: http.StatusTooManyRequests, after: 7}
	b.first.Store(2)
	clock, h := flowtest.NewFakeClock(), &heard{}
	s := b.store(t, clock, h, patience)
	done := make(chan seed.Record, 1)
	go func() { done <- s.Record(flow.WithPassID(t.Context(), "0123abcd"), "p1") }()
	for range 2 {
		clock.BlockUntil(1)
		clock.Advance(7 * time.Second)
	}
	r := <-done
	wantFinding(t, "after the wait", r.Finding, proof.Absent, r.Why)
	if b.calls.Load() != 4 || len(h.calls) != 4 || !h.calls[0].Throttled || h.calls[0].RetryAfter != 7*time.Second || h.calls[3].Throttled {
		t.Errorf("%d calls: %+v", b.calls.Load(), h.calls)
	}
	if got := b.agent.Load(); got != "seedproof/test pass/0123abcd" {
		t.Errorf("the agent is %q", got)
	}
}

func TestWhatIsNotWaitedFor(t *testing.T) {
	tests := []struct {
		reason  string
		status  int
		after   int
		timeout time.Duration
	}{
		{"longer than there is time", http.StatusTooManyRequests, 3600, time.Minute},
		{"not available, and no word of when", http.StatusServiceUnavailable, 0, time.Minute},
		{"broken", http.StatusInternalServerError, 1, time.Minute},
	}
	for _, tt := range tests {
		b := &busy{status: tt.status, after: tt.after}
		b.first.Store(100)
		r := b.store(t, flowtest.NewFakeClock(), nil, tt.timeout).Record(t.Context(), "p1")
		wantFinding(t, tt.reason, r.Finding, proof.Unknown, r.Why)
		if n := b.calls.Load(); n != 1 {
			t.Errorf("%s: %d calls", tt.reason, n)
		}
	}
}

// A write is sent once, whatever is answered: it is the flow that tries again.
func TestAWriteIsSentOnce(t *testing.T) {
	b := &busy{status: http.StatusTooManyRequests, after: 1}
	s := b.store(t, flowtest.NewFakeClock(), nil, patience)
	c := opened(s.Claim(t.Context(), "p1"))
	b.first.Store(100)
	before := b.calls.Load()
	_, err := s.WriteClaim(t.Context(), c)
	var e *seed.Error
	if !errors.As(err, &e) || flow.OutcomeOf(err) != flow.Refused || flow.ClassOf(err) != flow.Transient || e.RetryAfter != time.Second {
		t.Errorf("got %v", err)
	}
	if n := b.calls.Load() - before; n != 1 {
		t.Errorf("%d calls", n)
	}
}

// What became of a write is found out although nobody waits for it any more.
func TestALookAfterTheCallerLeft(t *testing.T) {
	p := newPlace(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := p.store(t, func(o *seed.Options) {
		o.Config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(r)
				if r.Method != http.MethodPost || err != nil {
					return resp, err
				}
				_ = resp.Body.Close()
				cancel() // the answer came when the caller had left
				return nil, context.Canceled
			})
		})
	})
	r, err := s.WriteRecord(ctx, born(s.Record(ctx, "p1")))
	if err != nil || r.Serial != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
