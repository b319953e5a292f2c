// Package alerttest holds a file of alert rules to what is asked of all of them:
// promtool takes it and passes its tests, the rules use metrics that exist, say
// what to do and where that is written, and are tested firing and silent.
//
// It is for tests only. It must never let an empty file pass.
package alerttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/testenv"
)

// Rule is one alert.
type Rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

// Case is one test of promtool: what is scraped, and what is asked then.
type Case struct {
	Series []Series `json:"input_series"`
	Exprs  []Expr   `json:"promql_expr_test"`
}

// Series is one that is scraped.
type Series struct{ Series string }

// Expr asks for one alert at one time.
type Expr struct {
	Expr    string           `json:"expr"`
	Samples []map[string]any `json:"exp_samples"`
}

var alertName = regexp.MustCompile(`alertname="(\w+)"`)

// Alert is the one that is asked for.
func (e Expr) Alert() string {
	if found := alertName.FindStringSubmatch(e.Expr); found != nil {
		return found[1]
	}
	return ""
}

// Fires reports whether it is to fire then.
func (e Expr) Fires() bool { return len(e.Samples) > 0 }

// Suite is a file of rules, and the files that test it.
type Suite struct {
	Rules []Rule
	Cases []Case // of all files, in their order

	dir, rules string
	tests      []string
}

// Load reads the files, which lie in dir, beside runbook.md.
func Load(t testing.TB, dir, rules string, tests ...string) *Suite {
	t.Helper()
	s := &Suite{dir: dir, rules: rules, tests: tests}
	var ruled struct{ Groups []struct{ Rules []Rule } }
	s.read(t, rules, &ruled)
	for _, g := range ruled.Groups {
		s.Rules = append(s.Rules, g.Rules...)
	}
	for _, name := range tests {
		var file struct{ Tests []Case }
		s.read(t, name, &file)
		s.Cases = append(s.Cases, file.Tests...)
	}
	if len(s.Rules) == 0 || len(s.Cases) == 0 {
		t.Fatalf("%s: %d rules, %d tests", rules, len(s.Rules), len(s.Cases))
	}
	return s
}

func (s *Suite) read(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Promtool has the rules checked and the tests run.
func (s *Suite) Promtool(t *testing.T) {
	promtool := testenv.Binary(t, "promtool")
	for _, args := range [][]string{{"check", "rules", s.rules}, append([]string{"test", "rules"}, s.tests...)} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// MetricName finds the names of our metrics in a text.
var MetricName = regexp.MustCompile(`seedproof_[a-z0-9_]+`)

// MetricNames are the names of all that is scraped.
func MetricNames(t testing.TB, scraped prometheus.Gatherer) []string {
	t.Helper()
	families, err := scraped.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}

// UseMetrics holds each rule to using some of our metrics, and none that does not
// exist.
func (s *Suite) UseMetrics(t *testing.T, exist []string) {
	for _, r := range s.Rules {
		used := MetricName.FindAllString(r.Expr+" "+r.Annotations["description"], -1)
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

// SayWhatToDo holds each rule to having a summary, a severity, what to type, and its
// section in the runbook.
func (s *Suite) SayWhatToDo(t *testing.T, typed *regexp.Regexp) {
	runbook, err := os.ReadFile(filepath.Join(s.dir, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Rules {
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

// FireAndFallSilent holds each rule to being tested firing, and not firing.
func (s *Suite) FireAndFallSilent(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, c := range s.Cases {
		for _, e := range c.Exprs {
			if e.Fires() {
				fires[e.Alert()] = true
			} else {
				silent[e.Alert()] = true
			}
		}
	}
	for _, r := range s.Rules {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: tested firing %v, silent %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}
