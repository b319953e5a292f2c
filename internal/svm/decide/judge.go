package decide

import (
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// The names of the witnesses.
const (
	RecordWitness = "record"
	ClaimWitness  = "claim"
)

// ArrayWitness names an array as a witness.
func ArrayWitness(array string) string { return "array/" + array }

// SVMWitness names one SVM that an array shows.
func SVMWitness(array, uuid string) string { return ArrayWitness(array) + "/svm/" + uuid }

// The kinds of contradictions.
const (
	ForeignSVM    = "foreign-svm"    // another owner's mark on the SVM
	BothRunning   = "both-running"   // both halves of a MetroCluster pair run
	ForeignRecord = "foreign-record" // the record under our name is another owner's
)

// Judge says what the evidence proves. Attestations that still stand are
// applied; those that are void are returned, so that they can be dropped.
func Judge(e Evidence) (proof.Verdict, []proof.Attestation) {
	e, void := e.attested()
	return e.judge(), void
}

func (e Evidence) judge() proof.Verdict {
	seen := e.underClaim(e.sightings())
	c := proof.Case{Subject: e.Name, Heard: e.testimonies(seen)}
	for _, s := range seen {
		if s.finding == proof.Present && !slices.Contains(c.Whole, s.identity) {
			c.Whole = append(c.Whole, s.identity)
		}
	}
	c.CouldBeWhole = e.couldBeWhole(seen)
	c.Contradictions = e.contradictions(seen)
	return proof.Judge(c)
}

// Generation is the highest that anybody names, whatever a claim hides. A
// person's attestation is bound to it.
func Generation(e Evidence) uint64 { return proof.HighestGeneration(e.raw()) }

// raw is what is heard before any claim hides something.
func (e Evidence) raw() []proof.Testimony {
	e.nothingHidden = true
	return e.testimonies(e.sightings())
}

// testimonies puts every witness into the words of package proof.
func (e Evidence) testimonies(seen []sighting) []proof.Testimony {
	heard := []proof.Testimony{e.recordTestimony(seen), e.Claim.testimony(e.Owner)}
	for _, a := range e.Arrays {
		heard = append(heard, e.arrayTestimony(a, seen)...)
	}
	for _, t := range e.Traces {
		heard = append(heard, e.traceTestimony(t, seen))
	}
	for i := range heard {
		t := &heard[i]
		t.At, t.AttestedBy = e.At, e.attestedBy[t.Witness.Name]
		if t.AttestedBy != "" {
			t.Finding = proof.Absent
		}
		if t.Finding != proof.Present {
			t.Identity, t.Vouches = proof.Identity{}, false
		}
	}
	return heard
}

// recordTestimony: a record that is closed for deletion is an intent, and says
// neither that the SVM is there nor that it is missed.
func (e Evidence) recordTestimony(seen []sighting) proof.Testimony {
	t := proof.Testimony{Witness: proof.Witness{Kind: proof.Record, Name: RecordWitness}, Finding: e.Record.Finding,
		Identity: e.Record.Identity(), Serial: e.Record.Serial, Why: e.Record.Why}
	switch {
	case e.Record.Finding != proof.Present:
	case e.Record.Closed != "":
		t.Finding, t.Why = proof.Unknown, "it is closed for deletion "+e.Record.Closed
	case e.leavesBehind(seen, t.Identity):
		t.Finding, t.Why = proof.Absent, "the approval of the open claim covers it"
	}
	if e.Record.Finding == proof.Unusable && e.leavesBehind(seen, proof.Identity{}) {
		t.Finding = proof.Absent
	}
	return t
}

func (e Evidence) arrayTestimony(a Array, seen []sighting) []proof.Testimony {
	say := func(name string, f proof.Finding, why string) proof.Testimony {
		return proof.Testimony{Witness: proof.Witness{Kind: proof.Part, Name: name}, Finding: f, Why: why}
	}
	if why := e.trouble(a); why != "" {
		return []proof.Testimony{say(ArrayWitness(a.Name), proof.Unknown, why)}
	}
	var heard []proof.Testimony
	for _, s := range seen {
		if s.array == a.Name {
			t := say(s.witness(), s.finding, s.why)
			t.Identity, t.Vouches = s.identity, s.owned == Ours
			heard = append(heard, t)
		}
	}
	for _, s := range a.SVMs { // attested lost, one by one
		if e.attestedBy[SVMWitness(a.Name, s.UUID)] != "" {
			heard = append(heard, say(SVMWitness(a.Name, s.UUID), proof.Absent, "attested lost"))
		}
	}
	if len(heard) > 0 {
		return heard
	}
	if why := a.unsettled(); why != "" {
		return []proof.Testimony{say(ArrayWitness(a.Name), proof.Unknown, why)}
	}
	return []proof.Testimony{say(ArrayWitness(a.Name), proof.Absent, "no SVM of this name, of these UUIDs or with this mark")}
}

// unsettled says why "not there" may not last: something may still come of a
// request that was sent before.
func (a Array) unsettled() string {
	switch {
	case !a.JobsKnown:
		return "its list of jobs could not be read, and a creation may be queued"
	case len(a.Jobs) > 0:
		return "a job is not finished: " + strings.Join(a.Jobs, ", ")
	}
	return ""
}

// traceTestimony: whom the UUID belongs to, or our own lineage, since only what
// we wrote counts as a name.
func (e Evidence) traceTestimony(t Trace, seen []sighting) proof.Testimony {
	said := proof.Testimony{Witness: proof.Witness{Kind: proof.Trace, Name: t.Name}, Finding: t.Finding, Why: t.Why}
	if t.Finding == proof.Present && t.UUID != "" {
		said.Identity = proof.Identity{Lineage: e.Owner.String(), Generation: t.Generation, Birth: birth("", t.UUID)}
		i := slices.IndexFunc(seen, func(s sighting) bool { return slices.Contains(s.key(), t.UUID) })
		switch {
		case i >= 0:
			said.Identity = seen[i].identity
			if seen[i].claimed && seen[i].finding == proof.Absent {
				said.Finding = proof.Absent // it bears the identity of the open claim
			}
		case e.Record.Names(t.UUID):
			said.Identity = e.Record.Identity()
		}
	}
	shows := t.Finding == proof.Present || t.Finding == proof.Unusable
	if shows && e.leavesBehind(seen, said.Identity) {
		said.Finding, said.Why = proof.Absent, "the approval of the open claim covers it"
	}
	return said
}

// leavesBehind: what an approved re-creation leaves behind reads as Absent,
// unless something else turns out to be whole after all: nothing is made anew
// over that.
func (e Evidence) leavesBehind(seen []sighting, id proof.Identity) bool {
	if e.nothingHidden || !e.Claim.open() || !e.Claim.leavesBehind(id, e.Owner.String()) {
		return false
	}
	return !slices.ContainsFunc(seen, func(s sighting) bool { return s.finding == proof.Present && !s.claimed })
}

// underClaim: while a claim is open, what bears its identity is Absent until it
// is whole, which for an SVM means that it runs, and Present from then on.
func (e Evidence) underClaim(seen []sighting) []sighting {
	born := slices.ContainsFunc(seen, sighting.born)
	for i := range seen {
		if s := &seen[i]; s.claimed && !born {
			s.finding, s.why = proof.Absent, s.why+"; it is being made under the open claim"
		}
	}
	return seen
}

// born: made under the open claim, and running.
func (s sighting) born() bool { return s.claimed && s.State == Running && s.finding == proof.Present }

// couldBeWhole: a silent array could show what anybody names, and what nobody
// has named yet; an SVM that is neither here nor gone, itself.
func (e Evidence) couldBeWhole(seen []sighting) []proof.Identity {
	var could []proof.Identity
	for _, a := range e.Arrays {
		if e.attestedBy[ArrayWitness(a.Name)] == "" && e.arraySilent(a) {
			could = append(could, proof.Identity{})
			if e.Record.open() {
				could = append(could, e.Record.Identity())
			}
		}
	}
	for _, s := range seen {
		if s.finding == proof.Unknown {
			could = append(could, s.identity)
		}
	}
	return could
}

func (e Evidence) arraySilent(a Array) bool {
	return e.trouble(a) != "" || len(a.SVMs) == 0 && a.unsettled() != ""
}

// contradictions are what has been seen and cannot be true of one SVM. They are
// looked for at the SVM that record or claim name, and at one that an old record
// should name; at namesakes only where it is known that neither names another.
func (e Evidence) contradictions(seen []sighting) []proof.Contradiction {
	var found []proof.Contradiction
	if e.Record.Finding == proof.Present && e.Record.Lineage != e.Owner.String() {
		found = append(found, proof.Contradiction{Kind: ForeignRecord, Why: "the record under this name is of " + e.Record.Lineage})
	}
	for _, s := range seen {
		if !e.looksAt(seen, s) && (s.half < 0 || !e.looksAt(seen, seen[s.half])) {
			continue
		}
		if s.owned == Foreign {
			found = append(found, proof.Contradiction{Kind: ForeignSVM, Why: "SVM " + s.Name + " (" + s.UUID + ") on " + s.array + " bears the mark of " + s.mark.Owner.String()})
		}
		if s.Role == Source && s.half >= 0 && s.State == Running && seen[s.half].State == Running {
			found = append(found, proof.Contradiction{Kind: BothRunning, Why: "both halves run: " + s.Name + " on " + s.array + " and " + seen[s.half].Name + " on " + seen[s.half].array})
		}
	}
	return found
}

func (e Evidence) looksAt(seen []sighting, s sighting) bool {
	if s.recorded || s.claimed || e.Record.Finding == proof.Present && e.Record.Identity().EarlierThan(s.identity) {
		return true
	}
	namesAnother := e.Record.Finding == proof.Present && len(e.Record.UUIDs) > 0 ||
		slices.ContainsFunc(seen, func(o sighting) bool { return o.claimed })
	known := e.Record.Finding != proof.Unknown && e.Claim.Finding != proof.Unknown
	return known && !namesAnother && e.namesake(s.SVM)
}

// attested applies the persons' words to the evidence itself.
func (e Evidence) attested() (Evidence, []proof.Attestation) {
	if len(e.Attestations) == 0 {
		return e, nil
	}
	heard, void := proof.Attest(e.raw(), e.Attestations)
	e.attestedBy = map[string]string{}
	for _, t := range heard {
		if t.AttestedBy != "" {
			e.attestedBy[t.Witness.Name] = t.AttestedBy
		}
	}
	if e.attestedBy[RecordWitness] != "" {
		e.Record = Record{Finding: proof.Absent, Why: e.Record.Why}
	}
	if e.attestedBy[ClaimWitness] != "" {
		e.Claim = Claim{Finding: proof.Absent, Why: e.Claim.Why}
	}
	return e, void
}
