package telemetry_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// exposed is what a scrape of our own metrics shows.
func exposed(t *testing.T, reg prometheus.Gatherer) string {
	t.Helper()
	w := httptest.NewRecorder()
	telemetry.Handler(telemetry.Endpoints{Metrics: reg}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("a scrape got %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// series are the lines of a scrape whose metric has the prefix, sorted.
func series(t *testing.T, reg prometheus.Gatherer, prefix string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(exposed(t, reg)) {
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

// fill sets every metric once.
func fill(m *telemetry.EtcdMetrics) {
	at := time.Unix(1700000000, 500e6)
	m.SetVerdict(proof.Intact)
	m.SetWitnesses([]telemetry.WitnessFinding{{"record", "record", "Present"}})
	m.SetRecordPresent(true)
	m.SetIdentity("6f1c", 2, "cafe")
	m.SetBackupInterval(time.Hour)
	m.SetLastBackup(at, 4096, 77)
	m.BackupTried(nil)
	m.SetLeader(true, 9)
	m.PassEnded(at)
	m.SetCertificates(map[string]time.Time{"peer": at})
	m.SetAlarms([]telemetry.Alarm{{"NOSPACE", "a"}})
	m.SetSizes([]telemetry.MemberSize{{"a", 100, 81, 40}})
	m.SetStores(map[string]bool{"control": true, "backup": false})
}

func TestEveryMetricShowsWhatWasSet(t *testing.T) {
	reg := prometheus.NewRegistry()
	fill(telemetry.NewEtcdMetrics(reg, "c"))
	wantSeries(t, reg, "seedproof_",
		`seedproof_etcd_verdict{cluster="c",verdict="Conflicting"} 0`,
		`seedproof_etcd_verdict{cluster="c",verdict="DataLost"} 0`,
		`seedproof_etcd_verdict{cluster="c",verdict="Intact"} 1`,
		`seedproof_etcd_verdict{cluster="c",verdict="NeverExisted"} 0`,
		`seedproof_etcd_verdict{cluster="c",verdict="RecordLost"} 0`,
		`seedproof_etcd_verdict{cluster="c",verdict="Unproven"} 0`,
		`seedproof_etcd_witness_finding{cluster="c",finding="Present",kind="record",witness="record"} 1`,
		`seedproof_etcd_record_present{cluster="c"} 1`,
		`seedproof_etcd_identity_info{cluster="c",cluster_id="cafe",generation="2",lineage="6f1c"} 1`,
		`seedproof_etcd_backup_interval_seconds{cluster="c"} 3600`,
		`seedproof_etcd_last_backup_timestamp_seconds{cluster="c"} 1.7000000005e+09`,
		`seedproof_etcd_last_backup_size_bytes{cluster="c"} 4096`,
		`seedproof_etcd_last_backup_revision{cluster="c"} 77`,
		`seedproof_etcd_last_backup_success{cluster="c"} 1`,
		`seedproof_etcd_backup_failures_total{cluster="c"} 0`,
		`seedproof_etcd_leader{cluster="c"} 1`,
		`seedproof_etcd_leader_epoch{cluster="c"} 9`,
		`seedproof_etcd_pass_timestamp_seconds{cluster="c"} 1.7000000005e+09`,
		`seedproof_certificate_expiry_timestamp_seconds{cluster="c",name="peer"} 1.7000000005e+09`,
		`seedproof_etcd_alarm{cluster="c",member="a",type="NOSPACE"} 1`,
		`seedproof_etcd_quota_bytes{cluster="c",member="a"} 100`,
		`seedproof_etcd_db_size_bytes{cluster="c",member="a"} 81`,
		`seedproof_etcd_db_in_use_bytes{cluster="c",member="a"} 40`,
		`seedproof_store_reachable{cluster="c",store="backup"} 0`,
		`seedproof_store_reachable{cluster="c",store="control"} 1`,
	)
}

func TestWhatWasNeverSetIsNotShown(t *testing.T) {
	reg := prometheus.NewRegistry()
	telemetry.NewEtcdMetrics(reg, "c")
	wantSeries(t, reg, "seedproof_", `seedproof_etcd_backup_failures_total{cluster="c"} 0`)
}

func TestWhatIsGoneLeavesNoSeries(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.NewEtcdMetrics(reg, "c")
	fill(m)
	m.SetVerdict(proof.Unproven)
	if got := strings.Join(series(t, reg, "seedproof_etcd_verdict"), " "); strings.Count(got, "} 1") != 1 || !strings.Contains(got, `"Unproven"} 1`) {
		t.Errorf("verdicts: %s", got)
	}
	m.SetWitnesses([]telemetry.WitnessFinding{{"record", "record", "Unknown"}, {"member b", "part", "Present"}})
	wantSeries(t, reg, "seedproof_etcd_witness",
		`seedproof_etcd_witness_finding{cluster="c",finding="Unknown",kind="record",witness="record"} 1`,
		`seedproof_etcd_witness_finding{cluster="c",finding="Present",kind="part",witness="member b"} 1`)
	m.SetAlarms(nil)
	wantSeries(t, reg, "seedproof_etcd_alarm")
	m.RecordUnknown()
	wantSeries(t, reg, "seedproof_etcd_record_present")
	m.SetBackupInterval(0)
	wantSeries(t, reg, "seedproof_etcd_backup_interval")
	m.SetIdentity("6f1c", 3, "beef")
	wantSeries(t, reg, "seedproof_etcd_identity",
		`seedproof_etcd_identity_info{cluster="c",cluster_id="beef",generation="3",lineage="6f1c"} 1`)
	m.BackupTried(errors.New("full"))
	wantSeries(t, reg, "seedproof_etcd_backup_failures", `seedproof_etcd_backup_failures_total{cluster="c"} 1`)
	wantSeries(t, reg, "seedproof_etcd_last_backup_success", `seedproof_etcd_last_backup_success{cluster="c"} 0`)
}

func TestWhoNoLongerLeadsKeepsOnlyItsOwn(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.NewEtcdMetrics(reg, "c")
	fill(m)
	m.LostLead()
	m.SetLeader(false, 10)
	wantSeries(t, reg, "seedproof_",
		`seedproof_etcd_backup_failures_total{cluster="c"} 0`,
		`seedproof_etcd_leader{cluster="c"} 0`,
		`seedproof_etcd_leader_epoch{cluster="c"} 10`,
		`seedproof_certificate_expiry_timestamp_seconds{cluster="c",name="peer"} 1.7000000005e+09`,
		`seedproof_store_reachable{cluster="c",store="backup"} 0`,
		`seedproof_store_reachable{cluster="c",store="control"} 1`)
}

func TestNamesFollowTheConventions(t *testing.T) {
	reg := prometheus.NewRegistry()
	fill(telemetry.NewEtcdMetrics(reg, "c"))
	o := telemetry.NewFlowObserver(reg, slog.New(slog.DiscardHandler))
	o.StepFailed(t.Context(), flow.Event{Flow: "f", Step: "s"})
	o.Escalated(t.Context(), flow.Escalation{Flow: "f", Step: "s"})
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

func TestTheRegistryTellsOfTheProcess(t *testing.T) {
	got := exposed(t, telemetry.NewRegistry())
	for _, want := range []string{"go_goroutines", "process_open_fds"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestFlowObserverCountsAndLogs(t *testing.T) {
	reg, clock := prometheus.NewRegistry(), flowtest.NewFakeClock()
	var b bytes.Buffer
	log, err := telemetry.NewLogger(&b, "text", slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	o := telemetry.NewFlowObserver(reg, log)
	r := flow.Runner{Clock: clock, Journal: flow.NopJournal{}, Observer: o}
	s := &switchStep{err: flow.AsNeedsPerson(errors.New("another cluster"), "seedproof etcd approve adopt")}
	r.Pass(t.Context(), s.flow("c1"))
	res := r.Pass(t.Context(), s.flow("c2"))
	wantSeries(t, reg, "seedproof_flow",
		`seedproof_flow_step_failures_total{class="needs-person",flow="heal",step="record"} 2`,
		`seedproof_flow_step_escalated{flow="heal",step="record"} 2`)
	for _, want := range []string{"level=ERROR", "advice=\"seedproof etcd approve adopt\"", "pass=" + res.PassID, "subject=c2"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, b.String())
		}
	}
	s.err = nil
	clock.Advance(time.Hour)
	r.Pass(t.Context(), s.flow("c1"))
	wantSeries(t, reg, "seedproof_flow_step_esc", `seedproof_flow_step_escalated{flow="heal",step="record"} 1`)
	r.Forget(t.Context(), "heal", "c2")
	wantSeries(t, reg, "seedproof_flow_step_esc")
	b.Reset()
	r.Pass(t.Context(), s.flow("c1"))
	if b.Len() != 0 {
		t.Errorf("a flow at rest is not quiet: %s", b.String())
	}
	r.Journal = nil
	r.Pass(t.Context(), s.flow("c1"))
	if !strings.Contains(b.String(), "level=ERROR msg=\"pass ended\"") {
		t.Errorf("a pass that could not be run: %s", b.String())
	}
}
