package decide

import (
	"cmp"

	"github.com/seedproof/seedproof/internal/proof"
)

// sighting is one SVM that an array shows, and what it is worth as a part.
type sighting struct {
	SVM
	array    string
	half     int       // index of the other half among the sightings, or -1
	owned    Ownership // of the pair: the comment of one half speaks for both
	mark     Mark
	recorded bool
	claimed  bool // it bears the attempt of the open claim
	identity proof.Identity
	finding  proof.Finding
	why      string
}

// witness names it: a person who attests it lost speaks of this SVM alone.
func (s sighting) witness() string { return SVMWitness(s.array, s.UUID) }

// key is the pair of UUIDs, or the one.
func (s sighting) key() []string { return []string{s.UUID, s.Twin} }

// sightings are all SVMs on arrays whose answers count.
func (e Evidence) sightings() []sighting {
	var all []sighting
	for _, a := range e.Arrays {
		if e.trouble(a) != "" || e.attestedBy[ArrayWitness(a.Name)] != "" {
			continue
		}
		for _, s := range a.SVMs {
			if e.attestedBy[SVMWitness(a.Name, s.UUID)] == "" {
				all = append(all, sighting{SVM: s, array: a.Name, half: -1})
			}
		}
	}
	for i := range all {
		all[i].half = otherHalf(all, i)
		all[i].recorded = e.Record.Names(all[i].key()...)
	}
	for i := range all {
		s := &all[i]
		s.readOwner(all)
		s.claimed = e.bearsClaim(*s)
		s.identity = e.identify(*s)
		s.finding, s.why = e.find(*s)
	}
	for i := range all {
		all[i].besideItsHalf(all)
	}
	return all
}

// isHalfOf: it is the other one or its twin.
func (s sighting) isHalfOf(o sighting) bool {
	return s.UUID == o.UUID || s.Twin != "" && s.Twin == o.UUID || o.Twin != "" && o.Twin == s.UUID
}

func otherHalf(all []sighting, i int) int {
	for j, o := range all {
		named := o.UUID != "" && o.UUID == all[i].Twin || o.Twin != "" && o.Twin == all[i].UUID
		if j != i && named {
			return j
		}
	}
	return -1
}

// readOwner takes the comments of both halves together.
func (s *sighting) readOwner(all []sighting) {
	s.owned, s.mark = s.Ownership, s.Mark
	if s.half < 0 {
		return
	}
	for _, rank := range []Ownership{Foreign, Ours} {
		for _, half := range []SVM{s.SVM, all[s.half].SVM} {
			if half.Ownership == rank {
				s.owned, s.mark = rank, half.Mark
				return
			}
		}
	}
}

// bearsClaim: no record names it yet, and it bears the attempt's mark, or the UUID that the array gave to
// what the attempt asked for.
func (e Evidence) bearsClaim(s sighting) bool {
	if !e.Claim.open() || s.owned == Foreign || s.recorded {
		return false
	}
	byMark := s.owned == Ours && s.mark.Attempt == e.Claim.Attempt && s.mark.Nonce == e.Claim.Nonce
	byUUID := e.Claim.UUID != "" && (s.UUID == e.Claim.UUID || s.Twin == e.Claim.UUID)
	return byMark || byUUID
}

// identify says who it is. A recorded UUID bears the recorded identity, marked
// or not, unless its own mark is of a later attempt: then the record is old.
func (e Evidence) identify(s sighting) proof.Identity {
	marked := proof.Identity{Lineage: s.mark.Owner.String(), Generation: s.mark.Attempt, Birth: birth(s.mark.Nonce, s.key()...)}
	recorded := e.Record.Identity()
	switch {
	case s.recorded && s.owned == Ours && recorded.EarlierThan(marked):
		return marked
	case s.recorded:
		return recorded
	case s.owned == Ours || s.owned == Foreign:
		return marked
	}
	if s.claimed {
		return proof.Identity{Lineage: e.Owner.String(), Generation: e.Claim.Attempt, Birth: birth(e.Claim.Nonce, s.key()...)}
	}
	if generation, traced := e.traced(s); traced {
		return proof.Identity{Lineage: e.Owner.String(), Generation: generation, Birth: birth("", s.key()...)}
	}
	return proof.Identity{Lineage: "an SVM without our mark" + birth(" ", s.key()...)}
}

// traced: a trace, or a claim that was born, names its UUID.
func (e Evidence) traced(s sighting) (generation uint64, found bool) {
	names := func(f proof.Finding, uuid string) bool {
		return f == proof.Present && uuid != "" && (uuid == s.UUID || uuid == s.Twin)
	}
	for _, t := range e.Traces {
		if names(t.Finding, t.UUID) && e.attestedBy[t.Name] == "" {
			found, generation = true, max(generation, t.Generation)
		}
	}
	if e.Claim.State == ClaimBorn && names(e.Claim.Finding, e.Claim.UUID) {
		found, generation = true, max(generation, e.Claim.Attempt)
	}
	return generation, found
}

// find says what it is worth, taken by itself.
func (e Evidence) find(s sighting) (proof.Finding, string) {
	why := "SVM " + s.Name + " (" + s.UUID + ") is " + s.State.String()
	switch {
	case s.Ownership == OwnershipUnknown:
		return proof.Unknown, why + "; its comment could not be read"
	case s.Role == RoleUnknown:
		return proof.Unknown, why + "; what it is to a MetroCluster is not known"
	case s.Role != Plain && s.Twin == "":
		return proof.Unknown, why + "; its array does not say which SVM is its other half"
	case s.Role == Plain && s.Twin != "":
		return proof.Unknown, why + "; it has another half and is of no MetroCluster"
	}
	switch s.State {
	case Running, Stopping, Stopped:
		return proof.Present, why
	case Initializing, Starting, Deleting:
		return proof.Unknown, why
	}
	return proof.Unknown, why + ", as far as the array says"
}

// besideItsHalf: a twin that stands still is nothing by itself; beside its
// source it is the other half of that.
func (s *sighting) besideItsHalf(all []sighting) {
	if s.Role != Destination || s.State == Running || s.finding != proof.Present {
		return
	}
	if s.half >= 0 && all[s.half].Role == Source && all[s.half].finding == proof.Present {
		return
	}
	s.finding, s.why = proof.Unknown, s.why+"; a twin that is stopped says nothing without its source"
}

// running finds the half of the identity that runs, or the one that stands
// where none does; of two the source.
func running(all []sighting, fits func(sighting) bool) (sighting, bool) {
	best, found := sighting{}, false
	for _, s := range all {
		if !fits(s) {
			continue
		}
		if !found || cmp.Compare(s.rank(), best.rank()) > 0 {
			best, found = s, true
		}
	}
	return best, found
}

func (s sighting) rank() int {
	rank := 0
	if s.State == Running {
		rank += 2
	}
	if s.Role != Destination {
		rank++
	}
	return rank
}
