package controller

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/testenv"
)

// stage is a cluster whose instances can crash: agents in this process with
// etcds that outlive them, and stores in memory. An error ends its run by a
// panic with a broken, since runs go on in lanes beside each other.
type stage struct {
	control, backup *spied
	dir, bin        string
	names           []string
	spec            record.Spec
	ports           map[string][]int
	addrs           map[string]string
	log             *slog.Logger
	pace            pace

	mu      sync.Mutex
	agents  map[string]*instance
	acts    atomic.Int64 // calls to agents that ask for an act, other than to hear the lease
	endless sync.Map     // calls that were made without a deadline
}

// broken ends a run.
type broken struct{ why string }

func fail(format string, args ...any) { panic(broken{fmt.Sprintf(format, args...)}) }

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// stepLimit is a generous deadline for whatever a run waits for.
const stepLimit = 60 * time.Second

// pace is how fast everything on a stage goes.
type pace struct {
	interval, term          time.Duration // of the controllers
	note                    time.Duration // between two notes of an agent
	heartbeatMS, electionMS uint          // of the etcds
	lanes                   int           // beside each other
}

var (
	// quickly is the pace of most flows.
	quickly = pace{interval: 10 * time.Millisecond, term: 100 * time.Millisecond, note: 20 * time.Millisecond,
		heartbeatMS: 20, electionMS: 200, lanes: 2}
	// unhurried is the pace of joining real etcds. They take no other member
	// before all have been connected for five seconds, and quickly that is two
	// hundred passes of waiting, each struck like the others. Twice a second it
	// is ten; more often, and the flow escalates before the five seconds are over.
	unhurried = pace{interval: 500 * time.Millisecond, term: 2 * time.Second, note: 200 * time.Millisecond,
		heartbeatMS: 50, electionMS: 500, lanes: 12}
)

// hungLimit ends a call that hangs.
const hungLimit = 250 * time.Millisecond

// newStage makes a stage for members names; bin holds their etcd, and is empty
// for the real one.
func newStage(t *testing.T, bin string, members int, p pace) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir(), bin: bin, pace: p, spec: record.DefaultSpec(members),
		ports: map[string][]int{}, addrs: map[string]string{}, agents: map[string]*instance{}}
	s.emptyStores()
	s.log = slog.New(slog.NewTextHandler(&testLog{t: t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	for i := range members {
		name := string(rune('a' + i))
		s.names = append(s.names, name)
		s.ports[name] = testenv.FreePorts(t, 3)
		s.addrs[name] = fmt.Sprintf("127.0.0.1:%d", s.ports[name][0])
	}
	t.Cleanup(s.end)
	return s
}

func (s *stage) emptyStores() {
	s.control, s.backup = &spied{Store: mem.New("control")}, &spied{Store: mem.New("backup")}
}

// wipe brings the stage to where nothing ever was.
func (s *stage) wipe() {
	s.end()
	for _, name := range s.names {
		must(os.RemoveAll(filepath.Join(s.dir, name)))
	}
	s.emptyStores()
}

// end stops the agents and kills the etcds.
func (s *stage) end() {
	for _, name := range slices.Sorted(maps.Keys(s.agents)) {
		s.stop(name)
	}
	s.killEtcds()
}

// instance is one run of an agent.
type instance struct {
	agent  *agent.Agent
	faults *fault.Injector
	addr   string
	stop   context.CancelFunc
	done   chan error
	dead   chan struct{} // closed when it has crashed
}

func (s *stage) dataDir(name string) string  { return filepath.Join(s.dir, name, "data") }
func (s *stage) stateDir(name string) string { return filepath.Join(s.dir, name, "state") }
func (s *stage) clientURL(name string) string {
	return fmt.Sprintf("http://127.0.0.1:%d", s.ports[name][2])
}

func (s *stage) start(name string, faults *fault.Injector) {
	must(os.MkdirAll(s.dataDir(name), 0o700))
	p := s.ports[name]
	deadline := time.Now().Add(stepLimit)
	for { // the port of an instance that has just crashed may not be free yet
		a, err := agent.New(agent.Config{
			Name: name, Cluster: "test", DataDir: s.dataDir(name), StateDir: s.stateDir(name),
			PeerURL: fmt.Sprintf("http://127.0.0.1:%d", p[1]), ClientURL: s.clientURL(name),
			Listen: s.addrs[name], Peers: maps.Clone(s.addrs), EtcdBinDir: s.bin, UnsafeNoFsync: true, HeartbeatMS: s.pace.heartbeatMS, ElectionMS: s.pace.electionMS,
			NoteEvery: s.pace.note, RestartMin: 20 * time.Millisecond, RestartMax: 200 * time.Millisecond,
			StopGrace: 2 * time.Second, AskTimeout: 500 * time.Millisecond,
		}, agent.Deps{Log: s.log.With("agent", name), Faults: faults})
		if err == nil {
			s.run(name, a, faults)
			return
		}
		if !strings.Contains(err.Error(), "address already in use") || time.Now().After(deadline) {
			fail("start agent %s: %v", name, err)
		}
		pause(time.Millisecond)
	}
}

func (s *stage) run(name string, a *agent.Agent, faults *fault.Injector) {
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{agent: a, faults: faults, addr: s.addrs[name], stop: cancel, done: make(chan error, 1), dead: make(chan struct{})}
	go func() { i.done <- a.Run(ctx) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents[name] = i
}

func (s *stage) startAll() {
	for _, name := range s.names {
		if s.instance(name) == nil {
			s.start(name, nil)
		}
	}
}

func (s *stage) instance(name string) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agents[name]
}

// stop ends an agent in good order; its etcd lives on.
func (s *stage) stop(name string) {
	i := s.instance(name)
	if i == nil {
		return
	}
	s.forget(name)
	i.stop()
	select {
	case <-i.done:
	case <-time.After(stepLimit):
		fail("agent %s does not end", name)
	}
}

func (s *stage) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.agents, name)
}

