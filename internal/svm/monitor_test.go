package svm_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/monitor"
)

// What a cycle finds is what the metrics show: first that the Secret is missing,
// then, a cycle later, that it is there and proved.
func TestACycleIsShown(t *testing.T) {
	w := newWorld(t)
	m, err := monitor.New(monitor.Options{Metrics: w.metrics, Clock: w.clock, Log: w.logger()})
	must(t, err)
	want := w.wish()
	w.toRest(w.controller(nil), want)
	r := w.controller(nil, func(o *svm.Options) { o.Tried = m.Login })
	arrays := []look.Array{w.array(0, nil)}
	cycle := func() svm.CycleResult {
		res := r.Cycle(t.Context(), []svm.Wish{want})
		_, oldest := r.Queue()
		m.After(t.Context(), arrays, []svm.Wish{want}, res, oldest)
		return res
	}
	shows := func(lines ...string) {
		t.Helper()
		text := string(w.scrape())
		for _, line := range lines {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("the metrics do not show %s:\n%s", line, text)
			}
		}
	}
	cycle()
	shows(`seedproof_svm_verdict{svm="p1",verdict="Intact"} 1`, `seedproof_svm_secrets{state="delivered",svm="p1"} 1`, `seedproof_svm_secrets_refused{svm="p1"} 0`)
	w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil)
	if res := cycle(); res.Count(svm.CycleReconciled) != 1 {
		t.Errorf("not reconciled: %+v", res.SVMs)
	}
	shows(`seedproof_svm_secrets{state="delivered",svm="p1"} 1`, `seedproof_svm_login_checks_total{result="accepted",svm="p1"} 1`)
	w.holds(want)
	w.noSecrets()
}
