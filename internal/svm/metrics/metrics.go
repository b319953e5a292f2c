package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// prefix begins the name of every metric of this package.
const prefix = telemetry.Prefix + "svm_"

// Metrics are the metrics of one program that reconciles SVMs. The methods may
// be called from several goroutines.
type Metrics struct {
	clock flow.Clock
	board *board

	attempts, failures, retries *prometheus.CounterVec // of steps
	converge                    *prometheus.HistogramVec
	logins                      *prometheus.CounterVec
	cycles                      prometheus.Histogram

	arrayCalls, arrayErrors, arrayBytes *prometheus.CounterVec
	arrayTimes                          *prometheus.HistogramVec
	kubeCalls, kubeErrors, kubeDelayed  *prometheus.CounterVec
	kubeTimes                           *prometheus.HistogramVec

	stepCodes, arrayCodes, kubeReasons, calls, resources *bounded

	mu     sync.Mutex
	began  map[subject]run
	failed map[stepOf]bool // steps whose newest try failed
	known  map[string]bool // SVMs that have counters of logins
}

type subject struct{ flow, svm string }

type stepOf struct {
	subject
	step string
}

// run is the way of a subject from what has to be done to rest.
type run struct {
	at     time.Time
	worked bool
}

// New registers the metrics. The clock is that of the flow; nil takes the
// machine's.
func New(reg prometheus.Registerer, clock flow.Clock) *Metrics {
	if clock == nil {
		clock = flow.RealClock{}
	}
	m := &Metrics{
		clock: clock, board: newBoard(),
		began: map[subject]run{}, failed: map[stepOf]bool{}, known: map[string]bool{},
		stepCodes: newBounded(), arrayCodes: newBounded(), kubeReasons: newBounded(), calls: newBounded(), resources: newBounded(),
	}
	reg.MustRegister(m.board)
	m.registerSteps(reg)
	m.registerCalls(reg)
	return m
}

func (m *Metrics) registerSteps(reg prometheus.Registerer) {
	m.attempts = counters(reg, "step_attempts_total", "Tries of a step, by how they ended (done, refused, unknown).", "flow", "step", "outcome")
	m.failures = counters(reg, "step_failures_total",
		"Failed tries of a step, by the code of the error and its class (transient, permanent, needs-person).", "flow", "step", "code", "class")
	m.retries = counters(reg, "step_retries_total", "Tries of a step that had failed before.", "flow", "step")
	m.converge = times(reg, "converge_seconds", "How long an SVM takes from the first thing that has to be done to rest.",
		[]float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400}, "flow")
	m.logins = counters(reg, "login_checks_total", "Logins with a pair at an SVM's management interface, by result.", "svm", "result")
	cycles := times(reg, "cycle_duration_seconds", "How long it takes to look at all SVMs once.", []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800})
	m.cycles, _ = cycles.WithLabelValues().(prometheus.Histogram)
}

func (m *Metrics) registerCalls(reg prometheus.Registerer) {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
	m.arrayCalls = counters(reg, "array_calls_total", "Calls to an array, by how they ended (done, refused, unknown).", "array", "call", "outcome")
	m.arrayErrors = counters(reg, "array_call_errors_total", "Calls to an array that were not done, by ONTAP's code, else the HTTP status, else no-answer.", "array", "code")
	m.arrayBytes = counters(reg, "array_bytes_total", "Bytes of bodies sent to an array, and received from it.", "array", "direction")
	m.arrayTimes = times(reg, "array_call_duration_seconds", "How long calls to an array take.", buckets, "array")
	m.kubeCalls = counters(reg, "kube_calls_total", "Calls to the Kubernetes API, by how they ended (done, refused, unknown).", "verb", "resource", "outcome")
	m.kubeErrors = counters(reg, "kube_call_errors_total", "Calls to the Kubernetes API that were not done, by its reason, else the HTTP status, else no-answer.", "verb", "reason")
	m.kubeDelayed = counters(reg, "kube_throttled_total", "Calls that the Kubernetes API told to wait.", "verb")
	m.kubeTimes = times(reg, "kube_call_duration_seconds", "How long calls to the Kubernetes API take.", buckets, "verb")
}

func counters(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	reg.MustRegister(vec)
	return vec
}

func times(reg prometheus.Registerer, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, labels)
	reg.MustRegister(vec)
	return vec
}

// SetPace shows how often all SVMs are looked at.
func (m *Metrics) SetPace(interval time.Duration) { m.board.setPace(interval) }

// CycleEnded shows that all SVMs were looked at, when that ended, and how long
// it took.
func (m *Metrics) CycleEnded(at time.Time, took time.Duration) {
	m.cycles.Observe(took.Seconds())
	m.board.setCycle(at)
}

// LoginResult is how a login check ended.
type LoginResult string

// How a login check can end.
const (
	LoginAccepted LoginResult = "accepted"
	LoginRefused  LoginResult = "refused"   // a real answer, and no
	LoginUnknown  LoginResult = "no-answer" // everything else
)

// LoginChecked counts a login check.
func (m *Metrics) LoginChecked(svm string, r LoginResult) {
	m.startLogins(svm)
	m.logins.WithLabelValues(label(svm), string(r)).Inc()
}

// startLogins gives an SVM its counters, at zero, so that their first increase
// is seen as one.
func (m *Metrics) startLogins(svm string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := label(svm)
	if m.known[name] {
		return
	}
	m.known[name] = true
	for _, r := range []LoginResult{LoginAccepted, LoginRefused, LoginUnknown} {
		m.logins.WithLabelValues(name, string(r))
	}
}

// Forget takes away every series of an SVM. It is called last, when nothing is
// done with the SVM any more.
func (m *Metrics) Forget(svm string) {
	name := label(svm)
	m.board.forget(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.began {
		if s.svm == name {
			delete(m.began, s)
		}
	}
	for s := range m.failed {
		if s.svm == name {
			delete(m.failed, s)
		}
	}
	delete(m.known, name)
	m.logins.DeletePartialMatch(prometheus.Labels{"svm": name})
}
