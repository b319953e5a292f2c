package svm_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
)

// A silent array keeps the last decision of its SVMs, and says so; those of the
// other go on, and of the silent one's a single one is asked for by itself.
func TestACycleKeepsWhatASilentArrayHas(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t, func(o *sim.Options) { o.Names = []string{"another"} })
	r := w.controller(nil, func(o *svm.Options) { o.Arrays = append(o.Arrays, other.array(0, nil)) })
	at := w.sim.Cluster(0).Name()
	var wishes []svm.Wish
	for n, name := range []string{"p1", "p2", "p3", "p4"} {
		want := w.wishFor(name, byte(n))
		if want.Spec.Array = at; n > 1 {
			want.Spec.Array = "another"
		}
		wishes = append(wishes, want)
	}
	w.cycles(r, wishes)
	rested := w.clock.Now()
	w.clock.advance(time.Minute)
	if _, err := w.sim.Inject(sim.Fault{Kind: sim.OutOfQuorum}); err != nil {
		t.Fatal(err)
	}
	w.change(http.MethodDelete, "secrets", "p3-prod-credentials", nil) // on the other
	w.change(http.MethodDelete, "secrets", "p2-prod-credentials", nil)
	for i := range 8 {
		w.sim.ForgetRequests()
		res := r.Cycle(t.Context(), wishes)
		third := svm.CycleAtRest
		if i == 0 {
			third = svm.CycleReconciled
		}
		inStates(t, res, svm.CycleKept, svm.CycleKept, third, svm.CycleAtRest)
		for n, s := range res.SVMs[:2] {
			if s.Decision.Verdict.State != proof.Intact || !s.At.Equal(rested) || !strings.Contains(s.Why, "array/"+at) || (s.Result != nil) != (i%2 == n) {
				t.Errorf("cycle %d: %+v", i, s)
			}
		}
		a := res.Arrays[0]
		if a.Silent == "" || a.Since.Before(rested) || a.Since.After(rested.Add(time.Minute)) || res.Arrays[1].Silent != "" {
			t.Errorf("%+v", res.Arrays)
		}
		if n := len(w.sim.Requests()); i > 0 && n > 4 { // in the first cycle p3 was healed, by looks everywhere
			t.Errorf("cycle %d: a silent array got %d calls", i, n)
		}
		w.clock.advance(time.Minute)
	}
	if len(r.Escalations()) == 0 {
		t.Error("nobody was told")
	}
	w.sim.ClearFaults()
	res := r.Cycle(t.Context(), wishes)
	if res.Arrays[0].Silent != "" || res.Count(svm.CycleReconciled) != 2 || !res.SVMs[0].Result.AtRest {
		t.Error(cycleInWords(res))
	}
	inStates(t, r.Cycle(t.Context(), wishes), svm.CycleAtRest, svm.CycleAtRest, svm.CycleAtRest, svm.CycleAtRest)
	if e := r.Escalations(); len(e) > 0 {
		t.Errorf("all is at rest, and a person is still called: %+v", e)
	}
}

// Nothing is created while an array is silent, and everything once it speaks.
func TestACycleMakesNothingWhileAnArrayIsSilent(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t, func(o *sim.Options) { o.Names = []string{"another"} })
	r := w.controller(nil, func(o *svm.Options) { o.Arrays = append(o.Arrays, other.array(0, nil)) })
	if _, err := other.sim.Inject(sim.Fault{Kind: sim.WrongAnswer}); err != nil {
		t.Fatal(err)
	}
	wishes := []svm.Wish{w.wishFor("p1", 0), w.wishFor("p2", 1)}
	for range 10 {
		r.Cycle(t.Context(), wishes)
		w.clock.advance(time.Minute)
	}
	if written := append(w.writes(), other.writes()...); len(written) > 0 {
		t.Errorf("it wrote %q", written)
	}
	if len(r.Escalations()) == 0 {
		t.Error("nobody was told that they wait")
	}
	other.sim.ClearFaults()
	w.cycles(r, wishes)
}

// A cycle that is ended leaves everything for the next one.
func TestACycleThatIsEnded(t *testing.T) {
	w := newWorld(t)
	r := w.controller(nil)
	wishes := []svm.Wish{w.wishFor("p1", 0), w.wishFor("p2", 1)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res := r.Cycle(ctx, wishes)
	inStates(t, res, svm.CycleKept, svm.CycleKept)
	if n, _ := r.Queue(); n != 0 || len(w.sim.Requests()) > 0 {
		t.Errorf("%d wait for a worker; the array got %d calls", n, len(w.sim.Requests()))
	}
	w.cycles(r, wishes)
}
