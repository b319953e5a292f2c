package svm_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/monitor"
)

// Whoever leaves the wishes leaves nothing behind: no escalation, no series, no
// memory. Whoever is only silent keeps all.
func TestACycleForgetsWhoLeft(t *testing.T) {
	w := newWorld(t)
	m, err := monitor.New(monitor.Options{Metrics: w.metrics, Clock: w.clock, Log: w.logger()})
	must(t, err)
	r := w.controller(nil, func(o *svm.Options) { o.Tried = m.Login })
	wishes := []svm.Wish{w.wishFor("p1", 0), w.wishFor("p2", 1)}
	w.cycles(r, wishes)
	cycle := func(wishes []svm.Wish) svm.CycleResult {
		w.clock.advance(time.Minute)
		res := r.Cycle(t.Context(), wishes)
		_, oldest := r.Queue()
		m.After(t.Context(), []look.Array{w.array(0, nil)}, wishes, res, oldest)
		return res
	}
	shows := func() bool { return escalated.Match(w.scrape()) }

	w.removeSVM("p1") // its data is lost: a person is called
	inStates(t, cycle(wishes), svm.CycleReconciled, svm.CycleAtRest)
	lost := w.clock.Now()
	inStates(t, cycle(wishes), svm.CycleStands, svm.CycleAtRest)
	if !w.isEscalated(r, "p1") || !shows() {
		t.Fatalf("nobody is called: %v\n%s", r.Escalations(), w.scrape())
	}

	w.inject(sim.Fault{Kind: sim.OutOfQuorum})
	res := cycle(wishes)
	if s := res.SVMs[0]; s.State != svm.CycleKept || s.At.Before(lost) || !w.isEscalated(r, "p1") || !shows() {
		t.Errorf("silent, and it forgot: %s of %s, %v\n%s", s.State, s.At, r.Escalations(), w.scrape())
	}
	w.sim.ClearFaults()

	cycle(wishes[1:])
	if w.isEscalated(r, "p1") || strings.Contains(string(w.scrape()), `"p1"`) {
		t.Errorf("it is remembered: %v\n%s", r.Escalations(), w.scrape())
	}
	if n := w.told(svm.ReasonRecovered, "is done again"); n != 0 {
		t.Errorf("%d Events call it done", n)
	}
	cycle(wishes[1:])
	// It comes back: nothing is known of it, so that it is reconciled at once.
	if res := cycle(wishes); res.SVMs[0].State != svm.CycleReconciled || !w.isEscalated(r, "p1") {
		t.Error(cycleInWords(res))
	}
}

var escalated = regexp.MustCompile(`(?m)^seedproof_svm_step_escalated\{.*svm="p1"\} [1-9]`)

func (w *world) isEscalated(r *svm.Reconciler, name string) bool {
	for _, e := range r.Escalations() {
		if e.Subject == name {
			return true
		}
	}
	return false
}
