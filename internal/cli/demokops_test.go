package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/testenv"
)

// playKopsTale runs `seedproof demo kops` with a directory of its own for
// temporary files, which must be empty afterwards.
func playKopsTale(t *testing.T, args ...string) string {
	t.Helper()
	temporary := t.TempDir()
	cmd := exec.CommandContext(t.Context(), testenv.Seedproof(t), append([]string{"demo", "kops"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary, "KOPS_STATE_STORE=s3://not-to-be-asked")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s\n%s", err, errs.String(), out.String())
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	return out.String()
}

func TestDemoKopsTellsTheStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's kept")
	text := playKopsTale(t, "--dir", dir)
	rest := text
	for _, want := range []string{
		"1. A healthy cluster", "The update changes nothing in etcd main", "opened, it holds 200 keys",
		"2. The rule can be seen coming", "DELETES A CONTROL FILE", "in 12 days",
		"3. The rule runs", "deleted  prod.example.com/backups/etcd/main/control/etcd-cluster-created", "must seed new cluster", "61 days pass",
		"4. A routine update", "ManagedFile/etcd-cluster-spec-main", "forms a new, empty cluster",
		"5. The same update behind the gate", "$ seedproof kops update cluster", "STOP: the next `kops update cluster --yes` would replace etcd main", "EMPTY cluster", "kops was not started", "Exit code 3",
		"6. The files are put back", "etcd/main/control/etcd-cluster-created", `{"timestamp":`, "(not played)  sleep 30", "etcd/main/control/etcd-cluster-spec", `{"memberCount":3,"etcdVersion":"3.6.12"}`,
		"etcd/events/control/etcd-cluster-created", "etcd/events/control/etcd-cluster-spec",
		"7. Safe again", "change nothing", "(kops) Cluster changes have been applied",
		"8. What was kept", "holds 200 of 200 keys", dir,
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("it does not say %q where it should; what it says:\n%s", want, text)
		}
		rest = after
	}
	for _, etcd := range []string{"main", "events"} {
		for _, file := range []string{"etcd-cluster-created", "etcd-cluster-spec"} {
			if info, err := os.Stat(filepath.Join(dir, "state/prod.example.com/backups/etcd", etcd, "control", file)); err != nil || info.Size() == 0 {
				t.Errorf("%s of etcd %s is not there in the end: %v", file, etcd, err)
			}
		}
	}
}

func TestDemoKopsLeavesNothingBehind(t *testing.T) {
	if text := playKopsTale(t); !strings.Contains(text, "What was kept") {
		t.Errorf("it did not end well:\n%s", text)
	}
}

func TestDemoKopsPlaysInAnEmptyDirectoryOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), testenv.Seedproof(t), "demo", "kops", "--dir", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is not empty") {
		t.Errorf("%v: %s", err, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("something was written: %v (%v)", left, err)
	}
}
