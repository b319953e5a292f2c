package decide

import (
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/proof"
)

// RecordWitness is the name of the record among the witnesses.
const RecordWitness = "record"

// MemberWitness names a member's data and etcd as a witness.
func MemberWitness(name string) string { return "member/" + name }

// MemoryWitness names what a member's agent remembers.
func MemoryWitness(name string) string { return "memory/" + name }

// Judge says what the evidence proves. Attestations that still stand are
// applied; those that are void are returned, so that they can be dropped.
func Judge(e Evidence) (proof.Verdict, []proof.Attestation) {
	e, void := e.attested()
	seen := e.underClaim()
	c := proof.Case{
		Subject:        e.Cluster,
		Heard:          seen.testimonies(),
		Whole:          seen.whole(),
		Contradictions: seen.contradictions(),
	}
	if len(c.Whole) > 0 { // it is asked beside something whole alone
		c.CouldBeWhole = seen.couldBeWhole()
	}
	return proof.Judge(c), void
}

// Generation is the highest that anybody names, whatever a claim hides. A
// person's attestation is bound to it.
func Generation(e Evidence) uint64 { return proof.HighestGeneration(e.testimonies()) }

// testimonies puts every witness into the words of package proof.
func (e Evidence) testimonies() []proof.Testimony {
	say := func(k proof.Kind, name string, f proof.Finding, id proof.Identity, why string) proof.Testimony {
		if f != proof.Present {
			id = proof.Identity{}
		}
		return proof.Testimony{Witness: proof.Witness{Kind: k, Name: name}, Finding: f, Identity: id,
			AttestedBy: e.attestedBy[name], Why: why, At: e.At}
	}
	record := say(proof.Record, RecordWitness, e.Record.Finding, e.Record.Identity, e.Record.Why)
	record.Serial = e.Record.Serial
	heard := []proof.Testimony{record}
	for _, n := range e.Nodes {
		heard = append(heard, say(proof.Part, MemberWitness(n.Name), n.Part.Finding, n.Part.Identity, n.Part.Why))
		memory := say(proof.Memory, MemoryWitness(n.Name), n.Memory.Finding, n.Memory.Identity, n.Memory.Why)
		memory.Serial = n.Memory.Serial
		heard = append(heard, memory)
	}
	for _, t := range e.allTraces() {
		heard = append(heard, say(proof.Trace, t.Name, t.Finding, t.Identity, t.Why))
	}
	return append(heard, e.waitedFor()...)
}

// waitedFor are the members that the spec counts and nobody has shown yet: a
// cluster is not seeded by fewer than it is meant to have.
func (e Evidence) waitedFor() []proof.Testimony {
	var heard []proof.Testimony
	for i := len(e.Nodes); i < e.Want; i++ {
		heard = append(heard, proof.Testimony{
			Witness: proof.Witness{Kind: proof.Part, Name: MemberWitness(fmt.Sprintf("(%d of %d)", i+1, e.Want))},
			Why:     fmt.Sprintf("waiting for %d more: the spec counts %d members, and %d are known", e.Want-len(e.Nodes), e.Want, len(e.Nodes)),
			At:      e.At,
		})
	}
	return heard
}

// attested applies the persons' words to the evidence itself, so that a member
// attested lost is no longer silent in the counting either.
func (e Evidence) attested() (Evidence, []proof.Attestation) {
	heard, void := proof.Attest(e.testimonies(), e.Attestations)
	e.attestedBy = map[string]string{}
	for _, t := range heard {
		if t.AttestedBy != "" {
			e.attestedBy[t.Witness.Name] = t.AttestedBy
		}
	}
	if len(e.attestedBy) > 0 {
		e = e.withoutTheLost()
	}
	return e, void
}

// withoutTheLost makes absent whatever was attested lost.
func (e Evidence) withoutTheLost() Evidence {
	lost := func(witness string) bool { return e.attestedBy[witness] != "" }
	lostTraces := func(traces []Trace) []Trace {
		traces = slices.Clone(traces)
		for i, t := range traces {
			if lost(t.Name) {
				traces[i] = Trace{Name: t.Name, Finding: proof.Absent, Why: t.Why}
			}
		}
		return traces
	}
	e.Nodes = slices.Clone(e.Nodes)
	for i, n := range e.Nodes {
		if lost(MemberWitness(n.Name)) {
			e.Nodes[i].Part = Part{Finding: proof.Absent, Why: n.Part.Why}
		}
		if lost(MemoryWitness(n.Name)) {
			e.Nodes[i].Memory = Memory{Finding: proof.Absent, Why: n.Memory.Why}
		}
		e.Nodes[i].Trash = lostTraces(n.Trash)
	}
	if lost(RecordWitness) {
		e.Record = Record{Finding: proof.Absent, Why: e.Record.Why}
	}
	e.Traces = lostTraces(e.Traces)
	return e
}
