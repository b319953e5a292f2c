package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

func TestSeedServeRestartAdopt(t *testing.T) {
	n := newNode(t, "a")
	a, stop := n.run(t, Deps{})
	c := n.dial(t)
	before, err := c.Testify(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if p := before.Node.Part; p.Finding != proof.Absent || !before.EmptyVolume || before.Node.Memory.Finding != proof.Absent {
		t.Fatalf("a new node testifies %+v, %+v", p, before.Node.Memory)
	}
	claim := n.claim(before.Node.Memory.ID)
	if err := c.NoteClaim(deadline(t), lease1, claim, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.StartClaimed(deadline(t), lease1, claim); err != nil {
		t.Fatal(err)
	}
	etcd := n.awaitServing(t)
	put(t, etcd, "key", "value")
	live, err := c.Testify(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	p := live.Node.Part
	if p.Finding != proof.Present || p.Identity != born || p.Claim != claim.Attempt || !p.Live || !p.Linearizable || p.ID == 0 || p.Revision < 2 {
		t.Fatalf("the live part: %+v", p)
	}
	if live.Node.Memory.Started != claim.Attempt || live.Node.Memory.Identity != born || live.EtcdPID == 0 || live.EtcdClusterID == 0 {
		t.Fatalf("the memory beside it: %+v; %+v", live.Node.Memory, live)
	}
	n.rememberBorn(t, a)
	if doc := a.doc(t); doc.Claim != nil || doc.Started != nil || doc.Identity != born {
		t.Fatalf("once born the claim is a thing of the past: %+v", doc)
	}

	// etcd dies: it is started again, with its data.
	if err := unix.Kill(live.EtcdPID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "another etcd", func() error {
		if pids := n.pids(t); len(pids) != 1 || pids[0] == live.EtcdPID {
			return fmt.Errorf("processes: %v", pids)
		}
		return nil
	})
	mustHave(t, n.awaitServing(t), "key", "value")

	// The agent dies: etcd lives, and the next agent adopts it.
	pid := n.pids(t)[0]
	stop()
	if pids := n.pids(t); len(pids) != 1 || pids[0] != pid {
		t.Fatalf("after the agent's end: %v, want %d alone", pids, pid)
	}
	a2, _ := n.run(t, Deps{})
	await(t, "the adoption", func() error {
		if s := a2.Testify(deadline(t)); s.EtcdPID != pid || !s.Node.Part.Live {
			return fmt.Errorf("pid %d: %+v", s.EtcdPID, s.Node.Part)
		}
		return nil
	})
	mustHave(t, n.etcd(t), "key", "value")
}

func TestStartsAtBootWithoutAnybody(t *testing.T) {
	n := newNode(t, "a")
	a, stop := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	stop()
	n.killEtcd(t)
	n.run(t, Deps{})
	mustHave(t, n.awaitServing(t), "key", "value")
}

func TestPositionsAreNotedAndMarkCompleted(t *testing.T) {
	n := newNode(t, "a")
	a, _ := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	want := a.Testify(deadline(t)).Node.Part
	await(t, "the note", func() error {
		doc := a.doc(t)
		if doc.Noted == nil || doc.Noted.Position.Before(want.Position) || doc.Noted.Revision < want.Revision {
			return fmt.Errorf("noted %+v, want %+v", doc.Noted, want.Position)
		}
		return nil
	})
	await(t, "the mark to bear the member's id", func() error {
		m, err := readDirMark(a.dir.dirMark())
		if err != nil {
			return err
		}
		if m.MemberID != want.ID || m.ClusterID == 0 {
			return fmt.Errorf("it bears %x", m.MemberID)
		}
		return nil
	})
	// At rest nothing more is written.
	before := modTime(t, a.dir.memory())
	mark := modTime(t, a.dir.dirMark())
	for range 5 {
		obs, ok := a.observe(deadline(t))
		if !ok {
			t.Fatal("the live etcd cannot be observed")
		}
		if err := a.note(deadline(t), obs.data); err != nil {
			t.Fatal(err)
		}
	}
	if modTime(t, a.dir.memory()) != before || modTime(t, a.dir.dirMark()) != mark {
		t.Fatal("the memory or the mark was written at rest")
	}
}

func modTime(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime().UnixNano()
}

func TestRolledBackDirectoryIsNotStarted(t *testing.T) {
	n := newNode(t, "a")
	a, stop := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	await(t, "the mark to be complete", func() error {
		if m, err := readDirMark(a.dir.dirMark()); err != nil || m.MemberID == 0 {
			return fmt.Errorf("%v %v", m, err)
		}
		return nil
	})
	stop()
	n.killEtcd(t)
	old := t.TempDir() + "/old"
	if err := os.CopyFS(old, os.DirFS(n.etcdDir())); err != nil {
		t.Fatal(err)
	}

	a, stop = n.run(t, Deps{})
	etcd := n.awaitServing(t)
	for i := range 50 {
		put(t, etcd, fmt.Sprintf("more/%d", i), "value")
	}
	want := a.Testify(deadline(t)).Node.Part.Position
	await(t, "the note of the newer position", func() error {
		if doc := a.doc(t); doc.Noted == nil || doc.Noted.Position.Before(want) {
			return errors.New("not yet")
		}
		return nil
	})
	stop()
	n.killEtcd(t)
	if err := os.RemoveAll(n.etcdDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(n.etcdDir(), os.DirFS(old)); err != nil {
		t.Fatal(err)
	}

	a = n.agent(t, Deps{})
	if err := a.boot(deadline(t)); err != nil {
		t.Fatal(err)
	}
	s := a.Testify(deadline(t))
	if !s.Node.Part.RolledBack || len(n.pids(t)) != 0 || len(s.Troubles) == 0 {
		t.Fatalf("a rolled-back directory: %+v, processes %v", s.Node.Part, n.pids(t))
	}
	mustRefuse(t, a.lead(deadline(t), a.start), "an old copy was put back")
}

func TestSecondStartWithoutDataIsRefused(t *testing.T) {
	for _, tc := range []struct {
		reason string
		lose   func(t *testing.T, n *node)
		says   string
	}{
		{"the directory is gone", func(t *testing.T, n *node) { mustRemove(t, n.etcdDir()) }, "its data is gone"},
		{"the member directory is gone, the mark is there", func(t *testing.T, n *node) { mustRemove(t, n.etcdDir()+"/member") }, "is gone"},
		{"the whole volume was emptied", func(t *testing.T, n *node) {
			mustRemove(t, n.etcdDir())
			mustRemove(t, n.cfg.DataDir+"/seedproof-mark.json")
		}, "its data is gone"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			n := newNode(t, "a")
			a, stop := n.run(t, Deps{})
			claim := n.seed(t, a)
			await(t, "a first note", func() error {
				if a.doc(t).Noted == nil {
					return errors.New("not yet")
				}
				return nil
			})
			stop()
			n.killEtcd(t)
			tc.lose(t, n)
			a = n.agent(t, Deps{})
			await(t, "the locks of the dead to be free", func() error {
				p := a.Testify(deadline(t)).Node.Part
				if p.Finding == proof.Present {
					t.Fatalf("the part: %+v", p)
				}
				if p.Finding == proof.Unknown {
					return errors.New(p.Why)
				}
				return nil
			})
			mustRefuse(t, a.lead(deadline(t), func(ctx ctxT) error { return a.startClaimed(ctx, claim) }), tc.says)
			if len(n.pids(t)) != 0 {
				t.Fatal("an etcd was started over lost data")
			}
		})
	}
}

func mustRemove(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func TestRetireKeepsAndTestifies(t *testing.T) {
	n := newNode(t, "a")
	a, _ := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	err := a.lead(deadline(t), func(ctx ctxT) error {
		return a.retire(ctx, Retiring{Reason: "Removed!", Was: proof.Identity{Lineage: "other"}})
	})
	mustRefuse(t, err, "is to be retired as other")
	retire := func(ctx ctxT) error { return a.retire(ctx, Retiring{Reason: "Removed!", Was: born}) }
	if err := a.lead(deadline(t), retire); err != nil {
		t.Fatal(err)
	}
	s := a.Testify(deadline(t))
	if s.Node.Part.Finding != proof.Absent || len(n.pids(t)) != 0 {
		t.Fatalf("after retiring: %+v, processes %v", s.Node.Part, n.pids(t))
	}
	want := decide.Trace{Finding: proof.Present, Identity: born}
	if len(s.Node.Trash) != 1 || s.Node.Trash[0].Finding != want.Finding || s.Node.Trash[0].Identity != want.Identity {
		t.Fatalf("the trash testifies %+v", s.Node.Trash)
	}
	if err := a.lead(deadline(t), retire); err != nil {
		t.Fatalf("the call again: %v", err)
	}
}

func TestHangingEtcdTestifiesFromWhatIsKnown(t *testing.T) {
	n := newNode(t, "a")
	n.cfg.AskTimeout = 200 * time.Millisecond
	a, _ := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	await(t, "the mark to be complete", func() error {
		if m, err := readDirMark(a.dir.dirMark()); err != nil || m.MemberID == 0 {
			return fmt.Errorf("%v %v", m, err)
		}
		return nil
	})
	pid := n.pids(t)[0]
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, "the silence to be seen", func() error {
		p := a.Testify(deadline(t)).Node.Part
		if p.Finding != proof.Present || p.Live || p.Identity != born || !p.HasData || p.ID == 0 || len(p.Members) != 1 || p.Position.Index == 0 {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	n.awaitServing(t)
	if pids := n.pids(t); len(pids) != 1 || pids[0] != pid {
		t.Fatalf("a hanging etcd is no dead one: %v", pids)
	}
}

func TestStockDirectoryIsNotStartedUntilAdopted(t *testing.T) {
	n := newNode(t, "a")
	a, stop := n.run(t, Deps{})
	n.seed(t, a)
	was := stockIdentity(a.Testify(deadline(t)).EtcdClusterID)
	stop()
	n.killEtcd(t)
	mustRemove(t, a.dir.dirMark())
	mustRemove(t, n.cfg.StateDir)
	mustRemove(t, n.cfg.DataDir+"/seedproof-mark.json")

	a, _ = n.run(t, Deps{})
	p := a.Testify(deadline(t)).Node.Part
	if p.Finding != proof.Present || p.Identity != was || !p.HasData || p.Live {
		t.Fatalf("a stock directory: %+v", p)
	}
	mustRefuse(t, a.lead(deadline(t), a.start), "is to be adopted first")
	wrong := func(ctx ctxT) error { return a.adopt(ctx, born, proof.Identity{Lineage: "etcd:0"}) }
	mustRefuse(t, a.lead(deadline(t), wrong), "was approved for")
	adopt := func(ctx ctxT) error { return a.adopt(ctx, born, was) }
	if err := a.lead(deadline(t), adopt); err != nil {
		t.Fatal(err)
	}
	mustHave(t, n.awaitServing(t), "key", "value")
	if p := a.Testify(deadline(t)).Node.Part; p.Identity != born {
		t.Fatalf("after the adoption: %+v", p)
	}
}

func TestEtcdEndsWithTheAgentWhenTold(t *testing.T) {
	n := newNode(t, "a")
	n.cfg.StopEtcdOnExit = true
	a, stop := n.run(t, Deps{})
	n.seed(t, a)
	stop()
	if pids := n.pids(t); len(pids) != 0 {
		t.Fatalf("left running: %v", pids)
	}
}

func TestHooksAreUnavailableUntilSet(t *testing.T) {
	n := newNode(t, "a")
	a, _ := n.run(t, Deps{})
	c := n.dial(t)
	if _, err := c.Report(deadline(t)); status.Code(err) != codes.Unavailable {
		t.Fatalf("got %v", err)
	}
	a.SetHooks(Hooks{
		Report: func(context.Context) ([]byte, error) { return []byte("{}"), nil },
		Configure: func(context.Context, *agentv1.ConfigureRequest) (*agentv1.ConfigureReply, error) {
			return nil, refuse("no such field")
		},
	})
	if got, err := c.Report(deadline(t)); err != nil || string(got) != "{}" {
		t.Fatalf("got %q, %v", got, err)
	}
	_, err := c.Configure(deadline(t), &agentv1.ConfigureRequest{})
	mustRefuse(t, err, "no such field")
}
