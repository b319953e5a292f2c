package ontapgo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait; no test measures time.
const patience = time.Minute

// program is the path of the one build of seedproof that all tests share.
var program struct {
	dir  string
	once sync.Once
	err  error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ontapgo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program.dir = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // it is a temporary directory
	os.Exit(code)
}

// root is the repository, which lies above this module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module github.com/seedproof/seedproof\n") {
		t.Fatalf("the repository is not at %s: %v", dir, err)
	}
	return dir
}

func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(program.dir, "seedproof")
	program.once.Do(func() {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/seedproof")
		cmd.Dir = root(t)
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("build seedproof: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return path
}

// array is a running simulator of one cluster or two.
type array struct {
	hosts      []string // of the clusters
	password   string   // of the administrator
	roots      *x509.CertPool
	admin      *http.Client
	network    string // "127.a.b": of management interfaces that really listen
	management string // their port
	nextHost   int
}

// startArray runs `seedproof ontap-sim`, which ends with the test.
func startArray(t *testing.T, flags ...string) *array {
	t.Helper()
	dir := t.TempDir()
	a := &array{network: loopback(t), nextHost: 9}
	a.management = freePort(t, a.network+".9")
	socket, ca := filepath.Join(dir, "admin"), filepath.Join(dir, "ca.pem")
	args := append([]string{"ontap-sim", "--listen", "127.0.0.1:0", "--admin-socket", socket, "--ca-file", ca, "--verbose",
		"--management-port", a.management, "--password-file", filepath.Join(dir, "password")}, flags...)
	lines := runProgram(t, a, args)
	for line := range lines {
		if _, url, ok := strings.Cut(line, "https://"); ok {
			host, _, _ := strings.Cut(url, " ")
			a.hosts = append(a.hosts, host)
		}
		if strings.HasPrefix(line, "Certificates in") {
			break
		}
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatalf("the simulator has not started: %v", err)
	}
	a.roots = x509.NewCertPool()
	a.roots.AppendCertsFromPEM(pem)
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	a.password = strings.TrimSpace(string(password))
	a.admin = &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	t.Cleanup(a.admin.CloseIdleConnections)
	a.awaitSocket(t, socket)
	return a
}

// runProgram starts the simulator, and gives the lines that it prints.
func runProgram(t *testing.T, a *array, args []string) <-chan string {
	t.Helper()
	cmd := exec.Command(buildProgram(t), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the simulator: %v", err)
	}
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // one that has ended is seen below
		stuck := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer stuck.Stop()
		for range lines { // a pipe is read to its end before the process is waited for
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the simulator ended with %v\n%s", err, log.String())
		}
		if strings.Contains(log.String(), a.password) {
			t.Error("the simulator's log holds the administrator's password")
		}
		if strings.Contains(log.String(), "panic") {
			t.Errorf("the simulator panicked:\n%s", log.String())
		}
	})
	return lines
}

func (a *array) awaitSocket(t *testing.T, socket string) {
	t.Helper()
	await(t, "the admin socket", func() bool {
		c, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// order gives the simulator an order that no array takes.
func (a *array) order(t *testing.T, name string, body map[string]any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := a.admin.Post("http://sim/"+name, "application/json", bytes.NewReader(data))
	if err != nil {
		t.Fatalf("order %s: %v", name, err)
	}
	defer resp.Body.Close()
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("order %s: %s: %s", name, resp.Status, said)
	}
}

// look reads what only the admin socket shows: dump, requests, doubts.
func (a *array) look(t *testing.T, name string, into any) {
	t.Helper()
	resp, err := a.admin.Get("http://sim/" + name)
	if err != nil {
		t.Fatalf("look at %s: %v", name, err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("look at %s: %v", name, err)
	}
}

// address gives an address at which a management interface really listens.
func (a *array) address() string {
	a.nextHost++
	return fmt.Sprintf("%s.%d", a.network, a.nextHost)
}

// loopback gives three bytes of an address in 127.0.0.0/8 that nobody else has.
func loopback(t *testing.T) string {
	t.Helper()
	var b [2]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.%d.%d", 16+int(b[0])%200, b[1])
}

func freePort(t *testing.T, host string) string {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// newPassword has letters and digits, and no user's name in it.
func newPassword(t *testing.T) string {
	t.Helper()
	var b [9]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return "Aa1" + hex.EncodeToString(b[:])
}

// await asks again and again until done says so.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it takes too long"))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
