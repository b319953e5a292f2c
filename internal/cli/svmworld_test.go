package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.RunWithKube(m)) }

// svmStage is a simulated array, a real API server, and the files that name
// them.
type svmStage struct {
	t         *testing.T
	sim       *sim.Simulator
	kube      *testenv.KubeServer
	namespace string
	dir       string
	config    string // kubeconfig
	said      bytes.Buffer
	passwords []string // every one that was ever seen in the namespace
}

const svmObject = `apiVersion: seedproof.dev/v1alpha1
kind: StorageVM
metadata:
  name: team
spec:
  garden: garden
  project: team
  dataLIFs:
  - {address: 192.0.2.20, netmask: 24, broadcastDomain: Default}
  - {address: 192.0.2.21, netmask: 24, broadcastDomain: Default}
  managementLIF: {address: 192.0.2.10, netmask: 24, broadcastDomain: Default}
  routes:
  - gateway: 192.0.2.1
  credentials:
  - {shoot: shoot--team--prod, secretName: team-prod, secretNamespace: NAMESPACE}
`

func newSVMStage(t *testing.T, change ...func(*sim.Options)) *svmStage {
	t.Helper()
	s := &svmStage{t: t, kube: testenv.SharedKube(t), dir: t.TempDir()}
	s.namespace = s.kube.Namespace(t)
	o := sim.Options{Times: sim.AtOnce()}
	for _, c := range change {
		c(&o)
	}
	var err error
	if s.sim, err = sim.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.sim.Close)
	s.config = s.kube.Kubeconfig(t)
	_, password := s.sim.Cluster(0).Credentials()
	s.write("a1.password", password+"\n")
	s.write("a1.pem", string(s.sim.Cluster(0).CA()))
	s.arrays("caFile: a1.pem", "")
	s.object(svmObject)
	t.Cleanup(s.scan)
	return s
}

func (s *svmStage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *svmStage) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// object writes the StorageVM, after some replacements.
func (s *svmStage) object(text string, replace ...string) {
	s.t.Helper()
	text = strings.NewReplacer(replace...).Replace(text)
	s.write("svm.yaml", strings.ReplaceAll(text, "NAMESPACE", s.namespace))
}

// arrays writes the configuration of the arrays: by what the first is trusted,
// and what stands behind it.
func (s *svmStage) arrays(trust, more string) {
	s.t.Helper()
	user, _ := s.sim.Cluster(0).Credentials()
	s.write("arrays.yaml", fmt.Sprintf("apiVersion: seedproof.dev/v1alpha1\nkind: Arrays\narrays:\n"+
		"- {name: a1, url: %q, user: %s, passwordFile: a1.password, %s}\n%s", s.sim.Cluster(0).URL(), user, trust, more))
}

// flags find everything.
func (s *svmStage) flags() []string {
	return []string{"-f", s.path("svm.yaml"), "--arrays", s.path("arrays.yaml"), "--kubeconfig", s.config, "--namespace", s.namespace}
}

// svm runs a command of the group with the flags, as a script would.
func (s *svmStage) svm(args ...string) (code int, out string) {
	s.t.Helper()
	args = append([]string{"svm"}, args...)
	if slices.Contains([]string{"apply", "rotate", "delete"}, args[1]) && !slices.Contains(args, "--wait") {
		args = append(args, "--wait", "30s") // what waits for nothing is seen to wait
	}
	return s.run(append(args, s.flags()...)...)
}

// run runs a whole command line.
func (s *svmStage) run(args ...string) (code int, out string) {
	s.t.Helper()
	var both bytes.Buffer
	g := &global{stdin: strings.NewReader(""), stdout: &both, stderr: &both, version: "test", dialArrays: s.sim.DialContext}
	code = g.run(context.WithoutCancel(s.t.Context()), args)
	s.t.Logf("$ seedproof %s\n%s(exit code %d)", strings.Join(args, " "), both.String(), code)
	s.said.WriteString(both.String())
	s.learn()
	return code, both.String()
}

// want runs a command and checks its exit code and what it says, in that order.
func (s *svmStage) want(code int, says []string, args ...string) string {
	s.t.Helper()
	got, out := s.svm(args...)
	if got != code {
		s.t.Fatalf("svm %s: exit code %d, want %d:\n%s", strings.Join(args, " "), got, code, out)
	}
	inOrder(s.t, out, says...)
	return out
}

func inOrder(t *testing.T, out string, says ...string) {
	t.Helper()
	rest := out
	for _, want := range says {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("it does not say %q where it should:\n%s", want, out)
		}
		rest = after
	}
}

