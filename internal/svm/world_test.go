package svm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/metrics"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.RunWithKube(m)) }

// skipping is a clock on which nobody waits: whoever sleeps moves it.
type skipping struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *skipping { return &skipping{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *skipping) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *skipping) advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
	return c.now
}

func (c *skipping) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	ch <- c.advance(d)
	return ch
}

func (c *skipping) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.advance(d)
	return nil
}

// world is what outlives a controller: the arrays, and the seed.
type world struct {
	t         *testing.T
	clock     *skipping
	sim       *sim.Simulator
	kube      *testenv.KubeServer
	namespace string
	heard     *flowtest.Recorder
	log       *bytes.Buffer
	logMu     sync.Mutex
	passwords []string // every one that was made
	registry  *prometheus.Registry
	metrics   *metrics.Metrics
}

func newWorld(t *testing.T, change ...func(*sim.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock(), kube: testenv.SharedKube(t), heard: &flowtest.Recorder{}, log: &bytes.Buffer{}}
	w.namespace = w.kube.Namespace(t)
	w.registry = prometheus.NewRegistry()
	w.metrics = metrics.New(w.registry, w.clock)
	o := sim.Options{Times: sim.AtOnce(), Clock: w.clock}
	for _, c := range change {
		c(&o)
	}
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w.sim = s
	return w
}

// Write keeps the log, to be searched for passwords.
func (w *world) Write(b []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(b)
}

