package seed_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// A Secret is gone with its namespace only where the API server says so of the
// namespace itself.
func TestASecretThatIsGoneWithItsNamespace(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	dying := place{p.KubeServer, p.Namespace(t)}
	p.behind(t, http.StatusCreated, http.MethodPost, "/api/v1/namespaces/"+dying.namespace+"/configmaps",
		map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "keeps-it"}})
	p.behind(t, http.StatusOK, http.MethodDelete, "/api/v1/namespaces/"+dying.namespace, nil)
	there := p.store(t).Secret(t.Context(), seed.SecretRef{Namespace: p.namespace, Name: "there"})
	there.Active = pair("u", "some9password", 1)
	if _, err := p.store(t).WriteSecret(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	nobody := func(o *seed.Options) { o.Config.BearerToken = "nobody's" }
	for _, c := range []struct {
		reason    string
		ctx       context.Context
		s         *seed.Store
		namespace string
		name      string
		want      proof.Finding
	}{
		{"it is there", t.Context(), p.store(t), p.namespace, "there", proof.Present},
		{"it is not there, and its namespace is", t.Context(), p.store(t), p.namespace, "other", proof.Absent},
		{"its namespace is not there", t.Context(), p.store(t), "gone-with-its-shoot", "there", proof.Absent},
		{"its namespace is being deleted", t.Context(), p.store(t), dying.namespace, "there", proof.Unknown},
		{"nor is the one of the records: another cluster", t.Context(), place{p.KubeServer, "nowhere"}.store(t), "gone-with-its-shoot", "there", proof.Unknown},
		{"nobody may ask", t.Context(), p.store(t, nobody), "gone-with-its-shoot", "there", proof.Unknown},
		{"there is no time to ask", over, p.store(t), "gone-with-its-shoot", "there", proof.Unknown},
		{"it cannot be a namespace", t.Context(), p.store(t), "a/../b", "there", proof.Unknown},
	} {
		got := c.s.LeftSecret(c.ctx, seed.SecretRef{Namespace: c.namespace, Name: c.name})
		wantFinding(t, c.reason, got.Finding, c.want, got.Why)
	}
}
