package decide_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// TestStuckStory: the one exception to law 3, and each of its conditions.
func TestStuckStory(t *testing.T) {
	stuck := func() decide.Evidence {
		s := ours("2a", decide.Initializing, 2, nonce2)
		s.Stuck, s.OnlyLockedVsadmin, s.OnlyRootVolume = true, decide.Yes, decide.Yes
		c := claimOf(decide.ClaimOpen, 2, nonce2)
		c.Asked = true
		return evidence(noRecord, c, arrayOf("a", s), arrayOf("b"))
	}
	for _, c := range []struct {
		reason string
		change func(*decide.Evidence)
		want   decide.NextAction
	}{
		{"all conditions hold", func(*decide.Evidence) {}, decide.Remake},
		{"it has not been in this state for long", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].Stuck = false }, decide.Wait},
		{"its job is not finished", func(e *decide.Evidence) { e.Arrays[0].Jobs = []string{"j"} }, decide.Wait},
		{"jobs cannot be listed", func(e *decide.Evidence) { e.Arrays[0].JobsKnown = false }, decide.Wait},
		{"the other array's jobs cannot be listed", func(e *decide.Evidence) { e.Arrays[1].JobsKnown = false }, decide.Wait},
		{"the other array is silent", func(e *decide.Evidence) { e.Arrays[1] = silentArray("b") }, decide.Wait},
		{"the record is silent", func(e *decide.Evidence) { e.Record = decide.Record{} }, decide.Wait},
		{"a shoot is silent", func(e *decide.Evidence) { e.Traces = []decide.Trace{{Name: "shoot"}} }, decide.Wait},
		{"a shoot has volumes", func(e *decide.Evidence) { e.Traces = []decide.Trace{{Name: "shoot", Finding: proof.Present}} }, decide.Stop},
		{"it was seen running", func(e *decide.Evidence) { e.Claim.SeenRunning = true }, decide.Stop},
		{"it was recorded", func(e *decide.Evidence) { e.Record = recordOf(2, nonce2, "2a") }, decide.Stop},
		{"it has an account", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].OnlyLockedVsadmin = decide.No }, decide.Stop},
		{"its accounts are not known", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].OnlyLockedVsadmin = decide.NotKnown }, decide.Wait},
		{"it has a volume", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].OnlyRootVolume = decide.No }, decide.Stop},
		{"its volumes are not known", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].OnlyRootVolume = decide.NotKnown }, decide.Wait},
		{"it bears no mark", func(e *decide.Evidence) {
			e.Arrays[0].SVMs[0].Ownership, e.Claim.UUID = decide.Unmarked, "2a"
		}, decide.Stop},
		{"it is of another attempt", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].Mark = markOf(1, nonce1) }, decide.CloseFailed},
		{"it is on an array that was not asked", func(e *decide.Evidence) {
			e.Arrays[0].SVMs, e.Arrays[1].SVMs = nil, e.Arrays[0].SVMs
		}, decide.Stop},
		{"switched over", func(e *decide.Evidence) { e.Arrays[0].Mode = decide.NotNormal }, decide.Wait},
		{"it starts", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].State = decide.Starting }, decide.Wait},
		{"it is deleted already", func(e *decide.Evidence) { e.Arrays[0].SVMs[0].State = decide.Deleting }, decide.Wait},
		{"the claim is closed as failed", func(e *decide.Evidence) { e.Claim.State = decide.ClaimFailed }, decide.Wait},
		{"the claim is silent", func(e *decide.Evidence) { e.Claim = decide.Claim{} }, decide.Wait},
		{"its other half stands still", func(e *decide.Evidence) { beside(e, decide.Stopped) }, decide.Remake},
		{"its other half is in no state that is known", func(e *decide.Evidence) { beside(e, decide.StateUnknown) }, decide.Wait},
		{"its other half starts", func(e *decide.Evidence) { beside(e, decide.Starting) }, decide.Wait},
		{"its other half runs: it is born", func(e *decide.Evidence) { beside(e, decide.Running) }, decide.CloseBorn},
		{"a person gives the attempt up", func(*decide.Evidence) {}, decide.CloseFailed},
	} {
		e := stuck()
		c.change(&e)
		want := wanted()
		if strings.HasPrefix(c.reason, "a person gives") {
			want.FailClaim = nonce2
		}
		if d := decide.Next(e, want); d.Action != c.want {
			t.Errorf("%s: %s (%s), want %s", c.reason, d.Action, d.Why, c.want)
		}
	}
}

// beside makes it the source of a pair, whose twin is in that state.
func beside(e *decide.Evidence, twin decide.SVMState) {
	source := &e.Arrays[0].SVMs[0]
	source.Role, source.Twin = decide.Source, "t"
	e.Arrays[0].Mode, e.Arrays[1].Mode = decide.Normal, decide.Normal
	half := *source
	half.UUID, half.Twin, half.Role, half.State, half.Name = "t", source.UUID, decide.Destination, twin, decide.TwinName(svmName)
	e.Arrays[1].SVMs = []decide.SVM{half}
}
