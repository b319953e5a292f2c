package decide_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The laws over evidence at random: pairs, claims, closed records, approvals
// and guards together, and every single field that can fall silent.

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomSVM(r *rand.Rand, array string) decide.SVM {
	s := decide.SVM{Name: svmName, Role: decide.Plain, UUID: pick(r, "1", "2", "u") + array,
		State:     pick(r, decide.Initializing, decide.Starting, decide.Running, decide.Running, decide.Running, decide.Stopped, decide.Deleting),
		Ownership: pick(r, decide.Ours, decide.Ours, decide.Ours, decide.Unmarked, decide.Unreadable), Stuck: r.IntN(4) > 0,
		OnlyLockedVsadmin: pick(r, decide.Yes, decide.Yes, decide.No), OnlyRootVolume: pick(r, decide.Yes, decide.Yes, decide.No)}
	if s.Ownership == decide.Ours {
		s.Mark = pick(r, markOf(1, nonce1), markOf(2, nonce2), markOf(2, nonce2))
	}
	if r.IntN(10) == 0 {
		f := foreign(s.UUID)
		s.Ownership, s.Mark = f.Ownership, f.Mark
	}
	if r.IntN(4) == 0 {
		s.Role, s.UUID, s.Twin = decide.Source, "s", "t"
		if array == "b" {
			s.Role, s.UUID, s.Twin, s.Name = decide.Destination, "t", "s", decide.TwinName(svmName)
		}
	}
	return s
}

func randomEvidence(r *rand.Rand) decide.Evidence {
	array := func(name string) decide.Array {
		a := arrayOf(name)
		a.Mode = pick(r, decide.NoMetroCluster, decide.Normal, decide.Normal, decide.NotNormal)
		if r.IntN(2) == 0 {
			a.SVMs = append(a.SVMs, randomSVM(r, name))
		}
		if r.IntN(12) == 0 {
			a.Jobs = []string{"job"}
		}
		return a
	}
	record := pick(r, noRecord, noRecord, recordOf(1, nonce1, "1a"), recordOf(1, nonce1, "s", "t"), recordOf(2, nonce2, "2a"), decide.Record{Finding: proof.Unusable})
	if record.Finding == proof.Present && r.IntN(3) == 0 {
		record.Closed = "d"
	}
	claim := pick(r, noClaim, noClaim, claimOf(decide.ClaimOpen, 2, nonce2), claimOf(decide.ClaimOpen, 2, nonce2), claimOf(decide.ClaimBorn, 2, nonce2), claimOf(decide.ClaimFailed, 2, nonce2))
	claim.Asked, claim.SeenRunning = r.IntN(2) == 0, r.IntN(8) == 0
	if r.IntN(3) == 0 {
		claim.Approval = "a"
	}
	if r.IntN(4) == 0 {
		claim.UUID = pick(r, "2a", "s")
	}
	e := evidence(record, claim, array("a"), array("b"))
	e.Traces = []decide.Trace{{Name: "volumes", Finding: pick(r, proof.Absent, proof.Absent, proof.Present), UUID: pick(r, "", "1a", "s", "old")}}
	return e
}

// clone is deep as far as silencings write.
func clone(e decide.Evidence) decide.Evidence {
	e.Arrays = slices.Clone(e.Arrays)
	for i := range e.Arrays {
		e.Arrays[i].SVMs = slices.Clone(e.Arrays[i].SVMs)
	}
	e.Traces = slices.Clone(e.Traces)
	return e
}

type silencing struct {
	name string
	of   func(*decide.Evidence, *decide.Desired)
}

