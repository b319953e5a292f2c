package flow

import (
	"math"
	"time"
)

// Backoff says how long a failed step rests: Base after the first failure,
// Factor times longer after each further one, at most Cap. From EscalateAfter
// failures on the step has escalated and is tried at SlowPace. Jitter, from 0
// to 1, is the share of a delay that may be taken off at random, so that
// neither Cap nor SlowPace is ever exceeded.
//
// Fields that are zero take the values of DefaultBackoff, except Jitter.
type Backoff struct {
	Base, Cap      time.Duration
	Factor, Jitter float64
	EscalateAfter  int // failed attempts in a row
	SlowPace       time.Duration
}

// DefaultBackoff escalates after about half a minute of failures.
func DefaultBackoff() Backoff {
	return Backoff{
		Base: time.Second, Cap: time.Minute, Factor: 2, Jitter: 0.2,
		EscalateAfter: 5, SlowPace: 5 * time.Minute,
	}
}

// Delay is the pause after so many failures in a row. rnd is a random number
// from 0 (inclusive) to 1 (exclusive). No failure, no pause.
func (b Backoff) Delay(failures int, rnd float64) time.Duration {
	b = b.filled()
	if failures <= 0 {
		return 0
	}
	if b.Escalates(failures) {
		return b.Slow(rnd)
	}
	d := float64(b.Base) * math.Pow(b.Factor, float64(failures-1))
	return b.jittered(time.Duration(math.Min(d, float64(b.Cap))), rnd)
}

// Slow is the pause of a step that has escalated.
func (b Backoff) Slow(rnd float64) time.Duration {
	b = b.filled()
	return b.jittered(b.SlowPace, rnd)
}

// Escalates reports whether so many failures in a row are a matter for a person.
func (b Backoff) Escalates(failures int) bool { return failures >= b.filled().EscalateAfter }

func (b Backoff) jittered(d time.Duration, rnd float64) time.Duration {
	share := clamp(b.Jitter) * clamp(rnd)
	return max(d-time.Duration(float64(d)*share), 1)
}

func clamp(x float64) float64 {
	if !(x > 0) { // NaN too
		return 0
	}
	return min(x, 1)
}

func (b Backoff) filled() Backoff {
	def := DefaultBackoff()
	if b.Base <= 0 {
		b.Base = def.Base
	}
	if b.Cap <= 0 {
		b.Cap = def.Cap
	}
	if !(b.Factor >= 1) {
		b.Factor = def.Factor
	}
	if b.EscalateAfter <= 0 {
		b.EscalateAfter = def.EscalateAfter
	}
	if b.SlowPace <= 0 {
		b.SlowPace = def.SlowPace
	}
	return b
}
