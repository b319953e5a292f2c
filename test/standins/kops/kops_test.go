package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const config = `apiVersion: kops.k8s.io/v1alpha2
kind: Cluster
metadata:
  name: a.example.com
spec:
  kubernetesVersion: 1.35.2
  etcdClusters:
  - name: main
    etcdMembers: [{name: a}, {name: b}, {name: c}]
  - name: events
    version: 3.5.31
    etcdMembers: [{name: a}, {name: b}, {name: c}]
`

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kops")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// TestUpdate replays what was measured of kops (facts 3.1 and 3.5).
func TestUpdate(t *testing.T) {
	state := t.TempDir()
	folder := filepath.Join(state, "a.example.com")
	if err := write(filepath.Join(folder, "config"), []byte(config)); err != nil {
		t.Fatal(err)
	}
	mainSpec := filepath.Join(folder, "backups/etcd/main/control/etcd-cluster-spec")
	args := []string{"update", "cluster", "--state", "file://" + state, "--name", "a.example.com"}
	kops := func(more ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := act(append(args, more...), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := kops(); !strings.HasPrefix(out, "Will create resources:\n  ManagedFile/etcd-cluster-spec-main\n") || !strings.HasSuffix(out, "Must specify --yes to apply changes\n") {
		t.Errorf("a dry run: %s", out)
	}
	if _, err := os.Stat(mainSpec); err == nil {
		t.Error("a dry run writes")
	}
	kops("--yes")
	if got, _ := os.ReadFile(mainSpec); string(got) != "{\n  \"memberCount\": 3,\n  \"etcdVersion\": \"3.6.12\"\n}" {
		t.Errorf("the spec is %q", got)
	}
	if out := kops(); out != "No changes need to be applied\n" {
		t.Errorf("a second dry run: %s", out)
	}
	// Other bytes are a change, whoever wrote them.
	if err := os.WriteFile(mainSpec, []byte("{\n  \"memberCount\":  3,\n  \"etcdVersion\":  \"3.6.12\"\n}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := kops(); !strings.HasPrefix(out, "Will modify resources:\n  ManagedFile/etcd-cluster-spec-main\n") {
		t.Errorf("after etcd-manager wrote it: %s", out)
	}
	if err := act([]string{"update", "cluster", "--state", "file://" + state, "nobody"}, &bytes.Buffer{}); err == nil {
		t.Error("a cluster that is not there is updated")
	}
}

// TestRecord: what it was given, and what its streams are.
func TestRecord(t *testing.T) {
	program, dir := build(t), t.TempDir()
	cmd := exec.Command(program, "get", "clusters", "--odd=\n", "")
	cmd.Env = []string{"STANDIN_KOPS_DIR=" + dir, "STANDIN_KOPS_ASK=1", "STANDIN_KOPS_EXIT=7", "ODD=\n"}
	cmd.Stdin = strings.NewReader("perhaps\nnever read")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 || !strings.Contains(string(out), `kops heard "perhaps"`) {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(filepath.Join(dir, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	var r run
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Args) != 4 || r.Args[2] != "--odd=\n" || r.Args[3] != "" || r.Streams["stdin"] != "pipe" || r.Streams["stdout"] != "pipe" || r.Answer != "perhaps" || len(r.Env) != 4 {
		t.Errorf("it wrote down %+v", r)
	}
}

// TestWait: it lives until SIGTERM, and writes down what came before.
func TestWait(t *testing.T) {
	program, dir := build(t), t.TempDir()
	cmd := exec.Command(program, "version")
	cmd.Env = []string{"STANDIN_KOPS_DIR=" + dir, "STANDIN_KOPS_WAIT=1"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitSignals(t, dir, "ready")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		awaitSignals(t, dir, s.String())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func awaitSignals(t *testing.T, dir, want string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		got, _ := os.ReadFile(filepath.Join(dir, "signals")) // not there yet
		if strings.Contains(string(got), want) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never wrote %q: %s", want, got)
		}
	}
}
