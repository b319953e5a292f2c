package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/metrics"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/trouble"
)

var now = time.Unix(1_700_000_000, 0)

// clock stands still until it is moved.
type clock struct {
	flow.RealClock
	at time.Time
}

func (c *clock) Now() time.Time { return c.at }

func fresh() (*metrics.Metrics, *prometheus.Registry, *clock) {
	reg, c := prometheus.NewRegistry(), &clock{at: now}
	return metrics.New(reg, c), reg, c
}

// exposition is what a scrape shows, without the help texts.
func exposition(t *testing.T, reg prometheus.Gatherer) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatalf("a scrape fails: %v", err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// series are the lines of a scrape that begin with the prefix.
func series(t *testing.T, reg prometheus.Gatherer, prefix string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(exposition(t, reg)) {
		if strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	slices.Sort(found)
	return found
}

func wantSeries(t *testing.T, reg prometheus.Gatherer, prefix string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := series(t, reg, prefix); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func event(svm, step string) flow.Event { return flow.Event{Flow: "svm", Subject: svm, Step: step} }

func refused(svm, step string, attempts int, err error) flow.Event {
	e := event(svm, step)
	e.Outcome, e.Class, e.Err, e.Attempts = flow.OutcomeOf(err), flow.ClassOf(err), err, attempts
	return e
}

func acted(svm, step string) flow.Event {
	e := event(svm, step)
	e.Outcome = flow.Done
	return e
}

func ended(svm string, states ...flow.StepState) flow.Result {
	r := flow.Result{Flow: "svm", Subject: svm, AtRest: true}
	for i, s := range states {
		r.Steps = append(r.Steps, flow.StepResult{Name: fmt.Sprint("s", i), State: s})
		r.AtRest = r.AtRest && s == flow.StepDone
	}
	return r
}

// fill sets every metric.
func fill(t *testing.T, m *metrics.Metrics, c *clock) {
	t.Helper()
	ctx := t.Context()
	m.SetPace(time.Minute)
	m.CycleEnded(now, 2*time.Second)
	m.Began("svm", "p1")
	m.StepFailed(ctx, refused("p1", "create", 1, &ontap.Error{Code: "13434894", Status: 400, Outcome: flow.Refused}))
	m.StepFailed(ctx, refused("p1", "credentials/shoot--a--b/pending", 1, &seed.Error{Reason: "AlreadyExists", Status: 409}))
	m.StepActed(ctx, acted("p1", "create"))
	m.Escalated(ctx, flow.Escalation{Flow: "svm", Subject: "p1", Step: "interface/datalif0"})
	m.Escalated(ctx, flow.Escalation{Flow: "svm", Subject: "p1", Step: "interface/datalif1"})
	c.at = now.Add(40 * time.Second)
	m.PassEnded(ctx, ended("p1", flow.StepDone, flow.StepActed))
	m.LoginChecked("p1", metrics.LoginAccepted)
	m.SetSVM(metrics.State{
		SVM: "p1", Verdict: proof.Intact, Looked: now, Secrets: metrics.Secrets{Delivered: 2, Missing: 1, Refused: 1},
		VerifiedAt: now.Add(-time.Hour), ActivatedAt: now.Add(-24 * time.Hour), RotationDue: now.Add(time.Hour),
		Drift: []metrics.Drift{{decide.StepInterface, true, 1}, {decide.StepRoute, false, 2}},
	})
	m.SetSVM(metrics.State{SVM: "p2", Deleting: true})
	m.ArrayCalls().Called(ontap.Call{Array: "a", Name: "create SVM", Outcome: flow.Done, Status: 202, Duration: 30 * time.Millisecond, Sent: 100, Received: 200})
	m.ArrayCalls().Called(ontap.Call{Array: "a", Name: "create SVM", Outcome: flow.Refused, Status: 400, Code: "13434908", Duration: time.Second})
	m.ArrayCalls().Called(ontap.Call{Array: "a", Name: "list SVMs", Status: 503, Duration: time.Second})
	m.ArrayCalls().Called(ontap.Call{Array: "a", Name: "list SVMs", Duration: time.Minute})
	m.KubeCalls().Called(seed.Call{Verb: "create", Resource: "secrets", Outcome: flow.Refused, Status: 403, Reason: "Forbidden", Duration: 20 * time.Millisecond})
	m.KubeCalls().Called(seed.Call{Verb: "get", Resource: "configmaps", Outcome: flow.Unknown, Status: 429, Duration: time.Second, Throttled: true})
	var conditions []trouble.Condition
	for i, kind := range trouble.Types() {
		conditions = append(conditions, trouble.Condition{Type: kind, Raised: i%2 == 0, Measured: true, Value: 0.25, Status: trouble.True,
			Subject: trouble.Subject{SVM: "p1", Array: "a", Aggregate: "aggr1"}})
	}
	m.SetTroubles(conditions)
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestTheExposition is what a scrape shows of every metric, buckets left out.
func TestTheExposition(t *testing.T) {
	m, reg, c := fresh()
	fill(t, m, c)
	var got []string
	for line := range strings.Lines(exposition(t, reg)) {
		if !strings.Contains(line, "_bucket{") {
			got = append(got, line)
		}
	}
	const path = "testdata/exposition.txt"
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(got, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Collect(strings.Lines(string(b)))
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("it lacks %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("it shows %s", line)
		}
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	m, reg, c := fresh()
	fill(t, m, c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestWhatWasNeverSetIsNotShown rather than a zero that nobody vouches for.
func TestWhatWasNeverSetIsNotShown(t *testing.T) {
	_, reg, _ := fresh()
	for _, line := range series(t, reg, "seedproof_") {
		if !strings.HasPrefix(line, "seedproof_svm_cycle_duration_seconds") {
			t.Errorf("it shows %s", line)
		}
	}
	m, reg, _ := fresh()
	m.SetSVM(metrics.State{SVM: "p1"})
	for _, line := range series(t, reg, "seedproof_svm_") {
		if strings.Contains(line, "timestamp") || strings.Contains(line, "_age_") {
			t.Errorf("it shows a time that is not known: %s", line)
		}
	}
}

func TestOneVerdictStands(t *testing.T) {
	m, reg, _ := fresh()
	for _, is := range proof.States() {
		m.SetSVM(metrics.State{SVM: "p1", Verdict: is})
		var want []string
		for _, s := range proof.States() {
			v := 0
			if s == is {
				v = 1
			}
			want = append(want, fmt.Sprintf(`seedproof_svm_verdict{svm="p1",verdict="%s"} %d`, s, v))
		}
		wantSeries(t, reg, "seedproof_svm_verdict", want...)
	}
}

// TestAForgottenSVMLeavesNoSeries, and nobody else loses any.
func TestAForgottenSVMLeavesNoSeries(t *testing.T) {
	m, reg, c := fresh()
	fill(t, m, c)
	m.Began("svm", "p1")
	m.StepFailed(t.Context(), refused("p1", "delete", 1, errors.New("x")))
	before := len(series(t, reg, "seedproof_svm_verdict{svm=\"p2\""))
	m.Forget("p1")
	for _, line := range series(t, reg, "seedproof_") {
		if strings.Contains(line, `"p1"`) {
			t.Errorf("it still shows %s", line)
		}
	}
	if after := len(series(t, reg, "seedproof_svm_verdict{svm=\"p2\"")); after != before || after == 0 {
		t.Errorf("p2 had %d series and has %d", before, after)
	}
	// One of the same name that comes later begins anew.
	c.at = c.at.Add(time.Hour)
	count := series(t, reg, "seedproof_svm_converge_seconds_count")
	m.PassEnded(t.Context(), ended("p1", flow.StepDone))
	wantSeries(t, reg, "seedproof_svm_converge_seconds_count", count...)
}

func TestEscalationsStandUntilTheyRecover(t *testing.T) {
	m, reg, _ := fresh()
	a := flow.Escalation{Flow: "svm", Subject: "p1", Step: "credentials/shoot--a--b/account"}
	b := flow.Escalation{Flow: "svm", Subject: "p1", Step: "credentials/shoot--a--c/account"}
	m.Escalated(t.Context(), a)
	m.Escalated(t.Context(), a)
	m.Escalated(t.Context(), b)
	wantSeries(t, reg, "seedproof_svm_step_escalated", `seedproof_svm_step_escalated{step="credentials/account",svm="p1"} 2`)
	m.Recovered(t.Context(), a)
	wantSeries(t, reg, "seedproof_svm_step_escalated", `seedproof_svm_step_escalated{step="credentials/account",svm="p1"} 1`)
	m.Recovered(t.Context(), b)
	m.Recovered(t.Context(), b)
	wantSeries(t, reg, "seedproof_svm_step_escalated")
}

// TestRetries: a try counts as one if the newest of the same step on the same
// SVM failed, and a look that found it done ends the row.
func TestRetries(t *testing.T) {
	m, reg, _ := fresh()
	ctx, err := t.Context(), errors.New("no answer")
	m.StepFailed(ctx, refused("p1", "s0", 1, err)) // first
	m.StepFailed(ctx, refused("p2", "s0", 1, err)) // another SVM
	m.StepFailed(ctx, refused("p1", "s0", 2, err)) // retry
	m.StepActed(ctx, acted("p1", "s0"))            // retry
	m.StepActed(ctx, acted("p1", "s0"))            // new
	m.PassEnded(ctx, ended("p2", flow.StepDone))   // it was done meanwhile
	m.StepActed(ctx, acted("p2", "s0"))            // new
	m.StepFailed(ctx, refused("p3", "s0", 7, err)) // what the runner counts counts
	wantSeries(t, reg, "seedproof_svm_step_retries_total", `seedproof_svm_step_retries_total{flow="svm",step="s0"} 3`)
	wantSeries(t, reg, "seedproof_svm_step_attempts_total",
		`seedproof_svm_step_attempts_total{flow="svm",outcome="done",step="s0"} 3`, `seedproof_svm_step_attempts_total{flow="svm",outcome="unknown",step="s0"} 4`)
}

// TestTimeToConverge counts from the first thing to do until all is done, over
// passes that wait and fail, and not at rest.
func TestTimeToConverge(t *testing.T) {
	m, reg, c := fresh()
	ctx := t.Context()
	sum := func() []string { return series(t, reg, "seedproof_svm_converge_seconds_sum") }
	m.PassEnded(ctx, ended("p1", flow.StepDone))
	m.Began("svm", "p1")
	m.PassEnded(ctx, ended("p1", flow.StepDone))
	if got := sum(); len(got) != 0 {
		t.Errorf("rest shows %v", got)
	}
	m.PassEnded(ctx, ended("p1", flow.StepBlocked))
	c.at = c.at.Add(10 * time.Second)
	m.StepActed(ctx, acted("p1", "create"))
	m.PassEnded(ctx, ended("p1", flow.StepActed, flow.StepFailed))
	bad := ended("p1", flow.StepActed)
	bad.Err = errors.New("the journal is silent")
	c.at = c.at.Add(10 * time.Second)
	m.PassEnded(ctx, bad)
	c.at = c.at.Add(10 * time.Second)
	m.PassEnded(ctx, ended("p2", flow.StepDone))
	m.PassEnded(ctx, ended("p1", flow.StepDone, flow.StepActed))
	want := []string{`seedproof_svm_converge_seconds_sum{flow="svm"} 30`}
	if got := sum(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	c.at = c.at.Add(time.Hour)
	m.PassEnded(ctx, ended("p1", flow.StepDone))
	if got := sum(); !slices.Equal(got, want) {
		t.Errorf("rest shows %v, want %v", got, want)
	}
}

func TestCodesOfFailures(t *testing.T) {
	for _, tt := range []struct {
		reason string
		err    error
		code   string
	}{
		{"ONTAP's own code", fmt.Errorf("creating: %w", &ontap.Error{Code: "13434908", Status: 400}), "13434908"},
		{"an array that says nothing but a status", &ontap.Error{Status: 502}, "http-502"},
		{"no answer of an array", &ontap.Error{}, "no-answer"},
		{"a status that none is", &ontap.Error{Status: 7}, "no-answer"},
		{"the API server's reason", fmt.Errorf("writing: %w", &seed.Error{Reason: "Conflict", Status: 409}), "Conflict"},
		{"our own deadline", fmt.Errorf("writing: %w", context.DeadlineExceeded), "timeout"},
		{"words never become a label", errors.New("password hunter2 of user admin"), "other"},
		{"nothing", nil, "other"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			m, reg, _ := fresh()
			m.StepFailed(t.Context(), refused("p1", "create", 1, tt.err))
			if got := series(t, reg, "seedproof_svm_step_failures_total"); len(got) != 1 || !strings.Contains(got[0], `code="`+tt.code+`"`) {
				t.Errorf("got %v, want code %s", got, tt.code)
			}
		})
	}
}

// TestLabelsAreBounded: what comes from outside makes no series without end,
// and no name breaks a scrape.
func TestLabelsAreBounded(t *testing.T) {
	m, reg, _ := fresh()
	for i := range 1000 {
		code := fmt.Sprint(i)
		m.ArrayCalls().Called(ontap.Call{Array: "a", Name: code, Code: code})
		m.KubeCalls().Called(seed.Call{Verb: "get", Resource: code, Reason: code})
		m.StepFailed(t.Context(), refused("p1", "interface/"+code, 1, &ontap.Error{Code: code}))
	}
	for _, name := range []string{"array_calls_total", "array_call_errors_total", "kube_calls_total", "kube_call_errors_total", "step_failures_total"} {
		got := series(t, reg, "seedproof_svm_"+name)
		if len(got) < 100 || len(got) > 130 {
			t.Errorf("%s has %d series", name, len(got))
		}
		if !strings.Contains(strings.Join(got, "\n"), `="other"`) {
			t.Errorf("%s shows no others", name)
		}
	}
	for _, name := range []string{"", "\xff", "a\"b\\c\nd", strings.Repeat("é", 500), strings.Repeat("x", 1000)} {
		m.SetSVM(metrics.State{SVM: name, Drift: []metrics.Drift{{decide.StepName(name), true, 1}, {decide.StepName(name), true, 1}}})
		m.Escalated(t.Context(), flow.Escalation{Flow: name, Subject: name, Step: name})
		m.LoginChecked(name, metrics.LoginRefused)
		m.SetTroubles([]trouble.Condition{{Type: trouble.SVMSpaceLow, Subject: trouble.Subject{SVM: name}, Measured: true}})
		exposition(t, reg)
	}
}

func TestStepsOfOneKindShareALabel(t *testing.T) {
	for _, tt := range []struct{ step, want string }{
		{"create", "create"}, {"interface/datalif0", "interface"}, {"route/10.0.0.0/8", "route"},
		{"credentials/shoot--a--b", "credentials"}, {"credentials/shoot--a--b/activate", "credentials/activate"},
	} {
		m, reg, _ := fresh()
		m.StepActed(t.Context(), acted("p1", tt.step))
		wantSeries(t, reg, "seedproof_svm_step_attempts", fmt.Sprintf(`seedproof_svm_step_attempts_total{flow="svm",outcome="done",step=%q} 1`, tt.want))
	}
}

// TestTroublesOfAScrape: what is gone is gone, what is silent stands without a
// value, and two that share their labels do not break the scrape.
func TestTroublesOfAScrape(t *testing.T) {
	m, reg, _ := fresh()
	m.SetTroubles([]trouble.Condition{
		{Type: trouble.SVMSpaceLow, Subject: trouble.Subject{SVM: "p1", Array: "a"}, Measured: true, Value: 0.9},
		{Type: trouble.SVMSpaceLow, Subject: trouble.Subject{SVM: "p1", Array: "b"}, Status: trouble.Unknown, Raised: true},
		{Type: trouble.ArraySlow, Subject: trouble.Subject{Array: "a"}, Measured: true, Value: 1},
		{Type: trouble.ArraySlow, Subject: trouble.Subject{Array: "a", SVM: "p1"}, Measured: true, Value: 2},
		{Type: "NoSuchTrouble"},
	})
	wantSeries(t, reg, "seedproof_svm_",
		append(series(t, reg, "seedproof_svm_cycle"),
			`seedproof_svm_trouble{aggregate="",array="",svm="p1",type="SVMSpaceLow"} 1`, `seedproof_svm_trouble_unknown{aggregate="",array="",svm="p1",type="SVMSpaceLow"} 1`,
			`seedproof_svm_trouble{aggregate="",array="a",svm="",type="ArraySlow"} 0`, `seedproof_svm_trouble_unknown{aggregate="",array="a",svm="",type="ArraySlow"} 0`,
			`seedproof_svm_array_latency_seconds{array="a"} 2`)...)
	m.SetTroubles(nil)
	wantSeries(t, reg, "seedproof_svm_trouble")
}

func TestDriftOfSteps(t *testing.T) {
	step := func(name decide.StepName, state decide.StepState) decide.Step {
		return decide.Step{Name: name, State: state}
	}
	got := metrics.DriftOf([]decide.Step{
		step(decide.StepRecord, decide.StepDo), step(decide.StepMark, decide.StepDone), step(decide.StepLimits, decide.StepDo),
		step(decide.StepInterface, decide.StepStops), step(decide.StepInterface, decide.StepDo), step(decide.StepInterface, decide.StepStops),
		step(decide.StepRoute, decide.StepWaits), step(decide.StepCredentials, decide.StepDo), step(decide.StepCredentials, decide.StepStops),
	})
	want := []metrics.Drift{{decide.StepLimits, false, 1}, {decide.StepInterface, true, 2}, {decide.StepInterface, false, 1}, {decide.StepCredentials, true, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := metrics.DriftOf(nil); len(got) != 0 {
		t.Errorf("nothing is %v", got)
	}
}

// TestManyAtOnce: everything may be called while others call and scrape.
func TestManyAtOnce(t *testing.T) {
	m, reg, _ := fresh()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 50 {
				fill(t, m, &clock{at: now})
				if i == 0 {
					m.Forget("p1")
				}
				if _, err := reg.Gather(); err != nil {
					t.Errorf("a scrape fails: %v", err)
				}
			}
		})
	}
	all.Wait()
}
