package testenv

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// configMap is as much of a ConfigMap as these tests need.
type configMap struct {
	Metadata struct {
		Name            string `json:"name"`
		ResourceVersion string `json:"resourceVersion,omitempty"`
	} `json:"metadata"`
	Data map[string]string `json:"data"`
}

func newConfigMap(name, value string) configMap {
	c := configMap{Data: map[string]string{"value": value}}
	c.Metadata.Name = name
	return c
}

// answered asks as the administrator, demands the status, and decodes what came.
func answered(t *testing.T, k *KubeServer, want int, method, path string, body any) configMap {
	t.Helper()
	status, answer := k.Do(t, KubeAdmin, method, path, body)
	if status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, answer)
	}
	var got configMap
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, answer)
	}
	return got
}

func configMaps(namespace string) string { return "/api/v1/namespaces/" + namespace + "/configmaps" }

// TestKube uses one server for all that does not disturb it, and disturbs it
// last.
func TestKube(t *testing.T) {
	k := Kube(t)
	t.Run("is the pinned version", func(t *testing.T) { kubeVersion(t, k) })
	t.Run("namespaces are fresh", func(t *testing.T) {
		if a, b := k.Namespace(t), k.Namespace(t); a == b {
			t.Errorf("two namespaces have the same name %s", a)
		}
	})
	t.Run("keeps objects by revision", func(t *testing.T) { kubeRevisions(t, k) })
	t.Run("asks RBAC", func(t *testing.T) { kubeRights(t, k) })
	t.Run("kubeconfig", func(t *testing.T) { kubeConfigured(t, k) })
	t.Run("stops and starts", func(t *testing.T) { kubeRestarts(t, k) })
	t.Run("goes back to a checkpoint", func(t *testing.T) { kubeRestores(t, k) })
}

func kubeVersion(t *testing.T, k *KubeServer) {
	m, err := moduleOf("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	var version struct {
		GitVersion string `json:"gitVersion"`
		Major      string `json:"major"`
		Minor      string `json:"minor"`
	}
	_, answer := k.Do(t, KubeAdmin, http.MethodGet, "/version", nil)
	if err := json.Unmarshal(answer, &version); err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != m.version || !strings.HasPrefix(m.version, "v"+version.Major+"."+version.Minor+".") {
		t.Errorf("the server calls itself %+v, want %s: look at the stamp of its module", version, m.version)
	}
}

func kubeRevisions(t *testing.T, k *KubeServer) {
	path := configMaps(k.Namespace(t))
	made := answered(t, k, http.StatusCreated, http.MethodPost, path, newConfigMap("one", "first"))
	if got := answered(t, k, http.StatusOK, http.MethodGet, path+"/one", nil); got.Data["value"] != "first" {
		t.Errorf("read back %v", got.Data)
	}
	changed := made
	changed.Data = map[string]string{"value": "second"}
	answered(t, k, http.StatusOK, http.MethodPut, path+"/one", changed)
	answered(t, k, http.StatusConflict, http.MethodPut, path+"/one", made) // its revision is the first
	answered(t, k, http.StatusConflict, http.MethodPost, path, newConfigMap("one", "third"))
	if got := answered(t, k, http.StatusOK, http.MethodGet, path+"/one", nil); got.Data["value"] != "second" {
		t.Errorf("after two refused writes: %v", got.Data)
	}
	answered(t, k, http.StatusNotFound, http.MethodGet, path+"/two", nil)
}

func kubeRights(t *testing.T, k *KubeServer) {
	namespace := k.Namespace(t)
	if status, answer := k.Do(t, KubePlain, http.MethodGet, configMaps(namespace), nil); status != http.StatusForbidden {
		t.Errorf("a user without rights lists: %d %s", status, answer)
	}
	type object = map[string]any
	rbac := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace
	answered(t, k, http.StatusCreated, http.MethodPost, rbac+"/roles", object{
		"metadata": object{"name": "reader"},
		"rules":    []object{{"apiGroups": []string{""}, "resources": []string{"configmaps"}, "verbs": []string{"get", "list"}}},
	})
	answered(t, k, http.StatusCreated, http.MethodPost, rbac+"/rolebindings", object{
		"metadata": object{"name": "reader"},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
		"subjects": []object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": KubePlain}},
	})
	eventually(t, func() bool { // the authorizer follows by a watch
		status, _ := k.Do(t, KubePlain, http.MethodGet, configMaps(namespace), nil)
		return status == http.StatusOK
	})
	if status, _ := k.Do(t, KubePlain, http.MethodPost, configMaps(namespace), newConfigMap("one", "")); status != http.StatusForbidden {
		t.Errorf("a reader writes: %d", status)
	}
	status, _, err := k.request(t.Context(), "no-such-token", http.MethodGet, configMaps(namespace), nil)
	if err != nil || status != http.StatusUnauthorized {
		t.Errorf("an unknown token: %d %v", status, err)
	}
}

