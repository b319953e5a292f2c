package telemetry

import (
	"context"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/flow"
)

// FlowObserver writes what flows do into the log and counts it. Register one
// for all Runners of a program.
type FlowObserver struct {
	log       *slog.Logger
	failures  *prometheus.CounterVec
	mu        sync.Mutex
	escalated *gauges
	standing  map[[2]string]int // subjects escalated, by flow and step
}

var _ flow.Observer = (*FlowObserver)(nil)

// NewFlowObserver registers the metrics of flows. The logger is one of
// NewLogger, which adds the id of the pass.
func NewFlowObserver(reg prometheus.Registerer, log *slog.Logger) *FlowObserver {
	return &FlowObserver{
		log: log,
		failures: newCounters(reg, "flow_step_failures_total",
			"Failed tries of a step, by the class of the error (transient, permanent, needs-person).", "flow", "step", "class"),
		escalated: newGauges(reg, "flow_step_escalated",
			"Number of subjects for which the step waits for a person.", "flow", "step"),
		standing: map[[2]string]int{},
	}
}

// StepActed logs an act.
func (o *FlowObserver) StepActed(ctx context.Context, e flow.Event) {
	o.log.InfoContext(ctx, "step acted", "flow", e.Flow, "subject", e.Subject, "step", e.Step,
		"outcome", e.Outcome.String(), "what", e.Why)
}

// StepFailed logs and counts a failure.
func (o *FlowObserver) StepFailed(ctx context.Context, e flow.Event) {
	o.failures.WithLabelValues(e.Flow, e.Step, e.Class.String()).Inc()
	o.log.WarnContext(ctx, "step failed", "flow", e.Flow, "subject", e.Subject, "step", e.Step,
		"outcome", e.Outcome.String(), "class", e.Class.String(), "attempts", e.Attempts,
		"next_try", e.NextTry, "err", e.Why)
}

// Escalated logs an escalation and shows it until it has recovered.
func (o *FlowObserver) Escalated(ctx context.Context, e flow.Escalation) {
	o.count(e, 1)
	o.log.ErrorContext(ctx, "step escalated", "flow", e.Flow, "subject", e.Subject, "step", e.Step,
		"why", e.Why, "advice", e.Advice, "since", e.Since, "attempts", e.Attempts)
}

// Recovered logs the end of an escalation.
func (o *FlowObserver) Recovered(ctx context.Context, e flow.Escalation) {
	o.count(e, -1)
	o.log.InfoContext(ctx, "step recovered", "flow", e.Flow, "subject", e.Subject, "step", e.Step,
		"since", e.Since, "attempts", e.Attempts)
}

// PassEnded logs passes that acted or could not be run; at rest it is quiet.
func (o *FlowObserver) PassEnded(ctx context.Context, r flow.Result) {
	level := slog.LevelDebug
	if r.Acted {
		level = slog.LevelInfo
	}
	attrs := []any{"flow", r.Flow, "subject", r.Subject, "acted", r.Acted, "at_rest", r.AtRest}
	if r.Err != nil {
		level, attrs = slog.LevelError, append(attrs, "err", r.Err.Error())
	}
	o.log.Log(ctx, level, "pass ended", attrs...)
}

func (o *FlowObserver) count(e flow.Escalation, by int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := [2]string{e.Flow, e.Step}
	if o.standing[k] += by; o.standing[k] <= 0 {
		delete(o.standing, k)
	}
	all := make([]sample, 0, len(o.standing))
	for k, n := range o.standing {
		all = append(all, sample{[]string{k[0], k[1]}, float64(n)})
	}
	o.escalated.replace(all...)
}
