//go:build chaos

package decide_test

import (
	"math/rand/v2"
	"testing"
)

// TestLawsAtRandomForLong takes a fresh seed each time, and prints it.
func TestLawsAtRandomForLong(t *testing.T) {
	lawsAtRandom(t, rand.Uint64(), 200_000)
}
