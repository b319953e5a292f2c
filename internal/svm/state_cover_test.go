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

// such are the cells that fit.
func such(cells []stateCell, fits func(stateCell) bool) []stateCell {
	return slices.DeleteFunc(slices.Clone(cells), func(c stateCell) bool { return !fits(c) })
}

// extend adds cells that fit until every value of every tuple that can come in
// such a cell has come in one: each time the first that is missing, and of some
// random cells that have it the one that brings most that is new.
func extend(rng *rand.Rand, chosen []stateCell, fits func(stateCell) bool, tuples ...stateTuple) []stateCell {
	const candidates = 25
	universe := such(possibleCells(), fits)
	has, wanted := seenIn(tuples, such(chosen, fits)), seenIn(tuples, universe)
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

func anyCell(stateCell) bool       { return true }
func onSite(c stateCell) bool      { return c.onSite() }
func allAnswer(c stateCell) bool   { return c.arrays() == "all answer" }
func fromNothing(c stateCell) bool { return c.verdict().created }
func allDone(c stateCell) bool     { return c.onSite() && len(c.expect().steps) == 0 }

// coveringCells are those that make test runs: every pair of values that can be;
// every pair of those that come to steps on the SVM, and there what the password
// has to do with the rest; every pair of those in which everything gets done;
// what the SVM, the arrays, the trace and the record are by threes; and all that
// begin with nothing.
var coveringCells = sync.OnceValue(func() []stateCell {
	rng := rand.New(rand.NewPCG(coverSeed, 0))
	cells := extend(rng, nil, anyCell, pairsOfDims()...)
	cells = extend(rng, cells, onSite, pairsOfDims()...)
	cells = extend(rng, cells, onSite, stateTuple{dimManagement, dimAccount, dimSecret}, stateTuple{dimSVM, dimAccount, dimSecret})
	cells = extend(rng, cells, allDone, pairsOfDims()...)
	cells = extend(rng, cells, anyCell, stateTuple{dimSVM, dimArrays, dimRecord})
	cells = extend(rng, cells, allAnswer, stateTuple{dimSVM, dimTrace, dimRecord})
	return extend(rng, cells, fromNothing, stateTuple{dimSecret})
})

// Every pair of values that can be is among the cells that are run, and for each
// that is not there is a reason.
func TestStateCovering(t *testing.T) {
	cells := coveringCells()
	if len(cells) < 300 {
		t.Errorf("%d cells, want at least 300", len(cells))
	}
	for i, c := range cells {
		if why := c.impossible(); why != "" || slices.Contains(cells[:i], c) {
			t.Errorf("%s: %s, or it comes twice", c, why)
		}
	}
	t.Logf("%d cells are run", len(cells))
	for _, u := range []struct {
		name string
		fits func(stateCell) bool
	}{{"can be", anyCell}, {"come to steps on the SVM", onSite}, {"get everything done", allDone}} {
		universe := such(possibleCells(), u.fits)
		n := everyPairIn(t, such(cells, u.fits), universe)
		t.Logf("of the %d that %s, all %d pairs of values are covered", len(universe), u.name, n)
	}
	impossiblePairs(t, possibleCells())
}

// everyPairIn checks that the cells have every pair that the universe has, and
// counts the pairs.
func everyPairIn(t *testing.T, cells, universe []stateCell) (n int) {
	t.Helper()
	pairs := pairsOfDims()
	has, wanted := seenIn(pairs, cells), seenIn(pairs, universe)
	for i, d := range pairs {
		for number, is := range wanted[i] {
			if !is {
				continue
			}
			if n++; !has[i][number] {
				t.Errorf("%snot covered", d.words(number))
			}
		}
	}
	return n
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
