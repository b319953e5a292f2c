package svm_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// run sets a cell up, lets a controller that remembers nothing come to rest
// there, and checks what came of it.
func (c stateCell) run(t *testing.T) {
	w := newStateWorld(t, c)
	defer func() {
		if t.Failed() {
			t.Logf("cell %v: %s", [8]int(c), c)
		}
	}()
	e, before := c.expect(), w.ours()
	r := w.reconciler()
	res := w.settle(r)
	w.come(e, r, res)
	w.left(e, res, before)
	w.restsThrice(r)
	w.noSecrets()
}

// stateWorkers is how many cells run at a time, each in a namespace and with
// simulators of its own.
const stateWorkers = 8

// runCells runs cells, some at a time, and tells what came of them by class.
func runCells(t *testing.T, cells iter.Seq[stateCell]) {
	t.Helper()
	began := time.Now()
	queue := make(chan stateCell)
	var workers sync.WaitGroup
	var mu sync.Mutex
	classes, n := map[string]int{}, 0
	for range stateWorkers {
		workers.Go(func() {
			for c := range queue {
				mu.Lock()
				n++
				classes[c.expect().class()]++
				name := fmt.Sprintf("%04d", n)
				mu.Unlock()
				t.Run(name, c.run)
			}
		})
	}
	for c := range cells {
		queue <- c
	}
	close(queue)
	workers.Wait()
	t.Logf("NOTE: state matrix: %d cells, %d at a time, in %s", n, stateWorkers, time.Since(began).Round(time.Second))
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		t.Logf("NOTE: %5d %s", classes[class], class)
	}
}

// Whatever an SVM, its arrays and the seed are in: what can be done is done, and
// the rest is told to a person or waited for by name.
func TestStateMatrix(t *testing.T) {
	cells := coveringCells()
	if raceDetector || testing.Short() {
		var few []stateCell
		for i := 0; i < len(cells); i += 17 {
			few = append(few, cells[i])
		}
		cells = few
	}
	runCells(t, slices.Values(cells))
}
