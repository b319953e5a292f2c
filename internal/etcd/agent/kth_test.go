package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
)

type ctxT = context.Context

// matrix runs one act with a fault at its k-th call, for every k and every
// mode, then again until it is done, and looks at what is left.
type matrix struct {
	// prepare brings a new node to where the act begins, and gives the act.
	prepare func(t *testing.T, n *node) func(ctx ctxT, a *Agent) error
	// check looks at the end.
	check func(t *testing.T, n *node, a *Agent)
}

func (m matrix) run(t *testing.T) {
	calls := 0
	t.Run("count", func(t *testing.T) { calls = m.one(t, 0, fault.None) })
	if calls == 0 {
		t.Fatal("the act crossed nothing")
	}
	t.Logf("NOTE: %d calls, %d runs", calls, calls*len(modes()))
	for k := 1; k <= calls; k++ {
		for _, mode := range modes() {
			t.Run(fmt.Sprintf("%d/%s", k, mode), func(t *testing.T) {
				t.Parallel() // most of a run is waiting for an election
				m.one(t, k, mode)
			})
		}
	}
}

// modes are all of them, and the hardest alone in a short run.
func modes() []fault.Mode {
	if testing.Short() {
		return []fault.Mode{fault.CrashedAfter}
	}
	return fault.Modes
}

// one run; it gives the number of calls that the act made.
func (m matrix) one(t *testing.T, k int, mode fault.Mode) int {
	n := newNode(t, "a")
	act := m.prepare(t, n)
	faults := fault.NewInjector(k, mode)
	a := n.agent(t, Deps{Faults: faults})
	err, crashed := attempt(t, a, faults, mode, act)
	if k > 0 && faults.Struck() == nil {
		t.Fatalf("call %d never came", k)
	}
	if k > 0 && err == nil && !crashed {
		t.Fatalf("call %d (%s) was struck, and the act says that it is done", k, faults.Struck())
	}
	calls := faults.Count()
	if crashed {
		n.closeAsKernel(t, a)
		a = n.agent(t, Deps{})
		await(t, "the boot", func() error { return a.boot(deadline(t)) })
	}
	await(t, "the act to be done", func() error { return a.lead(deadline(t), func(ctx ctxT) error { return act(ctx, a) }) })
	m.check(t, n, a)

	before := listing(t, n)
	if err := a.lead(deadline(t), func(ctx ctxT) error { return act(ctx, a) }); err != nil {
		t.Fatalf("the act again: %v", err)
	}
	if after := listing(t, n); after != before {
		t.Fatalf("at rest something was written:\n%s\nbefore:\n%s", after, before)
	}
	m.check(t, n, a)
	return calls
}

// closeAsKernel closes what the kernel closes when a process dies: the port,
// and the start lock that a crash amid a start leaves open here.
func (n *node) closeAsKernel(t *testing.T, a *Agent) {
	t.Helper()
	a.listener.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, err := os.Readlink("/proc/self/fd/" + fd.Name())
		number, nerr := strconv.Atoi(fd.Name())
		if err == nil && nerr == nil && target == filepath.Join(n.cfg.StateDir, "process.lock") {
			_ = unix.Close(number)
		}
	}
}

// attempt runs the act until it ends, or the instance crashes. A call that
// hangs is given up once it is reached.
func attempt(t *testing.T, a *Agent, faults *fault.Injector, mode fault.Mode, act func(ctxT, *Agent) error) (err error, crashed bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.lead(ctx, func(ctx ctxT) error { return act(ctx, a) }) }()
	await(t, "the act to end, or to be struck", func() error {
		select {
		case err = <-done:
			return nil
		case <-faults.Dead():
			crashed = true
			return nil
		default:
		}
		if mode == fault.Hung && faults.Struck() != nil {
			cancel()
		}
		return errors.New("it goes on")
	})
	return err, crashed
}

// listing is every file of ours with its time; etcd's own are left out.
func listing(t *testing.T, n *node) string {
	t.Helper()
	var b strings.Builder
	for _, root := range []string{n.cfg.DataDir, n.cfg.StateDir} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if e.Name() == memberDir {
				return filepath.SkipDir
			}
			if strings.Contains(e.Name(), "etcd.log") || e.Name() == "process.json" || e.Name() == "process.lock" {
				return nil
			}
			fmt.Fprintf(&b, "%s %d\n", path, modTime(t, path))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func mustServeBorn(t *testing.T, n *node, a *Agent) {
	t.Helper()
	n.awaitServing(t)
	p := a.Testify(deadline(t)).Node.Part
	if p.Identity != born || !p.Live {
		t.Fatalf("the part: %+v", p)
	}
	if pids := n.pids(t); len(pids) != 1 {
		t.Fatalf("processes: %v", pids)
	}
	entries, err := os.ReadDir(n.cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Fatalf("%s was left behind", e.Name())
		}
	}
}

func TestNoteClaimKthFault(t *testing.T) {
	matrix{
		prepare: func(t *testing.T, n *node) func(ctxT, *Agent) error {
			return func(ctx ctxT, a *Agent) error {
				doc, _ := a.memory.read(a.deps.Clock.Now())
				return a.noteClaim(ctx, claimNote{Claim: n.claim(doc.ID)})
			}
		},
		check: func(t *testing.T, n *node, a *Agent) {
			s := a.Testify(deadline(t))
			if s.Node.Memory.Claim != "attempt-1" || s.Node.Part.Finding != proof.Absent || len(n.pids(t)) != 0 {
				t.Fatalf("after noting: %+v", s.Node)
			}
		},
	}.run(t)
}

