package decide

import (
	"strings"
	"testing"
	"time"
)

// What is looked for where a guard is taken out: harm to users, not a mere
// breach of the protocol.
const realHarm = twoClusters | emptyCluster

func TestExploreSeeding(t *testing.T) {
	b := bounds{leaders: 2, stores: 1, disasters: 3, skewed: true, restarts: true}
	if testing.Short() {
		b.disasters = 2
	}
	began := time.Now()
	x := newExploration(b, allGuards, anyHarm)
	trace, err := x.run(nil)
	x.report(t, began)
	if err != nil {
		t.Fatalf("%v, after\n%s", err, strings.Join(trace, "\n"))
	}
}

func TestExploreClaimLost(t *testing.T) {
	b := bounds{leaders: 2, stores: 1, disasters: 3, skewed: true, claimLost: true}
	began := time.Now()
	x := newExploration(b, allGuards, anyHarm)
	trace, err := x.run(nil)
	x.report(t, began)
	if err != nil {
		t.Fatalf("%v, after\n%s", err, strings.Join(trace, "\n"))
	}
}

func TestExploreGuards(t *testing.T) {
	cases := []struct {
		without string
		guards  guards
		bounds  bounds
	}{
		{"the ids of the memories", guards{false, true, true, true}, bounds{disasters: 3}},
		{"the round of notes", guards{true, false, true, true}, bounds{disasters: 3}},
		{"the note before each start", guards{true, true, false, true}, bounds{disasters: 3}},
		{"no second start without data", guards{true, true, true, false}, bounds{disasters: 3}},
		{"a claim written again as it was noted", allGuards, bounds{disasters: 3, claimLost: true, anewIDs: true}},
	}
	for _, c := range cases {
		t.Run(c.without, func(t *testing.T) {
			c.bounds.leaders, c.bounds.stores = 2, 1
			began := time.Now()
			x := newExploration(c.bounds, c.guards, realHarm)
			trace, err := x.run(nil)
			x.report(t, began)
			if err == nil {
				t.Fatalf("without %s nothing went wrong: it is not needed, or the model is too weak", c.without)
			}
			t.Logf("without %s: %v, after\n%s", c.without, err, strings.Join(trace, "\n"))
		})
	}
}

func TestExploreEnds(t *testing.T) {
	for _, disasters := range []int{0, 1, 2} {
		began := time.Now()
		x := newExploration(bounds{leaders: 2, stores: 1, disasters: disasters, skewed: disasters == 0, restarts: disasters < 2}, allGuards, anyHarm)
		ends := map[string]int{}
		trace, err := x.run(func(w *modelWorld) error {
			if err := x.mover.patience(w); err != nil {
				return err
			}
			end, err := x.mover.rest(*w)
			if err != nil {
				return err
			}
			outcome, err := end.outcome(0)
			ends[outcome]++
			if err == nil && disasters == 0 && outcome != "born" {
				t.Logf("no disaster, and still: %s", outcome)
			}
			return err
		})
		x.report(t, began)
		for o, n := range ends {
			t.Logf("%8d %s", n, o)
		}
		if err != nil {
			t.Errorf("%v, after\n%s", err, strings.Join(trace, "\n"))
		}
	}
}

func TestExploreTwoStores(t *testing.T) {
	for _, b := range []bounds{
		{disasters: 0, skewed: true, restarts: true},
		{disasters: 0, skewed: true, unmarked: true},
		{disasters: 1, skewed: true},
		{disasters: 1, skewed: true, unmarked: true},
		{disasters: 2, skewed: true},
	} {
		b.leaders, b.stores = 2, 2
		began := time.Now()
		x := newExploration(b, allGuards, anyHarm)
		different := 0
		trace, err := x.run(func(w *modelWorld) error {
			if b.disasters > 0 || !w.differ() {
				return nil
			}
			different++
			return x.mover.neitherGoesOn(w)
		})
		x.report(t, began)
		t.Logf("%+v, in %d of them agents have noted different claims", b, different)
		if err != nil {
			t.Errorf("%v, after\n%s", err, strings.Join(trace, "\n"))
		}
	}
}
