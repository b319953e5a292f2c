package svm_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/svm"
)

// damaged is a world of two SVMs at rest, one of which has lost its Secret.
func damaged(t *testing.T) (*world, []svm.Wish) {
	t.Helper()
	w := newWorld(t)
	wishes := []svm.Wish{w.wishFor("p1", 0), w.wishFor("p2", 1)}
	w.cycles(w.controller(nil), wishes)
	w.clock.advance(30 * time.Minute)
	w.change(http.MethodDelete, "secrets", "p2-prod-credentials", nil)
	w.sim.ForgetRequests()
	return w, wishes
}

// cycleUnder is one cycle under a fault. A call that hangs is ended by the
// caller's deadline.
func (w *world) cycleUnder(r *svm.Reconciler, in *fault.Injector, mode fault.Mode, wishes []svm.Wish) (res svm.CycleResult, died bool) {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	done := make(chan svm.CycleResult, 1)
	go func() { done <- r.Cycle(ctx, wishes) }()
	for {
		select {
		case <-in.Dead():
			return svm.CycleResult{}, true
		case res := <-done:
			return res, false
		case <-time.After(time.Millisecond):
			if mode == fault.Hung && in.Struck() != nil {
				cancel()
			}
		}
	}
}

// cycleCell strikes the k-th call of a cycle. Whatever could not be read, no SVM
// is made and nothing deleted; afterwards cycles bring all to rest.
func cycleCell(t *testing.T, k int, mode fault.Mode) (struck bool) {
	t.Helper()
	w, wishes := damaged(t)
	in := fault.NewInjector(k, mode)
	r := w.controller(in)
	res, died := w.cycleUnder(r, in, mode, wishes)
	if in.Struck() == nil {
		return false
	}
	if died {
		r = w.controller(nil)
	} else if len(res.SVMs) != 2 || res.SVMs[0].State == "" || res.SVMs[1].State == "" {
		t.Errorf("not every SVM is told of: %+v", res.SVMs)
	}
	w.cycles(r, wishes)
	for _, written := range w.writes() {
		if strings.HasPrefix(written, http.MethodDelete) || written == "POST /api/svm/svms" {
			t.Errorf("%s at call %d (%s): %s", mode, k, in.Struck(), written)
		}
	}
	if n := len(w.sim.Dump().Clusters[0].SVMs); n != 2 {
		t.Errorf("%d SVMs", n)
	}
	w.noSecrets()
	return true
}

// cycleSample are the listings of a cycle in every mode, and a sample of the
// reconcile that follows: the matrices of the flows strike all of that.
func cycleSample(calls []fault.Call) []kthCell {
	var cells []kthCell
	for i, c := range calls {
		listing := i < 18
		for m, mode := range fault.Modes {
			if listing && (i+m)%3 == 0 || c.Op != http.MethodGet && (i+m)%4 == 0 || (i+m)%29 == 0 {
				cells = append(cells, kthCell{i + 1, mode})
			}
		}
	}
	if !raceDetector {
		return cells
	}
	var few []kthCell
	for i := 0; i < len(cells); i += 9 {
		few = append(few, cells[i])
	}
	return few
}

func TestKthCallsOfACycle(t *testing.T) {
	w, wishes := damaged(t)
	in := fault.NewInjector(0, fault.None)
	w.controller(in).Cycle(t.Context(), wishes)
	calls := in.Calls()
	cells := cycleSample(calls)
	began := time.Now()
	var struck atomic.Int64
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(fmt.Sprintf("%03d-%s", c.k, c.mode), func(t *testing.T) {
				t.Parallel()
				if cycleCell(t, c.k, c.mode) {
					struck.Add(1)
				}
			})
		}
	})
	t.Logf("NOTE: k-th call matrix: a cycle over two SVMs: %d calls, %d cells, %d struck, in %s",
		len(calls), len(cells), struck.Load(), time.Since(began).Round(time.Second))
	if n := int(struck.Load()); n == 0 || n < len(cells)*19/20 {
		t.Errorf("of %d cells %d were reached", len(cells), n)
	}
}
