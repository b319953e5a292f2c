package decide

import (
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// Policy is what becomes of an SVM when nobody asks for it any more.
type Policy string

const (
	// Retain is the default: the record outlives its shoots.
	Retain Policy = "Retain"
	Delete Policy = "Delete" // an approval that was given beforehand
)

// Guards are what must be so before an SVM is deleted. Each is a question to
// the array itself; NotKnown is never a yes.
type Guards struct {
	NoOtherShoot    Answer // the record has no shoot left
	NoOtherAccount  Answer // none but ours and a locked vsadmin
	NoDataVolume    Answer
	NoSnapshot      Answer
	RecoveryEmpty   Answer // the volume recovery queue: deleting the SVM clears it
	NoSnapMirror    Answer
	NoUnfinishedJob Answer
}

// guard is one question in words.
type guard struct {
	answer  Answer
	refused string
	unknown string
}

func (g Guards) all() []guard {
	return []guard{
		{g.NoOtherShoot, "other shoots use it", "whether other shoots use it"},
		{g.NoOtherAccount, "it has accounts of others", "whether it has accounts of others"},
		{g.NoDataVolume, "it has data volumes", "whether it has data volumes"},
		{g.NoSnapshot, "it has snapshots", "whether it has snapshots"},
		{g.RecoveryEmpty, "deleted volumes wait in its recovery queue", "whether deleted volumes wait in its recovery queue"},
		{g.NoSnapMirror, "it has SnapMirror relations", "whether it has SnapMirror relations"},
		{g.NoUnfinishedJob, "a job on it is not finished", "whether a job on it is not finished"},
	}
}

// Check says whether the SVM may be deleted: only where every guard says yes.
// Refused are the guards that say no, unknown those that could not be asked.
func (g Guards) Check() (deletable bool, refused, unknown []string) {
	for _, q := range g.all() {
		switch q.answer {
		case No:
			refused = append(refused, q.refused)
		case NotKnown:
			unknown = append(unknown, q.unknown)
		}
	}
	return len(refused) == 0 && len(unknown) == 0, refused, unknown
}

// settles is how long a request that was sent may still take effect without any
// sign of it. It is longer than any call lasts.
const settles = 10 * time.Minute

// deletion is what comes next where the SVM is no longer wanted, and the record
// is not closed yet.
func (e Evidence) deletion(v proof.Verdict, want Desired) Decision {
	d := e.mayClose(v, want)
	if d.Action == CloseRecord || len(e.Record.Cleared) == 0 || !e.Record.open() || v.State != proof.Intact {
		return d
	}
	return e.rebuild(v, d)
}

// rebuild gives back what was taken off the SVM for a deletion that is held up
// now. What holds it up may be volumes with data, whose users have lost their
// interfaces and accounts: to go without the deletion costs nothing but time, to
// go without the data may cost anything. So the SVM is repaired like one that is
// wanted, until the deletion goes on, and the deletion itself waits or stops as a
// step of its own.
func (e Evidence) rebuild(v proof.Verdict, held Decision) Decision {
	d := e.goOn(v)
	if d.Action != GoOn {
		return held
	}
	step := Step{Name: StepDeletion}
	why := held.Why + "; what was taken away for its deletion is made again: " + strings.Join(e.Record.Cleared, ", ")
	switch held.Action {
	case Wait:
		step = step.waits(held.WaitFor, why)
		step.Until = held.Until
	case Stop:
		step = step.stops(held.Command, why)
	default:
		step = step.done(why)
	}
	d.Why = why
	d.Steps = append(d.Steps, step)
	return d
}

// Whole reports whether nothing is left to be made on the SVM, or to be waited
// for. The record's own step does not count.
func (d Decision) Whole() bool {
	return d.Action == GoOn && !slices.ContainsFunc(d.Steps, func(s Step) bool { return s.Name != StepRecord && s.State != StepDone })
}

// mayClose says whether the record may be closed, which begins the deletion.
func (e Evidence) mayClose(v proof.Verdict, want Desired) Decision {
	if want.Policy != Delete && !want.destroyApproved() {
		return Decision{Action: KeepRecord, Why: "the policy is Retain: the SVM and its record stay, whoever made them no longer asks for them"}
	}
	switch v.State {
	case proof.NeverExisted:
		return Decision{Action: DeletionDone, Why: "it never existed"}
	case proof.RecordLost:
		return e.writeRecord(v)
	case proof.Conflicting:
		return e.stopConflict(v)
	}
	if err := v.Permit(proof.Action{Operation: proof.Destroy}, proof.Claim{}, want.destroys(v)); err != nil {
		return e.notPermitted(v, err, "destroy")
	}
	acting, found := e.acting(v.Identity)
	switch {
	case e.Record.Finding != proof.Present:
		return stop("", "there is no record that could be closed: "+v.Why)
	case !found:
		return Decision{Action: CloseRecord, Why: "a person approved that what is left of it goes"}
	}
	if step, held := e.guarded(want.Guards, acting); held {
		return step
	}
	return Decision{Action: CloseRecord, Array: acting.array, UUID: acting.UUID, Why: "it may be deleted: the record is closed first"}
}

// destroyApproved: a person approved just this. An approval of something else
// that was never used says nothing about a deletion.
func (d Desired) destroyApproved() bool {
	return d.Approval != nil && d.Approval.Action.Operation == proof.Destroy
}

// destroys is the approval: a person's, or the policy, which was given
// beforehand for an SVM that is as it should be, and for nothing else.
func (d Desired) destroys(v proof.Verdict) *proof.Approval {
	if d.destroyApproved() {
		return d.Approval
	}
	if d.Policy != Delete || v.State != proof.Intact {
		return nil
	}
	return &proof.Approval{Nonce: "policy", Subject: v.Subject, Action: proof.Action{Operation: proof.Destroy}, Digest: v.Digest, By: "deletion policy Delete"}
}

// guarded holds a deletion back, or lets it pass.
func (e Evidence) guarded(g Guards, s sighting) (Decision, bool) {
	d, held := e.heldBack(g, s)
	if held {
		d.Array, d.UUID = s.array, s.UUID // whose guards these are
	}
	return d, held
}

func (e Evidence) heldBack(g Guards, s sighting) (Decision, bool) {
	deletable, refused, unknown := g.Check()
	switch {
	case e.mode(s) == ModeUnknown:
		return wait("the MetroCluster state of "+s.array, "whether it is switched over could not be asked"), true
	case e.mode(s) != NoMetroCluster && e.mode(s) != Normal || s.Role == Destination:
		return wait("the switchback of "+s.array, "it is switched over: nothing is deleted until both sites are back"), true
	case deletable:
		return Decision{}, false
	case len(refused) > 0:
		return stop("", "it is not deleted: "+strings.Join(refused, "; ")), true
	}
	return wait("the guards of the deletion", "not known: "+strings.Join(unknown, "; ")), true
}

// resumeDeletion: a record that is closed is an intent, and only the deletion
// goes on. A guard that says no reopens it, and so does whoever wants the SVM
// again, as long as it stands. One that is gone by then is made anew, after its
// record has gone, as any SVM that never was.
func (e Evidence) resumeDeletion(seen []sighting, want Desired) Decision {
	s, found := running(seen, func(s sighting) bool { return s.recorded })
	if !found {
		return e.afterDeletion()
	}
	d := e.deleteOrReopen(seen, s, want)
	if d.Action == Wait && s.State != Deleting && len(e.Record.Cleared) > 0 {
		// The guards said that nobody and nothing is on it just before this went.
		d.Why += "; until then it is without what was taken away for its deletion: " + strings.Join(e.Record.Cleared, ", ")
	}
	return d
}

func (e Evidence) deleteOrReopen(seen []sighting, s sighting, want Desired) Decision {
	_, refused, _ := want.Guards.Check()
	i := slices.IndexFunc(seen, func(s sighting) bool { return s.recorded && s.finding != proof.Present })
	switch {
	case s.State == Deleting:
		return wait("SVM "+s.Name+" on "+s.array+" to be gone", "it is being deleted")
	case s.owned == Foreign:
		return Decision{Action: Reopen, Array: s.array, UUID: s.UUID, Why: "it bears another owner's mark now"}
	case i >= 0: // it, or its other half
		return wait("SVM "+seen[i].Name+" on "+seen[i].array, seen[i].why)
	case !want.Gone:
		return e.reopen(seen, s, "it is wanted again, and stands")
	case len(refused) > 0:
		return e.reopen(seen, s, strings.Join(refused, "; "))
	}
	if step, held := e.guarded(want.Guards, s); held {
		return step
	}
	if silent := e.silentArrays(); len(silent) > 0 {
		d := wait(strings.Join(silent, ", "), "nothing is deleted while an array is silent")
		d.Array, d.UUID = s.array, s.UUID
		return d
	}
	return Decision{Action: DeleteSVM, Array: s.array, UUID: s.UUID, Why: "the record is closed, and nobody and nothing else is on it"}
}

// reopen gives the deletion up. As long as the SVM may yet go, because a deletion
// was sent of which nobody knows what became, or because a job or its state may
// be that deletion, nothing is given up: it stands again, or it is gone, and then
// its record must not say that it is missed.
func (e Evidence) reopen(seen []sighting, s sighting, why string) Decision {
	if d, held := e.mayYetGo(seen, s, why); held {
		d.Array, d.UUID = s.array, s.UUID
		return d
	}
	return Decision{Action: Reopen, Array: s.array, UUID: s.UUID, Why: why + ": the record is opened again, and what was taken away is made anew"}
}

func (e Evidence) mayYetGo(seen []sighting, s sighting, why string) (Decision, bool) {
	for _, half := range seen {
		if !half.recorded {
			continue
		}
		name := "SVM " + half.Name + " on " + half.array
		a, _ := e.array(half.array)
		switch unsettled := a.unsettled(); {
		case unsettled != "":
			return wait("the jobs of "+half.array, why+"; but it may be on its way: "+unsettled), true
		case half.State == Stopping:
			return wait(name+" to stand still, or to be gone", why+"; but it is stopping, which may be its deletion"), true
		}
	}
	asked := e.Record.DeletionAsked
	if until := asked.Add(settles); !asked.IsZero() && e.At.Before(until) {
		d := wait("the deletion that was sent to "+s.array, why+"; but what became of the deletion that was sent at "+asked.UTC().Format(time.RFC3339)+" is not known yet")
		d.Until = until
		return d, true
	}
	return Decision{}, false
}

// afterDeletion: the record goes last, and only when every array has said that
// none of its UUIDs is there, and no job may bring one back.
func (e Evidence) afterDeletion() Decision {
	silent := e.silentArrays()
	for _, a := range e.Arrays {
		if why := a.unsettled(); why != "" && e.trouble(a) == "" {
			silent = append(silent, a.Name)
		}
	}
	if _, named := e.array(e.Record.Array); !named {
		silent = append(silent, e.Record.Array)
	}
	if len(silent) > 0 {
		return wait("array "+strings.Join(silent, ", "), "whether the SVM is gone could not be asked everywhere")
	}
	return Decision{Action: RemoveRecord, Why: "the SVM is gone: its claim, its Secret and its record go too"}
}

func (e Evidence) silentArrays() []string {
	var silent []string
	for _, a := range e.Arrays {
		if e.trouble(a) != "" && e.attestedBy[ArrayWitness(a.Name)] == "" {
			silent = append(silent, a.Name)
		}
	}
	return silent
}
