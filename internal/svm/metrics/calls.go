package metrics

import (
	"net/http"
	"strconv"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// ArrayCalls hears of the calls to arrays.
func (m *Metrics) ArrayCalls() ontap.Observer { return arrayCalls{m} }

// KubeCalls hears of the calls to the Kubernetes API of the seed.
func (m *Metrics) KubeCalls() seed.Observer { return kubeCalls{m} }

type arrayCalls struct{ m *Metrics }

// Called counts one call to an array.
func (a arrayCalls) Called(c ontap.Call) {
	m, array := a.m, label(c.Array)
	m.arrayCalls.WithLabelValues(array, m.calls.label(c.Name), c.Outcome.String()).Inc()
	m.arrayTimes.WithLabelValues(array).Observe(c.Duration.Seconds())
	m.arrayBytes.WithLabelValues(array, "sent").Add(float64(max(c.Sent, 0)))
	m.arrayBytes.WithLabelValues(array, "received").Add(float64(max(c.Received, 0)))
	if c.Outcome != flow.Done {
		m.arrayErrors.WithLabelValues(array, m.arrayCodes.label(code(c.Code, c.Status))).Inc()
	}
}

type kubeCalls struct{ m *Metrics }

// Called counts one call to the Kubernetes API.
func (k kubeCalls) Called(c seed.Call) {
	m, verb := k.m, label(c.Verb)
	m.kubeCalls.WithLabelValues(verb, m.resources.label(c.Resource), c.Outcome.String()).Inc()
	m.kubeTimes.WithLabelValues(verb).Observe(c.Duration.Seconds())
	if c.Throttled {
		m.kubeDelayed.WithLabelValues(verb).Inc()
	}
	if c.Outcome != flow.Done {
		m.kubeErrors.WithLabelValues(verb, m.kubeReasons.label(code(c.Reason, c.Status))).Inc()
	}
}

// code is what the other side called it, else the status, else that there was
// no answer.
func code(said string, status int) string {
	switch {
	case said != "":
		return said
	case status >= http.StatusContinue && status < 600:
		return "http-" + strconv.Itoa(status)
	}
	return "no-answer"
}
