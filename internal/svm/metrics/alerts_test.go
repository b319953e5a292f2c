package metrics_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/testenv"
)

const alertsDir = "../../../deploy/alerts"

var alertTests = []string{"seedproof-svm.test.yaml", "seedproof-svm-days.test.yaml"}

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
	readYAML(t, "seedproof-svm.rules.yaml", &file)
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
	promtool := testenv.Binary(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "seedproof-svm.rules.yaml"},
		append([]string{"test", "rules"}, alertTests...),
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = alertsDir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// metricNames are those of a fully filled scrape.
func metricNames(t *testing.T) []string {
	t.Helper()
	m, reg, c := fresh()
	fill(t, m, c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}

var metricName = regexp.MustCompile(`seedproof_[a-z0-9_]+`)

func TestAlertsUseMetricsThatExist(t *testing.T) {
	exist := metricNames(t)
	for _, r := range alertRules(t) {
		used := metricName.FindAllString(r.Expr+" "+r.Annotations["description"], -1)
		if len(used) == 0 {
			t.Errorf("%s uses no metric of ours", r.Alert)
		}
		for _, name := range used {
			if !slices.Contains(exist, name) {
				t.Errorf("%s uses %s, which does not exist", r.Alert, name)
			}
		}
	}
}

var typed = regexp.MustCompile(`seedproof svm (explain \{\{ \$labels\.svm \}\}|status)\.`)

func TestAlertsSayWhatToDo(t *testing.T) {
	runbook, err := os.ReadFile(filepath.Join(alertsDir, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range alertRules(t) {
		a := r.Annotations
		if a["summary"] == "" || !typed.MatchString(a["description"]) || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
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

type alertTest struct {
	Series []struct{ Series string } `json:"input_series"`
	Exprs  []struct {
		Expr string           `json:"expr"`
		At   string           `json:"eval_time"`
		Exp  []map[string]any `json:"exp_samples"`
	} `json:"promql_expr_test"`
}

// TestEachAlertIsTested firing, silent before it, and silent after it; and each
// about one SVM with one whose record is closed for deletion.
func TestEachAlertIsTested(t *testing.T) {
	var tests []alertTest
	for _, name := range alertTests {
		var file struct{ Tests []alertTest }
		readYAML(t, name, &file)
		tests = append(tests, file.Tests...)
	}
	before, fires, after, closing := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	alertName := regexp.MustCompile(`alertname="(\w+)"`)
	for _, tt := range tests {
		fired, quiet := map[string]bool{}, map[string]bool{}
		for _, e := range tt.Exprs {
			name := alertName.FindStringSubmatch(e.Expr)[1]
			switch {
			case len(e.Exp) > 0:
				before[name] = before[name] || quiet[name]
				fired[name], fires[name] = true, true
			case fired[name]:
				after[name] = true
			default:
				quiet[name] = true
			}
		}
		for name := range fired {
			closing[name] = closing[name] || slices.ContainsFunc(tt.Series, func(s struct{ Series string }) bool {
				return strings.HasPrefix(s.Series, `seedproof_svm_deleting{svm="closing"`)
			})
		}
	}
	for _, r := range alertRules(t) {
		if !before[r.Alert] || !fires[r.Alert] || !after[r.Alert] {
			t.Errorf("%s: tested silent before %v, firing %v, silent after %v", r.Alert, before[r.Alert], fires[r.Alert], after[r.Alert])
		}
		if strings.Contains(r.Expr, "deleting) == 1") && r.Alert != "SeedproofSVMDeletionSlow" && !closing[r.Alert] {
			t.Errorf("%s is not tested with a record that is closed for deletion", r.Alert)
		}
	}
}

// TestEveryMetricIsDocumented, and nothing is documented that is not there.
func TestEveryMetricIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../../docs/alerts-svm.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	names := metricNames(t)
	for _, name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is not documented", name)
		}
	}
	for _, name := range metricName.FindAllString(text, -1) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is documented and does not exist", name)
		}
	}
	for _, r := range alertRules(t) {
		if !strings.Contains(text, "`"+r.Alert+"`") {
			t.Errorf("%s is not in docs/alerts-svm.md", r.Alert)
		}
	}
	for _, name := range regexp.MustCompile(`SeedproofSVM\w+`).FindAllString(text, -1) {
		if !slices.ContainsFunc(alertRules(t), func(r alertRule) bool { return r.Alert == name }) {
			t.Errorf("%s is documented and does not exist", name)
		}
	}
}
