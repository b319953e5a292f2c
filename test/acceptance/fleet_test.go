package acceptance

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	interval = 200 * time.Millisecond
	limit    = 2 * time.Minute // of any waiting: a busy machine, not a slow cluster
	pollPace = 25 * time.Millisecond
)

// fleet is a set of `seedproof etcd agent` processes that no supervisor
// watches: what a test kills stays dead until the test starts it again. They
// serve on loopback without TLS.
type fleet struct {
	t       *testing.T
	dir     string
	members int
	backup  string // URL
	control string // URL, unless a node has its own
	env     []string
	nodes   map[string]*node
	names   []string
}

// node is one agent with its etcd.
type node struct {
	name                  string
	addr, client, peer    string
	dataDir, state        string
	control, logFile, dir string
	extra                 []string
	cmd                   *exec.Cmd
	exited                chan struct{}
}

// newFleet prepares agents a, b, … for a cluster of so many members on file://.
// Nothing runs yet.
func newFleet(t *testing.T, agents, members int) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), members: members, nodes: map[string]*node{}}
	f.control, f.backup = "file://"+f.controlDir(), "file://"+filepath.Join(f.dir, "backup")
	for i := range agents {
		f.add(string(rune('a' + i)))
	}
	t.Cleanup(f.clean)
	return f
}

func (f *fleet) add(name string) *node {
	ports := testenv.FreePorts(f.t, 3)
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	dir := filepath.Join(f.dir, "nodes", name)
	n := &node{name: name, addr: at(0), client: "http://" + at(1), peer: "http://" + at(2), dir: dir,
		dataDir: filepath.Join(dir, "data"), state: filepath.Join(dir, "state"), logFile: filepath.Join(dir, "agent.log")}
	if err := os.MkdirAll(n.dataDir, 0o700); err != nil {
		f.t.Fatal(err)
	}
	f.nodes[name] = n
	f.names = append(f.names, name)
	return n
}

// controlDir is where the control store of file:// lies.
func (f *fleet) controlDir() string { return filepath.Join(f.dir, "control") }

// addresses are all agents as --agents takes them, with their names or without.
func (f *fleet) addresses(named bool) string {
	var list []string
	for _, name := range f.names {
		text := f.nodes[name].addr
		if named {
			text = name + "=" + text
		}
		list = append(list, text)
	}
	return strings.Join(list, ",")
}

func (f *fleet) args(n *node) []string {
	control := f.control
	if n.control != "" {
		control = n.control
	}
	args := []string{"etcd", "agent", "--name", n.name, "--cluster", "test", "--data-dir", n.dataDir, "--state-dir", n.state,
		"--listen", n.addr, "--agents", f.addresses(true), "--client-url", n.client, "--peer-url", n.peer,
		"--control-store", control, "--backup-store", f.backup, "--member-count", strconv.Itoa(f.members),
		"--interval", interval.String(), "--term", (5 * interval).String(), "--log-level", "debug",
		"--heartbeat-interval", "50", "--election-timeout", "500", "--unsafe-no-fsync"}
	return append(args, n.extra...)
}

// starter runs functions on one thread that never ends: the kernel sends the
// parent-death signal when the thread that started a child ends.
var starter = func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
}()

// start starts agents, all of them where none is named, at once.
func (f *fleet) start(names ...string) {
	f.t.Helper()
	testenv.Seedproof(f.t)
	var all sync.WaitGroup
	for _, name := range f.named(names) {
		all.Go(func() { f.startOne(f.nodes[name]) })
	}
	all.Wait()
}

func (f *fleet) startOne(n *node) {
	log, err := os.OpenFile(n.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(testenv.Seedproof(f.t), f.args(n)...)
	cmd.Env = append(os.Environ(), f.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		f.t.Errorf("start agent %s: %v", n.name, err)
		return
	}
	exited := make(chan struct{})
	n.cmd, n.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
}

func (f *fleet) named(names []string) []string {
	if len(names) == 0 {
		return f.names
	}
	return names
}

// signal signals the agents that run, all of them where none is named.
func (f *fleet) signal(sig syscall.Signal, names ...string) {
	f.t.Helper()
	for _, name := range f.named(names) {
		if n := f.nodes[name]; n.cmd != nil {
			_ = n.cmd.Process.Signal(sig) // one that has ended needs none
		}
	}
}

// kill ends agents by SIGKILL and waits until they are gone. Their etcds live.
func (f *fleet) kill(names ...string) {
	f.t.Helper()
	f.signal(syscall.SIGKILL, names...)
	for _, name := range f.named(names) {
		if n := f.nodes[name]; n.cmd != nil {
			<-n.exited
		}
	}
}

// killWithEtcd ends agents and their etcds by SIGKILL.
func (f *fleet) killWithEtcd(names ...string) {
	f.t.Helper()
	f.kill(names...)
	for _, name := range f.named(names) {
		f.killEtcd(f.nodes[name])
	}
}

// killEtcd ends the etcds of a node and waits until they are gone.
func (f *fleet) killEtcd(n *node) {
	f.t.Helper()
	for _, pid := range pidsNaming(n.dir + "/") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	f.waitFor("the etcd of "+n.name+" is gone", func() bool { return len(pidsNaming(n.dir+"/")) == 0 })
}

// pidsNaming are the processes whose command line names a directory and that
// have not ended.
func pidsNaming(dir string) []int {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, proc := range procs {
		args, err := os.ReadFile(filepath.Join(proc, "cmdline"))
		if err != nil || !bytes.Contains(args, []byte(dir)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(proc)); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// waitFor polls until cond holds, and fails the test when it does not in time.
func (f *fleet) waitFor(what string, cond func() bool) {
	f.t.Helper()
	deadline := time.Now().Add(limit)
	for !cond() {
		if time.Now().After(deadline) {
			f.t.Fatalf("waited %s in vain until %s", limit, what)
		}
		time.Sleep(pollPace) // between two looks
	}
}

// clean ends what is left, and shows the logs of a test that failed.
func (f *fleet) clean() {
	f.signal(syscall.SIGKILL)
	for _, n := range f.nodes {
		if n.cmd != nil {
			<-n.exited
		}
	}
	for _, pid := range pidsNaming(filepath.Join(f.dir, "nodes") + "/") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, name := range f.names {
		if strings.Contains(f.log(name), "WARNING: DATA RACE") {
			f.t.Errorf("the race detector spoke up in the agent %s", name)
		}
	}
	if !f.t.Failed() {
		return
	}
	for _, name := range f.names {
		text := f.log(name)
		f.t.Logf("the end of the log of %s:\n%s", name, text[max(0, len(text)-6<<10):])
		for _, file := range []string{"etcd.log", "etcd.log.out"} {
			etcd, _ := os.ReadFile(filepath.Join(f.nodes[name].state, file))
			f.t.Logf("the end of the %s of %s:\n%s", file, name, etcd[max(0, len(etcd)-2<<10):])
		}
	}
}

// log is what an agent has logged in all its runs.
func (f *fleet) log(name string) string {
	text, _ := os.ReadFile(f.nodes[name].logFile)
	return string(text)
}
