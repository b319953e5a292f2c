package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Stop ends the API server alone: connections to it are refused from then on.
// Its etcd runs on. It does nothing when the API server does not run.
func (k *KubeServer) Stop(t testing.TB) {
	t.Helper()
	k.mustBeOurs(t)
	k.endAPI()
}

// Start starts the API server again after Stop, on the same port, and waits
// until it is ready.
func (k *KubeServer) Start(t testing.TB) {
	t.Helper()
	k.mustBeOurs(t)
	if k.api != nil {
		t.Fatal("testenv: the API server is already running")
	}
	if err := k.startAPI(); err != nil {
		t.Fatalf("testenv: %v", err)
	}
}

// Checkpoint is all that an API server knew at one moment.
type Checkpoint struct {
	snapshot string // path of an etcd snapshot
}

// Checkpoint takes down what the API server knows now, while it runs.
func (k *KubeServer) Checkpoint(t testing.TB) Checkpoint {
	t.Helper()
	c := Checkpoint{snapshot: filepath.Join(t.TempDir(), "snapshot.db")}
	runTool(t, "etcdctl", "--endpoints="+k.Etcd(), "snapshot", "save", c.snapshot)
	return c
}

// Restore puts the API server back to a checkpoint, as an operator does who
// restores its etcd from a backup: what was written since never was, and
// revisions are given out a second time. Both servers are new processes on the
// same ports, and ready.
func (k *KubeServer) Restore(t testing.TB, c Checkpoint) {
	t.Helper()
	k.mustBeOurs(t)
	k.end()
	if err := os.RemoveAll(k.dataDir()); err != nil {
		t.Fatalf("testenv: remove the data of the API server's etcd: %v", err)
	}
	runTool(t, "etcdutl", append([]string{"snapshot", "restore", c.snapshot}, k.member()...)...)
	if err := k.begin(); err != nil {
		t.Fatalf("testenv: %v", err)
	}
}

// mustBeOurs fails a test that would stop the server under all the others.
func (k *KubeServer) mustBeOurs(t testing.TB) {
	t.Helper()
	if k.shared {
		t.Fatal("testenv: the shared API server is not stopped or put back: start one with Kube")
	}
}

func runTool(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(Binary(t, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("testenv: run %s: %v\n%s", name, err, out)
	}
}
