package decide

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// NextAction is what may be done next about the SVM itself.
type NextAction string

const (
	Wait   NextAction = "wait"   // for what WaitFor names
	Stop   NextAction = "stop"   // for a person
	GoOn   NextAction = "go-on"  // with the steps that are allowed
	Open   NextAction = "claim"  // win a claim, then look again
	Ask    NextAction = "create" // note it in the claim, then ask the target array
	Remake NextAction = "remake" // delete the one that is stuck, within the attempt
	// CloseBorn: note in the claim that the SVM runs; the record comes after it.
	CloseBorn   NextAction = "close-claim-born"
	CloseFailed NextAction = "close-claim-failed"
	WriteRecord NextAction = "write-record"
	Adopt       NextAction = "adopt" // write the record of what is there, then mark it

	CloseRecord  NextAction = "close-record" // by compare-and-swap, before anything is taken away
	DeleteSVM    NextAction = "delete"
	Reopen       NextAction = "reopen-record"
	RemoveRecord NextAction = "remove-record"
	KeepRecord   NextAction = "keep"          // nobody asks for it, and it is retained
	DeletionDone NextAction = "deletion-done" // there is nothing to delete
)

// Desired is what is wanted of the SVM, and what persons have allowed.
type Desired struct {
	Gone   bool   // nobody asks for it any more
	Policy Policy // of its deletion; anything but Delete is Retain
	Guards Guards
	// Target is the array for a new SVM (see Target).
	Target string
	// Approval is a person's, for one operation on these findings.
	Approval *proof.Approval
	// TakeOver: the rule of a take-over fits the unmarked SVM of this UUID, which
	// is an approval given beforehand.
	TakeOver string
	// FailClaim is the nonce of a claim that a person gave up.
	FailClaim string
}

// Decision is what comes next, and why.
type Decision struct {
	Verdict proof.Verdict
	Void    []proof.Attestation
	Action  NextAction
	// Array and UUID are where to act: of two halves the one that runs.
	Array string
	UUID  string
	// Attempt is the number of the claim that is to be opened; Covers and
	// Approval go into it where an SVM is made anew.
	Attempt  uint64
	Covers   []proof.Identity
	Approval string
	// Identity goes into the record.
	Identity proof.Identity
	UUIDs    []string
	WaitFor  string
	Until    time.Time
	Why      string
	Command  string // to type, where a person is needed
	Notes    []string
	Steps    []Step // what is allowed on the SVM, where Action is GoOn
	// Forget are notes of the record that go with its next writing, which they
	// are reason enough for.
	Forget []Note
}

func wait(what, why string) Decision    { return Decision{Action: Wait, WaitFor: what, Why: why} }
func stop(command, why string) Decision { return Decision{Action: Stop, Command: command, Why: why} }

// Next says what may be done. It never allows two things at once.
func Next(e Evidence, want Desired) Decision {
	e, void := e.attested()
	v := e.judge()
	d := e.next(v, want)
	d.Verdict, d.Void = v, void
	if d.Action == Stop && d.Command == "" {
		d.Command = "seedproof svm explain " + e.Name
	}
	d.Notes = append(d.Notes, e.notes(v)...)
	return d
}

func (e Evidence) next(v proof.Verdict, want Desired) Decision {
	switch {
	case e.Record.Finding == proof.Present && e.Record.Closed != "":
		return e.resumeDeletion(e.sightings(), want)
	case want.Gone && !e.Claim.open():
		return e.deletion(v, want)
	case e.Claim.open():
		return e.resume(v, want)
	}
	switch v.State {
	case proof.NeverExisted:
		return e.openClaim(v, want, "")
	case proof.RecordLost:
		return e.writeRecord(v)
	case proof.Intact:
		return e.goOn(v)
	case proof.DataLost:
		return e.dataLost(v, want)
	case proof.Conflicting:
		return e.conflicting(v, want)
	}
	return waitForSilent(v)
}

// openClaim: a claim is won before anything is asked of an array.
func (e Evidence) openClaim(v proof.Verdict, want Desired, approval string) Decision {
	if why, waitFor := e.targetTrouble(want.Target); why != "" {
		return wait(waitFor, why)
	}
	d := Decision{Action: Open, Array: want.Target, Attempt: NextAttempt(e), Approval: approval, Why: v.Why}
	if approval != "" {
		d.Attempt = max(d.Attempt, 2) // what was lost had a number, known or not
		for _, t := range v.Heard {
			if t.Finding == proof.Present && t.Identity.Named() && !slices.Contains(d.Covers, t.Identity) {
				d.Covers = append(d.Covers, t.Identity)
			}
		}
	}
	return d
}

// targetTrouble says why nothing may be made on the array now.
func (e Evidence) targetTrouble(name string) (why, waitFor string) {
	a, known := e.array(name)
	switch {
	case name == "" || !known:
		return "no array is configured for it", "a target array in the configuration"
	case e.trouble(a) != "":
		return "its target array is silent: " + e.trouble(a), ArrayWitness(name)
	case a.Pin.Finding != proof.Present:
		return "the cluster UUID of " + name + " is to be noted first", "the note of the cluster UUID of " + name
	case a.Mode == ModeUnknown:
		return "whether " + name + " is switched over could not be asked", "the MetroCluster state of " + name
	case a.Mode == NotNormal:
		return "the MetroCluster of " + name + " is not in its normal state: nothing is made on it", "the switchback of " + name
	}
	return "", ""
}

