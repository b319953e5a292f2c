package svm_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// kthFlow is one flow whose every call is struck.
type kthFlow struct {
	name string
	thin int // make test runs one in so many of its sample; 0: all of it
	// before brings the world to where the flow begins, and gives what is wanted.
	before func(*world) svm.Wish
	// after checks the end, beyond that it is at rest.
	after func(*world, svm.Wish)
}

func kthFlows() []kthFlow {
	created := func(w *world) svm.Wish {
		want := w.wish()
		w.toRest(w.controller(nil), want)
		w.clock.advance(30 * time.Minute)
		return want
	}
	return []kthFlow{
		{name: "create", before: func(w *world) svm.Wish { return w.wish() }, after: (*world).holds},
		{name: "heal", before: func(w *world) svm.Wish {
			want := created(w)
			w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil)
			return want
		}, after: (*world).holds},
		{name: "rotate", before: func(w *world) svm.Wish {
			want := created(w)
			want.Rotate = w.unwanted()
			return want
		}, after: func(w *world, want svm.Wish) {
			if s := w.secret(); s.Active.User == s.Previous || s.Active.Generation <= want.Rotate["prod"].Generation {
				w.t.Errorf("not rotated: %s after %s", s.Active.User, s.Previous)
			}
			w.clock.advance(48 * time.Hour)
			w.setPair(func(s *seed.Secret) { s.InUseGeneration = s.Active.Generation })
			w.toRest(w.controller(nil), want)
			w.holds(want)
		}},
		{name: "delete", before: func(w *world) svm.Wish {
			want := created(w)
			want.Gone, want.Spec.DeletionPolicy = true, decide.Delete
			return want
		}, after: func(w *world, _ svm.Wish) { w.nothingLeft() }},
		{name: "leave", thin: 2, before: func(w *world) svm.Wish {
			w.shared()
			return w.wish()
		}, after: func(w *world, want svm.Wish) {
			w.holds(want)
			w.leftNothing()
		}},
		{name: "leave and delete", thin: 6, before: func(w *world) svm.Wish {
			w.shared()
			want := w.wish()
			want.Gone, want.Spec.DeletionPolicy = true, decide.Delete
			return want
		}, after: func(w *world, _ svm.Wish) {
			w.nothingLeft()
			w.leftNothing()
		}},
	}
}

// nothingLeft: no SVM, and nothing of it in the seed.
func (w *world) nothingLeft() {
	w.t.Helper()
	if v, found := w.sim.Dump().Find("p1"); found {
		w.t.Errorf("SVM %s is left", v.UUID)
	}
	for _, object := range []string{"configmaps/svm-record-p1", "configmaps/svm-claim-p1", "configmaps/svm-words-p1", "secrets/" + w.secretRef().Name} {
		if status, _ := w.kube.Do(w.t, "admin", http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/"+object, nil); status != http.StatusNotFound {
			w.t.Errorf("%s is left: %d", object, status)
		}
	}
}

// calls counts the calls of the undisturbed flow.
func (f kthFlow) calls(t *testing.T) []fault.Call {
	t.Helper()
	w := newWorld(t)
	want := f.before(w)
	in := fault.NewInjector(0, fault.None)
	w.toRest(w.controller(in), want)
	if in.Count() == 0 {
		t.Fatal("the flow makes no call")
	}
	return in.Calls()
}

// cell strikes the k-th call in one mode, lets the flow come to rest, and looks
// at the world. It reports whether the call was struck.
func (f kthFlow) cell(t *testing.T, k int, mode fault.Mode, doubts sim.Doubts) (struck bool) {
	t.Helper()
	w := newWorld(t, func(o *sim.Options) { o.Doubts = doubts })
	want := f.before(w)
	in := fault.NewInjector(k, mode)
	r := w.controller(in)
	if w.untilStruck(r, in, mode, want) {
		r = w.controller(nil) // it died; who comes next remembers nothing
	}
	if in.Struck() == nil {
		return false
	}
	name := fmt.Sprintf("%s at call %d (%s)", mode, k, in.Struck())
	defer func() {
		if t.Failed() {
			t.Logf("%s of %s", name, f.name)
		}
	}()
	w.toRest(r, want)
	f.after(w, want)
	w.staysAtRest(w.controller(nil), want)
	w.noSecrets()
	return true
}

// untilStruck reconciles until the fault has struck, and reports whether the
// controller died of it.
func (w *world) untilStruck(r *svm.Reconciler, in *fault.Injector, mode fault.Mode, want svm.Wish) (died bool) {
	w.t.Helper()
	for range 40 {
		res, died := w.once(r, in, mode, want)
		if died || in.Struck() != nil || res.AtRest && !res.Acted {
			return died
		}
		if !res.Acted && !res.Again.IsZero() {
			w.clock.advance(res.Again.Sub(w.clock.Now()))
		}
	}
	w.t.Fatal("neither struck nor at rest")
	return false
}

// once is one reconcile under a fault. A call that hangs is ended by the
// caller's deadline.
func (w *world) once(r *svm.Reconciler, in *fault.Injector, mode fault.Mode, want svm.Wish) (res svm.Result, died bool) {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	done := make(chan svm.Result, 1)
	go func() { done <- r.Reconcile(ctx, want) }()
	for {
		select {
		case <-in.Dead():
			return svm.Result{}, true
		case res := <-done:
			return res, false
		case <-time.After(time.Millisecond):
			if mode == fault.Hung && in.Struck() != nil {
				cancel()
			}
		}
	}
}

// kthCell is one call and one mode.
type kthCell struct {
	k    int
	mode fault.Mode
}

// matrix runs cells, some at a time.
func (f kthFlow) matrix(t *testing.T, cells []kthCell, calls int) {
	t.Helper()
	began := time.Now()
	var struck, beyond atomic.Int64
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(fmt.Sprintf("%03d-%s", c.k, c.mode), func(t *testing.T) {
				t.Parallel()
				if f.cell(t, c.k, c.mode, sim.Doubts{}) {
					struck.Add(1)
					return
				}
				beyond.Add(1)
			})
		}
	})
	t.Logf("NOTE: k-th call matrix: flow %s: %d calls, %d cells, %d struck, %d beyond the end, in %s",
		f.name, calls, len(cells), struck.Load(), beyond.Load(), time.Since(began).Round(time.Second))
	if struck.Load() == 0 || beyond.Load() > int64(len(cells)/20) {
		t.Errorf("%d of %d cells were not reached", beyond.Load(), len(cells))
	}
}

// sample are the cells that make test runs: every call that writes, in every
// mode, and of the reads one in seven, in a mode that changes from one to the
// next.
func sample(calls []fault.Call) []kthCell {
	var cells []kthCell
	for i, c := range calls {
		if c.Op != http.MethodGet {
			for _, mode := range fault.Modes {
				cells = append(cells, kthCell{i + 1, mode})
			}
			continue
		}
		if i%7 == 0 {
			cells = append(cells, kthCell{i + 1, fault.Modes[i/7%len(fault.Modes)]})
		}
	}
	if !raceDetector {
		return cells
	}
	return oneIn(11, cells)
}

func oneIn(n int, cells []kthCell) []kthCell {
	var few []kthCell
	for i := 0; i < len(cells); i += n {
		few = append(few, cells[i])
	}
	return few
}

// TestKthCalls strikes the calls of each flow, and runs on to rest.
func TestKthCalls(t *testing.T) {
	for _, f := range kthFlows() {
		t.Run(f.name, func(t *testing.T) {
			calls := f.calls(t)
			f.matrix(t, oneIn(max(f.thin, 1), sample(calls)), len(calls))
		})
	}
}
