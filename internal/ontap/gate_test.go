package ontap

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
)

func TestWhatAnAnswerSaysOfOurPassword(t *testing.T) {
	cases := []struct {
		reason string
		err    error
		want   login
	}{
		{"a good answer", nil, loginAccepted},
		{"a refusal that ONTAP reasoned", &Error{Outcome: flow.Refused, Status: 404, Code: "4"}, loginAccepted},
		{"no permission is an acceptance of the password", &Error{Outcome: flow.Refused, Status: 403, Code: "6"}, loginAccepted},
		{"a 401", &Error{Outcome: flow.Refused, Status: 401, cause: ErrCredentials}, loginRefused},
		{"a full queue turns away unread", &Error{Outcome: flow.Refused, Status: 429, Code: "262160"}, loginUnknown},
		{"so does an overload", &Error{Outcome: flow.Refused, Status: 503, Code: "8"}, loginUnknown},
		{"a failure", &Error{Status: 500, Code: "393271"}, loginUnknown},
		{"an injected refusal", &Error{Outcome: flow.Refused}, loginUnknown},
		{"no answer", &Error{cause: context.DeadlineExceeded}, loginUnknown},
	}
	for _, c := range cases {
		if got := loginOf(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
	}
}

func TestTheGate(t *testing.T) {
	clock := flowtest.NewFakeClock()
	g := newGate(clock, time.Hour)
	enter := func() func(login) {
		t.Helper()
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	closed := func(reason string, want error) {
		t.Helper()
		if _, err := g.enter(ended); !errors.Is(err, want) {
			t.Errorf("%s: %v", reason, err)
		}
	}
	alone := enter()
	closed("a second call while nothing is proven", context.Canceled)
	alone(loginUnknown)
	alone = enter()
	closed("a second call after silence", context.Canceled)
	alone(loginAccepted)
	a, b := enter(), enter()
	a(loginRefused)
	b(loginAccepted) // it was under way
	if _, err := g.enter(t.Context()); !errors.Is(err, ErrCredentials) {
		t.Errorf("after a refusal: %v", err)
	}
	clock.Advance(time.Hour)
	alone = enter()
	closed("a second call after the rest", context.Canceled)
	alone(loginAccepted)
	enter()(loginAccepted)
	enter()(loginUnknown)
	a, b = enter(), enter() // silence takes no acceptance back
	a(loginAccepted)
	b(loginAccepted)
}

// Who waited for the first answer does not go one at a time once it is good.
func TestTheGateOpensForThoseWhoWait(t *testing.T) {
	g := newGate(flowtest.NewFakeClock(), time.Hour)
	leave, err := g.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in := make(chan error)
	for range 3 {
		go func() {
			_, err := g.enter(t.Context())
			in <- err
		}()
	}
	leave(loginAccepted)
	for range 3 {
		if err := <-in; err != nil { // none of them has left
			t.Error(err)
		}
	}
}
