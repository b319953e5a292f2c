package controller

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/fault"
)

// kthRun is one cell of the matrix.
type kthRun struct {
	k    int
	mode fault.Mode
}

// matrix runs every k in every mode, in lanes beside each other.
func (f kthFlow) matrix(t *testing.T, bin string, p pace) {
	t.Helper()
	began := time.Now()
	var dry *fault.Injector
	first := newStage(t, bin, f.members, p)
	if err := caught(func() { dry = f.run(first, 0, fault.None) }); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	calls := dry.Count()
	if calls == 0 {
		t.Fatal("the flow crossed nothing")
	}
	cells := f.cells(dry.Calls())
	m := &kthTally{t: t, f: f, calls: calls, queue: make(chan kthRun, len(cells))}
	for _, c := range cells {
		m.queue <- c
	}
	close(m.queue)
	var lane sync.WaitGroup
	for n := range p.lanes {
		s := first
		if n > 0 {
			s = newStage(t, bin, f.members, p)
		}
		lane.Go(func() { m.lane(s) })
	}
	lane.Wait()
	m.conclude(len(cells), time.Since(began))
}

// kthAll: `make chaos` runs every call in every mode, of every flow.
var kthAll = os.Getenv("SEEDPROOF_KTH") == "whole"

const (
	// kthReads are how many of a costly flow's reads are struck.
	kthReads = 18
	// kthSample is the part of the calls that is struck where there is little
	// time.
	kthSample = 7
)

// cells are the calls to strike: each call in every mode. Of a flow whose runs
// cost three etcds, each call is struck in two modes of the six, in turn; and of
// the calls that every pass makes over again some, spread over the flow, each in
// the next mode. That is also what the race detector and -short get a part of.
func (f kthFlow) cells(calls []fault.Call) []kthRun {
	sample := !kthAll && (raceDetector || testing.Short())
	whole := kthAll || !f.costly && !sample
	reads := 0
	for _, c := range calls {
		if repeated(c) {
			reads++
		}
	}
	every := max(1, reads/kthReads)
	var cells []kthRun
	seen := 0
	for i, c := range calls {
		k := i + 1
		switch {
		case sample && k%kthSample != 1:
		case whole || !repeated(c):
			for n, mode := range fault.Modes {
				if f.mode != fault.None && mode != f.mode {
					continue
				}
				if whole || (n+k)%3 == 0 {
					cells = append(cells, kthRun{k, mode})
				}
			}
		default:
			if seen++; seen%every == 0 {
				cells = append(cells, kthRun{k, fault.Modes[seen/every%len(fault.Modes)]})
			}
		}
	}
	return cells
}

// repeated: every pass, or every new leader, makes this call over again, and it
// changes nothing that a flow decides on.
func repeated(c fault.Call) bool {
	switch c.Transport + " " + c.Op {
	case "grpc Testify", "grpc Hear", "store stat", "store open", "store list":
		return true
	}
	return c.Target == lead.Key || strings.HasPrefix(c.Target, ".seedproof-probe/")
}

// five kills everything of one member at five calls that are spread over the
// flow, before and after in turn.
func (f kthFlow) five(t *testing.T, bin string) {
	t.Helper()
	f.killed = true
	s := newStage(t, bin, f.members, quickly)
	var dry *fault.Injector
	if err := caught(func() { dry = f.run(s, 0, fault.None) }); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	const values = 5
	modes := []fault.Mode{fault.CrashedBefore, fault.CrashedAfter}
	for i := range values {
		k, mode := 1+dry.Count()*(2*i+1)/(2*values), modes[i%2]
		call := f.killAt(t, s, &k, mode)
		t.Logf("NOTE: %s: killed at call %d of %d, %s: %s", f.name, k, dry.Count(), mode, call)
	}
}

// killAt kills at the k-th call, or at an earlier one where a run ends before
// it: how often is waited for something varies from run to run.
func (f kthFlow) killAt(t *testing.T, s *stage, k *int, mode fault.Mode) *fault.Call {
	t.Helper()
	for {
		var faults *fault.Injector
		if err := caught(func() { faults = f.run(s, *k, mode) }); err != nil {
			t.Fatalf("%s, killed at call %d (%s): %v", f.name, *k, mode, err)
		}
		if call := faults.Struck(); call != nil {
			return call
		}
		if *k--; *k > faults.Count() {
			*k = faults.Count()
		}
		if *k < 1 {
			t.Fatalf("%s: no call was struck", f.name)
		}
	}
}

// kthTally is what came of the cells.
type kthTally struct {
	t     *testing.T
	f     kthFlow
	calls int
	queue chan kthRun

	mu     sync.Mutex
	struck int
	missed []int
	broken int
}

// enough failures to see what is wrong.
const kthEnough = 12

func (m *kthTally) lane(s *stage) {
	for cell := range m.queue {
		var faults *fault.Injector
		err := caught(func() { faults = m.f.run(s, cell.k, cell.mode) })
		m.mu.Lock()
		switch {
		case err != nil:
			m.broken++
			m.t.Errorf("%s, call %d %s: %v", m.f.title(), cell.k, cell.mode, err)
		case faults.Struck() == nil:
			m.missed = append(m.missed, cell.k)
		default:
			m.struck++
		}
		enough := m.broken >= kthEnough
		m.mu.Unlock()
		if err != nil {
			_ = caught(s.wipe)
		}
		if enough {
			return
		}
	}
	s.endless.Range(func(what, _ any) bool {
		m.t.Errorf("%s: the call %v has no deadline", m.f.name, what)
		return true
	})
}

func (m *kthTally) conclude(cells int, took time.Duration) {
	modes := fmt.Sprintf("%d modes", len(fault.Modes))
	if m.f.mode != fault.None {
		modes = m.f.mode.String()
	}
	m.t.Logf("NOTE: k-th call matrix: flow %s: %d calls x %s (%d cells run, %d struck, %d beyond the end) in %s",
		m.f.title(), m.calls, modes, cells, m.struck, len(m.missed), took.Round(100*time.Millisecond))
	for _, k := range m.missed { // how often is waited for something varies
		if k <= m.calls/2 {
			m.t.Errorf("%s: call %d of %d was not reached", m.f.name, k, m.calls)
		}
	}
}
