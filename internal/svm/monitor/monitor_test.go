package monitor_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/metrics"
	"github.com/seedproof/seedproof/internal/svm/monitor"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/svm/trouble"
)

// watched is an array with one SVM, and a monitor that is told of cycles.
type watched struct {
	t        *testing.T
	clock    *flowtest.FakeClock
	sim      *sim.Simulator
	array    look.Array
	m        *monitor.Monitor
	registry *prometheus.Registry
	turned   []string
	waited   time.Duration
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, clock: flowtest.NewFakeClock(), registry: prometheus.NewRegistry()}
	s, err := sim.New(sim.Options{Clock: w.clock, Times: sim.AtOnce(), AggregateSize: 1 << 40, Aggregates: 1, Nodes: 1})
	must(t, err)
	t.Cleanup(s.Close)
	w.sim = s
	w.m, err = monitor.New(monitor.Options{
		Metrics: metrics.New(w.registry, w.clock), Clock: w.clock, SpaceEvery: time.Minute,
		Turned: func(_ context.Context, c trouble.Condition) {
			w.turned = append(w.turned, fmt.Sprintf("%s %s %s", c.Type, c.Status, c.Subject.SVM+c.Subject.Array+c.Subject.Aggregate))
		},
	})
	must(t, err)
	user, password := s.Cluster(0).Credentials()
	client, err := ontap.New(ontap.Options{
		Name: "cluster1", URL: s.Cluster(0).URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: s.Cluster(0).CA()},
		DialContext: s.DialContext, ReturnTimeout: -1, Observer: w.m.ArrayCalls(),
	})
	must(t, err)
	t.Cleanup(client.Close)
	w.array = look.Array{Name: "cluster1", Client: client}
	_, err = client.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1", StorageLimit: 100 << 30})
	must(t, err)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// post makes what the client has no call for.
func (w *watched) post(path, body string) {
	w.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.sim.Cluster(0).CA())
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DialContext: w.sim.DialContext}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.sim.Cluster(0).URL()+"/api"+path, strings.NewReader(body))
	must(w.t, err)
	r.SetBasicAuth(w.sim.Cluster(0).Credentials())
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	must(w.t, err)
	_ = answer.Body.Close()
	if answer.StatusCode >= 300 {
		w.t.Fatalf("POST %s: %d", path, answer.StatusCode)
	}
}

// minutes lets cycles pass, one a minute; in each of them something happens.
func (w *watched) minutes(n int, happens func()) {
	w.t.Helper()
	want := svm.Wish{StorageVM: spec.StorageVM{Spec: spec.Spec{SVMName: "p1"}}}
	for range n {
		w.clock.Advance(time.Minute)
		if happens != nil {
			happens()
		}
		now := w.clock.Now()
		w.m.After(w.t.Context(), []look.Array{w.array}, []svm.Wish{want},
			svm.CycleResult{Began: now, Ended: now, SVMs: []svm.CycleSVM{{Name: "p1", At: now}}}, w.waited)
	}
}

func (w *watched) scrape() string {
	w.t.Helper()
	families, err := w.registry.Gather()
	must(w.t, err)
	var b bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&b, f)
		must(w.t, err)
	}
	return b.String()
}

