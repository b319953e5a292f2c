package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, path, got string) {
	t.Helper()
	file := filepath.Join("testdata", path)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./internal/cli -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s\n--- got\n%s--- want\n%s", file, got, want)
	}
}

func TestExplain(t *testing.T) {
	want := map[string]proof.State{
		"intact": proof.Intact, "one-node-down": proof.Intact, "record-lost": proof.RecordLost, "control-store-emptied": proof.RecordLost,
		"control-store-silent": proof.Unproven, "third-silent-before-birth": proof.Unproven, "third-attested-lost": proof.Unproven,
		"third-never-met": proof.Unproven, "old-directory": proof.DataLost, "foreign-record": proof.Conflicting, "stock-etcd": proof.Conflicting,
		"two-claims": proof.Conflicting, "forced-new-cluster": proof.Conflicting, "never-existed": proof.NeverExisted, "all-lost": proof.DataLost,
	}
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			r := s.report()
			if r.Verdict.State != want[s.name] {
				t.Errorf("%s: the verdict is %s, expected %s", s.reason, r.Verdict.State, want[s.name])
			}
			var out bytes.Buffer
			explain(&out, r)
			golden(t, "explain/"+s.name+".txt", out.String())
		})
	}
}

// Whoever is to be brought back or spoken for must be named in what is shown.
func TestExplainNamesEverySilentWitness(t *testing.T) {
	for _, s := range stories() {
		r := s.report()
		var out bytes.Buffer
		explain(&out, r)
		for _, w := range r.Verdict.Missing {
			if !strings.Contains(out.String(), "  "+w.Name+": ") {
				t.Errorf("%s: %s is silent, and it is not said", s.name, w.Name)
			}
		}
	}
}

func TestStatusTable(t *testing.T) {
	for _, name := range []string{"intact", "control-store-silent", "old-directory"} {
		t.Run(name, func(t *testing.T) {
			s := statusStory(name)
			golden(t, "status/"+name+".txt", tabbed(func(g *global) error { return g.print(formatTable, s, s.tableAt(storyTime.Add(2*time.Second))) }))
		})
	}
}
