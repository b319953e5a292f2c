package seed_test

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.RunWithKube(m)) }

// patience is a generous limit on what is expected to happen.
const patience = time.Minute

// place is a namespace of a real API server.
type place struct {
	*testenv.KubeServer
	namespace string
}

func newPlace(t testing.TB) place {
	k := testenv.SharedKube(t)
	return place{k, k.Namespace(t)}
}

func (p place) config() *rest.Config {
	return &rest.Config{Host: p.URL, BearerToken: p.AdminToken, TLSClientConfig: rest.TLSClientConfig{CAData: p.CAPEM}, UserAgent: "seedproof/test"}
}

// store is one instance: a new one remembers nothing.
func (p place) store(t testing.TB, change ...func(*seed.Options)) *seed.Store {
	t.Helper()
	o := seed.Options{Config: p.config(), Namespace: p.namespace, Timeout: patience}
	for _, c := range change {
		c(&o)
	}
	s, err := seed.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func faults(in *fault.Injector) func(*seed.Options) {
	return func(o *seed.Options) { o.Faults = in }
}

// behind is a call behind the back of the code under test. It gives the answer
// decoded.
func (p place) behind(t testing.TB, want int, method, path string, body any) map[string]any {
	t.Helper()
	status, answer := p.Do(t, testenv.KubeAdmin, method, path, body)
	if status != want {
		t.Fatalf("%s %s: status %d, expected %d: %s", method, path, status, want, answer)
	}
	var decoded map[string]any
	if err := json.Unmarshal(answer, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func (p place) configMap(name string) string {
	return "/api/v1/namespaces/" + p.namespace + "/configmaps/" + name
}

func (p place) secretPath(name string) string {
	return "/api/v1/namespaces/" + p.namespace + "/secrets/" + name
}

// edit changes an object behind the back of the code under test.
func (p place) edit(t testing.TB, path string, change func(map[string]any)) {
	t.Helper()
	o := p.behind(t, http.StatusOK, http.MethodGet, path, nil)
	change(o)
	p.behind(t, http.StatusOK, http.MethodPut, path, o)
}

// heard is an Observer that keeps what it hears.
type heard struct {
	mu    sync.Mutex
	calls []seed.Call
}

func (h *heard) Called(c seed.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

func (h *heard) writes() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.calls {
		if c.Verb != "get" && c.Verb != "list" {
			n++
		}
	}
	return n
}

func born(r seed.Record) seed.Record {
	r.Lineage, r.Generation, r.Nonce = "garden/project", 1, "0123456789abcdef"
	r.UUIDs, r.Array, r.Cluster = []string{"uuid-a"}, "array-a", "cluster-a"
	return r
}

func opened(c seed.Claim) seed.Claim {
	c.Attempt, c.Nonce, c.Array, c.Cluster, c.State = 1, "0123456789abcdef", "array-a", "cluster-a", decide.ClaimOpen
	return c
}

func pair(user, password string, generation uint64) seed.Pair {
	return seed.Pair{User: user, Password: ontap.NewSecret(password), SVM: "uuid-a", Generation: generation, Set: decide.Confirmed}
}

func wantFinding(t testing.TB, what string, got, want proof.Finding, why string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s (%s), expected %s", what, got, why, want)
	}
}
