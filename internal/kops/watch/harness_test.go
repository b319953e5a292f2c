package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const (
	prod    = "prod.example.com"
	base    = prod + "/backups/etcd/main"
	control = base + "/control/"
	marker  = control + "etcd-cluster-created"
	spec    = control + "etcd-cluster-spec"
)

var (
	all    store.Range     // the whole object
	always store.Condition // whatever is there
)

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take gives what was written since the last take.
func (l *lockedBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.b.String()
	l.b.Reset()
	return text
}

// rig is a watch over a store in memory, with a clock that stands still.
type rig struct {
	*testing.T
	clock *flowtest.FakeClock
	store *mem.Store
	reg   *prometheus.Registry
	log   *lockedBuffer
	w     *Watcher
}

// newRig watches a store with the given clusters; change adjusts the settings.
func newRig(t *testing.T, change func(*Config), clusters ...func(now time.Time) kopstest.Cluster) *rig {
	t.Helper()
	r := &rig{T: t, clock: flowtest.NewFakeClock(), store: mem.New("state"), log: &lockedBuffer{}}
	r.store.SetClock(r.clock.Now)
	for _, c := range clusters {
		c(r.clock.Now()).Write(t, r.store)
	}
	r.clock.Advance(2 * time.Minute)
	r.start(change)
	return r
}

// start makes the watch, as a process that starts does.
func (r *rig) start(change func(*Config)) {
	r.Helper()
	r.reg = prometheus.NewRegistry()
	log, err := telemetry.NewLogger(r.log, "json", slog.LevelInfo)
	if err != nil {
		r.Fatal(err)
	}
	conf := Config{Check: kops.Options{State: "mem://state", Open: func(context.Context, string) (store.Store, error) { return r.store, nil }}, Interval: time.Minute}
	if change != nil {
		change(&conf)
	}
	r.w, err = New(conf, Deps{Clock: r.clock, Log: log, Metrics: telemetry.NewKopsMetrics(r.reg, "mem://state", Words()), Random: func() float64 { return 0 }})
	if err != nil {
		r.Fatal(err)
	}
}

func healthy(now time.Time) kopstest.Cluster {
	c := kopstest.Healthy(prod, 3, now)
	c.Etcds = []string{"main"}
	return c
}

func named(name string) func(time.Time) kopstest.Cluster {
	return func(now time.Time) kopstest.Cluster {
		c := healthy(now)
		c.Name = name
		return c
	}
}

// look is one pass, a minute after the last.
func (r *rig) look() {
	r.Helper()
	r.w.pass(r.Context())
	r.clock.Advance(time.Minute)
}

// lines are those of the log since the last call, as maps.
func (r *rig) lines() []map[string]any {
	r.Helper()
	var all []map[string]any
	for line := range strings.Lines(r.log.take()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			r.Fatalf("%v in %q", err, line)
		}
		all = append(all, m)
	}
	return all
}

// turned are the turns of the log since the last call: "what: from -> to".
func (r *rig) turned() []string {
	r.Helper()
	var all []string
	for _, m := range r.lines() {
		if m["msg"] == "it turned" {
			all = append(all, fmt.Sprintf("%v: %v -> %v", m["what"], m["from"], m["to"]))
			if m["sentence"] == "" || m["pass"] == nil {
				r.Errorf("a line without a sentence or a pass: %v", m)
			}
		}
	}
	return all
}

