package trouble

import (
	"math"
	"slices"
	"sync"
	"time"
)

// mostCalls are kept of a window, the newest: beyond them a quantile is of a
// shorter time.
const mostCalls = 2048

// Call is one call to an array or to the Kubernetes API.
type Call struct {
	Took      time.Duration
	Failed    bool // its outcome is not known; a refusal is an answer
	Throttled bool // it was told to wait, or waited for its turn
}

// Window holds the calls of the last minutes to one array, or to the
// Kubernetes API. Its methods may be called from several goroutines.
type Window struct {
	span     time.Duration
	quantile float64
	least    int

	mu    sync.Mutex
	calls []timed // at most mostCalls, a ring
	next  int
}

type timed struct {
	Call
	at time.Time
}

// NewWindow is as long as the thresholds say. They must be valid.
func NewWindow(t Thresholds) *Window {
	t = t.Filled()
	return &Window{span: time.Duration(t.Window), quantile: t.Quantile, least: t.MinCalls}
}

// Add notes a call that ended now.
func (w *Window) Add(at time.Time, c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) < mostCalls {
		w.calls = append(w.calls, timed{c, at})
		return
	}
	w.calls[w.next] = timed{c, at}
	w.next = (w.next + 1) % mostCalls
}

// OfArray are the samples of an array's API. Too few calls are no sample.
func (w *Window) OfArray(at time.Time, array string) []Reading {
	s := Subject{Array: array}
	return w.readings(at, reading{ArraySlow, s, w.latency}, reading{ArrayErrors, s, failed})
}

// OfKubernetes are the samples of the Kubernetes API.
func (w *Window) OfKubernetes(at time.Time) []Reading {
	return w.readings(at, reading{KubernetesSlow, Subject{}, w.latency}, reading{KubernetesThrottled, Subject{}, throttled})
}

type reading struct {
	of      Type
	subject Subject
	value   func([]Call) float64
}

func (w *Window) readings(at time.Time, wanted ...reading) []Reading {
	recent := w.recent(at)
	var all []Reading
	for _, r := range wanted {
		if len(recent) < w.least {
			all = append(all, Failed(r.of, r.subject, "too few calls"))
			continue
		}
		all = append(all, Measure(r.of, r.subject, r.value(recent)))
	}
	return all
}

// recent are the calls within the window. One from the future is none: the
// clock was put back.
func (w *Window) recent(at time.Time) []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	var recent []Call
	for _, c := range w.calls {
		if age := at.Sub(c.at); age >= 0 && age < w.span {
			recent = append(recent, c.Call)
		}
	}
	return recent
}

// latency is the quantile by nearest rank, in seconds: a call that was made.
func (w *Window) latency(calls []Call) float64 {
	took := make([]time.Duration, len(calls))
	for i, c := range calls {
		took[i] = c.Took
	}
	slices.Sort(took)
	rank := int(math.Ceil(w.quantile * float64(len(took))))
	return took[max(rank, 1)-1].Seconds()
}

func failed(calls []Call) float64 { return share(calls, func(c Call) bool { return c.Failed }) }

func throttled(calls []Call) float64 { return share(calls, func(c Call) bool { return c.Throttled }) }

func share(calls []Call, is func(Call) bool) float64 {
	n := 0
	for _, c := range calls {
		if is(c) {
			n++
		}
	}
	return float64(n) / float64(len(calls))
}
