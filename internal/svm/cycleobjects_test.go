package svm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/testenv"
)

// told counts the Events of a reason that say something.
func (w *world) told(reason, says string) int {
	w.t.Helper()
	_, body := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/events", nil)
	var list struct {
		Items []struct{ Reason, Message string }
	}
	must(w.t, json.Unmarshal(body, &list))
	n := 0
	for _, e := range list.Items {
		if e.Reason == reason && strings.Contains(e.Message, says) {
			n++
		}
	}
	return n
}

// namesake is an object of another name, and maybe of another owner, for p1: it
// wants one interface less.
func (w *world) namesake(object, project string) svm.Wish {
	w.t.Helper()
	want := w.wishFor("p1", 0)
	want.Metadata.Name, want.Spec.Project = object, project
	want.Spec.DataLIFs = append([]spec.Interface(nil), want.Spec.DataLIFs[:1]...)
	return want
}

// Two objects of one owner that name one SVM: none of them is worked on, a
// person is called by the names of both, and all others go on.
func TestTwoObjectsForOneSVM(t *testing.T) {
	w := newWorld(t)
	r := w.controller(nil)
	wishes := []svm.Wish{w.wishFor("p1", 0), w.wishFor("p2", 1)}
	w.cycles(r, wishes)
	doubled := append(wishes[:2:2], w.namesake("p1-copy", "p1"))
	before := w.objects()
	w.sim.ForgetRequests()
	for range 3 {
		w.clock.advance(time.Minute)
		res := r.Cycle(t.Context(), doubled)
		inStates(t, res, svm.CycleRefused, svm.CycleAtRest, svm.CycleRefused)
		for _, i := range []int{0, 2} {
			for _, says := range []string{"SVM p1 ", "StorageVM p1 of garden/p1", "StorageVM p1-copy of garden/p1", "take all but one away"} {
				if !strings.Contains(res.SVMs[i].Why, says) {
					t.Errorf("object %d: %q lacks %q", i, res.SVMs[i].Why, says)
				}
			}
		}
	}
	if written, after := w.writes(), w.objects(); len(written) > 0 || after != before {
		t.Errorf("it wrote %q to the array; the seed:\n%s\n%s", written, before, after)
	}
	if e := r.Escalations(); len(e) != 1 || e[0].Subject != "p1" || !strings.Contains(e[0].Why, "p1-copy") || e[0].Advice == "" {
		t.Errorf("%+v", e)
	}
	if n := w.told(svm.ReasonEscalated, "StorageVM p1-copy"); n != 1 {
		t.Errorf("%d Events", n)
	}
	const shown = `seedproof_svm_step_escalated{step="sole-object",svm="p1"} 1`
	if !strings.Contains(string(w.scrape()), shown) {
		t.Errorf("the metrics lack it:\n%s", w.scrape())
	}
	w.change(http.MethodDelete, "secrets", "p2-prod-credentials", nil)
	inStates(t, r.Cycle(t.Context(), doubled), svm.CycleRefused, svm.CycleReconciled, svm.CycleRefused)

	inStates(t, r.Cycle(t.Context(), wishes), svm.CycleAtRest, svm.CycleAtRest)
	if e := r.Escalations(); len(e) != 0 || strings.Contains(string(w.scrape()), shown) || w.told(svm.ReasonRecovered, "sole-object") != 1 {
		t.Errorf("it is named once, and a person is called still: %+v", e)
	}
	inStates(t, r.Cycle(t.Context(), doubled), svm.CycleRefused, svm.CycleAtRest, svm.CycleRefused)
	if len(r.Escalations()) != 1 {
		t.Error("doubled again, and nobody is called")
	}
	w.allOpen(r.Cycle(t.Context(), wishes), wishes)
}

// Nothing is made while two objects name one SVM that is not there yet.
func TestTwoObjectsForNoSVM(t *testing.T) {
	for _, project := range []string{"p1", "p9"} {
		w := newWorld(t)
		r := w.controller(nil)
		doubled := []svm.Wish{w.wishFor("p1", 0), w.namesake("p9", project)}
		for range 3 {
			inStates(t, r.Cycle(t.Context(), doubled), svm.CycleRefused, svm.CycleRefused)
			w.clock.advance(time.Minute)
		}
		if written := w.writes(); len(written) > 0 || w.objects() != "" && strings.Contains(w.objects(), "claim") {
			t.Errorf("it wrote %q to the array; the seed:\n%s", written, w.objects())
		}
		w.cycles(r, doubled[:1])
		if e := r.Escalations(); len(e) != 0 {
			t.Errorf("%+v", e)
		}
	}
}

// An object of another owner does not end the care for an SVM by naming it.
func TestAnothersObjectForOneSVM(t *testing.T) {
	w := newWorld(t)
	r := w.controller(nil)
	wishes := []svm.Wish{w.wishFor("p1", 0)}
	w.cycles(r, wishes)
	doubled := []svm.Wish{w.namesake("p9", "p9"), wishes[0]}
	for range 3 {
		w.clock.advance(time.Minute)
		res := r.Cycle(t.Context(), doubled)
		inStates(t, res, svm.CycleRefused, svm.CycleAtRest)
		if why := res.SVMs[0].Why; !strings.Contains(why, "It is of garden/p1") {
			t.Errorf("%q", why)
		}
	}
	w.change(http.MethodDelete, "secrets", "p1-prod-credentials", nil)
	inStates(t, r.Cycle(t.Context(), doubled), svm.CycleRefused, svm.CycleReconciled)
	res := r.Cycle(t.Context(), doubled)
	inStates(t, res, svm.CycleRefused, svm.CycleAtRest)
	if n, _ := r.Queue(); n != 0 || len(r.Escalations()) != 1 {
		t.Errorf("%d wait; %+v", n, r.Escalations())
	}
	w.allOpen(svm.CycleResult{SVMs: res.SVMs[1:]}, wishes)
}
