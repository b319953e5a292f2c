package decide_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The states in which a closed record may be met.
var (
	closedStates = []choice{"unknown", "initializing", "starting", "running", "stopping", "stopped", "deleting"}
	closedOwners = []choice{"ours", "unmarked", "foreign", "not known"}
	closedPlaces = []choice{"shown", "gone", "silent"}
	closedJobs   = []choice{"none", "not known", "unfinished"}
	closedAsked  = []choice{"never", "just now", "almost long ago", "long ago", "ahead of the clock"}
	closedGuards = []choice{"clear", "refused", "not known"}
	closedDims   = [][]choice{closedStates, closedOwners, closedPlaces, closedJobs, closedAsked, closedGuards, wantChoices}
)

type closedCell struct{ state, owner, place, job, asked, guards, want choice }

func closedAt(n int) closedCell {
	d := digitsOf(n, closedDims)
	return closedCell{closedStates[d[0]], closedOwners[d[1]], closedPlaces[d[2]], closedJobs[d[3]], closedAsked[d[4]], closedGuards[d[5]], wantChoices[d[6]]}
}

func (c closedCell) evidence() decide.Evidence {
	s := ours("1a", decide.ParseState(string(c.state)), 1, nonce1)
	switch c.owner {
	case "unmarked":
		s = plain("1a", s.State)
	case "foreign":
		s.Ownership, s.Mark = decide.Foreign, foreign("1a").Mark
	case "not known":
		s.Ownership = decide.OwnershipUnknown
	}
	a := arrayOf("a", s)
	switch c.place {
	case "gone":
		a.SVMs = nil
	case "silent":
		a = silentArray("a")
	}
	switch c.job {
	case "not known":
		a.JobsKnown = false
	case "unfinished":
		a = withJob(a)
	}
	e := evidence(recordOf(1, nonce1, "1a"), noClaim, a, arrayOf("b"))
	e.Record.Closed = "d"
	e.Record.DeletionAsked = map[choice]time.Time{
		"just now": now.Add(-time.Second), "almost long ago": now.Add(-10*time.Minute + time.Second),
		"long ago": now.Add(-10 * time.Minute), "ahead of the clock": now.Add(time.Hour),
	}[c.asked]
	return e
}

func (c closedCell) desired() decide.Desired {
	d := decide.Desired{Gone: c.want == "gone", Target: "a", Policy: decide.Delete, Guards: guardsClear()}
	switch c.guards {
	case "refused":
		d.Guards.NoDataVolume = decide.No
	case "not known":
		d.Guards.NoDataVolume = decide.NotKnown
	}
	return d
}

// next is the rule a second time: what may yet go is not given up, and what
// stands is never left to a deletion that nobody wants.
func (c closedCell) next() decide.NextAction {
	mayYetGo := c.job != "none" || c.state == "stopping" || c.asked != "never" && c.asked != "long ago"
	switch {
	case c.place == "silent", c.place == "gone" && c.job != "none":
		return decide.Wait
	case c.place == "gone":
		return decide.RemoveRecord // then it is made as one that never was, where it is wanted
	case c.state == "deleting":
		return decide.Wait
	case c.owner == "foreign":
		return decide.Reopen
	case c.state == "unknown", c.state == "initializing", c.state == "starting", c.owner == "not known":
		return decide.Wait
	case c.want == "gone" && c.guards == "clear":
		return decide.DeleteSVM
	case c.want == "gone" && c.guards == "not known", mayYetGo:
		return decide.Wait
	}
	return decide.Reopen
}

// TestWantedAgain: every state in which a closed record may be met, where the
// SVM is wanted again, and where it is not.
func TestWantedAgain(t *testing.T) {
	t.Parallel()
	counts := map[decide.NextAction]int{}
	for n := range sizeOf(closedDims) {
		c := closedAt(n)
		d := decide.Next(c.evidence(), c.desired())
		if want := c.next(); d.Action != want {
			t.Errorf("%+v: %s (%s), want %s", c, d.Action, d.Why, want)
		}
		if why := badWords(d); why != "" {
			t.Errorf("%+v: %s", c, why)
		}
		if timed := strings.Contains(d.Why, "was sent at"); timed != !d.Until.IsZero() {
			t.Errorf("%+v: until %v: %s", c, d.Until, d.Why)
		}
		if made := d.Action == decide.Open || d.Action == decide.Ask; made {
			t.Errorf("%+v: a second one is made", c)
		}
		counts[d.Action]++
		if t.Failed() {
			return
		}
	}
	t.Logf("%d combinations: %v", sizeOf(closedDims), counts)
}

