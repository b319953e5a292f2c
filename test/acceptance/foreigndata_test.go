package acceptance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/testenv"
)

// The data directory of a stock etcd that nobody vouches for is Conflicting and
// untouched, until a person adopts it: then it serves with all its keys.
func TestAStockDataDirectoryIsAdoptedOnApproval(t *testing.T) {
	f := newFleet(t, 1, 1)
	f.makeStock(f.nodes["a"], 20)
	before := tree(t, filepath.Join(f.nodes["a"].dataDir, "etcd"))
	f.start()
	f.until("the verdict is Conflicting", state(proof.Conflicting))
	f.passes(5)
	if now := tree(t, filepath.Join(f.nodes["a"].dataDir, "etcd")); now != before {
		t.Errorf("the directory was\n%s\nand is\n%s", before, now)
	}
	got := f.command("status")
	if got.code != 3 || !strings.Contains(got.stdout+got.stderr, "approve adopt") {
		t.Errorf("status: exit code %d; want 3, and what to type\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got := f.command("approve", "recreate", "--yes"); got.code != 3 {
		t.Errorf("recreate over it: exit code %d; want 3\n%s", got.code, got.stderr)
	}
	f.must("approve", "adopt", "--yes", "--by", "ann")
	f.until("the cluster serves", serving(1))
	if n := f.keys(); n != 20 {
		t.Errorf("%d keys of 20 are left", n)
	}
}

// makeStock lets a stock etcd write keys into a node's data directory and
// stops it.
func (f *fleet) makeStock(n *node, keys int) {
	f.t.Helper()
	cmd := exec.Command(testenv.Binary(f.t, "etcd"), "--name", n.name, "--data-dir", filepath.Join(n.dataDir, "etcd"),
		"--listen-client-urls", n.client, "--advertise-client-urls", n.client, "--listen-peer-urls", n.peer,
		"--initial-advertise-peer-urls", n.peer, "--initial-cluster", n.name+"="+n.peer, "--unsafe-no-fsync", "--logger", "zap", "--log-outputs", "/dev/null")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		f.t.Fatal(err)
	}
	f.waitFor("the stock etcd serves", func() bool {
		return f.etcd(func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Put(ctx, "stock", "v")
			return err
		}, n.name) == nil
	})
	for i := 1; i < keys; i++ {
		f.put(string(rune('a'+i)), "v")
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() > 0 {
		f.t.Fatalf("the stock etcd: %v", err)
	}
}

// Beside a record and a memory of ours lies another cluster's directory; later
// one that a newer etcd wrote. Neither is started, and neither is touched.
func TestForeignDataBesideOurMemoryIsLeftAlone(t *testing.T) {
	ours, other := newFleet(t, 1, 1), newFleet(t, 1, 1)
	for _, f := range []*fleet{ours, other} {
		f.start()
		f.until("the cluster serves", serving(1))
		f.put("k", "v")
		f.killWithEtcd()
	}
	dir := filepath.Join(ours.nodes["a"].dataDir, "etcd")
	kept := filepath.Join(ours.dir, "kept")
	if err := os.Rename(dir, kept); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(other.nodes["a"].dataDir, "etcd"))); err != nil {
		t.Fatal(err)
	}
	ours.leftAlone("another cluster's data", 3, "explain")

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	bumpStorageVersion(t, filepath.Join(dir, "member", "snap", "db"))
	ours.leftAlone("a newer etcd's data", 4, "written by a newer etcd: its storage version is 3.7")

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept, dir); err != nil {
		t.Fatal(err)
	}
	ours.start()
	ours.until("its own data serves again", serving(1))
	if n := ours.keys(); n != 1 {
		t.Errorf("%d keys of 1 are left", n)
	}
}

// leftAlone starts the agent, lets it look, and stops it.
func (f *fleet) leftAlone(what string, code int, says string) {
	f.t.Helper()
	dir := filepath.Join(f.nodes["a"].dataDir, "etcd")
	before := tree(f.t, dir)
	f.start()
	f.until(what+" was looked at", func(r controller.Report) bool { return r.Verdict.State != proof.Intact })
	f.passes(5)
	got := f.command("status")
	if got.code != code || !strings.Contains(got.stdout+got.stderr, says) {
		f.t.Errorf("%s: status ends with exit code %d; want %d, and %q\n%s%s", what, got.code, code, says, got.stdout, got.stderr)
	}
	f.killWithEtcd()
	if now := tree(f.t, dir); now != before {
		f.t.Errorf("%s: the directory was\n%s\nand is\n%s", what, before, now)
	}
}

// bumpStorageVersion makes the database one that only a newer etcd can read.
func bumpStorageVersion(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("storageVersion"), []byte("3.7.0"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