func kubeConfigured(t *testing.T, k *KubeServer) {
	path := k.KubeconfigOf(t, KubePlain)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, has := range map[string]bool{
		"the address":               strings.Contains(string(content), k.URL),
		"the user's token":          strings.Contains(string(content), k.Token(t, KubePlain)),
		"the administrator's token": !strings.Contains(string(content), k.AdminToken),
	} {
		if !has {
			t.Errorf("wrong about %s: %s", what, content)
		}
	}
}

func kubeRestarts(t *testing.T, k *KubeServer) {
	path := configMaps(k.Namespace(t))
	answered(t, k, http.StatusCreated, http.MethodPost, path, newConfigMap("one", "kept"))
	k.Stop(t)
	if status, _, err := k.request(t.Context(), k.AdminToken, http.MethodGet, path, nil); err == nil {
		t.Fatalf("a stopped server answers %d", status)
	}
	if !reachable(k.Etcd()) {
		t.Error("its etcd is stopped too")
	}
	k.Stop(t) // a second stop is harmless
	k.Start(t)
	if got := answered(t, k, http.StatusOK, http.MethodGet, path+"/one", nil); got.Data["value"] != "kept" {
		t.Errorf("after a restart: %v", got.Data)
	}
}

func kubeRestores(t *testing.T, k *KubeServer) {
	path := configMaps(k.Namespace(t))
	old := answered(t, k, http.StatusCreated, http.MethodPost, path, newConfigMap("one", "old"))
	c := k.Checkpoint(t)
	changed := old
	changed.Data = map[string]string{"value": "new"}
	answered(t, k, http.StatusOK, http.MethodPut, path+"/one", changed)
	answered(t, k, http.StatusCreated, http.MethodPost, path, newConfigMap("two", "new"))

	k.Restore(t, c)
	got := answered(t, k, http.StatusOK, http.MethodGet, path+"/one", nil)
	if got.Data["value"] != "old" || got.Metadata.ResourceVersion != old.Metadata.ResourceVersion {
		t.Errorf("restored %+v, want %+v", got, old)
	}
	answered(t, k, http.StatusNotFound, http.MethodGet, path+"/two", nil)
	answered(t, k, http.StatusOK, http.MethodPut, path+"/one", changed) // the old revision is the current one again
	k.Restore(t, c)                                                     // a checkpoint serves twice
	answered(t, k, http.StatusNotFound, http.MethodGet, path+"/two", nil)
}

// runner takes the place of a package's tests.
type runner func()

func (r runner) Run() int { r(); return 7 }

func TestTheSharedKubeEndsWithTheTests(t *testing.T) {
	var k *KubeServer
	code := RunWithKube(runner(func() {
		k = SharedKube(t)
		if again := SharedKube(t); again != k {
			t.Error("the second test gets another server")
		}
		k.Namespace(t)
		for what, disturb := range map[string]func(testing.TB){
			"stopped":  k.Stop,
			"started":  k.Start,
			"put back": func(t testing.TB) { k.Restore(t, Checkpoint{}) },
		} {
			if said := fatal(t, disturb); !strings.Contains(said, "start one with Kube") {
				t.Errorf("one test may have it %s under the others: %q", what, said)
			}
		}
		k.Namespace(t)
	}))
	if code != 7 {
		t.Errorf("the tests' exit code became %d", code)
	}
	for _, port := range []int{k.apiPort, k.etcdPort, k.peerPort} {
		if listening(port) {
			t.Errorf("somebody listens on port %d", port)
		}
	}
	if _, err := os.Stat(k.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory is left: %v", err)
	}
}

func TestTheSharedKubeNeedsSomebodyToEndIt(t *testing.T) {
	said := fatal(t, func(t testing.TB) { SharedKube(t) })
	if !strings.Contains(said, "RunWithKube") {
		t.Errorf("got %q", said)
	}
}

// stand takes the place of a test that is expected to fail at once.
type stand struct {
	testing.TB
	said string
}

func (s *stand) Fatal(args ...any) {
	s.said = fmt.Sprint(args...)
	runtime.Goexit()
}

// fatal is what f says when it fails its test at once, empty when it does not.
func fatal(t *testing.T, f func(testing.TB)) string {
	s := &stand{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(s)
	}()
	<-done
	return s.said
}

// TestHelperServesKube is no test: TestKubeDiesWithTheTestProcess runs it as a
// process of its own and kills it.
func TestHelperServesKube(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		return
	}
	k := Kube(t)
	_, _ = os.Stdout.WriteString("serving " + k.URL + " " + k.Etcd() + "\n")
	select {}
}

func TestKubeDiesWithTheTestProcess(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperServesKube$")
	cmd.Env = append(os.Environ(), helperVariable+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var endpoints []string
	for lines := bufio.NewScanner(out); endpoints == nil && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			endpoints = strings.Fields(rest)
		}
	}
	if len(endpoints) != 2 {
		t.Fatal("the helper's server did not start")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, endpoint := range endpoints {
		_, address, _ := strings.Cut(endpoint, "://")
		eventually(t, func() bool { return !dials(address) })
	}
}

func listening(port int) bool { return dials(loopback(port)) }

func dials(address string) bool {
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
