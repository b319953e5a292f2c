package decide

import (
	"slices"
	"strings"

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

// deletion is what comes next where the SVM is no longer wanted, and the record
// is not closed yet.
func (e Evidence) deletion(v proof.Verdict, want Desired) Decision {
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
// goes on. A guard that says no reopens it.
func (e Evidence) resumeDeletion(seen []sighting, want Desired) Decision {
	s, found := running(seen, func(s sighting) bool { return s.recorded })
	if !found {
		return e.afterDeletion()
	}
	_, refused, _ := want.Guards.Check()
	i := slices.IndexFunc(seen, func(s sighting) bool { return s.recorded && s.finding != proof.Present })
	switch {
	case s.State == Deleting:
		return wait("SVM "+s.Name+" on "+s.array+" to be gone", "it is being deleted")
	case s.owned == Foreign:
		return Decision{Action: Reopen, Array: s.array, UUID: s.UUID, Why: "it bears another owner's mark now"}
	case i >= 0: // it, or its other half
		return wait("SVM "+seen[i].Name+" on "+seen[i].array, seen[i].why)
	case len(refused) > 0:
		return Decision{Action: Reopen, Array: s.array, UUID: s.UUID, Why: strings.Join(refused, "; ") + ": the record is opened again, and what was taken away is made anew"}
	}
	if step, held := e.guarded(want.Guards, s); held {
		return step
	}
	if silent := e.silentArrays(); len(silent) > 0 {
		return wait(strings.Join(silent, ", "), "nothing is deleted while an array is silent")
	}
	return Decision{Action: DeleteSVM, Array: s.array, UUID: s.UUID, Why: "the record is closed, and nobody and nothing else is on it"}
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
