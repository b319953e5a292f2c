package testenv

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The users that the API server knows by their tokens.
const (
	KubeAdmin = "admin"     // may do everything
	KubePlain = "seedproof" // may do nothing until a test grants it something
)

const kubeAnswerLimit = 8 << 20 // bytes

// KubeServer is a real Kubernetes API server over an etcd of its own, both on
// loopback ports. No controller runs beside it: no pod starts, nothing is
// garbage collected, a deleted namespace stays Terminating, and the roles that
// a controller puts together (view, edit, admin) grant nothing.
type KubeServer struct {
	URL        string // https://127.0.0.1:port
	CAPEM      []byte // the certificate that vouches for URL
	AdminToken string // the bearer token of KubeAdmin

	dir    string            // data, logs, keys; whoever started the server removes it
	tokens map[string]string // user -> bearer token
	client *http.Client
	shared bool // of SharedKube: nobody may stop it

	apiPort, etcdPort, peerPort int
	api, etcd                   *process // nil while it does not run
}

// Kube starts an API server of this test's own, which takes some seconds. It
// ends with the test.
func Kube(t testing.TB) *KubeServer {
	t.Helper()
	k, err := newKube(t.TempDir(), FreePorts(t, 3))
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(k.end)
	if err := k.begin(); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return k
}

// Etcd is the client endpoint of the API server's etcd, for tests that look or
// interfere below the API.
func (k *KubeServer) Etcd() string { return "http://" + loopback(k.etcdPort) }

// Token is the bearer token of KubeAdmin or KubePlain.
func (k *KubeServer) Token(t testing.TB, user string) string {
	t.Helper()
	token, ok := k.tokens[user]
	if !ok {
		t.Fatalf("testenv: the API server knows no user %q, only %s and %s", user, KubeAdmin, KubePlain)
	}
	return token
}

// Kubeconfig is the path of a kubeconfig of KubeAdmin, readable by us alone.
func (k *KubeServer) Kubeconfig(t testing.TB) string {
	t.Helper()
	return k.KubeconfigOf(t, KubeAdmin)
}

// KubeconfigOf is Kubeconfig for another user.
func (k *KubeServer) KubeconfigOf(t testing.TB, user string) string {
	t.Helper()
	type object = map[string]any
	content, err := json.Marshal(object{ // every JSON document is YAML
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "test",
		"clusters":        []object{{"name": "test", "cluster": object{"server": k.URL, "certificate-authority-data": k.CAPEM}}},
		"users":           []object{{"name": user, "user": object{"token": k.Token(t, user)}}},
		"contexts":        []object{{"name": "test", "context": object{"cluster": "test", "user": user}}},
	})
	if err != nil {
		t.Fatalf("testenv: make a kubeconfig: %v", err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("testenv: write a kubeconfig: %v", err)
	}
	return path
}

// Namespace makes a namespace with a fresh name.
func (k *KubeServer) Namespace(t testing.TB) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	body := map[string]any{"metadata": map[string]any{"name": name}}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		status, answer, err := k.request(ctx, k.AdminToken, http.MethodPost, "/api/v1/namespaces", body)
		switch {
		case err == nil && status == http.StatusCreated:
			return name
		case err == nil && status == http.StatusConflict:
			return name // ours: nobody else draws this name, so only the answer was lost
		}
		select {
		case <-ctx.Done():
			t.Fatalf("testenv: make a namespace: last answer %d %s: %v", status, answer, err)
		case <-tick.C:
		}
	}
}

// Do asks the API server once, as a user, for tests that look or interfere
// behind the back of the code under test. A body that is not nil is sent as
// JSON. Any answer is given; without one the test fails.
func (k *KubeServer) Do(t testing.TB, user, method, path string, body any) (status int, answer []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	status, answer, err := k.request(ctx, k.Token(t, user), method, path, body)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return status, answer
}

func (k *KubeServer) request(ctx context.Context, token, method, path string, body any) (int, []byte, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, nil, fmt.Errorf("encode a request for the API server: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, k.URL+path, content)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the API server: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the API server: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, kubeAnswerLimit))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer of the API server: %w", err)
	}
	return resp.StatusCode, answer, nil
}