// crash does for an instance whose injector has struck what the kernel does:
// its connections break, and its port is free.
func (s *stage) crash(name string) {
	i := s.instance(name)
	s.forget(name)
	close(i.dead)
	go i.agent.Close()
}

// relieve ends an instance that may still be struck, and starts one that may
// not.
func (s *stage) relieve(name string, faults *fault.Injector) {
	i := s.instance(name)
	i.stop()
	select {
	case <-i.done:
		s.forget(name)
	case <-faults.Dead():
		s.crash(name)
	case <-time.After(stepLimit):
		fail("agent %s does not end", name)
	}
	s.start(name, nil)
}

// etcds are the etcd processes of the stage by data directory.
func (s *stage) etcds() map[string][]int {
	entries, err := os.ReadDir("/proc")
	must(err)
	found := map[string][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		_, rest, ok := strings.Cut(string(line), "--data-dir="+s.dir+"/")
		if err != nil || !ok {
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		found[name] = append(found[name], pid)
	}
	return found
}

func (s *stage) killEtcds(names ...string) {
	for name, pids := range s.etcds() {
		for _, pid := range pids {
			if len(names) == 0 || slices.Contains(names, name) {
				s.kill(pid)
			}
		}
	}
	await("the etcds to be gone", func() bool {
		for name := range s.etcds() {
			if len(names) == 0 || slices.Contains(names, name) {
				return false
			}
		}
		return true
	})
}

// kill takes hold of the process before it asks again whose it is: ids come
// round within minutes here.
func (s *stage) kill(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // gone
	}
	defer func() { _ = unix.Close(fd) }()
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err == nil && strings.Contains(string(line), "--data-dir="+s.dir+"/") {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

func pause(d time.Duration) { _ = flow.RealClock{}.Sleep(context.Background(), d) }

// await polls, with a generous end.
func await(what string, holds func() bool) {
	deadline := time.Now().Add(stepLimit)
	for !holds() {
		if time.Now().After(deadline) {
			fail("waited in vain for %s", what)
		}
		pause(3 * time.Millisecond)
	}
}

// controller is a new one beside the agent called name. faults strikes its
// calls; with limit each of them ends after it.
func (s *stage) controller(name string, faults *fault.Injector, limit time.Duration) *Controller {
	return New(Config{
		Name: name, Cluster: "test", Spec: s.spec, ControlStore: "mem://control", BackupStore: "mem://backup",
		Interval: s.pace.interval, Term: s.pace.term, Peers: maps.Clone(s.addrs),
	}, Deps{
		Dial: func(name, _ string) (Peer, error) { return &wire{s: s, name: name, faults: faults, limit: limit}, nil },
		OpenStore: func(_ context.Context, url string) (store.Store, error) {
			stores := map[string]store.Store{"mem://control": s.control, "mem://backup": s.backup}
			return &limited{Store: store.WithFaults(stores[url], faults), s: s, limit: limit}, nil
		},
		Clock: flow.RealClock{}, Log: s.log.With("controller", name), Faults: faults,
	})
}

// client asks the etcd of one member.
func (s *stage) client(name string) *process.Client {
	c, err := process.NewClient([]string{s.clientURL(name)}, nil)
	must(err)
	return c
}

func (s *stage) put(name, key, value string) {
	c := s.client(name)
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
	defer cancel()
	must(untilAnswered(ctx, func() error { _, err := c.Etcd().Put(ctx, key, value); return err }))
}

// untilAnswered asks again while the etcds elect a leader anew, as they may at
// any time on a busy machine.
func untilAnswered(ctx context.Context, ask func() error) error {
	err := ask()
	for err != nil && ctx.Err() == nil {
		pause(20 * time.Millisecond)
		err = ask()
	}
	return err
}

func (s *stage) mustHave(name, key, value string) {
	c := s.client(name)
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
	defer cancel()
	var got *clientv3.GetResponse
	must(untilAnswered(ctx, func() (err error) { got, err = c.Etcd().Get(ctx, key); return err }))
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != value {
		fail("member %s has %v under %s, want %q: what was acknowledged is gone", name, got.Kvs, key, value)
	}
}

// trees is every file of the nodes but etcd's own and its logs.
func (s *stage) trees() string {
	var b strings.Builder
	for _, name := range s.names {
		err := filepath.WalkDir(filepath.Join(s.dir, name), func(path string, e fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil
			case err != nil:
				return err
			case e.IsDir() && e.Name() == "member":
				return filepath.SkipDir
			case strings.HasPrefix(e.Name(), "etcd.log"):
				return nil
			}
			info, err := e.Info()
			if err == nil {
				fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
		must(err)
	}
	return b.String()
}
