package decide

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// realHarm is what is looked for where a guard is taken out: harm to users, not
// a mere breach of the protocol.
const realHarm = twoClusters | emptyCluster

// explore goes through every world within the bounds, and fails with the
// shortest way to one that must not be.
func explore(t *testing.T, b bounds, g guards, forbid harm, each func(*exploration, *modelWorld) error) {
	t.Helper()
	began := time.Now()
	x := newExploration(b, g, forbid)
	trace, err := x.run(func(w *modelWorld) error {
		if each == nil {
			return nil
		}
		return each(x, w)
	})
	x.report(t, began)
	if err != nil {
		t.Errorf("%v, after\n%s", err, strings.Join(trace, "\n"))
	}
}

// TestExploreSeeding: with all guards, nothing that must not be can be reached.
func TestExploreSeeding(t *testing.T) {
	cases := []struct {
		reason string
		bounds bounds
	}{
		{"up to three disasters, leaders that hear one agent after the other", bounds{disasters: 3, skewed: true}},
		{"the same, and etcds that stop and are started at boot", bounds{disasters: 3, skewed: true, restarts: true}},
		{"one more kind of disaster: the claim alone is deleted", bounds{disasters: 3, skewed: true, claimLost: true}},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			b := c.bounds
			b.leaders, b.stores = 2, 1
			if slow := b.restarts || b.claimLost; testing.Short() || underRace && slow {
				b.disasters = 1
			}
			explore(t, b, allGuards, anyHarm, nil)
		})
	}
}

// TestExploreSeedingNeedsEachGuard: with any one guard taken out there is a way
// to real harm. The shortest is printed: it tells what the guard is for.
func TestExploreSeedingNeedsEachGuard(t *testing.T) {
	cases := []struct {
		without string
		guards  guards
		bounds  bounds
	}{
		{"the ids of the memories", guards{roundOfNotes: true, noteStart: true, noSecondStart: true}, bounds{disasters: 3}},
		{"the round of notes before the first start", guards{memoryIDs: true, noteStart: true, noSecondStart: true}, bounds{disasters: 3}},
		{"the note before each start", guards{memoryIDs: true, roundOfNotes: true, noSecondStart: true}, bounds{disasters: 3}},
		{"the refusal to start a second time without data", guards{memoryIDs: true, roundOfNotes: true, noteStart: true}, bounds{disasters: 3}},
		{"the old memories' ids in a claim that is written again", allGuards, bounds{disasters: 3, claimLost: true, anewIDs: true}},
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
			t.Logf("without %s:\n%s\n=> %v", c.without, strings.Join(trace, "\n"), err)
		})
	}
}

// TestExploreSeedingEnds: from every world that can be reached, and with
// nothing more going wrong, there comes a born cluster with all its members or,
// after a disaster, a word to a person who can then do something.
func TestExploreSeedingEnds(t *testing.T) {
	cases := []bounds{
		{disasters: 0, skewed: true, restarts: true},
		{disasters: 1, restarts: true},
		{disasters: 2, claimLost: true},
	}
	for _, b := range cases {
		t.Run(fmt.Sprintf("%d disasters", b.disasters), func(t *testing.T) {
			b.leaders, b.stores = 2, 1
			if testing.Short() || underRace {
				b.disasters = min(b.disasters, 1)
				b.restarts = b.restarts && b.disasters == 0
			}
			ends := map[string]int{}
			explore(t, b, allGuards, anyHarm, func(x *exploration, w *modelWorld) error {
				if err := x.mover.patience(w); err != nil {
					return err
				}
				end, err := x.mover.rest(*w)
				if err != nil {
					return err
				}
				outcome, err := end.outcome()
				ends[outcome]++
				if err == nil && b.disasters == 0 && outcome != born {
					return fmt.Errorf("no disaster, and yet it ends so: %s", outcome)
				}
				return err
			})
			logEnds(t, ends)
		})
	}
}

func logEnds(t *testing.T, ends map[string]int) {
	t.Helper()
	var lines []string
	for outcome, n := range ends {
		lines = append(lines, fmt.Sprintf("%8d %s", n, outcome))
	}
	sort.Strings(lines)
	t.Logf("they end so:\n%s", strings.Join(lines, "\n"))
}

// TestExploreSeedingWithTwoStores: two leaders, each with a control store of
// its own, and the same agents.
func TestExploreSeedingWithTwoStores(t *testing.T) {
	cases := []struct {
		reason string
		bounds bounds
	}{
		{"no disaster", bounds{skewed: true, restarts: true}},
		{"agents that remember no marks", bounds{skewed: true, unmarked: true}},
		{"one disaster, and no marks", bounds{disasters: 1, skewed: true, unmarked: true}},
		{"two disasters", bounds{disasters: 2, skewed: true}},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			b, differing := c.bounds, 0
			b.leaders, b.stores = 2, 2
			if b.disasters > 0 && (testing.Short() || underRace) {
				b.disasters--
			}
			explore(t, b, allGuards, anyHarm, func(x *exploration, w *modelWorld) error {
				if b.disasters > 0 || !w.differ() {
					return nil
				}
				differing++
				return x.mover.neitherGoesOn(w)
			})
			if b.disasters == 0 && differing == 0 {
				t.Error("agents never noted different claims: this was not tried")
			}
			t.Logf("in %d worlds the agents had noted different claims, and neither went on", differing)
		})
	}
}

// TestExploreNames: a world reads back from its key as it was, and all of its
// namings have one key. Else worlds would be missed, or counted twice.
func TestExploreNames(t *testing.T) {
	b := bounds{leaders: 2, stores: 1, disasters: 1}
	explore(t, b, allGuards, anyHarm, func(_ *exploration, w *modelWorld) error {
		key, _ := w.canonical(b.leaders)
		if key.unpack() != *w {
			return fmt.Errorf("%+v reads back as %+v", *w, key.unpack())
		}
		for _, agents := range allPerms {
			for _, leaders := range allPerms[:2] {
				other, _ := w.renamed(agents, leaders)
				if k, _ := other.canonical(b.leaders); k != key {
					return fmt.Errorf("%+v and %+v differ in names alone, and have two keys", *w, other)
				}
			}
		}
		return nil
	})
}

// A person can end a stop only where the verdict lets a re-creation be approved.
func mayRecreate(s proof.State) bool { return s == proof.DataLost || s == proof.Conflicting }
