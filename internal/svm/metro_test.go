package svm_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

func newMetro(t *testing.T) (*world, svm.Wish) {
	t.Helper()
	w := newWorld(t, func(o *sim.Options) { o.Clusters = 2 })
	// The target is named, so that a test knows which site is the other one.
	return w, w.wish(func(v *spec.StorageVM) { v.Spec.Array = w.sim.Cluster(0).Name() })
}

func (w *world) svms() []sim.SVMDump {
	var all []sim.SVMDump
	for _, c := range w.sim.Dump().Clusters {
		all = append(all, c.SVMs...)
	}
	return all
}

// An SVM of a MetroCluster is two, and one to us: the record names both.
func TestMetroCluster(t *testing.T) {
	w, want := newMetro(t)
	r := w.controller(nil)
	w.toRest(r, want)
	w.holds(want)
	w.staysAtRest(r, want)
	if record := w.store(nil).Record(t.Context(), "p1"); len(record.UUIDs) != 2 {
		t.Errorf("the record names %q", record.UUIDs)
	}
}

// While the partner cannot be reached nothing is created, and it is said what is
// waited for; a person is called once that takes long.
func TestNoCreationWhileThePartnerIsSilent(t *testing.T) {
	for _, silent := range []int{0, 1} {
		w, want := newMetro(t)
		must(t, w.sim.SetUnreachable(silent, true))
		r := w.controller(nil)
		for range 20 {
			res := r.Reconcile(t.Context(), want)
			if res.Decision.Action != decide.Wait || !strings.Contains(res.Decision.WaitFor, w.sim.Cluster(silent).Name()) {
				t.Fatalf("cluster %d silent: %s", silent, inWords(res))
			}
			w.clock.advance(time.Minute)
		}
		if len(r.Escalations()) == 0 {
			t.Error("nobody was told")
		}
		if n := len(w.svms()); n != 0 {
			t.Errorf("%d SVMs were made while cluster %d was silent", n, silent)
		}
		must(t, w.sim.SetUnreachable(silent, false))
		r.RetryNow("p1")
		w.toRest(r, want)
		w.holds(want)
		if open := r.Escalations(); len(open) > 0 {
			t.Errorf("still escalated: %v", open)
		}
	}
}

// A switchover after any step, and a switchback later: one SVM, and a pair that
// opens it.
func TestSwitchoverBetweenAnyTwoSteps(t *testing.T) {
	w, want := newMetro(t)
	steps := &switcher{w: w}
	w.toRest(w.controller(nil, func(o *svm.Options) { o.Observer = steps }), want)
	if len(steps.done) < 12 {
		t.Fatalf("only %d steps: %q", len(steps.done), steps.done)
	}
	for k, name := range steps.done {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, want := newMetro(t)
			over := &switcher{w: w, k: k + 1}
			r := w.controller(nil, func(o *svm.Options) { o.Observer = over })
			for range 12 {
				res := r.Reconcile(t.Context(), want)
				w.clock.advance(max(res.Again.Sub(w.clock.Now()), time.Minute))
			}
			if len(over.done) <= k {
				t.Fatalf("it never came to step %d: %q", k+1, over.done)
			}
			w.atMostOne()
			must(t, w.sim.Switchback())
			r.RetryNow("p1")
			w.toRest(r, want)
			w.holds(want)
			w.staysAtRest(r, want)
		})
	}
}

// atMostOne: no two SVMs that are not halves of one.
func (w *world) atMostOne() {
	w.t.Helper()
	sources := 0
	for _, v := range w.svms() {
		if v.Subtype == "sync_source" {
			sources++
		}
	}
	if sources > 1 {
		w.t.Errorf("%d SVMs: %v", sources, w.svms())
	}
}

// Both halves running is a contradiction that only a person can end: nothing is
// changed, not even a password.
func TestBothSitesRun(t *testing.T) {
	w, want := newMetro(t)
	r := w.controller(nil)
	w.toRest(r, want)
	must(t, w.sim.SetSVMState("p1-mc", "running"))
	w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil)
	w.sim.ForgetRequests()
	res := r.Reconcile(t.Context(), want)
	if res.Decision.Verdict.State != proof.Conflicting || res.Decision.Action != decide.Stop {
		t.Fatal(inWords(res))
	}
	if written := w.writes(); len(written) > 0 {
		t.Errorf("it wrote %q", written)
	}
	if len(r.Escalations()) == 0 {
		t.Error("nobody was told")
	}
	must(t, w.sim.SetSVMState("p1-mc", ""))
	r.RetryNow("p1")
	w.toRest(r, want)
	w.holds(want)
}

// A site that stays dead for days: the twin serves, and its credentials heal.
func TestADeadSiteAndALostSecret(t *testing.T) {
	w, want := newMetro(t)
	r := w.controller(nil)
	w.toRest(r, want)
	must(t, w.sim.SetUnreachable(0, true))
	must(t, w.sim.Switchover(1))
	w.clock.advance(72 * time.Hour)
	w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil)
	r = w.controller(nil)
	var res svm.Result
	for range 6 {
		res = r.Reconcile(t.Context(), want)
		w.clock.advance(20 * time.Minute)
	}
	s := w.secret()
	if !w.sim.Check("p1-mc", s.Active.User, s.Active.Password.Reveal()) {
		t.Fatalf("the pair does not open the twin: %s", inWords(res))
	}
	if i := slices.IndexFunc(res.Decision.Steps, func(st decide.Step) bool { return st.Name == decide.StepCredentials }); i < 0 || res.Decision.Steps[i].State != decide.StepDone {
		t.Errorf("the credentials are not done: %s", inWords(res))
	}
	must(t, w.sim.SetUnreachable(0, false))
	must(t, w.sim.Switchback())
	r.RetryNow("p1")
	w.toRest(r, want)
	w.holds(want)
	w.staysAtRest(r, want)
}