// TestAPairThatIsWantedAgain: the halves are looked at together.
func TestAPairThatIsWantedAgain(t *testing.T) {
	s, twin := halves(decide.Running, decide.Stopped, 1, nonce1)
	stopping := twin
	stopping.State = decide.Stopping
	going := twin
	going.State = decide.Deleting
	pair := func(s, t []decide.SVM) decide.Evidence {
		e := evidence(recordOf(1, nonce1, "s", "t"), noClaim, metro(arrayOf("a", s...), decide.Normal), metro(arrayOf("b", t...), decide.Normal))
		e.Record.Closed = "d"
		return e
	}
	both := pair([]decide.SVM{s}, []decide.SVM{twin})
	job := pair([]decide.SVM{s}, []decide.SVM{twin})
	job.Arrays[1] = withJob(job.Arrays[1])
	dead := pair([]decide.SVM{s}, nil)
	dead.Arrays[1] = silentArray("b")
	for _, c := range []struct {
		reason string
		e      decide.Evidence
		want   decide.NextAction
	}{
		{"both stand", both, decide.Reopen},
		{"the other site is silent: what runs here goes on", dead, decide.Reopen},
		{"a job of the other site may be the deletion", job, decide.Wait},
		{"the twin is stopping", pair([]decide.SVM{s}, []decide.SVM{stopping}), decide.Wait},
		{"the twin is going", pair([]decide.SVM{s}, []decide.SVM{going}), decide.Wait},
		{"the source is gone, and the twin not yet", pair(nil, []decide.SVM{twin}), decide.Wait},
		{"both are gone", pair(nil, nil), decide.RemoveRecord},
	} {
		if d := decide.Next(c.e, wanted()); d.Action != c.want {
			t.Errorf("%s: %s (%s), want %s", c.reason, d.Action, d.Why, c.want)
		}
	}
}

// TestWantedAgainToTheEnd: what follows a record that was opened again, and one
// that was removed.
func TestWantedAgainToTheEnd(t *testing.T) {
	there := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
	if d := decide.Next(there, wanted()); d.Action != decide.GoOn {
		t.Errorf("opened again: %s (%s)", d.Action, d.Why)
	}
	gone := evidence(noRecord, noClaim, arrayOf("a"), arrayOf("b"))
	if d := decide.Next(gone, wanted()); d.Action != decide.Open {
		t.Errorf("removed: %s (%s)", d.Action, d.Why)
	}
	late := evidence(noRecord, noClaim, arrayOf("a", ours("1a", decide.Deleting, 1, nonce1)), arrayOf("b"))
	if d := decide.Next(late, wanted()); d.Action != decide.Wait {
		t.Errorf("removed too early: %s (%s)", d.Action, d.Why)
	}
}

// TestWhatADeletionTookIsGivenBack: an SVM of which something was taken for a
// deletion that is held up is repaired until it goes on, and says why it does
// not.
func TestWhatADeletionTookIsGivenBack(t *testing.T) {
	const taken = "account prod, interface datalif+0"
	volume, unread := guardsClear(), guardsClear()
	volume.NoDataVolume, unread.NoDataVolume = decide.No, decide.NotKnown
	approved := guardsClear()
	for _, c := range []struct {
		reason  string
		policy  decide.Policy
		guards  decide.Guards
		change  func(*decide.Evidence)
		action  decide.NextAction
		step    decide.StepState // of the deletion
		missing decide.StepState // of an interface that is missing
		says    string
	}{
		{"a guard says no", decide.Delete, volume, nil, decide.GoOn, decide.StepStops, decide.StepDo, "it has data volumes"},
		{"a guard could not be asked: it may have volumes", decide.Delete, unread, nil, decide.GoOn, decide.StepWaits, decide.StepDo, "whether it has data volumes"},
		{"its policy is Retain, and the approval was used", decide.Retain, approved, nil, decide.GoOn, decide.StepDone, decide.StepDo, "Retain"},
		{"another array is silent: it goes on where it stands", decide.Delete, guardsClear(), func(e *decide.Evidence) { e.Arrays[1] = silentArray("b") },
			decide.GoOn, decide.StepWaits, decide.StepDo, "array/b"},
		{"nothing is in the way any more: the deletion goes on", decide.Delete, guardsClear(), nil, decide.CloseRecord, "", "", ""},
		{"nothing was taken: nothing is given back", decide.Delete, volume, func(e *decide.Evidence) { e.Record.Cleared = nil }, decide.Stop, "", "", "it has data volumes"},
		{"it is gone", decide.Delete, volume, func(e *decide.Evidence) { e.Arrays[0].SVMs = nil }, decide.Stop, "", "", ""},
		{"its array is silent", decide.Delete, volume, func(e *decide.Evidence) { e.Arrays[0] = silentArray("a") }, decide.Wait, "", "", ""},
		{"it was stopped by somebody", decide.Delete, volume, func(e *decide.Evidence) { e.Arrays[0].SVMs[0].State = decide.Stopped }, decide.GoOn, decide.StepStops, "", "it has data volumes"},
		{"the record is closed: only the deletion goes on, and says what is away", decide.Delete, unread, func(e *decide.Evidence) { e.Record.Closed = "d" }, decide.Wait, "", "", taken},
		{"it is closed and switched over", decide.Delete, guardsClear(), func(e *decide.Evidence) { e.Record.Closed, e.Arrays[0].Mode = "d", decide.NotNormal }, decide.Wait, "", "", taken},
		{"it is closed, and another array is silent", decide.Delete, guardsClear(), func(e *decide.Evidence) { e.Record.Closed, e.Arrays[1] = "d", silentArray("b") }, decide.Wait, "", "", taken},
	} {
		e := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
		e.Record.Cleared = strings.Split(taken, ", ")
		e.Site = decide.Site{Interfaces: []decide.Interface{{Name: "datalif+0", State: decide.Missing}}, Management: decide.Interface{Name: "m", State: decide.InPlace}}
		if c.change != nil {
			c.change(&e)
		}
		d := decide.Next(e, decide.Desired{Gone: true, Target: "a", Policy: c.policy, Guards: c.guards})
		of := func(name decide.StepName) decide.Step {
			for _, s := range d.Steps {
				if s.Name == name {
					return s
				}
			}
			return decide.Step{}
		}
		if d.Action != c.action || of(decide.StepDeletion).State != c.step || of(decide.StepInterface).State != c.missing {
			t.Errorf("%s: %s, deletion %q, interface %q; want %s, %q, %q (%s)", c.reason, d.Action, of(decide.StepDeletion).State, of(decide.StepInterface).State,
				c.action, c.step, c.missing, d.Why)
		}
		if told := strings.Join(decide.Explain(d), "\n") + of(decide.StepDeletion).Why; !strings.Contains(told, c.says) || c.step != "" && !strings.Contains(told, taken) {
			t.Errorf("%s: it does not say %q and what was taken:\n%s", c.reason, c.says, told)
		}
		if why := badWords(d); why != "" {
			t.Errorf("%s: %s", c.reason, why)
		}
	}
}

