// Package monitor turns the cycles of the reconciler into what people see: the
// metrics of every SVM, and trouble that is seen coming (package trouble). It
// asks each array for what nobody else needs: how full aggregates, volumes and
// limits are.
//
// It must never act on an SVM, and never take what it could not read for well.
package monitor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/metrics"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/trouble"
)

// DefaultSpaceEvery is how often arrays are asked how full they are.
const DefaultSpaceEvery = 5 * time.Minute

// Options are what a Monitor needs. What is left out takes the default named.
type Options struct {
	Metrics    *metrics.Metrics
	Thresholds trouble.Thresholds // default trouble.DefaultThresholds
	SpaceEvery time.Duration      // default DefaultSpaceEvery
	Clock      flow.Clock         // default the machine's
	Log        *slog.Logger       // default none
	// Turned hears of each condition that came or went, for Events; nil: the log
	// alone does.
	Turned func(context.Context, trouble.Condition)
}

// Monitor is fed by the calls that are made (ArrayCalls, KubeCalls, Login) and
// by the cycles (After). Many goroutines may use it.
type Monitor struct {
	o       Options
	tracker *trouble.Tracker

	mu      sync.Mutex
	arrays  map[string]*trouble.Window
	kube    *trouble.Window
	logins  []trouble.Reading
	asked   time.Time       // when the arrays were last asked how full they are
	current map[string]bool // the SVMs that are shown
}

// New makes a Monitor.
func New(o Options) (*Monitor, error) {
	if o.Clock == nil {
		o.Clock = flow.RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SpaceEvery <= 0 {
		o.SpaceEvery = DefaultSpaceEvery
	}
	o.Thresholds = o.Thresholds.Filled()
	tracker, err := trouble.NewTracker(o.Thresholds)
	if err != nil {
		return nil, err
	}
	return &Monitor{o: o, tracker: tracker, arrays: map[string]*trouble.Window{}, kube: trouble.NewWindow(o.Thresholds)}, nil
}

// ArrayCalls hears of the calls to arrays; it is an ontap.Observer.
func (m *Monitor) ArrayCalls() ontap.Observer { return arrayCalls{m} }

// KubeCalls hears of the calls to the API server; it is a seed.Observer.
func (m *Monitor) KubeCalls() seed.Observer { return kubeCalls{m} }

type arrayCalls struct{ m *Monitor }

// Called notes one call. A refusal is an answer.
func (a arrayCalls) Called(c ontap.Call) {
	a.m.o.Metrics.ArrayCalls().Called(c)
	a.m.window(c.Array).Add(a.m.o.Clock.Now(), trouble.Call{Took: c.Duration, Failed: c.Outcome == flow.Unknown})
}

type kubeCalls struct{ m *Monitor }

// Called notes one call.
func (k kubeCalls) Called(c seed.Call) {
	k.m.o.Metrics.KubeCalls().Called(c)
	k.m.kube.Add(k.m.o.Clock.Now(), trouble.Call{Took: c.Duration, Failed: c.Outcome == flow.Unknown, Throttled: c.Throttled})
}

func (m *Monitor) window(array string) *trouble.Window {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.arrays[array]
	if w == nil {
		w = trouble.NewWindow(m.o.Thresholds)
		m.arrays[array] = w
	}
	return w
}

// Login notes one login at an SVM's management interface; see svm.Options.Tried.
func (m *Monitor) Login(t credential.Tried) {
	subject, result := trouble.Subject{SVM: t.SVM}, metrics.LoginUnknown
	reading := trouble.MeasureTime(trouble.ManagementSlow, subject, t.Took)
	switch t.Finding {
	case ontap.LoginAccepted, ontap.LoginNarrow:
		result = metrics.LoginAccepted
	case ontap.LoginRejected, ontap.LoginElsewhere:
		result = metrics.LoginRefused
	case ontap.LoginUnknown:
		reading = trouble.Failed(trouble.ManagementSlow, subject, "the login was not answered")
	}
	m.o.Metrics.LoginChecked(t.SVM, result)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logins = append(m.logins, reading)
}

// After shows what came of a cycle.
func (m *Monitor) After(ctx context.Context, arrays []look.Array, wishes []svm.Wish, res svm.CycleResult, oldest time.Duration) {
	at := m.o.Clock.Now()
	readings := []trouble.Reading{trouble.MeasureTime(trouble.QueueOld, trouble.Subject{}, max(oldest, res.Waited))}
	readings = append(readings, m.kube.OfKubernetes(at)...)
	for _, a := range arrays {
		readings = append(readings, m.window(a.Name).OfArray(at, a.Name)...)
	}
	if m.spaceIsDue(at) {
		for _, a := range arrays {
			readings = append(readings, space(ctx, a, wishes, m.o.Thresholds)...)
		}
	}
	m.mu.Lock()
	readings = append(readings, m.logins...)
	m.logins = nil
	m.mu.Unlock()
	m.forget(wishes)
	for _, turned := range m.tracker.Observe(at, readings...) {
		m.o.Log.WarnContext(ctx, "trouble", "type", string(turned.Type), "svm", turned.Subject.SVM, "array", turned.Subject.Array,
			"aggregate", turned.Subject.Aggregate, "status", string(turned.Status), "message", turned.Message)
		if m.o.Turned != nil {
			m.o.Turned(ctx, turned)
		}
	}
	m.o.Metrics.SetTroubles(m.tracker.Conditions(at))
	for i, s := range res.SVMs {
		if !s.At.IsZero() {
			m.o.Metrics.SetSVM(stateOf(wishes[i], s))
		}
	}
	m.o.Metrics.CycleEnded(res.Ended, res.Ended.Sub(res.Began))
}

// Conditions are all that is watched, as it stands.
func (m *Monitor) Conditions() []trouble.Condition { return m.tracker.Conditions(m.o.Clock.Now()) }

func (m *Monitor) spaceIsDue(at time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.asked.IsZero() && at.Sub(m.asked) < m.o.SpaceEvery {
		return false
	}
	m.asked = at
	return true
}

// forget drops what is shown of SVMs that nobody wishes for any more.
func (m *Monitor) forget(wishes []svm.Wish) {
	now := map[string]bool{}
	for _, w := range wishes {
		now[w.Spec.SVMName] = true
	}
	m.mu.Lock()
	gone := map[string]bool{}
	for name := range m.current {
		if !now[name] {
			gone[name] = true
		}
	}
	m.current = now
	m.mu.Unlock()
	for name := range gone {
		m.o.Metrics.Forget(name)
	}
	m.tracker.Forget(func(s trouble.Subject) bool { return gone[s.SVM] })
}

// stateOf is how an SVM stands, in the words of the metrics.
func stateOf(want svm.Wish, s svm.CycleSVM) metrics.State {
	every := map[string]time.Duration{}
	for _, c := range want.Spec.Credentials {
		every[c.Shoot] = time.Duration(c.Rotation.Every)
	}
	state := metrics.State{
		SVM: s.Name, Verdict: s.Decision.Verdict.State, Looked: s.At, Deleting: s.Deleting, Drift: metrics.DriftOf(s.Decision.Steps),
	}
	return state.WithShoots(s.Shoots, s.Decision.UUIDs, every)
}