// silencings are every field of the evidence, made silent one by one.
func silencings(e decide.Evidence) []silencing {
	all := []silencing{
		{"the record", func(e *decide.Evidence, _ *decide.Desired) { e.Record = decide.Record{} }},
		{"the claim", func(e *decide.Evidence, _ *decide.Desired) { e.Claim = decide.Claim{} }},
		{"the trace", func(e *decide.Evidence, _ *decide.Desired) { e.Traces[0].Finding = proof.Unknown }},
		{"a guard", func(_ *decide.Evidence, d *decide.Desired) { d.Guards.NoSnapshot = decide.NotKnown }},
	}
	add := func(name string, of func(*decide.Evidence)) {
		all = append(all, silencing{name, func(e *decide.Evidence, _ *decide.Desired) { of(e) }})
	}
	for i, a := range e.Arrays {
		add(a.Name+" does not answer", func(e *decide.Evidence) { e.Arrays[i].Answered = false })
		add(a.Name+" does not say who it is", func(e *decide.Evidence) { e.Arrays[i].Cluster = "" })
		add("the pin of "+a.Name, func(e *decide.Evidence) { e.Arrays[i].Pin = decide.Pin{} })
		add("the jobs of "+a.Name, func(e *decide.Evidence) { e.Arrays[i].JobsKnown = false })
		add("the mode of "+a.Name, func(e *decide.Evidence) { e.Arrays[i].Mode = decide.ModeUnknown })
		for j, s := range a.SVMs {
			add("a state on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].State = decide.StateUnknown })
			add("a role on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].Role = decide.RoleUnknown })
			add("a comment on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].Ownership = decide.OwnershipUnknown })
			add("a UUID on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].UUID = "" })
			add("accounts on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].OnlyLockedVsadmin = decide.NotKnown })
			add("volumes on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].OnlyRootVolume = decide.NotKnown })
			if s.Role != decide.Plain {
				add("a half on "+a.Name, func(e *decide.Evidence) { e.Arrays[i].SVMs[j].Twin = "" })
			}
		}
	}
	return all
}

func randomDesired(r *rand.Rand, e decide.Evidence) decide.Desired {
	want := wanted()
	if r.IntN(2) == 0 {
		want.Gone, want.Policy, want.Guards = true, decide.Delete, guardsClear()
	}
	v, _ := decide.Judge(e)
	switch r.IntN(4) {
	case 0:
		want.Approval = approve(v, proof.Recreate, "")
	case 1:
		want.Approval = approve(v, proof.Adopt, pick(r, "ua", "1a", "s"))
	case 2:
		want.Approval = approve(v, proof.Destroy, "")
	}
	return want
}

func TestLawsAtRandom(t *testing.T) {
	t.Parallel()
	cases := 6_000
	if raceDetector || testing.Short() {
		cases = 1_500
	}
	lawsAtRandom(t, 2026, cases)
}

func lawsAtRandom(t *testing.T, seed uint64, cases int) {
	r := rand.New(rand.NewPCG(4, seed))
	actions := map[decide.NextAction]int{}
	for n := range cases {
		e := randomEvidence(r)
		want := randomDesired(r, e)
		before := decide.Next(e, want)
		actions[before.Action]++
		if why := badWords(before); why != "" {
			t.Fatalf("case %d: %s\n%+v", n, why, e)
		}
		for _, s := range silencings(e) {
			quiet, less := clone(e), want
			s.of(&quiet, &less)
			after := decide.Next(quiet, less)
			same := after.Action == before.Action && after.UUID == before.UUID && after.Array == before.Array
			if dangerous[after.Action] && !same {
				t.Fatalf("law 1: case %d: %s (%s), and with %s silent %s %s (%s)\n%+v\n%+v", n, before.Action, before.Why, s.name, after.Action, after.UUID, after.Why, e, want)
			}
		}
		if shown := len(e.Arrays[0].SVMs) + len(e.Arrays[1].SVMs); shown > 0 && (before.Action == decide.Ask || before.Action == decide.Open) {
			t.Fatalf("a second SVM: case %d: %s\n%+v", n, before.Action, e)
		}
	}
	t.Logf("seed %d, %d cases: %v", seed, cases, actions)
	for a := range dangerous {
		if actions[a] == 0 && cases >= 6_000 {
			t.Errorf("%s never came", a)
		}
	}
}
