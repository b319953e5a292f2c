package credential_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
)

var (
	_ credential.Secrets = (*seed.Store)(nil)
	_ credential.Secrets = (*memory)(nil)
)

// kube keeps Secrets in a real API server.
type kube struct {
	server *testenv.KubeServer
	space  string
}

func newKube(t *testing.T) keeper {
	t.Helper()
	k := testenv.SharedKube(t)
	return &kube{k, k.Namespace(t)}
}

func (k *kube) namespace() string { return k.space }

func (k *kube) open(t *testing.T, clock *jumper, log *slog.Logger, in *fault.Injector) credential.Secrets {
	t.Helper()
	s, err := seed.New(seed.Options{
		Config:    &rest.Config{Host: k.server.URL, BearerToken: k.server.AdminToken, TLSClientConfig: rest.TLSClientConfig{CAData: k.server.CAPEM}},
		Namespace: k.space, Clock: clock, Timeout: 20 * time.Second, Log: log, Faults: in,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (k *kube) path(ref seed.SecretRef) string {
	return "/api/v1/namespaces/" + ref.Namespace + "/secrets/" + ref.Name
}

func (k *kube) foreign(t *testing.T, ref seed.SecretRef, user, password string) {
	t.Helper()
	body := map[string]any{"metadata": map[string]any{"name": ref.Name}, "stringData": map[string]string{"username": user, "password": password}}
	status, answer := k.server.Do(t, testenv.KubeAdmin, http.MethodPost, "/api/v1/namespaces/"+ref.Namespace+"/secrets", body)
	if status != http.StatusCreated {
		t.Fatalf("make a Secret: %d %s", status, answer)
	}
}

func (k *kube) annotations(t *testing.T, ref seed.SecretRef) string {
	t.Helper()
	status, answer := k.server.Do(t, testenv.KubeAdmin, http.MethodGet, k.path(ref), nil)
	var secret struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(answer, &secret); err != nil || status != http.StatusOK {
		t.Fatalf("read a Secret: %d: %v", status, err)
	}
	return string(secret.Metadata)
}

// memory keeps Secrets here, on the same conditions. The version stands among
// the labels.
type memory struct {
	*drawer
	in *fault.Injector
}

type drawer struct {
	mu     sync.Mutex
	stored map[seed.SecretRef]seed.Secret
	writes int
}

const versionLabel = "version"

func newMemory(*testing.T) keeper { return &drawer{stored: map[seed.SecretRef]seed.Secret{}} }

func (d *drawer) namespace() string { return "test" }

func (d *drawer) open(_ *testing.T, _ *jumper, _ *slog.Logger, in *fault.Injector) credential.Secrets {
	return &memory{d, in}
}

func (d *drawer) foreign(_ *testing.T, ref seed.SecretRef, user, password string) {
	s := seed.Secret{Ref: ref}
	s.Active.User, s.Active.Password = user, secretOf(password)
	d.put(s)
}

func (d *drawer) annotations(*testing.T, seed.SecretRef) string { return "" }

func (d *drawer) put(s seed.Secret) seed.Secret {
	d.writes++
	s.Finding, s.Labels, s.Rations, s.Damaged = proof.Present, map[string]string{versionLabel: strconv.Itoa(d.writes)}, maps.Clone(s.Rations), false
	d.stored[s.Ref] = s
	return s
}

func (d *drawer) get(ref seed.SecretRef) seed.Secret {
	if s, is := d.stored[ref]; is {
		s.Rations = maps.Clone(s.Rations)
		return s
	}
	return seed.Secret{Ref: ref, Finding: proof.Absent}
}

func (m *memory) Secret(ctx context.Context, ref seed.SecretRef) (s seed.Secret) {
	err := m.in.Around(ctx, fault.Call{Transport: "kube", Op: http.MethodGet, Target: ref.Name}, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		s = m.get(ref)
		return nil
	})
	if err != nil {
		return seed.Secret{Ref: ref, Why: err.Error()}
	}
	return s
}

func (m *memory) WriteSecret(ctx context.Context, s seed.Secret) (after seed.Secret, err error) {
	err = m.in.Around(ctx, fault.Call{Transport: "kube", Op: http.MethodPut, Target: s.Ref.Name}, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if now := m.get(s.Ref); now.Labels[versionLabel] != s.Labels[versionLabel] {
			return &fault.RefusedError{Call: fault.Call{Op: "conflict", Target: s.Ref.Name}}
		}
		after = m.put(s)
		return nil
	})
	if err != nil {
		return seed.Secret{}, fmt.Errorf("write the Secret: %w", err)
	}
	return after, nil
}
