package seed_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// paths are where the kinds of the manifest are created.
var paths = map[string]string{
	"ServiceAccount": "/api/v1/namespaces/NS/serviceaccounts",
	"Role":           "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
	"RoleBinding":    "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
}

// applyRole applies deploy/svm/role.yaml with these namespaces in the place of
// those it names. Lines that hold a word of without are left out.
func applyRole(t *testing.T, p place, shoot string) {
	t.Helper()
	content, err := os.ReadFile("../../../deploy/svm/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("namespace: seedproof", "namespace: "+p.namespace, "resourceNames: [seedproof]", "resourceNames: ["+p.namespace+"]",
		"shoot--garden--example", shoot).Replace(string(content))
	made := 0
	for part := range strings.SplitSeq(text, "\n---\n") {
		encoded, err := yaml.ToJSON([]byte(part))
		if err != nil {
			t.Fatal(err)
		}
		var o map[string]any
		if err := json.Unmarshal(encoded, &o); err != nil {
			t.Fatal(err)
		}
		namespace := o["metadata"].(map[string]any)["namespace"].(string)
		p.behind(t, http.StatusCreated, http.MethodPost, strings.Replace(paths[o["kind"].(string)], "NS", namespace, 1), o)
		made++
	}
	if made != 5 {
		t.Fatalf("%d objects in the manifest", made)
	}
}

// TestTheRoleSuffices runs everything that this package does with no more
// rights than the manifest gives.
func TestTheRoleSuffices(t *testing.T) {
	p := newPlace(t)
	shoot := place{p.KubeServer, p.Namespace(t)}
	applyRole(t, p, shoot.namespace)
	as := func(s *seed.Options) {
		s.Config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + p.namespace + ":seedproof-svm"}
	}
	s, ctx := p.store(t, as), t.Context()
	awaitRights(t, s)
	r, err := s.WriteRecord(ctx, born(s.Record(ctx, "p1")))
	must(t, "create", err)
	r, err = s.WriteRecord(ctx, r)
	must(t, "update", err)
	for range 2 {
		must(t, "tell an event", s.Event(ctx, r.Ref(), "Normal", "Born", "it runs"))
	}
	_, err = s.List(ctx)
	must(t, "list", err)
	must(t, "remove", s.RemoveRecord(ctx, r))
	c := s.Secret(ctx, shoot.ref("p1"))
	wantFinding(t, "the Secret", c.Finding, proof.Absent, c.Why)
	c.Active = pair("u1", "first-pass", 1)
	c, err = s.WriteSecret(ctx, c)
	must(t, "create a Secret", err)
	c, err = s.WriteSecret(ctx, c)
	must(t, "update a Secret", err)
	_, err = s.Secrets(ctx, shoot.namespace)
	must(t, "list Secrets", err)
	must(t, "remove a Secret", s.RemoveSecret(ctx, c))

	other := s.Secret(ctx, p.ref("p1"))
	wantFinding(t, "a Secret elsewhere", other.Finding, proof.Unknown, other.Why)
	if _, err := s.Secrets(ctx, p.namespace); flow.ClassOf(err) != flow.NeedsPerson || flow.AdviceOf(err) != "kubectl auth can-i list secrets --namespace "+p.namespace {
		t.Errorf("list Secrets elsewhere: %v", err)
	}
	wrong := place{p.KubeServer, p.Namespace(t)}.store(t, as).Record(ctx, "p1")
	wantFinding(t, "a record elsewhere", wrong.Finding, proof.Unknown, wrong.Why)
}

// Whoever may not read namespaces has to do with half the authority.
func TestWithoutTheRightToReadTheNamespace(t *testing.T) {
	p := newPlace(t)
	applyRole(t, p, p.namespace)
	for _, role := range []string{"seedproof-svm", "seedproof-svm-credentials"} {
		p.edit(t, "/apis/rbac.authorization.k8s.io/v1/namespaces/"+p.namespace+"/roles/"+role, func(o map[string]any) {
			rules := o["rules"].([]any)
			o["rules"] = rules[:len(rules)-1]
		})
	}
	h := &heard{}
	s := p.store(t, func(o *seed.Options) {
		o.Observer = h
		o.Config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + p.namespace + ":seedproof-svm"}
	})
	awaitRights(t, s)
	r := s.Record(t.Context(), "p1")
	wantFinding(t, "the record", r.Finding, proof.Absent, r.Why)
	if last := h.calls[len(h.calls)-1]; last.Resource != "namespaces" || last.Status != http.StatusForbidden {
		t.Errorf("the namespace could be read: %+v", last)
	}
}

// awaitRights waits until the API server has heard of the roles.
func awaitRights(t *testing.T, s *seed.Store) {
	t.Helper()
	for range 3000 {
		if s.Record(t.Context(), "p1").Finding == proof.Absent {
			return
		}
	}
	t.Fatal("the roles were never heard of")
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func TestLoadConfig(t *testing.T) {
	p := newPlace(t)
	path := p.Kubeconfig(t)
	try := func(explicit, fromEnvironment, contextName string) error {
		t.Setenv("KUBECONFIG", fromEnvironment)
		t.Setenv("HOME", t.TempDir())
		c, err := seed.LoadConfig(explicit, contextName)
		if err != nil {
			return err
		}
		s, err := seed.New(seed.Options{Config: c, Namespace: p.namespace})
		if err != nil {
			return err
		}
		if r := s.Record(t.Context(), "p1"); r.Finding != proof.Absent || !strings.HasPrefix(c.UserAgent, "seedproof/") {
			t.Errorf("with %q and %q: %s (%s), agent %q", explicit, fromEnvironment, r.Finding, r.Why, c.UserAgent)
		}
		return nil
	}
	missing := filepath.Join(t.TempDir(), "none")
	must(t, "the file that is named", try(path, "", ""))
	must(t, "the file that is named goes first", try(path, missing, ""))
	must(t, "KUBECONFIG", try("", path, ""))
	for reason, err := range map[string]error{
		"a file that is not there":      try(missing, path, ""),
		"a context that is not in it":   try(path, "", "nobody"),
		"no file, and not in a cluster": try("", "", ""),
	} {
		if err == nil {
			t.Errorf("%s: taken", reason)
		}
	}
}