// Each trouble comes when it has lasted, shows in the metrics, and goes again;
// in between nothing turns.
func TestEachTroubleComesAndGoes(t *testing.T) {
	volume := func(w *watched, name, size string) {
		w.post("/storage/volumes?return_timeout=5", `{"name":"`+name+`","svm":{"name":"p1"},"size":`+size+`,"aggregates":[{"name":"`+w.sim.AggregateNames(0)[0]+`"}]}`)
	}
	fill := func(w *watched, percent int64) { must(w.t, w.sim.FillVolume("p1", "v1", percent<<29)) } // of 50 GiB
	array := func(w *watched, c ontap.Call) func() {
		c.Array = "cluster1"
		return func() {
			for range 40 {
				w.m.ArrayCalls().Called(c)
			}
		}
	}
	kube := func(w *watched, c seed.Call) func() {
		return func() {
			for range 40 {
				w.m.KubeCalls().Called(c)
			}
		}
	}
	for _, c := range []struct {
		of         trouble.Type
		about      string
		comes      func(*watched) func() // once, and what then happens in each cycle
		goes       func(*watched) func()
		cycles     int
		metricSays string
	}{
		{of: trouble.SVMSpaceLow, about: "p1", cycles: 20,
			comes: func(w *watched) func() { volume(w, "v1", "96636764160"); return nil }, // 90 of 100 GiB
			goes: func(w *watched) func() {
				uuid, _ := w.sim.Dump().Find("p1")
				more := int64(200 << 30)
				must(w.t, w.array.Client.ChangeSVM(w.t.Context(), uuid.UUID, ontap.SVMChange{StorageLimit: &more}))
				return nil
			}, metricSays: `seedproof_svm_space_used_ratio{svm="p1"}`},
		{of: trouble.VolumesNearlyFull, about: "p1", cycles: 20,
			comes:      func(w *watched) func() { volume(w, "v1", "53687091200"); fill(w, 97); return nil },
			goes:       func(w *watched) func() { fill(w, 50); return nil },
			metricSays: `seedproof_svm_fullest_volume_used_ratio{svm="p1"} 0.97`},
		{of: trouble.ArraySlow, about: "cluster1", cycles: 20,
			comes:      func(w *watched) func() { return array(w, ontap.Call{Duration: 9 * time.Second, Outcome: flow.Done}) },
			goes:       func(w *watched) func() { return array(w, ontap.Call{Duration: time.Millisecond, Outcome: flow.Done}) },
			metricSays: `seedproof_svm_array_latency_seconds{array="cluster1"} 9`},
		{of: trouble.ArrayErrors, about: "cluster1", cycles: 20,
			comes:      func(w *watched) func() { return array(w, ontap.Call{Outcome: flow.Unknown}) },
			goes:       func(w *watched) func() { return array(w, ontap.Call{Outcome: flow.Refused}) },
			metricSays: `seedproof_svm_array_error_ratio{array="cluster1"}`},
		{of: trouble.KubernetesSlow, cycles: 20,
			comes:      func(w *watched) func() { return kube(w, seed.Call{Duration: 5 * time.Second}) },
			goes:       func(w *watched) func() { return kube(w, seed.Call{Duration: time.Millisecond}) },
			metricSays: `seedproof_svm_kube_latency_seconds 5`},
		{of: trouble.KubernetesThrottled, cycles: 20,
			comes:      func(w *watched) func() { return kube(w, seed.Call{Throttled: true}) },
			goes:       func(w *watched) func() { return kube(w, seed.Call{}) },
			metricSays: `seedproof_svm_kube_throttled_ratio 1`},
		{of: trouble.ManagementSlow, about: "p1", cycles: 45,
			comes: func(w *watched) func() {
				return func() { w.m.Login(credential.Tried{SVM: "p1", Finding: ontap.LoginAccepted, Took: 8 * time.Second}) }
			},
			goes: func(w *watched) func() {
				return func() { w.m.Login(credential.Tried{SVM: "p1", Finding: ontap.LoginAccepted, Took: time.Second / 10}) }
			}, metricSays: `seedproof_svm_management_latency_seconds{svm="p1"} 8`},
		{of: trouble.QueueOld, cycles: 20,
			comes:      func(w *watched) func() { w.waited = time.Hour; return nil },
			goes:       func(w *watched) func() { w.waited = 0; return nil },
			metricSays: `seedproof_svm_queue_oldest_age_seconds 3600`},
	} {
		t.Run(string(c.of), func(t *testing.T) {
			t.Parallel()
			w := newWatched(t)
			w.minutes(15, nil)
			if len(w.turned) > 0 {
				t.Fatalf("turned without a reason: %q", w.turned)
			}
			w.minutes(c.cycles, c.comes(w))
			if text := w.scrape(); !strings.Contains(text, c.metricSays) {
				t.Errorf("the metrics do not say %s:\n%s", c.metricSays, text)
			}
			w.minutes(c.cycles+15, c.goes(w))
			want := []string{fmt.Sprintf("%s True %s", c.of, c.about), fmt.Sprintf("%s False %s", c.of, c.about)}
			if got := strings.Join(w.turned, "\n"); got != strings.Join(want, "\n") {
				t.Errorf("turned:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
}

// An aggregate that fills up is another's trouble too: it is told of the array.
func TestAnAggregateFillsUp(t *testing.T) {
	w := newWatched(t)
	other, err := w.array.Client.CreateSVM(t.Context(), ontap.NewSVM{Name: "other"})
	must(t, err)
	w.post("/storage/volumes?return_timeout=5", `{"name":"big","svm":{"uuid":"`+other.UUID+`"},"size":988848648192,"aggregates":[{"name":"`+w.sim.AggregateNames(0)[0]+`"}]}`)
	must(t, w.sim.FillVolume("other", "big", 988848648192))
	w.minutes(20, nil)
	if want := "AggregateSpaceLow True cluster1" + w.sim.AggregateNames(0)[0]; len(w.turned) != 1 || w.turned[0] != want {
		t.Errorf("turned %q, want %s", w.turned, want)
	}
}

// A silent array turns nothing, and is not taken for well.
func TestASilentArrayIsNotWell(t *testing.T) {
	w := newWatched(t)
	w.post("/storage/volumes?return_timeout=5", `{"name":"v1","svm":{"name":"p1"},"size":96636764160,"aggregates":[{"name":"`+w.sim.AggregateNames(0)[0]+`"}]}`)
	w.minutes(20, nil)
	must(t, w.sim.SetUnreachable(0, true))
	w.minutes(3, nil)
	for _, c := range w.m.Conditions() {
		if c.Type == trouble.SVMSpaceLow && c.Status == trouble.False {
			t.Error("silence was taken for space")
		}
	}
}

// An SVM that nobody wishes for any more leaves no series behind.
func TestWhatIsGoneIsForgotten(t *testing.T) {
	w := newWatched(t)
	w.minutes(3, nil)
	if !strings.Contains(w.scrape(), `svm="p1"`) {
		t.Fatal("the SVM is not shown")
	}
	now := w.clock.Now()
	w.m.After(t.Context(), []look.Array{w.array}, nil, svm.CycleResult{Began: now, Ended: now}, 0)
	if text := w.scrape(); strings.Contains(text, `svm="p1"`) {
		t.Errorf("series are left:\n%s", text)
	}
}
