package incident

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/cli"
	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/testenv"
)

// fleet are agents on their own (`seedproof etcd agent`), each told what it is
// told, where `seedproof up` is too orderly.
type fleet struct {
	t       testing.TB
	dir     string
	address map[string]string // of every agent that there could be
	ports   map[string][]int
	agents  map[string]*exec.Cmd
	admin   pki.Files
}

func newFleet(t testing.TB, all ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), address: map[string]string{}, ports: map[string][]int{}, agents: map[string]*exec.Cmd{}}
	for _, name := range all {
		f.ports[name] = testenv.FreePorts(t, 3)
		f.address[name] = fmt.Sprintf("127.0.0.1:%d", f.ports[name][0])
	}
	authorities, err := pki.CreateAuthorities(f.path("pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.EnsureLeaf(f.path("pki"), authorities.Agents, pki.Request{Name: "admin", Usage: pki.Client}, time.Now); err != nil {
		t.Fatal(err)
	}
	f.admin = pki.Files{Cert: f.path("pki/admin.crt"), Key: f.path("pki/admin.key"), CA: f.path("pki/" + pki.AgentsCA + ".crt")}
	t.Cleanup(func() {
		for _, name := range slices.Collect(maps.Keys(f.agents)) {
			f.stop(name)
		}
		f.showLogs()
	})
	return f
}

func (f *fleet) path(below string) string { return filepath.Join(f.dir, below) }
func (f *fleet) data(name string) string  { return f.path("data-" + name) }
func (f *fleet) state(name string) string { return f.path("state-" + name) }
func (f *fleet) client(name string) string {
	return fmt.Sprintf("https://127.0.0.1:%d", f.ports[name][1])
}
func (f *fleet) control() dirPlace           { return dirPlace{f.path("control")} }
func (f *fleet) etcdDir(name string) string  { return filepath.Join(f.data(name), "etcd") }
func (f *fleet) has(name, below string) bool { return exists(filepath.Join(f.data(name), below)) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
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

// start starts an agent that knows the addresses of others.
func (f *fleet) start(name string, members int, knows ...string) {
	f.t.Helper()
	var known []string
	for _, other := range knows {
		known = append(known, other+"="+f.address[other])
	}
	log, err := os.OpenFile(f.path("agent-"+name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(testenv.Seedproof(f.t), "etcd", "agent", "--name", name, "--cluster", "main",
		"--data-dir", f.data(name), "--state-dir", f.state(name),
		"--listen", f.address[name], "--agents", strings.Join(known, ","),
		"--client-url", f.client(name), "--peer-url", fmt.Sprintf("https://127.0.0.1:%d", f.ports[name][2]),
		"--pki-dir", f.path("pki-"+name), "--ca-dir", f.path("pki"),
		"--control-store", "file://"+f.control().dir, "--backup-store", "file://"+f.path("backups"),
		"--member-count", fmt.Sprint(members), "--interval", localtest.Interval.String(), "--term", "1s",
		"--unsafe-no-fsync", "--heartbeat-interval", "50", "--election-timeout", "500", "--stop-etcd-on-exit")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setsid: true}
	started := make(chan error)
	starter <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		f.t.Fatal(err)
	}
	f.agents[name] = cmd
}

// stop ends an agent and its etcd, cleanly.
func (f *fleet) stop(name string) {
	cmd := f.agents[name]
	delete(f.agents, name)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(limit):
		_ = cmd.Process.Kill()
		f.t.Errorf("agent %s did not end", name)
	}
}

func (f *fleet) showLogs() {
	if !f.t.Failed() {
		return
	}
	for name := range f.address {
		if text, err := os.ReadFile(f.path("agent-" + name + ".log")); err == nil {
			f.t.Logf("the end of the log of agent %s:\n%s", name, text[max(0, len(text)-4<<10):])
		}
	}
}

// report is that of one agent; ok is false when it does not answer or has made
// no pass yet.
func (f *fleet) report(name string) (r controller.Report, ok bool) {
	f.t.Helper()
	conf, err := pki.ClientTLS(f.admin, "")
	if err != nil {
		f.t.Fatal(err)
	}
	client, err := agent.Dial(name, f.address[name], conf, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	text, err := client.Report(ctx)
	if err != nil {
		return r, false
	}
	if err := json.Unmarshal(text, &r); err != nil {
		f.t.Fatal(err)
	}
	return r, !r.At.IsZero()
}

// newest is the report of who leads, else the newest.
func (f *fleet) newest() (newest controller.Report, ok bool) {
	f.t.Helper()
	for name := range f.agents {
		r, answered := f.report(name)
		if answered && (!ok || r.Leads && !newest.Leads || r.Leads == newest.Leads && r.At.After(newest.At)) {
			newest, ok = r, true
		}
	}
	return newest, ok
}

// await polls until a report fits, and gives it.
func (f *fleet) await(what string, fits func(controller.Report) bool) controller.Report {
	f.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(tick) {
		r, ok := f.newest()
		if ok && fits(r) {
			return r
		}
		if time.Now().After(deadline) {
			text, _ := json.MarshalIndent(r, "", " ")
			f.t.Fatalf("waited in vain until %s\nthe newest report: %s", what, text)
		}
	}
}

// passes waits until so many passes more were reported, each of which fits.
func (f *fleet) passes(n int, what string, fits func(controller.Report) bool) {
	f.t.Helper()
	began, seen := time.Now(), map[time.Time]bool{}
	f.await(fmt.Sprintf("%d more passes were made", n), func(r controller.Report) bool {
		if r.At.After(began) {
			if seen[r.At] = true; !fits(r) {
				f.t.Fatalf("%s; the verdict is %s: %s", what, r.Verdict.State, r.Verdict.Why)
			}
		}
		return len(seen) >= n
	})
}

// command runs a command of ours on the agents that run.
func (f *fleet) command(args ...string) (code int, out string) {
	var addresses []string
	for name := range f.agents {
		addresses = append(addresses, f.address[name])
	}
	var text bytes.Buffer
	args = append(args, "--agents", strings.Join(addresses, ","), "--cacert", f.admin.CA, "--cert", f.admin.Cert, "--key", f.admin.Key)
	code = cli.Run(f.t.Context(), args, strings.NewReader(""), &text, &text)
	return code, text.String()
}

// mustBeNothing: no cluster was made, nor begun, on nodes that were empty.
func (f *fleet) mustBeNothing(nodes ...string) {
	f.t.Helper()
	for _, key := range []string{"record.json", "claim.json"} {
		if has(f.t, f.control(), key) {
			f.t.Errorf("there is %s", key)
		}
	}
	for _, name := range nodes {
		if f.has(name, "etcd") {
			f.t.Errorf("node %s has a data directory", name)
		}
	}
}