// array is a client of one cluster of the world.
func (w *world) array(cluster int, in *fault.Injector) look.Array {
	w.t.Helper()
	c := w.sim.Cluster(cluster)
	user, password := c.Credentials()
	client, err := ontap.New(ontap.Options{
		Name: c.Name(), URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()},
		DialContext: w.sim.DialContext, RequestTimeout: 3 * time.Second, ReturnTimeout: -1, Clock: w.clock, Faults: in, Log: w.logger(), Observer: w.metrics.ArrayCalls(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return look.Array{Name: c.Name(), Client: client}
}

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (w *world) store(in *fault.Injector) *seed.Store {
	w.t.Helper()
	s, err := seed.New(seed.Options{
		Config:    &rest.Config{Host: w.kube.URL, BearerToken: w.kube.AdminToken, TLSClientConfig: rest.TLSClientConfig{CAData: w.kube.CAPEM}},
		Namespace: w.namespace, Clock: w.clock, Faults: in, Log: w.logger(), Observer: w.metrics.KubeCalls(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// controller is one instance of the program, with no memory.
func (w *world) controller(in *fault.Injector, change ...func(*svm.Options)) *svm.Reconciler {
	w.t.Helper()
	o := svm.Options{
		Seed: w.store(in), Clock: w.clock, Observer: flow.Observers{w.heard, w.metrics}, Log: w.logger(), Rand: func() float64 { return 0 },
		NewPassword: w.newPassword,
	}
	for i := range w.sim.Clusters() {
		o.Arrays = append(o.Arrays, w.array(i, in))
	}
	for _, c := range change {
		c(&o)
	}
	r, err := svm.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// wish is an ordinary SVM for one shoot.
func (w *world) wish(change ...func(*spec.StorageVM)) svm.Wish {
	w.t.Helper()
	v := spec.StorageVM{
		APIVersion: spec.APIVersion, Kind: spec.Kind, Metadata: spec.Metadata{Name: "p1"},
		Spec: spec.Spec{
			Garden: "garden", Project: "p1", SVMName: "p1",
			DataLIFs: []spec.Interface{
				{Address: netip.MustParseAddr("192.0.2.20"), Netmask: 24, BroadcastDomain: "Default"},
				{Address: netip.MustParseAddr("192.0.2.21"), Netmask: 24, BroadcastDomain: "Default"},
			},
			ManagementLIF: spec.Interface{Address: netip.MustParseAddr("192.0.2.10"), Netmask: 24, BroadcastDomain: "Default"},
			Routes:        []spec.Route{{Gateway: netip.MustParseAddr("192.0.2.1")}},
			Credentials:   []spec.Credentials{{Shoot: "prod", SecretName: "p1-prod-credentials", SecretNamespace: w.namespace}},
		},
	}
	v = v.Default()
	for _, c := range change {
		c(&v)
	}
	if err := v.Validate(); err != nil {
		w.t.Fatal(err)
	}
	return svm.Wish{StorageVM: v}
}

// toRest reconciles until there is nothing left to do, and lets the time pass
// for which it asks.
func (w *world) toRest(r *svm.Reconciler, want svm.Wish) svm.Result {
	w.t.Helper()
	var res svm.Result
	for range 60 {
		res = r.Reconcile(w.t.Context(), want)
		w.honest(res)
		if res.AtRest && !res.Acted {
			return res
		}
		if !res.Acted && !res.Again.IsZero() {
			w.clock.advance(res.Again.Sub(w.clock.Now()))
		}
	}
	w.t.Fatalf("not at rest: %s", inWords(res))
	return res
}

// honest: where the flow says that a pair is verified, it opens the SVM.
func (w *world) honest(res svm.Result) {
	w.t.Helper()
	for _, st := range res.Decision.Steps {
		if st.Credential == nil || st.Credential.Action != decide.CredentialsOK {
			continue
		}
		if s := w.secret(); !w.sim.Check(res.Decision.UUID, s.Active.User, s.Active.Password.Reveal()) {
			w.t.Errorf("it says that the pair of %s is %s, and it does not open the SVM", st.Object, st.Why)
		}
	}
}

func inWords(res svm.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s: %s (wait for %s)\n", res.Decision.Verdict.State, res.Decision.Action, res.Decision.Why, res.Decision.WaitFor)
	if res.LookErr != nil || res.Err != nil {
		fmt.Fprintf(&b, "  errors: %v, %v\n", res.LookErr, res.Err)
	}
	for _, s := range res.Steps {
		if s.State != flow.StepDone {
			fmt.Fprintf(&b, "  %-30s %-8s %s\n", s.Name, s.State, s.Why)
		}
	}
	return b.String()
}

// writes are the requests to the arrays that could change something.
func (w *world) writes() []string {
	var all []string
	for _, q := range w.sim.Requests() {
		if q.Method != http.MethodGet && q.Method != http.MethodHead {
			all = append(all, q.Method+" "+q.Path)
		}
	}
	return all
}

// holds checks what must be so whatever happened before: one SVM, everything on
// it that is wanted and nothing else, and a pair that opens it.
func (w *world) holds(want svm.Wish) {
	w.t.Helper()
	var found []sim.SVMDump
	for _, c := range w.sim.Dump().Clusters {
		for _, v := range c.SVMs {
			if v.Subtype != "sync_destination" {
				found = append(found, v)
			}
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d SVMs: %v", len(found), found)
	}
	v := found[0]
	if !v.NVMe || len(v.LIFs) != len(want.Spec.DataLIFs)+1 || len(v.Routes) != len(want.Spec.Routes) {
		w.t.Errorf("not what is wanted: NVMe %v, interfaces %v, routes %v", v.NVMe, v.LIFs, v.Routes)
	}
	users := []string{"vsadmin"}
	for _, c := range want.Spec.Credentials {
		secret := w.store(nil).Secret(w.t.Context(), seed.SecretRef{Namespace: c.SecretNamespace, Name: c.SecretName})
		users = append(users, secret.Active.User)
		if !w.sim.Check(v.UUID, secret.Active.User, secret.Active.Password.Reveal()) {
			w.t.Errorf("the pair of shoot %s does not open the SVM", c.Shoot)
		}
		if secret.Pending.User != "" || !secret.Pending.Password.IsEmpty() {
			w.t.Errorf("a pending pair is left for shoot %s", c.Shoot)
		}
	}
	for _, a := range v.Accounts {
		if !slices.Contains(users, a.Name) {
			w.t.Errorf("account %s is left", a.Name)
		}
	}
}

// staysAtRest runs the flow three times more: nothing is written.
func (w *world) staysAtRest(r *svm.Reconciler, want svm.Wish) {
	w.t.Helper()
	before := w.objects()
	w.sim.ForgetRequests()
	for range 3 {
		if res := r.Reconcile(w.t.Context(), want); !res.AtRest || res.Acted {
			w.t.Fatalf("it does not stay at rest: %s", inWords(res))
		}
	}
	if written := w.writes(); len(written) > 0 {
		w.t.Errorf("at rest it wrote to the array: %q", written)
	}
	if after := w.objects(); after != before {
		w.t.Errorf("at rest it wrote to the seed:\n%s\n%s", before, after)
	}
}

// objects are the versions of everything in the namespace but Events.
func (w *world) objects() string {
	w.t.Helper()
	var all []string
	for _, kind := range []string{"configmaps", "secrets"} {
		status, body := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/"+kind, nil)
		if status != http.StatusOK {
			w.t.Fatalf("list %s: %d", kind, status)
		}
		all = append(all, versions(w.t, body)...)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// noSecrets looks for every password that was made, as it is and as Kubernetes
// writes it, in everything that anybody reads: the log at its highest verbosity,
// what observers heard, the metrics, and all objects of the namespace but the
// data of Secrets.
func (w *world) noSecrets() {
	w.t.Helper()
	read := map[string][]byte{"what was heard": []byte(strings.Join(w.heard.Lines(), "\n")), "metrics": w.scrape()}
	for _, kind := range []string{"configmaps", "events", "secrets"} {
		_, body := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/"+kind, nil)
		read[kind] = withoutData(w.t, kind, body)
	}
	w.logMu.Lock()
	defer w.logMu.Unlock()
	read["the log"] = w.log.Bytes()
	for _, p := range w.passwords {
		for where, text := range read {
			if bytes.Contains(text, []byte(p)) || bytes.Contains(text, []byte(base64.StdEncoding.EncodeToString([]byte(p)))) {
				w.t.Errorf("a password stands in %s", where)
			}
		}
	}
}

// withoutData is a listing without the one place where passwords belong.
func withoutData(t *testing.T, kind string, body []byte) []byte {
	t.Helper()
	if kind != "secrets" {
		return body
	}
	var list struct {
		Items []map[string]any `json:"items"`
	}
	must(t, json.Unmarshal(body, &list))
	for _, item := range list.Items {
		delete(item, "data")
	}
	rest, err := json.Marshal(list)
	must(t, err)
	return rest
}

// scrape is what Prometheus would read.
func (w *world) scrape() []byte {
	w.t.Helper()
	families, err := w.registry.Gather()
	must(w.t, err)
	var b bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&b, f)
		must(w.t, err)
	}
	return b.Bytes()
}
