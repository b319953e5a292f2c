package imports

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if err := dependOnSources(); err != nil {
		fmt.Fprintln(os.Stderr, "look at the sources:", err)
		os.Exit(1)
	}
	m.Run()
}

func TestImports(t *testing.T) {
	for _, tags := range []string{"", "chaos"} {
		t.Run("tags="+tags, func(t *testing.T) {
			packages, err := goList("-tags="+tags, "./...")
			if err != nil {
				t.Fatal(err)
			}
			edges := edgesOf(packages)
			if len(edges) == 0 {
				t.Fatal("go list names no imports at all")
			}
			for _, v := range violations(edges) {
				t.Error(v)
			}
		})
	}
}

// The product's licence is Apache-2.0: no module that it or its tests link may
// be under the (A)GPL, whatever its name.
func TestLicences(t *testing.T) {
	packages, err := goList("-deps", "-test", "./...")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"": true}
	for _, p := range packages {
		if p.Module == nil || seen[p.Module.Dir] {
			continue
		}
		seen[p.Module.Dir] = true
		text, err := licence(p.Module.Dir)
		if err != nil {
			t.Errorf("module %s: %v", p.Module.Path, err)
		} else if underGPL(text) {
			t.Errorf("module %s is under the GPL or AGPL", p.Module.Path)
		}
	}
	if len(seen) < 2 {
		t.Fatal("go list names no modules at all")
	}
}

func underGPL(licence string) bool {
	words := strings.Join(strings.Fields(strings.ToUpper(licence)), " ")
	return strings.Contains(words, "GNU AFFERO GENERAL PUBLIC LICENSE") || strings.Contains(words, "GNU GENERAL PUBLIC LICENSE")
}

