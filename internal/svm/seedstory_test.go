package svm_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/testenv"
)

// The incident: the SVM is made, and the API server does not take the Secret,
// once. The next reconcile heals it; what happened was told; and nothing was
// taken for granted in between.
func TestTheSeedStory(t *testing.T) {
	for _, c := range []struct {
		reason string
		// refuse has the API server refuse the first Secret, and gives what ends
		// that, and what the Event must say.
		refuse func(*world) (end func(), says string)
		fault  fault.Mode
	}{
		{"an admission webhook denies it", func(w *world) (func(), string) { return w.webhook(nil), "no Secrets today" }, fault.None},
		{"the quota of Secrets is used up", (*world).quota, fault.None},
		{"somebody else makes one of that name in between", func(w *world) (func(), string) {
			return w.webhook(func() { w.foreignSecret() }), "already exists"
		}, fault.None},
		{"it is written, and the answer is lost", nil, fault.LostReply},
		{"the connection breaks before it is sent", nil, fault.FailedBefore},
		{"the controller dies after it was written", nil, fault.CrashedAfter},
		{"the controller dies before it was written", nil, fault.CrashedBefore},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			want := w.wish()
			in := fault.NewInjector(0, fault.None)
			end, says := func() {}, ""
			if c.refuse != nil {
				end, says = c.refuse(w)
			} else {
				in = fault.NewInjector(secretCreation(t), c.fault)
			}
			r := w.controller(in)
			if c.refuse != nil {
				r.Reconcile(t.Context(), want)
			} else if w.untilStruck(r, in, c.fault, want) {
				r = w.controller(nil)
			}
			if v, found := w.sim.Dump().Find("p1"); !found || v.State != "running" {
				t.Fatalf("the SVM is not there: %+v", v)
			}
			if says != "" {
				w.hears("StepFailed", says)
				if lines := strings.Join(w.heard.Lines(), "\n"); !strings.Contains(lines, "failed credentials/prod/pending") {
					t.Errorf("nobody heard of it:\n%s", lines)
				}
				if !failures.Match(w.scrape()) {
					t.Errorf("no metric counts it:\n%s", w.scrape())
				}
			}
			end()
			w.clock.advance(flow.DefaultBackoff().Base) // whatever refused it, it is tried again as soon as that
			r.Reconcile(t.Context(), want)              // the next reconcile
			w.holds(want)
			w.toRest(r, want)
			w.holds(want)
			w.staysAtRest(r, want)
			w.hears("StepDone", "credentials/prod/activate")
			w.noSecrets()
		})
	}
}

// failures is the metric of a step that failed.
var failures = regexp.MustCompile(`(?m)^seedproof_svm_step_failures_total\{.*step="credentials/pending".*\} [1-9]`)

// secretCreation is the number of the call that makes the Secret.
func secretCreation(t *testing.T) int {
	t.Helper()
	for i, call := range kthFlows()[0].calls(t) {
		if call.Op == http.MethodPost && strings.HasSuffix(call.Target, "/secrets") {
			return i + 1
		}
	}
	t.Fatal("no call makes the Secret")
	return 0
}

// hears looks for an Event in the namespace.
func (w *world) hears(reason, says string) {
	w.t.Helper()
	_, body := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+w.namespace+"/events", nil)
	var list struct {
		Items []struct{ Reason, Message string }
	}
	must(w.t, json.Unmarshal(body, &list))
	for _, e := range list.Items {
		if e.Reason == reason && strings.Contains(e.Message, says) {
			return
		}
	}
	w.t.Errorf("no Event %s says %q: %v", reason, says, list.Items)
}

// foreignSecret makes a Secret of our name with what is somebody else's.
func (w *world) foreignSecret() {
	w.change(http.MethodPost, "secrets", "", map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": w.secretRef().Name},
		"data": map[string]string{"theirs": base64.StdEncoding.EncodeToString([]byte("kept"))},
	})
}

// quota allows no Secret in the namespace. There is no controller that would
// count, so that its status is written here.
func (w *world) quota() (end func(), says string) {
	w.t.Helper()
	none := map[string]any{"hard": map[string]string{"secrets": "0"}}
	object := map[string]any{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "none"}, "spec": none}
	w.change(http.MethodPost, "resourcequotas", "", object)
	object["status"] = map[string]any{"hard": map[string]string{"secrets": "0"}, "used": map[string]string{"secrets": "0"}}
	w.change(http.MethodPut, "resourcequotas", "none/status", object)
	return func() { w.change(http.MethodDelete, "resourcequotas", "none", nil) }, "exceeded quota"
}

// webhook denies the first Secret of the namespace; where there is something to
// do instead, it does that and lets the Secret pass.
func (w *world) webhook(instead func()) (end func()) {
	w.t.Helper()
	var asked atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var review struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Request    struct {
				UID    string `json:"uid"`
				DryRun bool   `json:"dryRun"`
			} `json:"request"`
		}
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		first := review.Request.DryRun || asked.Add(1) == 1
		if first && !review.Request.DryRun && instead != nil {
			instead()
		}
		answer := map[string]any{"uid": review.Request.UID, "allowed": !first || instead != nil && !review.Request.DryRun, "status": map[string]any{"message": "no Secrets today"}}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]any{"apiVersion": review.APIVersion, "kind": review.Kind, "response": answer})
	}))
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	path := "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
	config := map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": map[string]any{"name": w.namespace},
		"webhooks": []any{map[string]any{
			"name": "secrets.example.test", "admissionReviewVersions": []string{"v1"}, "sideEffects": "None", "failurePolicy": "Fail",
			"clientConfig":      map[string]any{"url": server.URL, "caBundle": base64.StdEncoding.EncodeToString(ca)},
			"namespaceSelector": map[string]any{"matchLabels": map[string]string{"kubernetes.io/metadata.name": w.namespace}},
			"rules":             []any{map[string]any{"apiGroups": []string{""}, "apiVersions": []string{"v1"}, "operations": []string{"CREATE"}, "resources": []string{"secrets"}}},
		}},
	}
	if status, answer := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodPost, path, config); status != http.StatusCreated {
		w.t.Fatalf("register the webhook: %d %s", status, answer)
	}
	w.t.Cleanup(server.Close)
	w.untilDenied()
	return func() { w.kube.Do(w.t, testenv.KubeAdmin, http.MethodDelete, path+"/"+w.namespace, nil) }
}

// untilDenied waits until the API server has heard of the webhook, by asking for
// a Secret that is not kept.
func (w *world) untilDenied() {
	w.t.Helper()
	path := "/api/v1/namespaces/" + w.namespace + "/secrets?dryRun=All"
	object := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "asked"}}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if status, _ := w.kube.Do(w.t, testenv.KubeAdmin, http.MethodPost, path, object); status >= 400 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	w.t.Fatal("the webhook is never asked")
}