func TestStartClaimedKthFault(t *testing.T) {
	matrix{
		prepare: func(t *testing.T, n *node) func(ctxT, *Agent) error {
			a := n.agent(t, Deps{})
			claim := n.claim(a.doc(t).ID)
			if err := a.lead(deadline(t), func(ctx ctxT) error { return a.noteClaim(ctx, claimNote{Claim: claim}) }); err != nil {
				t.Fatal(err)
			}
			a.Close()
			return func(ctx ctxT, a *Agent) error { return a.startClaimed(ctx, claim) }
		},
		check: func(t *testing.T, n *node, a *Agent) {
			mustServeBorn(t, n, a)
			if s := a.Testify(deadline(t)); s.Node.Memory.Started != "attempt-1" || s.Node.Memory.Identity != born {
				t.Fatalf("the memory: %+v", s.Node.Memory)
			}
			c := n.etcd(t)
			if !n.wrote {
				n.wrote = true
				put(t, c, "key", "value")
			}
			mustHave(t, c, "key", "value")
		},
	}.run(t)
}

func TestRetireKthFault(t *testing.T) {
	matrix{
		prepare: func(t *testing.T, n *node) func(ctxT, *Agent) error {
			a := n.agent(t, Deps{})
			n.seed(t, a)
			n.rememberBorn(t, a)
			a.Close()
			return func(ctx ctxT, a *Agent) error { return a.retire(ctx, Retiring{Reason: "removed", Was: born}) }
		},
		check: func(t *testing.T, n *node, a *Agent) {
			s := a.Testify(deadline(t))
			if s.Node.Part.Finding != proof.Absent || len(n.pids(t)) != 0 {
				t.Fatalf("the part: %+v, processes %v", s.Node.Part, n.pids(t))
			}
			if len(s.Node.Trash) != 1 || s.Node.Trash[0].Identity != born {
				t.Fatalf("the trash: %+v", s.Node.Trash)
			}
			entries, err := filepath.Glob(filepath.Join(n.cfg.DataDir, trashDir, "*", memberDir, "snap", "db"))
			if err != nil || len(entries) != 1 {
				t.Fatalf("databases in the trash: %v, %v", entries, err)
			}
		},
	}.run(t)
}

func TestAdoptKthFault(t *testing.T) {
	matrix{
		prepare: func(t *testing.T, n *node) func(ctxT, *Agent) error {
			a := n.agent(t, Deps{})
			n.seed(t, a)
			s := a.Testify(deadline(t))
			was := stockIdentity(s.EtcdClusterID)
			a.Close()
			// The directory of somebody else's etcd, which runs on.
			mustRemove(t, filepath.Join(n.etcdDir(), dirMarkName))
			mustRemove(t, n.cfg.StateDir+"/"+memoryName)
			mustRemove(t, n.cfg.DataDir+"/seedproof-mark.json")
			return func(ctx ctxT, a *Agent) error { return a.adopt(ctx, born, was) }
		},
		check: func(t *testing.T, n *node, a *Agent) {
			mustServeBorn(t, n, a)
			mustHave(t, n.etcd(t), "key", "value")
			if s := a.Testify(deadline(t)); s.Node.Memory.Identity != born || s.Node.Memory.Finding != proof.Present {
				t.Fatalf("the memory: %+v", s.Node.Memory)
			}
		},
	}.run(t)
}

func TestStartJoiningKthFault(t *testing.T) {
	matrix{
		prepare: func(t *testing.T, n *node) func(ctxT, *Agent) error {
			j := seedToJoin(t, n)
			return func(ctx ctxT, a *Agent) error { return a.startJoining(ctx, j) }
		},
		check: func(t *testing.T, n *node, a *Agent) {
			await(t, "the learner to answer", func() error {
				s := a.Testify(deadline(t))
				if p := s.Node.Part; !p.Live || !s.Learner || p.Identity != born || p.ID == 0 {
					return fmt.Errorf("%+v", p)
				}
				return nil
			})
			if pids := n.pids(t); len(pids) != 1 {
				t.Fatalf("processes: %v", pids)
			}
			if doc := a.doc(t); doc.Joined == nil || doc.Joined.MemberID != a.Testify(deadline(t)).Node.Part.ID {
				t.Fatalf("the joining is not noted: %+v", doc.Joined)
			}
		},
	}.run(t)
}

// seedToJoin makes a cluster of another node, and adds n to it as a learner.
func seedToJoin(t *testing.T, n *node) Joining {
	t.Helper()
	seed := newNode(t, "seed")
	leader := seed.agent(t, Deps{})
	seed.seed(t, leader)
	added, err := seed.etcd(t).MemberAddAsLearner(deadline(t), []string{n.cfg.PeerURL})
	if err != nil {
		t.Fatal(err)
	}
	list := leader.Testify(deadline(t)).Node.Part.Members
	if len(list) != 2 {
		t.Fatalf("members: %+v", list)
	}
	return Joining{Identity: born, ID: added.ID, Members: list}
}
