package credential_test

import (
	"context"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// instanceOf is one that no fault strikes, and whose calls are counted.
func (l *life) instanceOf(t *testing.T) *instance {
	t.Helper()
	return l.instance(t, fault.NewInjector(0, fault.None))
}

// stride thins the matrix out: with 3, each call suffers two of the six faults,
// and each fault strikes a third of the calls. The tag chaos runs all of it, and
// the matrix of the flow (package svm) strikes all that writes in every way.
func stride() int {
	if raceDetector {
		return 13
	}
	return 3
}

// Calls of each story, to the array and to where the Secrets lie, suffer faults.
// The next process comes to rest from whatever was left behind. The longest
// stories run on a real API server, and with the tag chaos all do.
func TestKthCalls(t *testing.T) {
	t.Parallel()
	for _, st := range stories {
		keep := newMemory
		if st.real {
			keep = newKube
		}
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			newWorld(t, keep(t), sim.Doubts{}).matrix(t, st, stride())
		})
	}
}

// matrix strikes the calls of a story in every way, one in stride.
func (w *world) matrix(t *testing.T, st story, stride int) {
	t.Helper()
	l, _ := w.begin(t, st)
	counter := fault.NewInjector(0, fault.None)
	if _, err := l.live(t.Context(), l.instance(t, counter), l.hear); err != nil {
		t.Fatal(err)
	}
	l.end(t)
	cells, struck := 0, 0
	for i, mode := range fault.Modes {
		for k := 1; k <= counter.Count(); k++ {
			if (k+i)%stride != 0 {
				continue
			}
			cells++
			if w.suffer(t, st, k, mode) {
				struck++
			}
		}
	}
	t.Logf("NOTE: k-th call matrix: %s: %d calls, one in %d in each of %d modes, %d of %d struck", st.name, counter.Count(), stride, len(fault.Modes), struck, cells)
	if cells == 0 || struck < cells*9/10 {
		t.Errorf("only %d of %d cells were struck", struck, cells)
	}
}

// suffer lives a life of which the k-th call is struck, and brings it to rest.
// It reports whether there was such a call.
func (w *world) suffer(t *testing.T, st story, k int, mode fault.Mode) bool {
	t.Helper()
	l, before := w.begin(t, st)
	in := fault.NewInjector(k, mode)
	i := l.instance(t, in)
	if mode == fault.Hung {
		i.carrier.Settle = time.Second // nobody cuts the noting of an outcome short
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := l.live(ctx, i, l.hear)
		done <- err
	}()
	await(in, mode, done, cancel)
	next := l.instanceOf(t)
	step, err := l.live(t.Context(), next, l.hear)
	if err != nil {
		t.Fatalf("%s at call %d (%v): %v", mode, k, in.Struck(), err)
	}
	l.holds(t, st, step, before)
	l.stays(t, next, st.want)
	l.end(t)
	if t.Failed() {
		t.Fatalf("so it is after %s at call %d (%v)", mode, k, in.Struck())
	}
	return in.Struck() != nil
}

// hear writes down what a caller would log.
func (l *life) hear(err error) { _, _ = l.book.Write([]byte(err.Error() + "\n")) }

// await waits for the end of a life, or of the process that lived it. A call
// that hangs ends with the caller's patience.
func await(in *fault.Injector, mode fault.Mode, done <-chan error, cancel func()) {
	for {
		select {
		case <-in.Dead():
			return
		case <-done:
			return
		case <-time.After(time.Millisecond):
			if mode == fault.Hung && in.Struck() != nil {
				cancel()
			}
		}
	}
}
