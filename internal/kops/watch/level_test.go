package watch

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
)

// TestLevels: what may be a wipe is an error, what is still dangerous a
// warning, and only what is harmless an information.
func TestLevels(t *testing.T) {
	is := func(action decide.Action, exit int) int { return badness(kops.Result{Action: action, ExitCode: exit}) }
	none, unproven, refused := is(decide.None, 0), is(decide.Unproven, 4), is(decide.ChangeSpec, 3)
	over, imminent := is(decide.SeedOverExisting, 3), is(decide.SeedImminent, 3)
	for _, c := range []struct {
		reason     string
		was, is    int
		firstStart bool
		want       slog.Level
	}{
		{"about to be wiped", none, imminent, false, slog.LevelError},
		{"from bad to worse", over, imminent, false, slog.LevelError},
		{"the next update wipes it", unproven, over, false, slog.LevelError},
		{"a new cluster starts", none, imminent, true, slog.LevelWarn},
		{"less bad, and bad", imminent, over, false, slog.LevelWarn},
		{"refused", none, refused, false, slog.LevelWarn},
		{"from a wipe to a refusal", imminent, refused, false, slog.LevelWarn},
		{"not proven", none, unproven, false, slog.LevelWarn},
		{"mended", imminent, none, false, slog.LevelInfo},
		{"proven again", unproven, none, false, slog.LevelInfo},
	} {
		if got := stateLevel(c.was, c.is, c.firstStart); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

// TestALaneThatFailsTriesAgainSoon, and not at once.
func TestALaneThatFailsTriesAgainSoon(t *testing.T) {
	r := newRig(t, verifying(&opener{}), healthy)
	r.look()
	r.store.SetHook(func(context.Context, string, string) error { return errors.New("503") })
	r.open()
	if in := r.w.lane.due[prod].Sub(r.clock.Now()); in != slowest*time.Minute {
		t.Errorf("it tries again in %s", in)
	}
	r.store.SetHook(nil)
	r.clock.Advance(slowest * time.Minute)
	r.open()
	if in := r.w.lane.due[prod].Sub(r.clock.Now()); in != time.Hour {
		t.Errorf("having worked, it opens again in %s", in)
	}
}
