package metrics

import (
	"context"
	"errors"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

var _ flow.Observer = (*Metrics)(nil)

// StepActed counts a try that was done, or accepted.
func (m *Metrics) StepActed(_ context.Context, e flow.Event) { m.tried(e, false) }

// StepFailed counts a try that was not.
func (m *Metrics) StepFailed(_ context.Context, e flow.Event) {
	m.tried(e, true)
	m.failures.WithLabelValues(label(e.Flow), stepLabel(e.Step), m.stepCodes.label(codeOf(e.Err)), e.Class.String()).Inc()
}

func (m *Metrics) tried(e flow.Event, failed bool) {
	step := stepLabel(e.Step)
	m.attempts.WithLabelValues(label(e.Flow), step, e.Outcome.String()).Inc()
	s := subjectOf(e.Flow, e.Subject)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin(s, true)
	row := stepOf{s, e.Step}
	again := m.failed[row]
	if failed {
		m.failed[row] = true
	} else {
		delete(m.failed, row)
	}
	if again || failed && e.Attempts > 1 {
		m.retries.WithLabelValues(label(e.Flow), step).Inc()
	}
}

// Escalated shows a step that waits for a person, until it has recovered.
func (m *Metrics) Escalated(_ context.Context, e flow.Escalation) {
	m.board.setEscalated(stepOf{subjectOf(e.Flow, e.Subject), e.Step}, true)
}

// Recovered ends what Escalated began.
func (m *Metrics) Recovered(_ context.Context, e flow.Escalation) {
	m.board.setEscalated(stepOf{subjectOf(e.Flow, e.Subject), e.Step}, false)
}

// Began notes that a flow begins to work at an SVM, where that is known before
// its first step has ended. It changes nothing while one is on its way.
func (m *Metrics) Began(flowName, svm string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin(subjectOf(flowName, svm), false)
}

func (m *Metrics) begin(s subject, worked bool) {
	r, on := m.began[s]
	if !on {
		r.at = m.clock.Now()
	}
	r.worked = r.worked || worked
	m.began[s] = r
}

// PassEnded shows how long an SVM took to come to rest. A pass at rest that
// follows no work shows nothing.
func (m *Metrics) PassEnded(_ context.Context, r flow.Result) {
	s := subjectOf(r.Flow, r.Subject)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, step := range r.Steps {
		if step.State == flow.StepDone {
			delete(m.failed, stepOf{s, step.Name})
		}
	}
	if !finished(r) {
		m.begin(s, false)
		return
	}
	if on := m.began[s]; on.worked {
		m.converge.WithLabelValues(s.flow).Observe(m.clock.Now().Sub(on.at).Seconds())
	}
	delete(m.began, s)
}

// finished: everything was done before, or is proved.
func finished(r flow.Result) bool {
	for _, step := range r.Steps {
		if step.State != flow.StepDone && step.State != flow.StepActed {
			return false
		}
	}
	return r.Err == nil && len(r.Steps) > 0
}

func subjectOf(flowName, svm string) subject { return subject{label(flowName), label(svm)} }

// codeOf is the code that the other side gave, in one word. What an error says
// in words never becomes a label.
func codeOf(err error) string {
	var array *ontap.Error
	var kube *seed.Error
	switch {
	case errors.As(err, &array):
		return code(array.Code, array.Status)
	case errors.As(err, &kube):
		return code(kube.Reason, kube.Status)
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return other
}
