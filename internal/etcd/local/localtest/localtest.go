// Package localtest runs clusters of `seedproof up` for tests: real agents,
// real etcds, real processes. It is code for tests alone. It signals only
// processes of clusters that it started.
package localtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/testenv"
)

// Interval is that of the clusters' passes unless Options say otherwise.
const Interval = 200 * time.Millisecond

// Limit is how long is waited for anything: a busy machine, not a slow cluster.
const Limit = 2 * time.Minute

const pollEvery = 25 * time.Millisecond

// Options of a cluster. The zero value is one member on file:// in a directory
// of its own.
type Options struct {
	Dir            string // default: a temporary one
	Members        int    // default: 1
	Agents         int    // default: as many as members
	BackupStore    string
	ControlStore   string
	Interval       time.Duration
	Term           time.Duration // default: 5 intervals
	BackupInterval time.Duration // default: the spec's
	Env            []string      // beside the test's own
	Args           []string      // further flags of up
	NoWait         bool          // do not wait until it serves
}

// Cluster is a cluster that `seedproof up` runs.
type Cluster struct {
	Dir string

	t         testing.TB
	o         Options
	args      []string
	readyFile string
	outFile   string
	up        *exec.Cmd
	exited    chan struct{}
}

// Start starts a cluster and waits until it serves. It is stopped when the
// test ends.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := New(t, o)
	c.Run()
	return c
}

// New prepares a cluster without starting it.
func New(t testing.TB, o Options) *Cluster {
	t.Helper()
	side := t.TempDir()
	if o.Dir == "" {
		o.Dir = filepath.Join(side, "cluster")
	}
	o.Members, o.Agents = max(o.Members, 1), max(o.Agents, o.Members, 1)
	if o.Interval == 0 {
		o.Interval = Interval
	}
	if o.Term == 0 {
		o.Term = 5 * o.Interval
	}
	c := &Cluster{t: t, o: o, Dir: o.Dir, readyFile: filepath.Join(side, "ready.json"), outFile: filepath.Join(side, "up.out")}
	c.args = c.flags(testenv.FreePorts(t, 4*max(o.Agents, 5)))
	t.Cleanup(c.clean)
	return c
}

func (c *Cluster) flags(ports []int) []string {
	var list []string
	for _, p := range ports {
		list = append(list, strconv.Itoa(p))
	}
	args := []string{"up", "--dir", c.Dir, "--members", strconv.Itoa(c.o.Members), "--agents", strconv.Itoa(c.o.Agents),
		"--interval", c.o.Interval.String(), "--term", c.o.Term.String(), "--ready-file", c.readyFile,
		"--ports", strings.Join(list, ","), "--unsafe-no-fsync", "--heartbeat-interval", "50", "--election-timeout", "500"}
	for flag, value := range map[string]string{"--backup-store": c.o.BackupStore, "--control-store": c.o.ControlStore} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	if c.o.BackupInterval > 0 {
		args = append(args, "--backup-interval", c.o.BackupInterval.String())
	}
	return append(args, c.o.Args...)
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

// Run starts `seedproof up`, and waits until the cluster serves unless the
// options say otherwise.
func (c *Cluster) Run() {
	c.t.Helper()
	program := testenv.Seedproof(c.t)
	_ = os.Remove(c.readyFile) // of a run that was killed
	out, err := os.OpenFile(c.outFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	c.up = exec.Command(program, c.args...)
	c.up.Env = append(os.Environ(), c.o.Env...)
	c.up.Stdout, c.up.Stderr = out, out
	c.up.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	started := make(chan error)
	starter <- func() { started <- c.up.Start() }
	if err := <-started; err != nil {
		c.t.Fatal(err)
	}
	exited, up := make(chan struct{}), c.up
	c.exited = exited
	go func() {
		_ = up.Wait()
		close(exited)
	}()
	if !c.o.NoWait {
		c.WaitFor("the cluster serves", func() bool { _, ok := c.readyNow(); return ok })
	}
}

// Ready is the ready file as it is now. The cluster must have served.
func (c *Cluster) Ready() local.Ready {
	c.t.Helper()
	r, ok := c.readyNow()
	if !ok {
		c.t.Fatalf("there is no ready file\n%s", c.Output())
	}
	return r
}

// Served reports whether this run of `seedproof up` has seen the cluster serve.
func (c *Cluster) Served() bool {
	_, ok := c.readyNow()
	return ok
}

func (c *Cluster) readyNow() (local.Ready, bool) {
	text, err := os.ReadFile(c.readyFile)
	if err != nil {
		return local.Ready{}, false
	}
	var r local.Ready
	if err := json.Unmarshal(text, &r); err != nil {
		c.t.Errorf("the ready file: %v", err)
		return local.Ready{}, false
	}
	return r, true
}

// Member is one member of the ready file.
func (c *Cluster) Member(name string) local.ReadyMember {
	c.t.Helper()
	for _, m := range c.Ready().Members {
		if m.Name == name {
			return m
		}
	}
	c.t.Fatalf("no member %s in %+v", name, c.Ready())
	return local.ReadyMember{}
}

// Output is what `seedproof up` has said.
func (c *Cluster) Output() string {
	text, _ := os.ReadFile(c.outFile)
	return string(text)
}

// WaitFor polls until cond holds, and fails the test when it does not in time
// or the cluster's run has ended.
func (c *Cluster) WaitFor(what string, cond func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(Limit)
	for !cond() {
		if c.Exited() && !cond() {
			c.t.Fatalf("seedproof up ended (%s) while waiting until %s\n%s", c.up.ProcessState, what, c.Output())
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("waited %s in vain until %s\n%s", Limit, what, c.Output())
		}
		time.Sleep(pollEvery) // between two looks
	}
}

// Exited reports whether `seedproof up` has ended.
func (c *Cluster) Exited() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}
