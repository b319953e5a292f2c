package telemetry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/telemetry"
)

var kopsWords = telemetry.KopsWords{
	Actions: []string{"none", "seed-imminent"}, Backups: []string{"recent", "stale"}, BackupStates: []string{"holds", "damaged"},
	Turns: []string{"state", "vanished"}, Passes: []string{"complete", "failed"}, StoreErrors: []string{"denied"}, Openings: []string{"holds"},
}

// fillKops sets every metric of a watch once.
func fillKops(m *telemetry.KopsMetrics) {
	at := time.Unix(1700000000, 0)
	m.SetPace(time.Minute, 6*time.Hour, time.Hour)
	m.PassEnded("complete", at, 2*time.Second, true, true)
	m.SetListing(true, 3)
	m.SetBucketsStale(map[string]time.Time{"s3://b": at})
	m.StoreError("denied")
	m.Opened("holds")
	m.VerifyRead(7)
	m.SetAcknowledged(map[[2]string]time.Time{{"gone", "main"}: time.Unix(1_700_000_000, 0)})
	m.SetClusters([]telemetry.KopsCluster{{
		Cluster: "c", Etcd: "main", Action: "seed-imminent", Verdict: proof.RecordLost, ExitCode: 3, FirstStart: true,
		Backups: "stale", BackupCount: 4, Newest: at, LastValid: at, LastVerified: at, NewestSize: 9, NewestState: "holds",
		RuleHits: map[string]time.Time{"marker": at}, Threats: map[string]int{"no-backup": 2}, Looked: at, Seen: at, StaleSince: at, VanishedSince: at,
	}})
	m.Turned("c", "main", "state")
}

func TestKopsMetricsShowWhatWasSet(t *testing.T) {
	reg := prometheus.NewRegistry()
	fillKops(telemetry.NewKopsMetrics(reg, "s3://state", kopsWords))
	of := func(name, more string) string {
		return "seedproof_kops_" + name + `{` + strings.Join(sorted(`cluster="c"`, `etcd="main"`, more, `state_store="s3://state"`), ",") + `}`
	}
	all := func(name, more string) string {
		return "seedproof_kops_" + name + `{` + strings.Join(sorted(more, `state_store="s3://state"`), ",") + `}`
	}
	want := []string{
		of("action", `action="none"`) + " 0", of("action", `action="seed-imminent"`) + " 1",
		of("exit_code", "") + " 3", of("first_start", "") + " 1",
		of("backups_state", `state="recent"`) + " 0", of("backups_state", `state="stale"`) + " 1", of("backups", "") + " 4",
		of("newest_backup_timestamp_seconds", "") + " 1.7e+09", of("newest_backup_size_bytes", "") + " 9",
		of("newest_backup_state", `state="holds"`) + " 1", of("newest_backup_state", `state="damaged"`) + " 0",
		of("last_valid_backup_timestamp_seconds", "") + " 1.7e+09", of("last_verified_backup_timestamp_seconds", "") + " 1.7e+09",
		of("rule_hits_control_file_timestamp_seconds", `file="marker"`) + " 1.7e+09", of("threats", `kind="no-backup"`) + " 2",
		of("looked_timestamp_seconds", "") + " 1.7e+09", of("stale_since_timestamp_seconds", "") + " 1.7e+09", of("vanished_timestamp_seconds", "") + " 1.7e+09",
		of("turns_total", `what="state"`) + " 1", of("turns_total", `what="vanished"`) + " 0",
		all("interval_seconds", "") + " 60", all("verify_interval_seconds", "") + " 21600", all("max_backup_age_seconds", "") + " 3600",
		all("pass_timestamp_seconds", "") + " 1.7e+09", all("pass_success_timestamp_seconds", "") + " 1.7e+09",
		all("passes_total", `outcome="complete"`) + " 1", all("passes_total", `outcome="failed"`) + " 0", all("slow_passes_total", "") + " 1",
		all("listing_incomplete", "") + " 1", all("untracked_clusters", "") + " 3", all("clusters", "") + " 1",
		all("bucket_settings_stale_since_timestamp_seconds", `bucket="s3://b"`) + " 1.7e+09",
		all("store_errors_total", `class="denied"`) + " 1", all("opened_backups_total", `state="holds"`) + " 1", all("verify_read_bytes_total", "") + " 7",
		`seedproof_kops_seen_timestamp_seconds{cluster="c",etcd="main",state_store="s3://state"} 1.7e+09`,
		`seedproof_kops_vanish_acknowledged_timestamp_seconds{cluster="gone",etcd="main",state_store="s3://state"} 1.7e+09`,
	}
	for _, s := range proof.States() {
		v := 0
		if s == proof.RecordLost {
			v = 1
		}
		want = append(want, fmt.Sprintf("%s %d", of("verdict", fmt.Sprintf("verdict=%q", s)), v))
	}
	got := series(t, reg, "seedproof_kops_")
	shown := map[string]bool{}
	for _, line := range got {
		shown[line] = true
	}
	for _, line := range want {
		if !shown[line] {
			t.Errorf("it lacks %s", line)
		}
		delete(shown, line)
	}
	for line := range shown {
		if !strings.Contains(line, "pass_duration_seconds") {
			t.Errorf("it shows %s", line)
		}
	}
}

