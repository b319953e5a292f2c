package decide_test

import (
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

// TestParse: a word of a later release is not known, and zero never says
// anything.
func TestParse(t *testing.T) {
	for word, want := range map[string]decide.SVMState{"running": decide.Running, "stopped": decide.Stopped, "initializing": decide.Initializing,
		"starting": decide.Starting, "stopping": decide.Stopping, "deleting": decide.Deleting, "": decide.StateUnknown, "migrating": decide.StateUnknown, "Running": decide.StateUnknown} {
		if got := decide.ParseState(word); got != want {
			t.Errorf("state %q is %s, want %s", word, got, want)
		}
	}
	for word, want := range map[string]decide.Role{"default": decide.Plain, "sync_source": decide.Source, "sync_destination": decide.Destination,
		"dp_destination": decide.RoleUnknown, "": decide.RoleUnknown} {
		if got := decide.ParseRole(word); got != want {
			t.Errorf("subtype %q is %s, want %s", word, got, want)
		}
	}
	var zero decide.SVM
	for _, s := range []fmt.Stringer{zero.State, zero.Role, zero.Ownership, zero.OnlyRootVolume, decide.ModeUnknown, decide.PairUnknown, decide.SetUnknown,
		decide.AccountUnknown, decide.DriftUnknown, decide.ThingUnknown, decide.ReachUnknown, decide.HoldingUnknown} {
		if got := s.String(); got != "unknown" && got != "not known" {
			t.Errorf("a zero %T is %q", s, got)
		}
	}
	if got := decide.Answer(9).String(); got != "invalid answer 9" {
		t.Error(got)
	}
}

// TestTwinName: the suffix goes before the first period (facts 4).
func TestTwinName(t *testing.T) {
	for name, want := range map[string]string{"x": "x-mc", "svm.dns.name": "svm-mc.dns.name"} {
		if got := decide.TwinName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
