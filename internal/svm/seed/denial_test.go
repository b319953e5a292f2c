package seed_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/testenv"
)

// What admission plugins of a real API server deny may be allowed a moment later:
// it is refused, and tried again.
func TestWhatAnAdmissionDeniesIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		reason string
		deny   func(*testing.T, place)
		advice func(place) string
	}{
		{"a quota", noSecrets, func(p place) string { return "kubectl describe quota --namespace " + p.namespace }},
		{"a policy", calmNight, func(place) string {
			return "kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings"
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			p := newPlace(t)
			c.deny(t, p)
			s := p.store(t)
			secret := s.Secret(t.Context(), p.ref("p1"))
			secret.Active = pair("u1", "first-pass", 1)
			_, err := s.WriteSecret(t.Context(), secret)
			if flow.OutcomeOf(err) != flow.Refused || flow.ClassOf(err) != flow.Transient || flow.AdviceOf(err) != c.advice(p) {
				t.Errorf("%s, %s, %q: %v", flow.OutcomeOf(err), flow.ClassOf(err), flow.AdviceOf(err), err)
			}
		})
	}
}

// noSecrets is a quota that is used up. Nobody counts here: its status is written
// by hand.
func noSecrets(t *testing.T, p place) {
	t.Helper()
	quotas := "/api/v1/namespaces/" + p.namespace + "/resourcequotas"
	hard := map[string]any{"hard": map[string]string{"secrets": "0"}}
	quota := map[string]any{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "none"}, "spec": hard}
	p.behind(t, http.StatusCreated, http.MethodPost, quotas, quota)
	quota["status"] = map[string]any{"hard": hard["hard"], "used": hard["hard"]}
	p.behind(t, http.StatusOK, http.MethodPut, quotas+"/none/status", quota)
}

// calmNight is a policy that denies Secrets of the place, once the API server
// goes by it.
func calmNight(t *testing.T, p place) {
	t.Helper()
	const group = "/apis/admissionregistration.k8s.io/v1/"
	head := func(kind string, spec map[string]any) map[string]any {
		return map[string]any{"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": map[string]any{"name": p.namespace}, "spec": spec}
	}
	p.behind(t, http.StatusCreated, http.MethodPost, group+"validatingadmissionpolicies", head("ValidatingAdmissionPolicy", map[string]any{
		"matchConstraints": map[string]any{
			"namespaceSelector": map[string]any{"matchLabels": map[string]string{"kubernetes.io/metadata.name": p.namespace}},
			"resourceRules":     []any{map[string]any{"apiGroups": []string{""}, "apiVersions": []string{"v1"}, "operations": []string{"CREATE"}, "resources": []string{"secrets"}}},
		},
		"validations": []any{map[string]any{"expression": "false", "message": "not at night"}},
	}))
	p.behind(t, http.StatusCreated, http.MethodPost, group+"validatingadmissionpolicybindings", head("ValidatingAdmissionPolicyBinding", map[string]any{
		"policyName": p.namespace, "validationActions": []string{"Deny"},
	}))
	asked := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "asked"}}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if status, _ := p.Do(t, testenv.KubeAdmin, http.MethodPost, "/api/v1/namespaces/"+p.namespace+"/secrets?dryRun=All", asked); status >= 400 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the policy is never asked")
}
