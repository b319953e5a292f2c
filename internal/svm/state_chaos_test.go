//go:build chaos

package svm_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// chaosTime is how long the matrix is drawn from. All that can be are 246,432,
// which would take most of a day: half of those drawn are of all that can be,
// half of those that come to steps on the SVM, by a fresh seed that is printed.
const chaosTime = 30 * time.Minute

func TestStateMatrixAtRandomForLong(t *testing.T) {
	seed := rand.Uint64()
	possible := possibleCells()
	steps := such(possible, onSite)
	t.Logf("NOTE: state matrix at random for %s: seed %d, of %d and %d cells", chaosTime, seed, len(possible), len(steps))
	rng, began := rand.New(rand.NewPCG(seed, 0)), time.Now()
	runCells(t, func(yield func(stateCell) bool) {
		for time.Since(began) < chaosTime && !t.Failed() {
			if !yield(possible[rng.IntN(len(possible))]) || !yield(steps[rng.IntN(len(steps))]) {
				return
			}
		}
	})
}