// TestForgottenNotes: a note goes when nothing stands behind it, and never while
// something may.
func TestForgottenNotes(t *testing.T) {
	nowhere := decide.Note{Kind: "interface", Name: "datalif+7", Asked: now.Add(-time.Hour), Shown: decide.No}
	for _, c := range []struct {
		reason string
		change func(*decide.Evidence, *decide.Note)
		want   bool
	}{
		{"nowhere, and not wanted", func(*decide.Evidence, *decide.Note) {}, true},
		{"it is wanted", func(_ *decide.Evidence, n *decide.Note) { n.Wanted = true }, false},
		{"the SVM shows it", func(_ *decide.Evidence, n *decide.Note) { n.Shown = decide.Yes }, false},
		{"what the SVM shows could not be read", func(_ *decide.Evidence, n *decide.Note) { n.Shown = decide.NotKnown }, false},
		{"it was asked for a moment ago", func(_ *decide.Evidence, n *decide.Note) { n.Asked = now.Add(-10*time.Minute + time.Second) }, false},
		{"it was asked for long enough ago", func(_ *decide.Evidence, n *decide.Note) { n.Asked = now.Add(-10 * time.Minute) }, true},
		{"it was asked for ahead of the clock", func(_ *decide.Evidence, n *decide.Note) { n.Asked = now.Add(time.Hour) }, false},
		{"when is not noted", func(_ *decide.Evidence, n *decide.Note) { n.Asked = time.Time{} }, true},
		{"a job may make it yet", func(e *decide.Evidence, _ *decide.Note) { e.Arrays[0] = withJob(e.Arrays[0]) }, false},
		{"whether a job may is not known", func(e *decide.Evidence, _ *decide.Note) { e.Arrays[0] = jobsUnknown(e.Arrays[0]) }, false},
		{"another array is silent", func(e *decide.Evidence, _ *decide.Note) { e.Arrays[1] = silentArray("b") }, true},
		{"the SVM is stopped", func(e *decide.Evidence, _ *decide.Note) { e.Arrays[0].SVMs[0].State = decide.Stopped }, false},
		{"it is switched over", func(e *decide.Evidence, _ *decide.Note) { e.Arrays[0].Mode = decide.NotNormal }, false},
		{"whether it is switched over is not known", func(e *decide.Evidence, _ *decide.Note) { e.Arrays[0].Mode = decide.ModeUnknown }, false},
		{"another is shown than the one that is recorded", func(e *decide.Evidence, _ *decide.Note) { e.Record.UUIDs = []string{"other"} }, false},
	} {
		e := evidence(recordOf(1, nonce1, "1a"), noClaim, arrayOf("a", ours("1a", decide.Running, 1, nonce1)), arrayOf("b"))
		note := nowhere
		c.change(&e, &note)
		kept := decide.Note{Kind: "route", Name: "kept", Shown: decide.Yes}
		e.Site.Notes = []decide.Note{kept, note}
		d := decide.Next(e, wanted())
		if got := slices.Contains(d.Forget, note); got != c.want || slices.Contains(d.Forget, kept) {
			t.Errorf("%s: forgotten are %v", c.reason, d.Forget)
		}
	}
}
