package svm_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A tuple is some of the dimensions; its values together are what has to come at
// least once.
type stateTuple []int

// number is that of the values that a cell has in a tuple.
func (d stateTuple) number(c stateCell) int {
	n := 0
	for _, dim := range d {
		n = n*len(stateDims[dim].values) + c[dim]
	}
	return n
}

func (d stateTuple) size() int {
	n := 1
	for _, dim := range d {
		n *= len(stateDims[dim].values)
	}
	return n
}

func (d stateTuple) words(n int) string {
	text := ""
	for _, dim := range slices.Backward(d) {
		values := stateDims[dim].values
		text = stateDims[dim].name + " " + values[n%len(values)] + ", " + text
		n /= len(values)
	}
	return text
}

// pairsOfDims are all pairs of dimensions.
func pairsOfDims() []stateTuple {
	var all []stateTuple
	for a := range stateDims {
		for b := a + 1; b < len(stateDims); b++ {
			all = append(all, stateTuple{a, b})
		}
	}
	return all
}

// seenIn are the values of each tuple that come in some cells.
func seenIn(tuples []stateTuple, cells []stateCell) [][]bool {
	seen := make([][]bool, len(tuples))
	for i, d := range tuples {
		seen[i] = make([]bool, d.size())
		for _, c := range cells {
			seen[i][d.number(c)] = true
		}
	}
	return seen
}

// extend adds cells of a universe until every value of every tuple that comes in
// it has come: each time the first that is missing, and of some random cells
// that have it the one that brings most that is new.
func extend(rng *rand.Rand, chosen []stateCell, tuples []stateTuple, universe []stateCell) []stateCell {
	const candidates = 25
	has, wanted := seenIn(tuples, chosen), seenIn(tuples, universe)
	fresh := func(c stateCell) int {
		n := 0
		for i, d := range tuples {
			if !has[i][d.number(c)] {
				n++
			}
		}
		return n
	}
	for i, d := range tuples {
		for n := range wanted[i] {
			if !wanted[i][n] || has[i][n] {
				continue
			}
			var best stateCell
			most := 0
			for range candidates {
				c := universe[rng.IntN(len(universe))]
				for d.number(c) != n {
					c = universe[rng.IntN(len(universe))]
				}
				if f := fresh(c); f > most {
					best, most = c, f
				}
			}
			chosen = append(chosen, best)
			for j, o := range tuples {
				has[j][o.number(best)] = true
			}
		}
	}
	return chosen
}

// coverSeed is fixed, so that make test runs the same cells each time.
const coverSeed = 4_1_1

// coveringCells are those that make test runs: every pair of values that can be,
// and every pair of those that come to steps on the SVM; there, what the password
// has to do with the rest; what the SVM, the trace and the record are by threes,
// with silent arrays and without; every pair of those in which everything gets
// done; and all that begin with nothing.
var coveringCells = sync.OnceValue(func() []stateCell {
	possible, onSite := possibleCells()
	only := func(cells []stateCell, fits func(stateCell) bool) []stateCell {
		return slices.DeleteFunc(slices.Clone(cells), func(c stateCell) bool { return !fits(c) })
	}
	allAnswer := only(possible, func(c stateCell) bool { return c.arrays() == "all answer" })
	fromNothing := only(possible, func(c stateCell) bool { return c.verdict().created })
	allDone := only(onSite, func(c stateCell) bool { return len(c.expect().steps) == 0 })
	rng := rand.New(rand.NewPCG(coverSeed, 0))
	cells := extend(rng, nil, pairsOfDims(), possible)
	cells = extend(rng, cells, pairsOfDims(), onSite)
	cells = extend(rng, cells, []stateTuple{{dimManagement, dimAccount, dimSecret}, {dimSVM, dimAccount, dimSecret}, {dimSVM, dimLIFs, dimManagement}}, onSite)
	cells = extend(rng, cells, []stateTuple{{dimSVM, dimArrays, dimRecord}}, possible)
	cells = extend(rng, cells, []stateTuple{{dimSVM, dimTrace, dimRecord}}, allAnswer)
	cells = extend(rng, cells, pairsOfDims(), allDone)
	return extend(rng, cells, []stateTuple{{dimSecret}}, fromNothing)
})

// Every pair of values that can be is among the cells that are run, and for each
// that is not there is a reason.
func TestStateCovering(t *testing.T) {
	possible, onSite := possibleCells()
	cells := coveringCells()
	t.Logf("%d combinations can be, %d of them come to steps on the SVM; %d are run", len(possible), len(onSite), len(cells))
	if len(cells) < 300 {
		t.Errorf("%d cells, want at least 300", len(cells))
	}
	for i, c := range cells {
		if why := c.impossible(); why != "" || slices.Contains(cells[:i], c) {
			t.Errorf("%s: %s, or it comes twice", c, why)
		}
	}
	for name, universe := range map[string][]stateCell{"can be": possible, "come to steps": onSite} {
		pairs := pairsOfDims()
		has, wanted := seenIn(pairs, cells), seenIn(pairs, universe)
		covered := 0
		for i, d := range pairs {
			for n := range wanted[i] {
				if wanted[i][n] && !has[i][n] {
					t.Errorf("%snot covered", d.words(n))
				}
				if wanted[i][n] {
					covered++
				}
			}
		}
		t.Logf("%d pairs of values that %s, and all are covered", covered, name)
	}
	impossiblePairs(t, possible)
}

// impossiblePairs lists the pairs that no array can be in. Each has a reason
// that all of its combinations share.
func impossiblePairs(t *testing.T, possible []stateCell) {
	pairs := pairsOfDims()
	can := seenIn(pairs, possible)
	whys := map[[2]int]map[string]bool{}
	for c := range everyCell {
		why := c.impossible()
		for i, d := range pairs {
			n := d.number(c)
			if can[i][n] {
				continue
			}
			if whys[[2]int{i, n}] == nil {
				whys[[2]int{i, n}] = map[string]bool{}
			}
			whys[[2]int{i, n}][why] = true
		}
	}
	reasons := map[string]map[string]bool{}
	for pair, why := range whys {
		reasons[pairs[pair[0]].words(pair[1])] = why
	}
	for _, pair := range slices.Sorted(maps.Keys(reasons)) {
		why := slices.Sorted(maps.Keys(reasons[pair]))
		if why[0] == "" {
			t.Errorf("%sno reason", pair)
		}
		t.Logf("cannot be: %s%s", pair, strings.Join(why, "; or "))
	}
	if len(reasons) == 0 {
		t.Error("no pair is impossible: the reasons are not asked")
	}
}
