package metrics_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/testenv/alerttest"
)

func loadAlerts(t *testing.T) *alerttest.Suite {
	t.Helper()
	return alerttest.Load(t, "../../../deploy/alerts", "seedproof-svm.rules.yaml", "seedproof-svm.test.yaml", "seedproof-svm-days.test.yaml")
}

// metricNames are those of a fully filled scrape.
func metricNames(t *testing.T) []string {
	t.Helper()
	m, reg, c := fresh()
	fill(t, m, c)
	return alerttest.MetricNames(t, reg)
}

func TestAlerts(t *testing.T) {
	alerts := loadAlerts(t)
	t.Run("by promtool", alerts.Promtool)
	alerts.UseMetrics(t, metricNames(t))
	alerts.SayWhatToDo(t, regexp.MustCompile(`seedproof svm (explain \{\{ \$labels\.svm \}\}|status)\.`))
}

// TestEachAlertIsTested firing, silent before it, and silent after it; and each
// about one SVM with one whose record is closed for deletion.
func TestEachAlertIsTested(t *testing.T) {
	alerts := loadAlerts(t)
	before, fires, after, closing := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range alerts.Cases {
		fired, quiet := map[string]bool{}, map[string]bool{}
		for _, e := range c.Exprs {
			name := e.Alert()
			switch {
			case e.Fires():
				before[name] = before[name] || quiet[name]
				fired[name], fires[name] = true, true
			case fired[name]:
				after[name] = true
			default:
				quiet[name] = true
			}
		}
		for name := range fired {
			closing[name] = closing[name] || slices.ContainsFunc(c.Series, func(s alerttest.Series) bool {
				return strings.HasPrefix(s.Series, `seedproof_svm_deleting{svm="closing"`)
			})
		}
	}
	for _, r := range alerts.Rules {
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
	text, alerts := string(b), loadAlerts(t)
	names := metricNames(t)
	for _, name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is not documented", name)
		}
	}
	for _, name := range alerttest.MetricName.FindAllString(text, -1) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is documented and does not exist", name)
		}
	}
	for _, r := range alerts.Rules {
		if !strings.Contains(text, "`"+r.Alert+"`") {
			t.Errorf("%s is not in docs/alerts-svm.md", r.Alert)
		}
	}
	for _, name := range regexp.MustCompile(`SeedproofSVM\w+`).FindAllString(text, -1) {
		if !slices.ContainsFunc(alerts.Rules, func(r alerttest.Rule) bool { return r.Alert == name }) {
			t.Errorf("%s is documented and does not exist", name)
		}
	}
}
