package controller

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == process.ServerCommand {
		process.Main(os.Args[2:])
		os.Exit(0)
	}
	code := m.Run()
	removeStandin()
	os.Exit(code)
}

// rig is a cluster of agents in this process, each with a real etcd, on stores
// in memory. Passes are made by hand, so that a test says when.
type rig struct {
	t       *testing.T
	control *mem.Store
	backup  *mem.Store
	dir     string
	names   []string
	addrs   map[string]string
	ports   map[string][]int
	agents  map[string]*running
	spec    record.Spec
	log     *slog.Logger
}

type running struct {
	agent *agent.Agent
	stop  context.CancelFunc
	done  chan error
}

func newRig(t *testing.T, members int) *rig {
	t.Helper()
	r := &rig{t: t, control: mem.New("control"), backup: mem.New("backup"), dir: t.TempDir(),
		addrs: map[string]string{}, ports: map[string][]int{}, agents: map[string]*running{}, spec: record.DefaultSpec(members)}
	r.log = slog.New(slog.NewTextHandler(&testLog{t: t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	for i := range members {
		r.addName(string(rune('a' + i)))
	}
	t.Cleanup(r.stopAll)
	return r
}

// testLog writes into the test's log, and nothing after its end.
type testLog struct {
	mu sync.Mutex
	t  *testing.T
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.t.Context().Err() == nil && os.Getenv("SEEDPROOF_TEST_LOG") != "" {
		l.t.Log(string(p[:len(p)-1]))
	}
	return len(p), nil
}

func (r *rig) addName(name string) {
	r.names = append(r.names, name)
	r.ports[name] = testenv.FreePorts(r.t, 3)
	r.addrs[name] = fmt.Sprintf("127.0.0.1:%d", r.ports[name][0])
}

func (r *rig) startAll() {
	for _, name := range r.names {
		r.start(name)
	}
}

func (r *rig) start(name string) {
	r.t.Helper()
	p := r.ports[name]
	a, err := agent.New(agent.Config{
		Name: name, Cluster: "test", DataDir: r.dataDir(name), StateDir: filepath.Join(r.dir, name, "state"),
		PeerURL: fmt.Sprintf("http://127.0.0.1:%d", p[1]), ClientURL: fmt.Sprintf("http://127.0.0.1:%d", p[2]),
		Listen: r.addrs[name], Peers: maps.Clone(r.addrs), UnsafeNoFsync: true, HeartbeatMS: 20, ElectionMS: 200,
		NoteEvery: 50 * time.Millisecond, RestartMin: 50 * time.Millisecond, StopGrace: 10 * time.Second, AskTimeout: 2 * time.Second,
		StopEtcdOnExit: true,
	}, agent.Deps{Log: r.log.With("agent", name)})
	if err != nil {
		r.t.Fatalf("agent %s: %v", name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := &running{agent: a, stop: cancel, done: make(chan error, 1)}
	go func() { run.done <- a.Run(ctx) }()
	r.agents[name] = run
}

func (r *rig) dataDir(name string) string {
	dir := filepath.Join(r.dir, name, "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	return dir
}

func (r *rig) stop(name string) {
	run := r.agents[name]
	if run == nil {
		return
	}
	delete(r.agents, name)
	run.stop()
	if err := <-run.done; err != nil {
		r.t.Errorf("agent %s: %v", name, err)
	}
}

func (r *rig) stopAll() {
	for _, name := range slices.Sorted(maps.Keys(r.agents)) {
		r.stop(name)
	}
}

// controller is a controller beside the agent called name, over the rig's
// stores. faults strikes its calls to agents and stores.
func (r *rig) controller(name string, faults *fault.Injector) *Controller {
	return New(Config{
		Name: name, Cluster: "test", Spec: r.spec, ControlStore: "mem://control", BackupStore: "mem://backup",
		Interval: 50 * time.Millisecond, Term: 300 * time.Millisecond, Peers: maps.Clone(r.addrs),
	}, Deps{
		Dial: func(name, addr string) (Peer, error) { return agent.Dial(name, addr, nil, faults) },
		OpenStore: func(_ context.Context, url string) (store.Store, error) {
			stores := map[string]store.Store{"mem://control": r.control, "mem://backup": r.backup}
			if s, ok := stores[url]; ok {
				return store.WithFaults(s, faults), nil
			}
			return nil, fmt.Errorf("no store %s", url)
		},
		Clock: flow.RealClock{}, Log: r.log.With("controller", name),
	})
}

// until makes passes until the condition holds.
func (r *rig) until(c *Controller, what string, holds func(Report) bool) Report {
	r.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		c.Pass(r.t.Context())
		report := c.Report()
		if holds(report) {
			return report
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("waiting for %s: verdict %s (%s), troubles %v, escalations %v", what, report.Verdict.State, report.Verdict.Why, report.Troubles, report.Escalations)
		}
		_ = flow.RealClock{}.Sleep(r.t.Context(), 20*time.Millisecond)
	}
}

func intactAndServing(members int) func(Report) bool {
	return func(rep Report) bool {
		serving := 0
		for _, m := range rep.Members {
			if m.Serves {
				serving++
			}
		}
		return rep.Verdict.State == proof.Intact && serving == members
	}
}