func (e Evidence) writeRecord(v proof.Verdict) Decision {
	if e.Claim.Finding == proof.Unknown && e.attestedBy[ClaimWitness] == "" {
		return wait(ClaimWitness, "the claim could not be read: whether the SVM was finished is not known")
	}
	if err := v.Permit(proof.Action{Operation: proof.WriteRecord}, proof.Claim{}, nil); err != nil {
		return e.notPermitted(v, err, "write the record of")
	}
	acting, found := e.acting(v.Identity)
	if !found {
		return waitForSilent(v)
	}
	d := Decision{Action: WriteRecord, Array: acting.array, UUID: acting.UUID, Identity: v.Identity, UUIDs: acting.pair(), Attempt: v.Identity.Generation, Why: v.Why}
	if d.Attempt == 0 { // only a trace names it, and traces may not say which attempt
		d.Attempt = NextAttempt(e)
	}
	return d
}

// pair are its UUIDs, of the source first.
func (s sighting) pair() []string {
	switch {
	case s.Twin == "":
		return []string{s.UUID}
	case s.Role == Destination:
		return []string{s.Twin, s.UUID}
	}
	return []string{s.UUID, s.Twin}
}

// acting is the half of an identity to act on.
func (e Evidence) acting(id proof.Identity) (sighting, bool) {
	return running(e.sightings(), func(s sighting) bool { return s.finding == proof.Present && s.identity == id })
}

func (e Evidence) mode(s sighting) Mode {
	a, _ := e.array(s.array)
	return a.Mode
}

func (e Evidence) dataLost(v proof.Verdict, want Desired) Decision {
	if a := want.Approval; a != nil && a.Action.Operation == proof.Recreate {
		if err := v.Permit(a.Action, proof.Claim{}, a); err != nil {
			return e.notPermitted(v, err, "re-create")
		}
		return e.openClaim(v, want, a.Nonce)
	}
	if len(v.Missing) > 0 {
		return waitForSilent(v)
	}
	return stop("seedproof svm approve recreate "+e.Name,
		"the SVM is gone from every array, and "+v.Why+": no empty one is slipped under the volumes; look for it on the arrays first, and approve only if it is lost for good")
}

func (e Evidence) conflicting(v proof.Verdict, want Desired) Decision {
	if len(v.Whole) == 0 {
		return e.dataLost(v, want)
	}
	uuid := e.adoptable(v, want)
	if uuid == "" {
		return e.stopConflict(v)
	}
	approval := want.Approval
	action := proof.Action{Operation: proof.Adopt, Source: uuid}
	if uuid == want.TakeOver {
		approval = &proof.Approval{Nonce: "take-over", Subject: v.Subject, Action: action, Digest: v.Digest, By: "the rule of the take-over"}
	}
	if err := v.Permit(action, proof.Claim{}, approval); err != nil {
		return e.notPermitted(v, err, "adopt")
	}
	for _, s := range e.sightings() {
		if s.UUID == uuid {
			return Decision{Action: Adopt, Array: s.array, UUID: uuid, UUIDs: s.pair(), Attempt: NextAttempt(e), Why: "its adoption was approved by " + approval.By}
		}
	}
	return e.stopConflict(v)
}

// adoptable is the UUID that may be adopted: never one with another owner's
// mark, and never one of two halves that both run. The rule of a take-over
// covers one unmarked SVM of our name that stands alone, without any record.
func (e Evidence) adoptable(v proof.Verdict, want Desired) string {
	if len(v.Contradictions) > 0 {
		return ""
	}
	for _, s := range e.sightings() {
		if s.finding != proof.Present || s.owned == Foreign || s.Role == Destination && s.State != Running {
			continue
		}
		if a := want.Approval; a != nil && a.Action == (proof.Action{Operation: proof.Adopt, Source: s.UUID}) {
			return s.UUID
		}
		if want.Approval == nil && s.UUID == want.TakeOver && len(v.Whole) == 1 && s.owned == Unmarked && e.namesake(s.SVM) && e.Record.Finding == proof.Absent {
			return s.UUID
		}
	}
	return ""
}

func (e Evidence) stopConflict(v proof.Verdict) Decision {
	if len(v.Missing) > 0 && v.Rule != 0 {
		return waitForSilent(v)
	}
	var may []string
	for _, s := range e.sightings() {
		if s.finding == proof.Present && s.owned != Foreign && len(v.Contradictions) == 0 {
			may = append(may, "seedproof svm apply --adopt "+s.UUID)
		}
	}
	if len(v.Contradictions) > 0 {
		may = []string{lookAt(v.Contradictions[0], e.Name)}
	}
	return stop(strings.Join(may, " # or\n"), v.Why)
}

// lookAt is what a person types to see the contradiction on the array or in the
// seed. Only a person can end it.
func lookAt(kind, name string) string {
	switch kind {
	case BothRunning:
		return "metrocluster vserver show"
	case ForeignSVM:
		return "vserver show -vserver " + name + " -fields comment"
	}
	return "seedproof svm status " + name
}

// notPermitted: silence is waited for; everything else is for a person.
func (e Evidence) notPermitted(v proof.Verdict, err error, what string) Decision {
	if len(v.Missing) > 0 {
		return waitForSilent(v)
	}
	why := strings.TrimSuffix(err.Error(), ": "+proof.ErrNotPermitted.Error())
	if !errors.Is(err, proof.ErrNotPermitted) {
		why = err.Error()
	}
	return stop("", fmt.Sprintf("not allowed to %s %s: %s", what, e.Name, why))
}

// waitForSilent names who has to answer. Where nobody is silent, a person's
// word has to be followed by a person.
func waitForSilent(v proof.Verdict) Decision {
	if len(v.Missing) == 0 {
		return stop("", v.Why)
	}
	names := make([]string, len(v.Missing))
	for i, w := range v.Missing {
		names[i] = w.Name
	}
	return wait(strings.Join(names, ", "), v.Why)
}
