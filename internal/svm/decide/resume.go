package decide

import (
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// resume is what comes next under an open claim: it is resumed by whoever comes
// next until it is closed, and what else is named ends that.
func (e Evidence) resume(v proof.Verdict, want Desired) Decision {
	seen := e.sightings()
	born, isBorn := running(seen, sighting.born)
	mine, isMine := running(seen, func(s sighting) bool { return s.claimed })
	others := e.others(v, seen)
	switch {
	case isBorn && len(others) == 0 && len(v.Contradictions) == 0 && len(v.Whole) == 1:
		return Decision{Action: CloseBorn, Array: born.array, UUID: born.UUID, Identity: born.identity, UUIDs: born.pair(),
			Why: "SVM " + born.Name + " runs on " + born.array + ": the claim is closed, and then the record is written"}
	case v.State == proof.Intact && e.Record.Generation == e.Claim.Attempt && e.Record.Nonce == e.Claim.Nonce:
		return Decision{Action: CloseBorn, Identity: v.Identity, UUIDs: e.Record.UUIDs, Why: "the record of this attempt is there already"}
	case want.FailClaim != "" && want.FailClaim == e.Claim.Nonce:
		return Decision{Action: CloseFailed, Why: "a person gave the attempt up"}
	case !isMine && e.nameLost(seen):
		return Decision{Action: CloseFailed, Array: e.Claim.Array, Why: "the name " + e.Name + " on " + e.Claim.Array + " belongs to another SVM"}
	case v.State == proof.Intact && want.Gone:
		return stop("seedproof svm approve fail-claim "+e.Name+" --attempt "+e.Claim.Nonce,
			"nobody asks for it any more, and an attempt to make it anew is open beside the one that is recorded: give the attempt up first")
	case v.State == proof.Intact:
		return e.goOn(v)
	case len(others) > 0 || v.State == proof.Conflicting || len(v.Whole) > 1:
		return e.ended(v, others)
	case isMine:
		return e.making(v, mine)
	}
	return e.ask(v, want)
}

// ended: what else is named ends the resume, and a person looks.
func (e Evidence) ended(v proof.Verdict, others []string) Decision {
	what := "what was found contradicts itself"
	switch {
	case len(others) > 0:
		what = "something else is named (" + strings.Join(others, ", ") + ")"
	case len(v.Whole) > 1:
		what = "two SVMs bear the attempt"
	}
	return stop("seedproof svm approve fail-claim "+e.Name+" --attempt "+e.Claim.Nonce,
		"an attempt to make it is open, and "+what+": the attempt is not resumed; "+v.Why)
}

// others are the witnesses that name something beside what the claim makes.
func (e Evidence) others(v proof.Verdict, seen []sighting) []string {
	var names []string
	for _, t := range v.Heard {
		isMine := slices.ContainsFunc(seen, func(s sighting) bool { return s.claimed && s.identity == t.Identity })
		if t.Finding == proof.Unusable || t.Finding == proof.Present && !isMine {
			names = append(names, t.Witness.Name)
		}
	}
	return names
}

// nameLost: the target array shows our name on an SVM of somebody else, or of
// another attempt. One without a mark may still become ours, while a job is not
// finished or it is not yet whole.
func (e Evidence) nameLost(seen []sighting) bool {
	target, known := e.array(e.Claim.Array)
	for _, s := range seen {
		if !known || s.array != target.Name || s.Name != e.Name {
			continue
		}
		settled := target.unsettled() == "" && (s.State == Running || s.State == Stopped)
		byAnother := s.owned == Foreign || s.owned == Ours && s.mark.Nonce != e.Claim.Nonce
		if byAnother || settled && (s.owned == Unmarked || s.owned == Unreadable) {
			return true
		}
	}
	return false
}

// ask sends the request to make it. One that was sent before is sent again only
// when the very array that was asked shows that nothing came of it, and every
// other witness has answered too.
func (e Evidence) ask(v proof.Verdict, want Desired) Decision {
	if why, waitFor := e.targetTrouble(e.Claim.Array); why != "" {
		return wait(waitFor, why)
	}
	if err := e.mayMake(v); err != nil {
		return e.notPermitted(v, err, "create")
	}
	if want.Gone {
		return Decision{Action: CloseFailed, Array: e.Claim.Array, Why: "nobody asks for it any more, and nothing came of the attempt"}
	}
	why := "the claim is won, and everybody has answered that there is none"
	if e.Claim.Asked {
		why = "it was asked for before, and " + e.Claim.Array + " shows no SVM and no job of it: it is asked for again"
	}
	return Decision{Action: Ask, Array: e.Claim.Array, Attempt: e.Claim.Attempt, Why: why}
}

// mayMake: a creation needs NeverExisted and the claim. A re-creation that was
// approved is resumed by its claim, which is the intent, and for it a witness
// that a person attested lost has answered.
func (e Evidence) mayMake(v proof.Verdict) error {
	attested := v.State == proof.Unproven && v.Attested() && len(v.Missing) == 0 && len(v.Whole) == 0
	if e.Claim.open() && e.Claim.Approval != "" && attested {
		return nil
	}
	claim := proof.Claim{Subject: v.Subject, Attempt: e.Claim.Nonce, Open: e.Claim.open()}
	return v.Permit(proof.Action{Operation: proof.Create}, claim, nil)
}

// making: what the attempt asked for is there and does not run yet.
func (e Evidence) making(v proof.Verdict, s sighting) Decision {
	name := "SVM " + s.Name + " on " + s.array
	switch s.State {
	case Initializing:
		return e.remake(v, s)
	case Stopped:
		return stop("vserver start -vserver "+s.Name, name+" was made, and is stopped: it is never started by us")
	case Running:
		return wait(name, s.why)
	case Deleting, Stopping:
		return wait(name+" to be gone", "it is "+s.State.String())
	}
	return wait(name+" to run", "it is "+s.State.String())
}

// remake is the one exception to law 3: an SVM that is stuck in initializing
// may be deleted and made again within its attempt. Every line is a condition.
func (e Evidence) remake(v proof.Verdict, s sighting) Decision {
	name := "SVM " + s.Name + " on " + s.array
	switch {
	case !s.Stuck:
		return wait(name+" to run", "it is initializing")
	case s.owned != Ours:
		return stop("", name+" is stuck in initializing and does not bear our mark")
	case e.Claim.SeenRunning:
		return stop("", name+" is stuck in initializing and was seen running before: it may hold data")
	case s.OnlyLockedVsadmin == No || s.OnlyRootVolume == No:
		return stop("", name+" is stuck in initializing, and more is on it than a locked vsadmin and its root volume")
	case s.OnlyLockedVsadmin != Yes || s.OnlyRootVolume != Yes:
		return wait("what is on "+name, "it is stuck in initializing, and what is on it could not be asked")
	case s.array != e.Claim.Array:
		return stop("", name+" is stuck in initializing, and the attempt asked "+e.Claim.Array)
	case slices.ContainsFunc(e.sightings(), func(o sighting) bool { return o.claimed && !s.isHalfOf(o) }):
		return stop("", name+" is stuck in initializing, and it is not the only one of its attempt")
	}
	for _, half := range e.sightings() {
		if half.claimed && half.UUID != s.UUID && half.State != Initializing && half.State != Stopped && half.State != Deleting {
			return wait("SVM "+half.Name+" on "+half.array, "it is the other half of "+name+", and "+half.State.String())
		}
	}
	for _, a := range e.Arrays {
		if why := a.unsettled(); why != "" && e.trouble(a) == "" {
			return wait("the jobs of "+a.Name, why)
		}
	}
	if why, waitFor := e.targetTrouble(s.array); why != "" {
		return wait(waitFor, why)
	}
	if err := e.mayMake(v); err != nil {
		return e.notPermitted(v, err, "re-make")
	}
	return Decision{Action: Remake, Array: s.array, UUID: s.UUID, Attempt: e.Claim.Attempt,
		Why: name + " is stuck in initializing, holds nothing and was never finished: it is deleted and asked for again"}
}
