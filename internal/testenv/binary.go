package testenv

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is one tools module under test/servers.
type module struct {
	dir     string            // below test/servers
	version string            // for people; the go.mod pins it
	cost    string            // about how long it takes on two cores
	targets map[string]string // binary -> package
	stamp   []string          // flags of the linker beside those of all
}

var modules = []module{
	{
		dir: "versitygw", version: "v1.8.0", cost: "about a minute",
		targets: map[string]string{"versitygw": "github.com/versity/versitygw/cmd/versitygw"},
	},
	{ // AGPL: only ever a program of its own, never imported.
		dir: "minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c", cost: "about two minutes",
		targets: map[string]string{"minio": "github.com/minio/minio"},
	},
	{
		dir: "fakegcs", version: "v1.56.1", cost: "about a minute",
		targets: map[string]string{"fake-gcs-server": "github.com/fsouza/fake-gcs-server"},
	},
	{
		dir: "etcd36", version: "v3.6.16", cost: "about half a minute",
		targets: map[string]string{
			"etcd":    "go.etcd.io/etcd/server/v3",
			"etcdctl": "go.etcd.io/etcd/etcdctl/v3",
			"etcdutl": "go.etcd.io/etcd/etcdutl/v3",
		},
	},
	{
		dir: "promtool", version: "v0.315.0", cost: "four minutes or more; a promtool on PATH saves them",
		targets: map[string]string{"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
	},
	{
		dir: "golangci-lint", version: "v2.15.0", cost: "about a minute",
		targets: map[string]string{"golangci-lint": "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"},
	},
	{
		dir: "k8s", version: "v1.36.3", cost: "four minutes or more",
		targets: map[string]string{"kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver"},
		// Without them the server gives a version that no client can parse.
		stamp: []string{
			"-X k8s.io/component-base/version.gitVersion=v1.36.3",
			"-X k8s.io/component-base/version.gitMajor=1",
			"-X k8s.io/component-base/version.gitMinor=36",
			"-X k8s.io/client-go/pkg/version.gitVersion=v1.36.3",
			"-X k8s.io/client-go/pkg/version.gitMajor=1",
			"-X k8s.io/client-go/pkg/version.gitMinor=36",
		},
	},
}

// onPath are programs of which any installed version will do.
var onPath = map[string]bool{"promtool": true}

var (
	buildEnv  = []string{"CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local", "GOWORK=off"}
	linkFlags = []string{"-s", "-w"}
)

// buildFlags are those of go build for this module.
func (m module) buildFlags() []string {
	return []string{"-trimpath", "-ldflags=" + strings.Join(slices.Concat(linkFlags, m.stamp), " ")}
}

// Binary is the path of a pinned program: versitygw, minio, fake-gcs-server,
// etcd, etcdctl, etcdutl, kube-apiserver or promtool. The first call on a
// machine builds it.
func Binary(t testing.TB, name string) string {
	t.Helper()
	path, err := FindOrBuild(name)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return path
}

var found struct {
	sync.Mutex
	path map[string]string
}

// FindOrBuild is Binary for callers that are no test.
func FindOrBuild(name string) (string, error) {
	found.Lock()
	defer found.Unlock()
	if path, ok := found.path[name]; ok {
		return path, nil
	}
	path, err := findOrBuild(name)
	if err != nil {
		return "", fmt.Errorf("get %s: %w", name, err)
	}
	if found.path == nil {
		found.path = map[string]string{}
	}
	found.path[name] = path
	return path, nil
}

func findOrBuild(name string) (string, error) {
	if onPath[name] {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	m, err := moduleOf(name)
	if err != nil {
		return "", err
	}
	dir, err := m.ensure()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "bin", name), nil
}

func moduleOf(name string) (module, error) {
	var known []string
	for _, m := range modules {
		if _, ok := m.targets[name]; ok {
			return m, nil
		}
		known = slices.AppendSeq(known, maps.Keys(m.targets))
	}
	slices.Sort(known)
	return module{}, fmt.Errorf("no such foreign program; known are %s", strings.Join(known, ", "))
}

// ensure builds all targets of the module unless they are there, and gives the
// directory that holds bin.
func (m module) ensure() (string, error) {
	root, err := repoRoot()
	if err != nil {
		return "", err
	}
	src := filepath.Join(root, "test", "servers", m.dir)
	key, err := digest(slices.Concat(buildEnv, m.buildFlags()), filepath.Join(src, "go.mod"), filepath.Join(src, "go.sum"))
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	final := filepath.Join(cache, m.dir+"-"+key)
	if m.complete(final) {
		return final, nil
	}
	return final, locked(filepath.Join(cache, m.dir+".lock"), func() error {
		if m.complete(final) {
			return nil // built by another process while we waited
		}
		return m.buildInto(src, final)
	})
}

func (m module) complete(dir string) bool {
	for name := range m.targets {
		if _, err := os.Stat(filepath.Join(dir, "bin", name)); err != nil {
			return false
		}
	}
	return true
}

func (m module) buildInto(src, final string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(final), "."+filepath.Base(final)+".tmp-")
	if err != nil {
		return fmt.Errorf("make a build directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(m.targets))
	fmt.Fprintf(os.Stderr, "testenv: building %s %s (once on this machine, %s)\n", strings.Join(names, ", "), m.version, m.cost)
	for _, name := range names {
		args := slices.Concat([]string{"-o", filepath.Join(tmp, "bin", name)}, m.buildFlags(), []string{m.targets[name]})
		if err := goBuild(src, buildEnv, args...); err != nil {
			return err
		}
	}
	return publish(tmp, final)
}

// goBuild runs go build in dir.
func goBuild(dir string, env []string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", dir, err, out)
	}
	return nil
}
