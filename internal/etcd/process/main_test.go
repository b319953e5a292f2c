package process

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// starterCommand makes the test binary an agent that starts an etcd, says its
// process id and waits to be killed.
const starterCommand = "start-and-wait"

func TestMain(m *testing.M) {
	switch {
	case filepath.Base(os.Args[0]) == "etcd":
		deafEtcd()
	case len(os.Args) > 1 && os.Args[1] == ServerCommand:
		Main(os.Args[2:])
		os.Exit(0)
	case len(os.Args) > 3 && os.Args[1] == starterCommand:
		startAndWait(os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

// deafEtcd stands for an etcd that has not opened anything yet and does not
// heed SIGTERM.
func deafEtcd() {
	signal.Ignore(unix.SIGTERM)
	for {
		time.Sleep(time.Hour)
	}
}

func startAndWait(stateDir, config string) {
	var cfg Config
	err := json.Unmarshal([]byte(config), &cfg)
	if err == nil {
		r := &Runner{StateDir: stateDir}
		var p *Process
		if p, err = r.Start(context.Background(), cfg); err == nil {
			fmt.Println(p.PID)
			<-p.Exited()
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// limit is a generous deadline for everything that is waited for.
const limit = 60 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // all are held until all are known
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// bench is one member on loopback with its directories.
type bench struct {
	runner *Runner
	cfg    Config
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, ports := t.TempDir(), freePorts(t, 2)
	b := &bench{runner: &Runner{StateDir: filepath.Join(dir, "state")}}
	b.cfg = member(dir, "m1", "http", ports[0], ports[1])
	b.cfg.InitialCluster = map[string]string{"m1": b.cfg.AdvertisePeerURLs[0]}
	mkdir(t, b.cfg.DataDir)
	mkdir(t, b.runner.StateDir)
	t.Cleanup(func() { b.killAll(t) })
	return b
}

func member(dir, name, scheme string, client, peer int) Config {
	c := []string{scheme + "://127.0.0.1:" + strconv.Itoa(client)}
	p := []string{scheme + "://127.0.0.1:" + strconv.Itoa(peer)}
	return Config{Name: name, DataDir: filepath.Join(dir, "data"), State: StateNew, Token: "birth-1",
		ListenClientURLs: c, AdvertiseClientURLs: c, ListenPeerURLs: p, AdvertisePeerURLs: p,
		LogFile: filepath.Join(dir, "etcd.log"), UnsafeNoFsync: true, HeartbeatMS: 50, ElectionMS: 500}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// killAll ends what a test left running, so that nothing outlives it.
func (b *bench) killAll(t *testing.T) {
	pids, _, err := b.runner.etcdsOn(b.cfg.DataDir)
	if err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	await(t, "every etcd to be gone", func() error {
		pids, _, err := b.runner.etcdsOn(b.cfg.DataDir)
		if err == nil && len(pids) > 0 {
			err = fmt.Errorf("still there: %v", pids)
		}
		return err
	})
}

func (b *bench) start(t *testing.T) *Process {
	t.Helper()
	p, err := b.runner.Start(deadline(t), b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *bench) client(t *testing.T) *Client {
	t.Helper()
	c, err := NewClient(b.cfg.AdvertiseClientURLs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// serving waits until a quorum answers.
func (b *bench) serving(t *testing.T) *Client {
	t.Helper()
	c := b.client(t)
	awaitRead(t, c)
	return c
}

func awaitRead(t *testing.T, c *Client) {
	t.Helper()
	await(t, "a linearizable read", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := c.LinearizableRead(ctx)
		return err
	})
}

func (b *bench) put(t *testing.T, c *Client, n int) {
	t.Helper()
	for i := range n {
		if _, err := c.Etcd().Put(deadline(t), "key/"+strconv.Itoa(i), "value"); err != nil {
			t.Fatal(err)
		}
	}
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

func awaitExit(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Exited():
	case <-time.After(limit):
		t.Fatalf("process %d does not end", p.PID)
	}
}
