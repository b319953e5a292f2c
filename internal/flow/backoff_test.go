package flow_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seedproof/seedproof/internal/flow"
)

func TestBackoffDelay(t *testing.T) {
	b := flow.Backoff{Base: time.Second, Cap: 10 * time.Second, Factor: 2, EscalateAfter: 6, SlowPace: time.Hour}
	cases := []struct {
		reason   string
		b        flow.Backoff
		failures int
		rnd      float64
		want     time.Duration
	}{
		{"no failure, no pause", b, 0, 0, 0},
		{"the first pause is the base", b, 1, 0, time.Second},
		{"the factor is applied once per further failure", b, 4, 0, 8 * time.Second},
		{"the cap holds", b, 5, 0, 10 * time.Second},
		{"from the escalation on the pace is slow", b, 6, 0, time.Hour},
		{"far beyond the escalation nothing overflows", b, math.MaxInt, 0, time.Hour},
		{"without jitter chance plays no part", b, 2, 0.9, 2 * time.Second},
		{"jitter takes off at most its share",
			flow.Backoff{Base: time.Second, Cap: time.Minute, Factor: 2, Jitter: 0.5, EscalateAfter: 9}, 1, 0.5, 750 * time.Millisecond},
		{"the zero value has the defaults", flow.Backoff{}, 1, 0, time.Second},
		{"a factor that is no number takes the default", flow.Backoff{Factor: math.NaN()}, 2, 0, 2 * time.Second},
	}
	for _, c := range cases {
		if got := c.b.Delay(c.failures, c.rnd); got != c.want {
			t.Errorf("%s: %v, want %v", c.reason, got, c.want)
		}
	}
}

func TestBackoffLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := flow.Backoff{
			Base:          time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "base")),
			Cap:           time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "cap")),
			Factor:        rapid.Float64Range(1, 1e6).Draw(t, "factor"),
			Jitter:        rapid.Float64().Draw(t, "jitter"),
			EscalateAfter: rapid.IntRange(1, 100).Draw(t, "after"),
			SlowPace:      time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "slow")),
		}
		n := rapid.IntRange(1, 200).Draw(t, "failures")
		d := b.Delay(n, rapid.Float64().Draw(t, "rnd"))
		limit := b.Cap
		if b.Escalates(n) {
			limit = b.SlowPace
		}
		if d <= 0 || d > limit {
			t.Fatalf("a pause of %v after %d failures, limit %v", d, n, limit)
		}
		if !b.Escalates(n) && b.Delay(n, 0) > b.Delay(n+1, 0) && !b.Escalates(n+1) {
			t.Fatalf("the pause shrank from failure %d to the next", n)
		}
	})
}
