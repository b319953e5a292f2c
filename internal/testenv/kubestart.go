package testenv

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// newKube writes what the servers need into dir, and starts nothing.
func newKube(dir string, ports []int) (*KubeServer, error) {
	ca, err := writeKubeKeys(dir)
	if err != nil {
		return nil, err
	}
	tokens := map[string]string{KubeAdmin: rand.Text(), KubePlain: rand.Text()}
	users := fmt.Sprintf("%s,%s,uid-1,system:masters\n%s,%s,uid-2\n",
		tokens[KubeAdmin], KubeAdmin, tokens[KubePlain], KubePlain)
	if err := os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(users), 0o600); err != nil {
		return nil, fmt.Errorf("write the users of the API server: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	k := &KubeServer{
		URL:        "https://" + loopback(ports[0]),
		CAPEM:      ca,
		AdminToken: tokens[KubeAdmin],
		dir:        dir,
		tokens:     tokens,
		client: &http.Client{
			Timeout: 30 * time.Second,
			// A connection that is kept would be to the server before a restart.
			Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
		},
		apiPort: ports[0], etcdPort: ports[1], peerPort: ports[2],
	}
	return k, nil
}

// begin starts both servers.
func (k *KubeServer) begin() error {
	if err := k.startEtcd(); err != nil {
		return err
	}
	return k.startAPI()
}

// end ends both servers, as far as they run.
func (k *KubeServer) end() {
	k.endAPI()
	if k.etcd != nil {
		k.etcd.stop()
		k.etcd = nil
	}
}

// endAPI kills the API server: it keeps nothing itself, and asked politely it
// would wait for its watchers.
func (k *KubeServer) endAPI() {
	if k.api != nil {
		k.api.kill()
		k.api = nil
	}
}

func (k *KubeServer) dataDir() string { return filepath.Join(k.dir, "etcd") }

// member are the flags that etcd and a restore of it must be given alike.
func (k *KubeServer) member() []string {
	peer := "http://" + loopback(k.peerPort)
	return []string{
		"--name=kube",
		"--data-dir=" + k.dataDir(),
		"--initial-cluster=kube=" + peer,
		"--initial-advertise-peer-urls=" + peer,
	}
}

func (k *KubeServer) startEtcd() error {
	program, err := FindOrBuild("etcd")
	if err != nil {
		return err
	}
	args := append(k.member(),
		"--listen-peer-urls=http://"+loopback(k.peerPort),
		"--listen-client-urls="+k.Etcd(),
		"--advertise-client-urls="+k.Etcd(),
		"--unsafe-no-fsync", // it need not outlive this machine's power
	)
	p, err := startProcess(filepath.Join(k.dir, "etcd.log"), nil, program, args...)
	if err != nil {
		return err
	}
	k.etcd = p
	if err := p.awaitHTTP(k.Etcd() + "/health"); err != nil {
		return fmt.Errorf("wait for the API server's etcd: %w", err)
	}
	return nil
}

func (k *KubeServer) startAPI() error {
	program, err := FindOrBuild("kube-apiserver")
	if err != nil {
		return err
	}
	key, certificate := filepath.Join(k.dir, kubeKeyFile), filepath.Join(k.dir, kubeCertFile)
	p, err := startProcess(filepath.Join(k.dir, "kube-apiserver.log"), nil, program,
		"--etcd-servers="+k.Etcd(),
		"--bind-address=127.0.0.1",
		"--secure-port="+strconv.Itoa(k.apiPort),
		// Of a documentation network and never used: without it the server wants
		// a default route, which a test in a network namespace does not have.
		"--advertise-address=192.0.2.1",
		"--endpoint-reconciler-type=none",
		"--cert-dir="+k.dir,
		"--tls-cert-file="+certificate,
		"--tls-private-key-file="+key,
		"--service-account-issuer=https://localhost",
		"--service-account-key-file="+certificate,
		"--service-account-signing-key-file="+key,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--token-auth-file="+filepath.Join(k.dir, "tokens.csv"),
		"--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount", // nobody makes the accounts it insists on
	)
	if err != nil {
		return err
	}
	k.api = p
	if err := k.awaitReady(); err != nil {
		return fmt.Errorf("wait for the API server: %w", err)
	}
	return nil
}

// awaitReady polls the API server until it says that it is ready.
func (k *KubeServer) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := k.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-k.api.exited:
			return fmt.Errorf("it ended before it was ready: %s\n%s", k.api.cmd.ProcessState, k.api.tail())
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready: %w\n%s", err, k.api.tail())
		case <-tick.C:
		}
	}
}

// ready asks once.
func (k *KubeServer) ready(ctx context.Context) error {
	status, answer, err := k.request(ctx, k.AdminToken, http.MethodGet, "/readyz?verbose", nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("it answers %d: %s", status, answer)
	}
	return nil
}
