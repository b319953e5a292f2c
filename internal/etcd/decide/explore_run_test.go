package decide

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// exploration is a breadth-first search through all worlds that can be
// reached. Worlds are kept under one of their namings.
type exploration struct {
	bounds
	mover  mover
	forbid harm // what ends it

	index  map[modelKey]uint32
	keys   []modelKey
	parent []uint32
	nth    []uint16 // which of the parent's moves led here
}

func newExploration(b bounds, g guards, forbid harm) *exploration {
	return &exploration{bounds: b, forbid: forbid, index: map[modelKey]uint32{},
		mover: mover{bounds: b, decider: newDecider(g)}}
}

func (x *exploration) first() modelWorld {
	var w modelWorld
	if x.stores == 2 {
		w.leaders[1].store = 1
	}
	return w
}

// run goes through all worlds and calls each for every one, until something
// forbidden happens; then it returns the shortest way there.
func (x *exploration) run(each func(*modelWorld) error) (trace []string, err error) {
	first := x.first()
	key, _ := first.canonical(x.leaders)
	x.reach(key, 0, 0)
	for at := 0; at < len(x.keys); at++ {
		w := x.keys[at].unpack()
		if each != nil {
			if err := each(&w); err != nil {
				return x.trace(uint32(at), -1), err
			}
		}
		for n, next := range x.mover.moves(w) {
			if next.harm&x.forbid != 0 {
				return x.trace(uint32(at), n), fmt.Errorf("%s", next.harm)
			}
			key, _ := next.world.canonical(x.leaders)
			x.reach(key, uint32(at), uint16(n))
		}
	}
	return nil, nil
}

func (x *exploration) reach(key modelKey, from uint32, nth uint16) {
	if _, known := x.index[key]; known {
		return
	}
	x.index[key] = uint32(len(x.keys))
	x.keys = append(x.keys, key)
	x.parent = append(x.parent, from)
	x.nth = append(x.nth, nth)
}

// trace tells how a world was reached, and the last move if there is one. The
// names of one world are not those of the next: they are carried along.
func (x *exploration) trace(at uint32, last int) []string {
	var way []int
	if last >= 0 {
		way = []int{last}
	}
	for ; at != 0; at = x.parent[at] {
		way = append([]int{int(x.nth[at])}, way...)
	}
	t := newTeller()
	var lines []string
	w := x.keys[0].unpack()
	for i, n := range way {
		next := x.mover.moves(w)[n]
		lines = append(lines, fmt.Sprintf("%3d. %s", i+1, t.tell(&w, next)))
		key, names := next.world.canonical(x.leaders)
		t.rename(names)
		w = key.unpack()
	}
	return lines
}

func (h harm) String() string {
	var parts []string
	for i, text := range []string{
		"two clusters: each of two claims has had a running quorum",
		"a quorum runs that does not hold the write that was acknowledged",
		"etcds were started for two claims",
		"a member was started a second time without its data",
	} {
		if h&(1<<i) != 0 {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

// report prints what was explored, which is part of what the test is for.
func (x *exploration) report(t *testing.T, began time.Time) {
	t.Helper()
	t.Logf("%d leaders, %d stores, at most %d disasters: %d states (agents, leaders and claims that differ in name alone count once), %d different looks, %.1f s",
		x.leaders, max(x.stores, 1), x.disasters, len(x.keys), len(x.mover.decider.known), time.Since(began).Seconds())
}
