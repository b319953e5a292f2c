package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == process.ServerCommand {
		process.Main(os.Args[2:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// limit is a generous deadline for everything that is waited for.
const limit = 90 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func await(t *testing.T, what string, try func() error) {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond) // between two polls
	}
}

// node is one member's directories and addresses; agents come and go over it.
type node struct {
	cfg   Config
	wrote bool // a key was written, and must be there from then on
}

func newNode(t *testing.T, name string) *node {
	t.Helper()
	// Not t.TempDir: the name of a test may hold what a path of etcd's must not.
	dir, err := os.MkdirTemp("", "agent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ports := testenv.FreePorts(t, 3)
	url := func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }
	n := &node{cfg: Config{Name: name, Cluster: "test", DataDir: filepath.Join(dir, "data"), StateDir: filepath.Join(dir, "state"),
		PeerURL: url(ports[0]), ClientURL: url(ports[1]), Listen: fmt.Sprintf("127.0.0.1:%d", ports[2]),
		UnsafeNoFsync: true, HeartbeatMS: 50, ElectionMS: 500,
		NoteEvery: 50 * time.Millisecond, RestartMin: 20 * time.Millisecond, RestartMax: time.Second, AskTimeout: time.Second}}
	if err := os.Mkdir(n.cfg.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.killEtcd(t) })
	return n
}

// agent is a new instance over the node, not running.
func (n *node) agent(t *testing.T, deps Deps) *Agent {
	t.Helper()
	var a *Agent
	await(t, "the port", func() (err error) {
		// A child of another test holds it from its fork to its exec.
		a, err = New(n.cfg, deps)
		if err != nil && !errors.Is(err, unix.EADDRINUSE) {
			t.Fatal(err)
		}
		return err
	})
	t.Cleanup(func() {
		if deps.Faults != nil {
			select {
			case <-deps.Faults.Dead():
				return // the dead hold their locks for ever
			default:
			}
		}
		a.Close()
	})
	return a
}

// run runs a new instance until the returned function is called, or the test
// ends.
func (n *node) run(t *testing.T, deps Deps) (a *Agent, stop func()) {
	t.Helper()
	a = n.agent(t, deps)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return a, stop
}

func (n *node) dial(t *testing.T) *Client {
	t.Helper()
	c, err := Dial(n.cfg.Name, n.cfg.Listen, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (n *node) etcdDir() string { return filepath.Join(n.cfg.DataDir, etcdDir) }

// pids are the etcd processes on the node's directory.
func (n *node) pids(t *testing.T) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || !strings.Contains(string(line), "--data-dir="+n.etcdDir()+"\x00") {
			continue
		}
		pid := 0
		if _, err := fmt.Sscan(e.Name(), &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (n *node) killEtcd(t *testing.T) {
	t.Helper()
	for _, pid := range n.pids(t) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	await(t, "every etcd to be gone", func() error {
		if pids := n.pids(t); len(pids) > 0 {
			return fmt.Errorf("still there: %v", pids)
		}
		return nil
	})
}

func (n *node) etcd(t *testing.T) *process.Client {
	t.Helper()
	c, err := process.NewClient([]string{n.cfg.ClientURL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (n *node) awaitServing(t *testing.T) *process.Client {
	t.Helper()
	c := n.etcd(t)
	await(t, "a linearizable read", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := c.LinearizableRead(ctx)
		return err
	})
	return c
}

func put(t *testing.T, c *process.Client, key, value string) {
	t.Helper()
	if _, err := c.Etcd().Put(deadline(t), key, value); err != nil {
		t.Fatal(err)
	}
}

func mustHave(t *testing.T, c *process.Client, key, value string) {
	t.Helper()
	r, err := c.Etcd().Get(deadline(t), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Kvs) != 1 || string(r.Kvs[0].Value) != value {
		t.Fatalf("key %s: got %v, want %q: data that were acknowledged are gone", key, r.Kvs, value)
	}
}

var lease1 = Lease{Epoch: 1, Tenure: "t1", Holder: "test", Pass: "p1"}

var born = proof.Identity{Lineage: "lineage-1", Generation: 1, Birth: "birth-1"}

// claim names this node as the one member.
func (n *node) claim(memoryID string) decide.Claim {
	return decide.Claim{Attempt: "attempt-1", Identity: born, State: decide.ClaimOpen, Noted: []string{n.cfg.Name},
		Members: []decide.ClaimMember{{Name: n.cfg.Name, MemoryID: memoryID, PeerURL: n.cfg.PeerURL, ClientURL: n.cfg.ClientURL}}}
}

func (a *Agent) doc(t *testing.T) document {
	t.Helper()
	doc, unknown := a.memory.read(time.Now())
	if unknown != "" {
		t.Fatalf("the memory: %s", unknown)
	}
	return doc
}

// lead runs an act as a leader under lease1 asks for it.
func (a *Agent) lead(ctx context.Context, act func(context.Context) error) error {
	return a.act(ctx, lease1, "test", act)
}

// seed makes the node's cluster of one, and writes a key.
func (n *node) seed(t *testing.T, a *Agent) decide.Claim {
	t.Helper()
	c := n.claim(a.doc(t).ID)
	for _, act := range []func(context.Context) error{
		func(ctx context.Context) error { return a.noteClaim(ctx, claimNote{Claim: c}) },
		func(ctx context.Context) error { return a.startClaimed(ctx, c) },
	} {
		if err := a.lead(deadline(t), act); err != nil {
			t.Fatal(err)
		}
	}
	put(t, n.awaitServing(t), "key", "value")
	return c
}

// rememberBorn is what the leader says once the record is written.
func (n *node) rememberBorn(t *testing.T, a *Agent) {
	t.Helper()
	members := a.Testify(deadline(t)).Node.Part.Members
	if len(members) == 0 {
		t.Fatal("the live etcd gives no members")
	}
	err := a.lead(deadline(t), func(ctx context.Context) error {
		return a.remember(ctx, Remembering{Identity: born, Members: members, Serial: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustRefuse(t *testing.T, err error, says string) {
	t.Helper()
	var no interface{ Refused() bool }
	if !errors.As(err, &no) || !no.Refused() || !strings.Contains(err.Error(), says) {
		t.Fatalf("got %v, want a refusal that says %q", err, says)
	}
}