// sorted are the labels of a series as they are exposed.
func sorted(labels ...string) []string {
	var all []string
	for _, l := range labels {
		if l != "" {
			all = append(all, l)
		}
	}
	slices.Sort(all)
	return all
}

// TestKopsClustersThatGoLeaveNoSeries: and what is not known has none.
func TestKopsClustersThatGoLeaveNoSeries(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.NewKopsMetrics(reg, "s3://state", kopsWords)
	fillKops(m)
	m.SetClusters([]telemetry.KopsCluster{{Cluster: "d", Etcd: "main", Action: "none", Backups: "recent"}})
	for _, line := range series(t, reg, "seedproof_kops_") {
		if strings.Contains(line, `cluster="c"`) || strings.Contains(line, "timestamp_seconds{cluster=\"d\"") || strings.Contains(line, "newest_backup") {
			t.Errorf("it still shows %s", line)
		}
	}
	wantSeries(t, reg, `seedproof_kops_turns_total`,
		`seedproof_kops_turns_total{cluster="d",etcd="main",state_store="s3://state",what="state"} 0`,
		`seedproof_kops_turns_total{cluster="d",etcd="main",state_store="s3://state",what="vanished"} 0`)
}

// TestKopsLabelsOfAnyName: names come from a bucket, where anybody may have put
// anything. None of them breaks a scrape, and none takes another's place.
func TestKopsLabelsOfAnyName(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.NewKopsMetrics(reg, "s3://\xff", kopsWords)
	long := strings.Repeat("x", 1000)
	var all []telemetry.KopsCluster
	for _, name := range []string{"", "\xff", "\xfe", long, long + "y", "a\"b\\c\nd", strings.Repeat("é", 500)} {
		all = append(all, telemetry.KopsCluster{Cluster: name, Etcd: "main", Threats: map[string]int{"k": 1}})
	}
	m.SetClusters(all)
	m.Turned("\xff", long, "state")
	shown := series(t, reg, "seedproof_kops_threats")
	if len(shown) != len(all) {
		t.Errorf("%d names became %d series: %s", len(all), len(shown), strings.Join(shown, "\n"))
	}
	for _, line := range shown {
		if len(line) > 600 {
			t.Errorf("a series of %d bytes", len(line))
		}
	}
}

func TestKopsNamesFollowTheConventions(t *testing.T) {
	reg := prometheus.NewRegistry()
	fillKops(telemetry.NewKopsMetrics(reg, "s3://state", kopsWords))
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
