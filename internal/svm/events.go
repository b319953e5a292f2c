package svm

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// Reasons of the Events that stand beside the record of an SVM.
const (
	ReasonDone      = "StepDone"
	ReasonFailed    = "StepFailed"
	ReasonEscalated = "StepEscalated"
	ReasonRecovered = "StepRecovered"
)

// eventTime bounds the writing of one Event. None is ever waited for longer,
// and none that fails stops anything.
const eventTime = 5 * time.Second

// events tells what a flow does in Events and in the log. It is told once when
// a step fails for the first time, and once more when it escalates: what is
// tried again quietly in between is counted by the metrics.
type events struct {
	seed *seed.Store
	log  *slog.Logger

	mu   sync.Mutex
	refs map[string]seed.Ref // by SVM: the record as it was last read
}

// about notes which object the Events of an SVM stand beside.
func (o *events) about(record seed.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refs == nil {
		o.refs = map[string]seed.Ref{}
	}
	o.refs[record.Name] = record.Ref()
}

func (o *events) ref(svm string) seed.Ref {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ref, known := o.refs[svm]; known {
		return ref
	}
	return seed.Ref{Object: seed.ObjectName(seed.KindRecord, svm)}
}

// forget drops what is known of the object.
func (o *events) forget(svm string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.refs, svm)
}

// leaving is the key of a context in which escalations end because nobody asks
// for the SVM any more.
type leaving struct{}

var _ flow.Observer = (*events)(nil)

// StepActed tells what was done.
func (o *events) StepActed(ctx context.Context, e flow.Event) {
	o.log.InfoContext(ctx, "done", "svm", e.Subject, "step", e.Step, "what", e.Why, "pass", e.PassID)
	o.tell(ctx, e.Subject, "Normal", ReasonDone, e.Step+": "+e.Why)
}

// StepFailed tells of the first failure of a row.
func (o *events) StepFailed(ctx context.Context, e flow.Event) {
	o.log.WarnContext(ctx, "failed", "svm", e.Subject, "step", e.Step, "error", e.Err, "class", e.Class.String(),
		"attempts", e.Attempts, "next", e.NextTry, "pass", e.PassID)
	if e.Attempts == 1 {
		o.tell(ctx, e.Subject, "Warning", ReasonFailed, e.Step+": "+e.Why)
	}
}

// Escalated asks for a person.
func (o *events) Escalated(ctx context.Context, e flow.Escalation) {
	o.log.ErrorContext(ctx, "a person is needed", "svm", e.Subject, "step", e.Step, "why", e.Why, "type", e.Advice,
		"attempts", e.Attempts, "since", e.Since)
	o.tell(ctx, e.Subject, "Warning", ReasonEscalated, e.Step+": "+e.Why)
}

// Recovered tells that an escalation has ended, and does not call it done where
// it was only forgotten.
func (o *events) Recovered(ctx context.Context, e flow.Escalation) {
	if ctx.Value(leaving{}) != nil {
		o.log.InfoContext(ctx, "no longer looked after", "svm", e.Subject, "step", e.Step, "attempts", e.Attempts, "since", e.Since)
		return
	}
	o.log.InfoContext(ctx, "recovered", "svm", e.Subject, "step", e.Step, "attempts", e.Attempts, "since", e.Since)
	o.tell(ctx, e.Subject, "Normal", ReasonRecovered, e.Step+" is done again")
}

// PassEnded tells nothing by itself.
func (o *events) PassEnded(context.Context, flow.Result) {}

func (o *events) tell(ctx context.Context, svm, kind, reason, message string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventTime)
	defer cancel()
	if err := o.seed.Event(ctx, o.ref(svm), kind, reason, message); err != nil {
		o.log.WarnContext(ctx, "an Event could not be written", "svm", svm, "reason", reason, "error", err)
	}
}