// Every rule is broken once here, and kept once where an exception must hold:
// a rule that cannot fail guards nothing.
func TestCheckerNoticesViolations(t *testing.T) {
	tests := []struct {
		from, to string
		want     string // part of the reason; empty: allowed
	}{
		{"internal/fault", "std/errors", ""},
		{"internal/fault", "internal/proof", "imports nothing of ours"},
		{"internal/fault/httpfault", "internal/fault", ""},
		{"internal/fault/httpfault", "internal/ontap", "knows no transport of ours"},
		{"internal/proof", "std/crypto/sha256", ""},
		{"internal/proof", "internal/fault", "no I/O of its own"},
		{"internal/proof", "std/os", "no I/O"},
		{"internal/proof", "std/net/http", "no I/O"},
		{"internal/proof", "C", "no I/O of its own"},
		{"internal/flow", "golang.org/x/sync/errgroup", "no I/O of its own"},
		{"internal/etcd/decide", "internal/proof", ""},
		{"internal/etcd/decide", "internal/etcd/decide/member", ""},
		{"internal/etcd/decide", "std/net/url", ""},
		{"internal/etcd/decide", "internal/etcd/record", "from evidence"},
		{"internal/etcd/decide/member", "go.etcd.io/etcd/client/v3", "from evidence"},
		{"internal/etcd/decide", "std/os/exec", "no I/O"},
		{"internal/svm/decide", "internal/ontap", "decisions about an SVM"},
		{"internal/svm/trouble", "internal/flow", "told from samples alone"},
		{"internal/ontap/sim", "internal/ontap/sim/query", ""},
		{"internal/ontap/sim", "internal/ontap", "from the facts alone"},
		{"internal/etcd/backup/retention", "internal/store", "pure function"},
		{"internal/etcd/agent", "internal/kops", "stands alone"},
		{"internal/etcd/agent", "internal/ontap", "stands alone"},
		{"internal/kops", "internal/etcd/managerfiles", ""},
		{"internal/kops", "internal/etcd/record", ""},
		{"internal/kops/gate", "internal/etcd/backup", ""},
		{"internal/kops/gate", "internal/kops/story", "the stage of a demo"},
		{"internal/cli", "internal/kops/story", ""},
		{"internal/kops", "api/agent/v1", ""},
		{"internal/kops", "internal/etcd/agent", "the kops wing sees"},
		{"internal/kops", "internal/etcd/snapshot", ""},
		{"internal/store/lifecycle", "internal/store", "is a pure function"},
		{"internal/store/lifecycle", "std/os", "no I/O"},
		{"internal/store/lifecycle/s3inspect", "internal/store/s3", ""},
		{"internal/store/lifecycle/gcsinspect", "internal/store/gcs", ""},
		{"internal/kops/decide", "internal/etcd/managerfiles", ""},
		{"internal/kops/decide", "internal/kops/statestore", "what an update would do"},
		{"internal/kops/decide", "std/os", "no I/O"},
		{"internal/kops/gate", "internal/kops", ""},
		{"internal/kops/gate/permit", "internal/kops/decide", ""},
		{"internal/kops/gate/permit", "internal/kops", "what is asked"},
		{"internal/kops/gate/cmdline", "std/os", "no I/O"},
		{"internal/kops/gate/tfplan", "internal/kops/decide", "without looking anywhere"},
		{"internal/kops/statestore", "internal/kops/kopstest", "by tests alone"},
		{"internal/kops/watch", "internal/kops", ""},
		{"internal/kops/watch", "internal/store/s3", "only reads"},
		{"internal/kops/gate", "internal/kops/watch", "the watch stands on the check"},
		{"internal/cli", "internal/kops/watch", ""},
		{"internal/svm", "internal/etcd/record", "stands alone"},
		{"internal/extension", "internal/kops", "stands alone"},
		{"internal/extension", "internal/svm", ""},
		{"internal/extension", "internal/svm/check", ""},
		{"internal/svm", "internal/svm/check", "told to people"},
		{"internal/cli", "internal/etcd/local", ""},
		{"internal/etcd/controller", "internal/etcd/local", "for the command line and for tests"},
		{"test/robustness", "internal/etcd/local", ""},
		{"internal/etcd/kubeobj", "k8s.io/api/core/v1", ""},
		{"internal/etcd/agent", "k8s.io/client-go/rest", "only kubeobj"},
		{"internal/store", "k8s.io/api/core/v1", "only kubeobj"},
		{"internal/cli", "sigs.k8s.io/yaml", ""},
		{"api/agent/v1", "google.golang.org/grpc", ""},
		{"api/agent/v1", "internal/proof", "generated code"},
		{"internal/store/s3", "internal/store", ""},
		{"internal/store/s3", "internal/store/storetest", "by tests alone"},
		{"internal/etcd/agent", "internal/testenv", "by tests alone"},
		{"internal/testenv/build", "internal/testenv", ""},
		{"internal/store/storetest", "internal/store", ""},
		{"internal/cli", "test/bench", "by tests alone"},
		{"test/standins/manager", "internal/etcd/managerfiles", "written from the facts"},
		{"internal/store/s3", "github.com/minio/minio/cmd", "AGPL"},
		{"internal/store/s3", "github.com/minio/minio-go/v7", ""},
		{"internal/store", "internal/telemetry", ""},
		{"internal/atomicfile", "internal/store", "downwards"},
		{"internal/etcd/record", "internal/etcd/backup", "downwards"},
		{"internal/etcd/backup", "internal/etcd/agent", "downwards"},
		{"internal/etcd/agent", "internal/etcd/controller", "downwards"},
		{"internal/etcd/controller", "internal/cli", "downwards"},
		{"cmd/seedproof", "internal/cli", ""},
		{"internal/newcomer", "internal/proof", "has no row"},
		{"internal/cli", "internal/etcd/newcomer", "has no row"},
	}
	broken := map[string]bool{}
	for _, tt := range tests {
		found := violations([]edge{{tt.from, tt.to}})
		if tt.want == "" {
			if len(found) > 0 {
				t.Errorf("must be allowed: %v", found)
			}
			continue
		}
		hit := false
		for _, v := range found {
			broken[v.why] = true
			hit = hit || strings.Contains(v.why, tt.want)
		}
		if !hit {
			t.Errorf("%s imports %s: found %v, want %q", tt.from, tt.to, found, tt.want)
		}
	}
	for _, r := range rules {
		if !broken[r.why] {
			t.Errorf("no case breaks the rule %q", r.why)
		}
	}
}

func TestTableName(t *testing.T) {
	tests := []struct{ path, want, reason string }{
		{module + "/internal/proof", "internal/proof", "ours, without the module"},
		{"net/http", "std/net/http", "the standard library"},
		{"C", "C", "cgo is not the standard library"},
		{"k8s.io/api/core/v1", "k8s.io/api/core/v1", "somebody else's"},
		{module + "x/a", module + "x/a", "a module that merely begins like ours"},
	}
	for _, tt := range tests {
		if got := tableName(tt.path); got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.reason, tt.path, got, tt.want)
		}
	}
}

func TestUnderGPL(t *testing.T) {
	tests := []struct {
		licence string
		want    bool
	}{
		{"                    GNU AFFERO GENERAL PUBLIC LICENSE\n   Version 3", true},
		{"GNU GENERAL PUBLIC\nLICENSE", true},
		{"Apache License\nVersion 2.0", false},
		{"Mozilla Public License Version 2.0", false},
	}
	for _, tt := range tests {
		if got := underGPL(tt.licence); got != tt.want {
			t.Errorf("underGPL(%q) = %v, want %v", tt.licence, got, tt.want)
		}
	}
}
