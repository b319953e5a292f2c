package gate

import (
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/kops/gate/tfplan"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

type (
	bodyOf = io.ReadCloser
	bodyIn = io.Reader
	listOf = iter.Seq2[store.Info, error]
)

const goldenHead = `# What stands before kops, case by case: the statement, the prompt, the refusal.
# Written by go test ./internal/kops/gate -run TestWords -update. To be read by eye.
`

// TestWords: the words are those that were read and found good.
func TestWords(t *testing.T) {
	var text strings.Builder
	text.WriteString(goldenHead)
	for _, c := range []struct {
		name, line string
		stage      func(t *testing.T) *stage
		answer     string // "-": no terminal
	}{
		{"nothing changes", updateYes, func(t *testing.T) *stage { return newStage(t, healthy()) }, "-"},
		{"nothing changes, and backups stopped", updateYes, func(t *testing.T) *stage {
			c := healthy()
			c.Last = now.AddDate(0, 0, -61)
			return newStage(t, c)
		}, "-"},
		{"a new cluster", updateYes, func(t *testing.T) *stage { return newStage(t, kopstest.New(prod, 3)) }, "-"},
		{"a changed spec", updateYes, changed, "n"},
		{"a changed spec, and the newest backup is damaged", updateYes, func(t *testing.T) *stage {
			s := changed(t)
			kopstest.Put(t, s.store, prod+"/backups/etcd/main/2026-11-01T02:55:00Z-000004/etcd.backup.gz", "damaged")
			return s
		}, "n"},
		{"a changed spec, backups not opened", updateYes, func(t *testing.T) *stage { s := changed(t); s.skipVerify = true; return s }, "-"},
		{"a changed spec, and no backup", updateYes, func(t *testing.T) *stage {
			c := healthy()
			c.Backups, c.EtcdVersion = 0, "3.7.0"
			return newStage(t, c)
		}, "y"},
		{"the incident", updateYes, incident, "y"},
		{"the incident, a dry run", dryRun, incident, "-"},
		{"the incident, nobody there", updateYes, incident, "-"},
		{"seed imminent", updateYes, func(t *testing.T) *stage {
			s := newStage(t, healthy())
			kopstest.Delete(t, s.store, marker)
			return s
		}, "n"},
		{"the marker cannot be read", updateYes, func(t *testing.T) *stage {
			s := newStage(t, healthy())
			s.store = denied{s.store, marker}
			return s
		}, "-"},
		{"rolling-update with a restore queued", "rolling-update cluster " + prod + " --yes", queued, "n"},
		{"for Terraform", dryRun + " --target=terraform --out=.", changed, "n"},
		{"no such cluster", updateYes, func(t *testing.T) *stage { return newStage(t, kopstest.Healthy("prod.example.org", 1, now)) }, "-"},
	} {
		s := c.stage(t)
		if c.answer != "-" {
			s.who = &person{answers: []string{c.answer}}
		}
		err := s.run(c.line)
		_, _ = fmt.Fprintf(&text, "\n== %s: kops %s\n%s", c.name, c.line, &s.out)
		if s.who != nil {
			_, _ = fmt.Fprintf(&text, "%s<%s>\n", strings.Join(s.who.asked, ""), c.answer)
		}
		if err != nil {
			_, _ = fmt.Fprintf(&text, "Error: %v\n", err)
			if refusal, ok := err.(*Refusal); ok && refusal.Next != "" { //nolint:errorlint // it is not wrapped here
				_, _ = fmt.Fprintf(&text, "Next:  %s\n", refusal.Next)
			}
		}
	}
	golden(t, "words.golden", text.String())
}

// TestPlanWords: what is said of a plan, and of an approval.
func TestPlanWords(t *testing.T) {
	var text strings.Builder
	text.WriteString("# What is said of Terraform plans, and of an approval. See words.golden.\n")
	deletes := writes(spec, "")
	deletes.Deletes = true
	for _, c := range []struct {
		name    string
		stage   *stage
		changes []tfplan.Change
	}{
		{"nothing of etcd", newStage(t), nil},
		{"a changed spec", newStage(t, healthy()), []tfplan.Change{writes(spec, `{"memberCount":3,"etcdVersion":"3.7.0"}`)}},
		{"the incident", incident(t), []tfplan.Change{writes(spec, ""), writes(strings.Replace(spec, "main", "events", 1), "")}},
		{"the spec is deleted", newStage(t, healthy()), []tfplan.Change{deletes}},
		{"no such cluster", newStage(t, kopstest.Healthy("prod.example.org", 1, now)), []tfplan.Change{writes(spec, "")}},
	} {
		report, err := CheckPlan(t.Context(), c.changes, PlanOptions{Look: c.stage.gate().Look})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(&text, "\n== %s: exit %d\n", c.name, report.ExitCode)
		report.Tell(&text)
	}
	s := incident(t)
	s.who = &person{answers: []string{prod}}
	if err := s.gate().Approve(t.Context(), s.request(updateYes), "Ada", filepath.Join(s.home, "approval.json")); err != nil {
		t.Fatal(err)
	}
	said := strings.ReplaceAll(s.out.String(), s.home, "HOME")
	prompt := s.who.asked[0]
	statement, done, _ := strings.Cut(said, "Approved by")
	_, _ = fmt.Fprintf(&text, "\n== the incident is approved: kops %s\n%s%s<%s>\nApproved by%s", updateYes, statement, prompt, prod, done)
	golden(t, "plan.golden", text.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s; look at the difference after -update. Got:\n%s", path, got)
	}
}
