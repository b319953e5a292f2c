//go:build chaos

package credential_test

import (
	"testing"

	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// The whole matrix on a real API server.
func TestEveryCallFailsInEveryWayForReal(t *testing.T) {
	t.Parallel()
	for _, st := range stories {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			newWorld(t, newKube(t), sim.Doubts{}).matrix(t, st, 1)
		})
	}
}

// The whole matrix, with each doubt about the array turned by itself.
func TestEveryCallFailsOnEveryArray(t *testing.T) {
	t.Parallel()
	for name, doubts := range sim.EachDoubt() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMemory(t), doubts)
			for _, st := range stories {
				w.matrix(t, st, 1)
			}
		})
	}
}
