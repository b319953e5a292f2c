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

// playSeedStory runs `seedproof demo seed-secret` with a directory of its own
// for temporary files, which must be empty afterwards.
func playSeedStory(t *testing.T, env ...string) (out, errs string, err error) {
	t.Helper()
	temporary := t.TempDir()
	cmd := exec.CommandContext(t.Context(), testenv.Seedproof(t), "demo", "seed-secret")
	cmd.Env = append(os.Environ(), append([]string{"TMPDIR=" + temporary, "KUBECONFIG=/not/to/be/asked"}, env...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if left, listed := os.ReadDir(temporary); listed != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, listed)
	}
	return stdout.String(), stderr.String(), err
}

func TestDemoSeedSecretTellsTheStory(t *testing.T) {
	program := testenv.Binary(t, "kube-apiserver")
	out, errs, err := playSeedStory(t, "KUBEBUILDER_ASSETS="+filepath.Dir(program))
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, errs, out)
	}
	inOrder(t, out,
		"The API server is real", "The array is simulated",
		"1. A project asks for storage", "done", "create", "done", "record", "FAILED", "credentials/prod/pending", "exceeded quota",
		"It was not only logged", "! credentials/prod/pending", "type: kubectl describe quota --namespace ",
		"2. What the controller of the incident concluded", "on the array:", "running", "in the seed:", "Absent",
		"3. The quota is raised", "done", "credentials/prod/pending", "done", "credentials/prod/account", "done", "credentials/prod/proof", "done", "credentials/prod/activate", "0 changes",
		"4. What was told", "Warning", "StepFailed", "exceeded quota", "Normal", "StepDone", "activate",
		"5. The proof", "user prod, generation", "nothing pending: true", "accepted, by SVM pteam", "No proof, no seed.")
	if strings.Contains(out, "panic") || errs != "" {
		t.Errorf("it says more than it should: %s", errs)
	}
}

// Where there is no API server it says so, and pretends nothing.
func TestDemoSeedSecretNeedsAnAPIServer(t *testing.T) {
	empty := t.TempDir()
	out, errs, err := playSeedStory(t, "KUBEBUILDER_ASSETS=", "PATH="+empty, "SEEDPROOF_SERVERS_DIR="+empty)
	if err == nil || out != "" || !strings.Contains(errs, "needs a real kube-apiserver") || !strings.Contains(errs, "make servers") {
		t.Errorf("%v: %s%s", err, out, errs)
	}
}
