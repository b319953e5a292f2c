package flow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/seedproof/seedproof/internal/flow"
)

// refusal is an error of some transport that says what it knows of itself.
type refusal bool

func (r refusal) Error() string { return "no" }
func (r refusal) Refused() bool { return bool(r) }

func TestOutcomeAndClassOfErrors(t *testing.T) {
	plain := errors.New("boom")
	cases := []struct {
		reason  string
		err     error
		outcome flow.Outcome
		class   flow.Class
		advice  string
	}{
		{"no error is the only way to be done", nil, flow.Done, flow.Transient, ""},
		{"an unclassed error is never a no", plain, flow.Unknown, flow.Transient, ""},
		{"a timeout may have taken effect", context.DeadlineExceeded, flow.Unknown, flow.Transient, ""},
		{"so may a call that was broken off", context.Canceled, flow.Unknown, flow.Transient, ""},
		{"a cut answer is no answer", io.ErrUnexpectedEOF, flow.Unknown, flow.Transient, ""},
		{"an understood no will be no again", refusal(true), flow.Refused, flow.Permanent, ""},
		{"a wrapped no is a no", fmt.Errorf("put: %w", refusal(true)), flow.Refused, flow.Permanent, ""},
		{"a no among joined errors is a no", errors.Join(plain, refusal(true)), flow.Refused, flow.Permanent, ""},
		{"the method alone is not a no", refusal(false), flow.Unknown, flow.Transient, ""},
		{"what the error says of itself wins", flow.AsTransient(refusal(true)), flow.Refused, flow.Transient, ""},
		{"permanent without a refusal", flow.AsPermanent(plain), flow.Unknown, flow.Permanent, ""},
		{"advice is carried through wrapping", fmt.Errorf("step: %w", flow.AsNeedsPerson(plain, "seedproof etcd explain")),
			flow.Unknown, flow.NeedsPerson, "seedproof etcd explain"},
		{"the outermost class wins and the advice is kept", flow.AsPermanent(flow.AsNeedsPerson(plain, "type this")),
			flow.Unknown, flow.Permanent, "type this"},
	}
	for _, c := range cases {
		if got := flow.OutcomeOf(c.err); got != c.outcome {
			t.Errorf("%s: outcome %v, want %v", c.reason, got, c.outcome)
		}
		if got := flow.ClassOf(c.err); got != c.class {
			t.Errorf("%s: class %v, want %v", c.reason, got, c.class)
		}
		if got := flow.AdviceOf(c.err); got != c.advice {
			t.Errorf("%s: advice %q, want %q", c.reason, got, c.advice)
		}
	}
}

func TestClassingKeepsTheErrorAndNil(t *testing.T) {
	if flow.AsTransient(nil) != nil || flow.AsPermanent(nil) != nil || flow.AsNeedsPerson(nil, "x") != nil {
		t.Error("classing no error made one")
	}
	cause := errors.New("boom")
	err := flow.AsNeedsPerson(cause, "seedproof etcd explain")
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if want := "boom (type: seedproof etcd explain)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestZeroValuesAreTheCautiousOnes(t *testing.T) {
	var (
		o flow.Outcome
		c flow.Class
		s flow.StepState
		p flow.PlanState
	)
	if o != flow.Unknown || c != flow.Transient || s != flow.StepWaiting || p != flow.PlanUnknown {
		t.Errorf("zero values: %v %v %v %v", o, c, s, p)
	}
}
