package telemetry_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const alertsDir = "../../deploy/alerts"

type alertRule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(alertsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alertRule } }
	readYAML(t, "seedproof-etcd.rules.yaml", &file)
	var all []alertRule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

func TestAlertsByPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing; type: apt-get install prometheus")
	}
	for _, args := range [][]string{
		{"check", "rules", "seedproof-etcd.rules.yaml"},
		{"test", "rules", "seedproof-etcd.test.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = alertsDir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

var metricName = regexp.MustCompile(`seedproof_[a-z0-9_]+`)

func TestAlertsUseMetricsThatExist(t *testing.T) {
	reg := prometheus.NewRegistry()
	fill(telemetry.NewEtcdMetrics(reg, "c"))
	o := telemetry.NewFlowObserver(reg, slog.New(slog.DiscardHandler))
	o.StepFailed(t.Context(), flow.Event{Flow: "f", Step: "s"})
	o.Escalated(t.Context(), flow.Escalation{Flow: "f", Step: "s"})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	for _, f := range families {
		exist[f.GetName()] = true
	}
	for _, r := range alertRules(t) {
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

func TestAlertsSayWhatToDo(t *testing.T) {
	runbook, err := os.ReadFile(filepath.Join(alertsDir, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range alertRules(t) {
		a := r.Annotations
		if a["summary"] == "" || !strings.Contains(a["description"], "seedproof etcd explain") || r.Labels["severity"] == "" {
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

func TestEachAlertIsTestedFiringAndSilent(t *testing.T) {
	var file struct {
		Tests []struct {
			Exprs []struct {
				Expr string           `json:"expr"`
				Exp  []map[string]any `json:"exp_samples"`
			} `json:"promql_expr_test"`
		}
	}
	readYAML(t, "seedproof-etcd.test.yaml", &file)
	var fires, silent []string
	alertName := regexp.MustCompile(`alertname="(\w+)"`)
	for _, tt := range file.Tests {
		for _, e := range tt.Exprs {
			name := alertName.FindStringSubmatch(e.Expr)[1]
			if len(e.Exp) > 0 {
				fires = append(fires, name)
			} else {
				silent = append(silent, name)
			}
		}
	}
	for _, r := range alertRules(t) {
		if !slices.Contains(fires, r.Alert) || !slices.Contains(silent, r.Alert) {
			t.Errorf("%s: tested firing %v, silent %v", r.Alert, slices.Contains(fires, r.Alert), slices.Contains(silent, r.Alert))
		}
	}
}
