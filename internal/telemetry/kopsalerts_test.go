package telemetry_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seedproof/seedproof/internal/telemetry"
	"github.com/seedproof/seedproof/internal/testenv"
)

func kopsAlertRules(t *testing.T) []alertRule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alertRule } }
	readYAML(t, "seedproof-kops.rules.yaml", &file)
	var all []alertRule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

func TestKopsAlertsByPromtool(t *testing.T) {
	promtool := testenv.Binary(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "seedproof-kops.rules.yaml"},
		{"test", "rules", "seedproof-kops.test.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = alertsDir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestKopsAlertsUseMetricsThatExist(t *testing.T) {
	reg := prometheus.NewRegistry()
	fillKops(telemetry.NewKopsMetrics(reg, "s3://state", kopsWords))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	for _, f := range families {
		exist[f.GetName()] = true
	}
	for _, r := range kopsAlertRules(t) {
		used := metricName.FindAllString(r.Expr+" "+r.Annotations["description"], -1)
		if len(used) == 0 {
			t.Errorf("%s uses no metric of ours", r.Alert)
		}
		for _, name := range used {
			if !exist[name] {
				t.Errorf("%s uses %s, which does not exist", r.Alert, name)
			}
		}
	}
}

func TestKopsAlertsSayWhatToDo(t *testing.T) {
	runbook, err := os.ReadFile(filepath.Join(alertsDir, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range kopsAlertRules(t) {
		a := r.Annotations
		if a["summary"] == "" || !strings.Contains(a["description"], "seedproof kops check") || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s lacks a summary, a severity or what to type", r.Alert)
		}
		if want := "deploy/alerts/runbook.md#" + strings.ToLower(r.Alert); a["runbook_url"] != want {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, a["runbook_url"], want)
		}
		if !strings.Contains(string(runbook), "\n## "+r.Alert+"\n") {
			t.Errorf("%s has no section in runbook.md", r.Alert)
		}
	}
}

func TestEachKopsAlertIsTestedFiringAndSilent(t *testing.T) {
	var file struct {
		Tests []struct {
			Exprs []struct {
				Expr string           `json:"expr"`
				Exp  []map[string]any `json:"exp_samples"`
			} `json:"promql_expr_test"`
		}
	}
	readYAML(t, "seedproof-kops.test.yaml", &file)
	fires, silent := map[string]bool{}, map[string]bool{}
	alertName := regexp.MustCompile(`alertname="(\w+)"`)
	for _, tt := range file.Tests {
		for _, e := range tt.Exprs {
			into := silent
			if len(e.Exp) > 0 {
				into = fires
			}
			into[alertName.FindStringSubmatch(e.Expr)[1]] = true
		}
	}
	for _, r := range kopsAlertRules(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: tested firing %v, silent %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}