// wantTurns fails unless these, and only these, were told.
func (r *rig) wantTurns(reason string, want ...string) {
	r.Helper()
	if got := r.turned(); !slices.Equal(got, want) {
		r.Errorf("%s: it told\n  %s\nwant\n  %s", reason, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// scrape parses what a Prometheus would get.
func (r *rig) scrape() map[string]*dto.MetricFamily {
	r.Helper()
	answer := httptest.NewRecorder()
	telemetry.Handler(telemetry.Endpoints{Metrics: r.reg}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		r.Fatal(err)
	}
	return families
}

// value is that of the one series of a metric that bears the labels; found is
// false where there is none.
func value(families map[string]*dto.MetricFamily, name string, labels map[string]string) (v float64, found bool) {
	family := families["seedproof_kops_"+name]
	for _, m := range family.GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		fits := true
		for k, want := range labels {
			fits = fits && has[k] == want
		}
		if !fits {
			continue
		}
		switch {
		case m.GetGauge() != nil:
			return m.GetGauge().GetValue(), true
		case m.GetCounter() != nil:
			return m.GetCounter().GetValue(), true
		}
		return float64(m.GetHistogram().GetSampleCount()), true
	}
	return 0, false
}

// want fails unless a series of prod's main has the value.
func (r *rig) want(name string, v float64, more ...string) {
	r.Helper()
	labels := map[string]string{"cluster": prod, "etcd": "main"}
	for i := 0; i+1 < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	if got, found := value(r.scrape(), name, labels); !found || got != v {
		r.Errorf("%s%v is %v (there: %v), want %v", name, more, got, found, v)
	}
}

// wantNone fails if there is such a series.
func (r *rig) wantNone(name string, more ...string) {
	r.Helper()
	labels := map[string]string{}
	for i := 0; i+1 < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	if got, found := value(r.scrape(), name, labels); found {
		r.Errorf("%s%v is %v, want no such series", name, more, got)
	}
}

// wantAction fails unless just this action is shown, and its exit code.
func (r *rig) wantAction(action string, exit int) {
	r.Helper()
	for _, a := range Words().Actions {
		is := 0.0
		if a == action {
			is = 1
		}
		r.want("action", is, "action", a)
	}
	r.want("exit_code", float64(exit))
}

func (r *rig) entry() *entry { return r.w.book.entries[id{prod, "main"}] }

func (r *rig) kinds() string {
	var kinds []string
	for kind := range r.entry().metrics().Threats {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}

// seriesCount is the number of all series.
func (r *rig) seriesCount() int {
	n := 0
	for family := range maps.Values(r.scrape()) {
		n += len(family.GetMetric())
	}
	return n
}

// bucketOf is a bucket with settings that a test sets.
type bucketOf struct {
	mu     sync.Mutex
	said   lifecycle.Inspection
	unwrap bool // the test itself wraps the store
}

func calmBucket() lifecycle.Inspection {
	return lifecycle.Inspection{
		Lifecycle:    lifecycle.Answer[lifecycle.Policy]{State: lifecycle.Absent},
		Versioning:   lifecycle.Answer[lifecycle.Versioning]{State: lifecycle.Present, Value: lifecycle.VersioningEnabled},
		ObjectLock:   lifecycle.Answer[lifecycle.Lock]{State: lifecycle.Absent},
		PublicPolicy: lifecycle.Answer[bool]{State: lifecycle.Absent},
	}
}

func (b *bucketOf) set(change func(*lifecycle.Inspection)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = calmBucket()
	if change != nil {
		change(&b.said)
	}
}

// inspect is for kops.Options. Whoever asks must have the store itself.
func (b *bucketOf) inspect(_ context.Context, s store.Store) (lifecycle.Inspector, error) {
	if _, own := s.(*mem.Store); !own && !b.unwrap {
		return nil, fmt.Errorf("not the store itself but %T", s)
	}
	return b, nil
}

func (b *bucketOf) Inspect(context.Context) lifecycle.Inspection {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said
}

func (b *bucketOf) Key(key string) string { return key }

func (b *bucketOf) Tags(context.Context, string) (map[string]string, error) { return nil, nil }

func (b *bucketOf) Versions(context.Context, string) iter.Seq2[lifecycle.Version, error] {
	return func(func(lifecycle.Version, error) bool) {}
}

// expiresAfter is a rule for all that lies below backups/.
func expiresAfter(days int) func(*lifecycle.Inspection) {
	return func(said *lifecycle.Inspection) {
		said.Lifecycle = lifecycle.Answer[lifecycle.Policy]{State: lifecycle.Present, Value: lifecycle.Policy{Rules: []lifecycle.Rule{{
			ID: "old backups", Action: lifecycle.Delete, Scope: lifecycle.Current,
			Filter: lifecycle.Filter{Prefixes: []string{prod + "/backups/"}},
			Due:    []lifecycle.Condition{{Basis: lifecycle.Modified, Days: &days}},
		}}}}
	}
}
