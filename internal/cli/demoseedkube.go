package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/flow"
)

// demoKube is a real kube-apiserver on loopback, over an etcd that is this very
// program. Both end with the story.
type demoKube struct {
	url, token string
	ca         []byte
	client     *http.Client
	dir        string
	started    []*demoProcess
}

// findAPIServer looks where a kube-apiserver may be. It builds and fetches
// nothing.
func findAPIServer() (string, error) {
	const name = "kube-apiserver"
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
		if path, err := exec.LookPath(filepath.Join(assets, name)); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	cache := os.Getenv("SEEDPROOF_SERVERS_DIR")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a %s: %w", name, err)
		}
		cache = filepath.Join(user, "seedproof", "servers")
	}
	built, _ := filepath.Glob(filepath.Join(cache, "k8s-*", "bin", name)) // the pattern is a good one
	newest, at := "", time.Time{}
	for _, path := range built {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			newest, at = path, info.ModTime()
		}
	}
	if newest == "" {
		return "", fmt.Errorf("this story needs a real %s, and none was found in $KUBEBUILDER_ASSETS, on the PATH, or among the built servers in %s", name, cache)
	}
	return newest, nil
}

// startDemoKube starts etcd and the API server, and waits until it is ready.
func startDemoKube(ctx context.Context, dir, program string) (*demoKube, error) {
	k := &demoKube{dir: dir, token: rand.Text()}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	if err := k.writeKeys(); err != nil {
		return nil, fmt.Errorf("make the API server's keys: %w", err)
	}
	k.url = "https://127.0.0.1:" + ports[0]
	etcd, peer := "http://127.0.0.1:"+ports[1], "http://127.0.0.1:"+ports[2]
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program: %w", err)
	}
	err = k.start("etcd", self, process.ServerCommand, "--name=demo", "--data-dir="+filepath.Join(dir, "etcd"),
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=demo="+peer,
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd, "--unsafe-no-fsync")
	if err == nil {
		err = k.start("kube-apiserver", program, k.flags(ports[0], etcd)...)
	}
	if err == nil {
		err = k.awaitReady(ctx)
	}
	if err != nil {
		k.end()
		return nil, err
	}
	return k, nil
}

func (k *demoKube) flags(port, etcd string) []string {
	key, certificate := filepath.Join(k.dir, "server.key"), filepath.Join(k.dir, "server.crt")
	return []string{
		"--etcd-servers=" + etcd, "--bind-address=127.0.0.1", "--secure-port=" + port,
		"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none", // no machine need have a default route
		"--cert-dir=" + k.dir, "--tls-cert-file=" + certificate, "--tls-private-key-file=" + key,
		"--service-account-issuer=https://localhost", "--service-account-key-file=" + certificate, "--service-account-signing-key-file=" + key,
		"--service-cluster-ip-range=10.96.0.0/16", "--token-auth-file=" + filepath.Join(k.dir, "tokens.csv"),
		"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
	}
}

// writeKeys makes a certificate that vouches for itself, and the one user.
func (k *demoKube) writeKeys() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kube-apiserver of a story"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	k.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(k.ca)
	k.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	for name, content := range map[string][]byte{
		"server.crt": k.ca, "server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		"tokens.csv": []byte(k.token + ",demo,uid-1,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(k.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// freePorts are ports on loopback that nobody listens on now.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // all at once in the end, so that they differ
		address, _ := l.Addr().(*net.TCPAddr)
		ports = append(ports, strconv.Itoa(address.Port))
	}
	return ports, nil
}

// demoProcess is one server of a story.
type demoProcess struct {
	name, log string
	cmd       *exec.Cmd
	exited    chan struct{}
}

// start starts a server that dies with us: the kernel kills it when the thread
// ends that started it, so that one is kept for each.
func (k *demoKube) start(name, program string, args ...string) error {
	p := &demoProcess{name: name, log: filepath.Join(k.dir, name+".log"), exited: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer func() { _ = log.Close() }() // the server has its own
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	k.started = append(k.started, p)
	return nil
}

// end kills both: what they hold is thrown away.
func (k *demoKube) end() {
	for _, p := range k.started {
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	k.started = nil
}

// awaitReady polls the API server until it says that it is ready.
func (k *demoKube) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		status, _, err := k.do(ctx, http.MethodGet, "/readyz", "", nil)
		if err == nil && status == http.StatusOK {
			return nil
		}
		for _, p := range k.started {
			select {
			case <-p.exited:
				return fmt.Errorf("%s ended before it was ready; the end of its log:\n%s", p.name, p.tail())
			default:
			}
		}
		if waited := (flow.RealClock{}).Sleep(ctx, 100*time.Millisecond); waited != nil {
			return fmt.Errorf("wait for the API server (last answer %d): %w", status, errors.Join(waited, err))
		}
	}
}

// tail is the end of the server's log.
func (p *demoProcess) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const shown = 2000
	return string(text[max(0, len(text)-shown):])
}

// demoAnswer bounds an answer of the API server, in bytes.
const demoAnswer = 8 << 20

func (k *demoKube) do(ctx context.Context, method, path, contentType string, body any) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, fmt.Errorf("encode a request: %w", err)
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, k.url+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+k.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the API server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, demoAnswer))
	return resp.StatusCode, answer, err
}

// done is do for what must succeed.
func (k *demoKube) done(ctx context.Context, method, path, contentType string, body any) error {
	status, answer, err := k.do(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("%s %s: the API server answers %d: %.300s", method, path, status, answer)
	}
	return nil
}

func (k *demoKube) make(ctx context.Context, path string, body any) error {
	return k.done(ctx, http.MethodPost, path, "application/json", body)
}

func (k *demoKube) patch(ctx context.Context, path string, body any) error {
	return k.done(ctx, http.MethodPatch, path, "application/merge-patch+json", body)
}

func (k *demoKube) remove(ctx context.Context, path string) error {
	return k.done(ctx, http.MethodDelete, path, "", nil)
}
