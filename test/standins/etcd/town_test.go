package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/testenv"
)

// limit is a generous end for whatever is waited for.
const limit = 60 * time.Second

// short is how long is waited for what is to fail.
const short = 500 * time.Millisecond

// town is a place for the members of one cluster.
type town struct {
	t       *testing.T
	program string
	dir     string
	token   string
	ports   map[string][2]int // peer, client
	running map[string]*exec.Cmd
}

func newTown(t *testing.T, program string, names ...string) *town {
	w := &town{t: t, program: program, dir: t.TempDir(), token: t.Name(), ports: map[string][2]int{}, running: map[string]*exec.Cmd{}}
	for _, name := range names {
		p := testenv.FreePorts(t, 2)
		w.ports[name] = [2]int{p[0], p[1]}
	}
	t.Cleanup(func() {
		for name := range w.running {
			w.kill(name)
		}
	})
	return w
}

func (w *town) peer(name string) string { return fmt.Sprintf("http://127.0.0.1:%d", w.ports[name][0]) }
func (w *town) client(name string) string {
	return fmt.Sprintf("http://127.0.0.1:%d", w.ports[name][1])
}
func (w *town) data(name string) string { return filepath.Join(w.dir, name) }
func (w *town) log(name string) string  { return filepath.Join(w.dir, name+".log") }

// start starts a member; among are those of its initial cluster.
func (w *town) start(name, state string, among ...string) {
	w.t.Helper()
	var initial []string
	for _, other := range among {
		initial = append(initial, other+"="+w.peer(other))
	}
	cmd := exec.Command(w.program, "--name="+name, "--data-dir="+w.data(name), "--listen-client-urls="+w.client(name), "--advertise-client-urls="+w.client(name),
		"--listen-peer-urls="+w.peer(name), "--initial-advertise-peer-urls="+w.peer(name), "--initial-cluster="+strings.Join(initial, ","),
		"--initial-cluster-state="+state, "--initial-cluster-token="+w.token, "--strict-reconfig-check=true", "--logger=zap",
		"--log-outputs="+w.log(name), "--heartbeat-interval=50", "--election-timeout=500", "--unsafe-no-fsync=true")
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.running[name] = cmd
}

func (w *town) startAll() {
	names := slices.Sorted(maps.Keys(w.ports))
	for _, name := range names {
		w.start(name, "new", names...)
	}
	for _, name := range names {
		w.awaitServing(name)
	}
}

func (w *town) kill(name string) {
	cmd := w.running[name]
	delete(w.running, name)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// mustExit waits for the end of a member by itself, and gives its log.
func (w *town) mustExit(name string, clean bool) string {
	w.t.Helper()
	cmd := w.running[name]
	delete(w.running, name)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if (err == nil) != clean {
			w.t.Errorf("%s ended with %v, want clean %v", name, err, clean)
		}
	case <-time.After(limit):
		_ = cmd.Process.Kill()
		w.t.Fatalf("%s goes on", name)
	}
	text, err := os.ReadFile(w.log(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func (w *town) ask(name string) *clientv3.Client {
	w.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{w.client(name)}, Logger: zap.NewNop(), MaxUnaryRetries: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (w *town) awaitServing(name string) *clientv3.Client {
	w.t.Helper()
	c := w.ask(name)
	await(w.t, name+" to serve", func() error {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		_, err := c.Get(ctx, "x")
		return err
	})
	return c
}

func await(t *testing.T, what string, try func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}

func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func value(t *testing.T, c *clientv3.Client, key string, opts ...clientv3.OpOption) string {
	t.Helper()
	got := ok[*clientv3.GetResponse](t)(c.Get(within(t, limit), key, opts...))
	if len(got.Kvs) == 0 {
		return ""
	}
	return string(got.Kvs[0].Value)
}
