//go:build chaos

package svm_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// TestKthWhole strikes every call of every flow, in every mode.
func TestKthWhole(t *testing.T) {
	for _, f := range kthFlows() {
		t.Run(f.name, func(t *testing.T) {
			calls := f.calls(t)
			var cells []kthCell
			for k := range calls {
				for _, mode := range fault.Modes {
					cells = append(cells, kthCell{k + 1, mode})
				}
			}
			f.matrix(t, cells, len(calls))
		})
	}
}

// TestKthWithEachDoubt strikes every writing call with each doubt about ONTAP
// turned: its answer is lost, and one more mode that changes from call to call.
func TestKthWithEachDoubt(t *testing.T) {
	began := time.Now()
	var struck atomic.Int64
	doubts := sim.EachDoubt()
	t.Run("cells", func(t *testing.T) {
		for _, name := range slices.Sorted(maps.Keys(doubts)) {
			if name == "PlusRefused" || name == "StrictNames" {
				continue // the names of interfaces are the wish's to choose
			}
			for _, f := range kthFlows() {
				if name == "RootVolumeBlocksDelete" && strings.HasSuffix(f.name, "delete") {
					continue // deleting a root volume is a person's to do
				}
				for i, c := range f.calls(t) {
					if c.Op == http.MethodGet {
						continue
					}
					for _, mode := range []fault.Mode{fault.LostReply, fault.Modes[i%len(fault.Modes)]} {
						t.Run(fmt.Sprintf("%s/%s/%03d-%s", name, f.name, i+1, mode), func(t *testing.T) {
							t.Parallel()
							if f.cell(t, i+1, mode, doubts[name]) {
								struck.Add(1)
							}
						})
					}
				}
			}
		}
	})
	t.Logf("NOTE: %d cells struck over %d doubts, in %s", struck.Load(), len(doubts), time.Since(began).Round(time.Second))
	if struck.Load() == 0 {
		t.Error("nothing was struck")
	}
}

// TestRandomSchedulesForLong plays 10,000 lives that nobody has seen before, with
// one of the doubts turned in each.
func TestRandomSchedulesForLong(t *testing.T) {
	playSchedules(t, rand.Uint64()>>1, 10_000, aDoubt)
}

// TestTheSeedIsPutBackAfterEveryStep is its name.
func TestTheSeedIsPutBackAfterEveryStep(t *testing.T) {
	every := func(n int) []int {
		var all []int
		for i := n - 1; i >= 0; i-- {
			all = append(all, i)
		}
		return all
	}
	t.Run("create", func(t *testing.T) { putBack(t, putBackCreate, every) })
	t.Run("rotate", func(t *testing.T) { putBack(t, putBackRotate, every) })
	t.Run("heal", func(t *testing.T) { putBack(t, putBackHeal, every) })
}