// typed runs a command that was printed, as it stands there.
func (s *svmStage) typed(out, begin string, more ...string) (int, string) {
	s.t.Helper()
	for line := range strings.Lines(out) {
		if i := strings.Index(line, begin); i >= 0 {
			command, _, _ := strings.Cut(line[i:], " #")
			words := strings.Fields(command)
			return s.run(append(words[1:], more...)...)
		}
	}
	s.t.Fatalf("no command %q is printed in:\n%s", begin, out)
	return 0, ""
}

// settled is what was said, without what differs from run to run. What takes its
// place is as long, so that columns stay.
func (s *svmStage) settled(out string) string {
	out = strings.ReplaceAll(out, s.namespace, "NAMESPACE"+strings.Repeat("-", len(s.namespace)-len("NAMESPACE")))
	for _, digits := range []struct{ form, with string }{
		{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "UUID................................"},
		{`serial \d+`, "serial N"}, // how often it was written is the flow's own business
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`now {4}|\d\ds ago|\ds ago `, "now    "},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "YYYY-MM-DDThh:mm:ssZ"},
	} {
		out = regexp.MustCompile(digits.form).ReplaceAllString(out, digits.with)
	}
	return out
}

// grant lets the user KubePlain do something in the namespace.
func (s *svmStage) grant(name string, rules ...map[string]any) {
	s.t.Helper()
	roles := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + s.namespace
	for path, body := range map[string]map[string]any{
		"/roles": {"metadata": map[string]any{"name": name}, "rules": rules},
		"/rolebindings": {
			"metadata": map[string]any{"name": name},
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
			"subjects": []map[string]any{{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": testenv.KubePlain}},
		},
	} {
		if status, answer := s.kube.Do(s.t, testenv.KubeAdmin, http.MethodPost, roles+path, body); status != http.StatusCreated {
			s.t.Fatalf("grant %s: %d %s", name, status, answer)
		}
	}
}

func rights(resource string, verbs ...string) map[string]any {
	return map[string]any{"apiGroups": []string{""}, "resources": []string{resource}, "verbs": verbs}
}

// client is an administrator of the array that nobody of us is.
func (s *svmStage) client() *ontap.Client {
	s.t.Helper()
	c := s.sim.Cluster(0)
	user, password := c.Credentials()
	client, err := ontap.New(ontap.Options{
		Name: "a1", URL: c.URL(), User: user, Password: ontap.NewSecret(password), Trust: ontap.Trust{CA: c.CA()}, DialContext: s.sim.DialContext, ReturnTimeout: -1,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	return client
}

// writes are the requests to the array that could change something.
func (s *svmStage) writes() []string {
	var all []string
	for _, q := range s.sim.Requests() {
		if q.Method != http.MethodGet && q.Method != http.MethodHead {
			all = append(all, q.Method+" "+q.Path)
		}
	}
	return all
}

// objects are the versions of all that lies in the namespace.
func (s *svmStage) objects() string {
	s.t.Helper()
	var all strings.Builder
	for _, kind := range []string{"configmaps", "secrets", "events"} {
		status, body := s.kube.Do(s.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+s.namespace+"/"+kind, nil)
		var list struct {
			Items []struct {
				Metadata struct{ Name, ResourceVersion string }
			}
		}
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
			s.t.Fatalf("list %s: %d %v", kind, status, err)
		}
		for _, i := range list.Items {
			fmt.Fprintf(&all, "%s/%s@%s\n", kind, i.Metadata.Name, i.Metadata.ResourceVersion)
		}
	}
	return all.String()
}

// secret is the data of the seed Secret.
func (s *svmStage) secret() map[string]string {
	s.t.Helper()
	_, body := s.kube.Do(s.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+s.namespace+"/secrets/team-prod", nil)
	var stored struct{ Data map[string]string }
	if err := json.Unmarshal(body, &stored); err != nil {
		s.t.Fatal(err)
	}
	plain := map[string]string{}
	for k, v := range stored.Data {
		text, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			s.t.Fatal(err)
		}
		plain[k] = string(text)
	}
	return plain
}

// learn remembers the passwords that lie in the namespace now.
func (s *svmStage) learn() {
	s.t.Helper()
	_, body := s.kube.Do(s.t, testenv.KubeAdmin, http.MethodGet, "/api/v1/namespaces/"+s.namespace+"/secrets", nil)
	var list struct {
		Items []struct{ Data map[string][]byte }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		s.t.Fatal(err)
	}
	for _, i := range list.Items {
		for key, value := range i.Data {
			if strings.Contains(key, "password") && len(value) > 0 {
				s.passwords = append(s.passwords, string(value))
			}
		}
	}
}

// scan looks for every password that is known in everything that was said.
func (s *svmStage) scan() {
	_, admin := s.sim.Cluster(0).Credentials()
	said := s.said.String()
	for _, p := range append(s.passwords, admin) {
		if strings.Contains(said, p) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte(p))) {
			s.t.Error("a password was printed")
		}
	}
}
