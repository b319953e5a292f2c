// Package imports holds the rules of who may import whom (ARCHITECTURE.md).
// They are here, in two tables, and nowhere else: what can lose data is decided
// in packages that can do no I/O, and the wings stay apart.
//
// A new package under internal/ must be given a row in layers.
package imports

// layers are the rows of the house, lowest first. A package imports packages of
// its own row and of those below it, never of one above. "x/..." is x and all
// below it; the longest pattern that fits a package places it.
var layers = [][]string{
	{"internal/fault"},
	{"internal/fault/httpfault", "internal/proof", "internal/flow", "internal/atomicfile", "api/..."},
	{"internal/telemetry", "internal/store/..."},
	{
		"internal/etcd/decide/...", "internal/etcd/record", "internal/etcd/managerfiles", "internal/etcd/lead",
		"internal/etcd/pki", "internal/etcd/process", "internal/etcd/snapshot", "internal/etcd/kubeobj",
		"internal/ontap/...", "internal/svm/decide", "internal/svm/trouble",
	},
	{"internal/svm/spec"},
	{"internal/svm/seed", "internal/svm/look", "internal/svm/metrics"},
	{"internal/svm/credential", "internal/svm/check"},
	{"internal/etcd/backup/...", "internal/svm"},
	{"internal/etcd/agent/...", "internal/svm/monitor"},
	{"internal/extension/..."},
	{"internal/etcd/controller/..."},
	{"internal/etcd/local/...", "internal/etcd/guard/...", "internal/kops/..."},
	{"internal/cli/..."},
	{"cmd/..."},
}

// testCode is code for tests alone. It stands outside the rows: it may see any
// package, and only tests, test/ and itself may see it.
var testCode = []string{"internal/testenv/...", "internal/store/storetest/...", "internal/flow/flowtest/...", "internal/etcd/local/localtest/...", "internal/kops/kopstest/...", "test/..."}

// Names in the table below: "std/..." is the standard library, "internal/...",
// "api/...", "cmd/..." and "test/..." are ours, everything else is as written
// in an import.
var (
	everything = []string{"..."}
	ours       = []string{"internal/...", "api/...", "cmd/...", "test/..."}
	etcdWing   = []string{"internal/etcd/..."}
	kopsWing   = []string{"internal/kops/..."}
	ontapWing  = []string{"internal/ontap/...", "internal/svm/...", "internal/extension/..."}
)

// rules hold for every import in the non-test files of a package in "of" that
// is not in "save": it must be in "only" (where that is set) and must not be in
// "never", unless it is in "but".
var rules = []rule{
	{
		why: "the vocabulary of faults imports nothing of ours",
		of:  []string{"internal/fault"}, only: std(),
	},
	{
		why: "what crosses the injector over HTTP knows no transport of ours",
		of:  []string{"internal/fault/httpfault"}, only: std("internal/fault"),
	},
	{
		why: "the simulator is written from the facts alone",
		of:  []string{"internal/ontap/sim/..."}, only: std("internal/ontap/sim/..."),
	},
	{
		why: "what judges, and what orders steps, can do no I/O of its own",
		of:  []string{"internal/proof", "internal/flow"}, only: std(),
	},
	{
		why: "pure packages import no I/O",
		of: []string{"internal/proof", "internal/etcd/decide/...", "internal/svm/decide", "internal/svm/trouble", "internal/etcd/backup/retention", "internal/kops/decide", "internal/store/lifecycle",
			"internal/kops/gate/permit", "internal/kops/gate/cmdline", "internal/kops/gate/tfplan"},
		never: []string{"std/os/...", "std/net/...", "std/syscall", "std/io/ioutil", "std/database/...", "std/log/...",
			"std/math/rand/...", "std/crypto/rand", "std/plugin", "std/unsafe"},
		but: []string{"std/net/url", "std/net/netip"},
	},
	{
		why: "decisions about an etcd cluster are made from evidence, by the rules of proof",
		of:  []string{"internal/etcd/decide/..."}, only: std("internal/proof", "internal/etcd/decide/..."),
	},
	{
		why: "decisions about an SVM are made from evidence, by the rules of proof",
		of:  []string{"internal/svm/decide"}, only: std("internal/proof"),
	},
	{
		why: "what is seen coming is told from samples alone",
		of:  []string{"internal/svm/trouble"}, only: std(),
	},
	{
		why: "what an update would do is decided from evidence, by the rules of proof and by what etcd-manager concludes",
		of:  []string{"internal/kops/decide"}, only: std("internal/proof", "internal/etcd/managerfiles"),
	},
	{
		why: "what is asked before kops is run is a table over decisions",
		of:  []string{"internal/kops/gate/permit"}, only: std("internal/kops/decide"),
	},
	{
		why: "a command line and a plan are understood without looking anywhere",
		of:  []string{"internal/kops/gate/cmdline", "internal/kops/gate/tfplan"}, only: std("sigs.k8s.io/yaml"),
	},
	{
		why: "what to keep and what to delete is a pure function",
		of:  []string{"internal/etcd/backup/retention"}, only: std("internal/proof"),
	},
	{
		why: "what a bucket's rules will do is a pure function",
		of:  []string{"internal/store/lifecycle"}, only: std(),
	},
	{
		why: "the etcd wing stands alone",
		of:  etcdWing, never: join(kopsWing, ontapWing),
	},
	{
		why: "the kops wing sees of etcd only what lies in a state store, and the agent through its API",
		of:  kopsWing, never: join(etcdWing, ontapWing),
		but: []string{"internal/etcd/managerfiles", "internal/etcd/record", "internal/etcd/backup/...", "internal/etcd/snapshot"},
	},
	{
		why: "the watch stands on the check alone, and nothing but the command line stands on the watch",
		of:  everything, save: []string{"internal/cli/...", "internal/kops/watch", "test/..."},
		never: []string{"internal/kops/watch"},
	},
	{
		why: "the watch only reads: it opens no store by itself, and knows nothing of the gate",
		of:  []string{"internal/kops/watch"},
		never: []string{"internal/kops/gate/...", "internal/store/open", "internal/store/s3", "internal/store/gcs", "internal/store/azblob", "internal/store/file",
			"internal/atomicfile"},
	},
	{
		why: "the ONTAP wing stands alone",
		of:  ontapWing, never: join(etcdWing, kopsWing),
	},
	{
		why: "what is asked of an array before a creation is told to people, and no flow stands on it",
		of:  everything, save: []string{"internal/cli/...", "internal/extension/...", "test/..."},
		never: []string{"internal/svm/check"},
	},
	{
		why: "a cluster on loopback is for the command line and for tests",
		of:  everything, save: []string{"internal/cli/...", "internal/etcd/local/...", "test/..."},
		never: []string{"internal/etcd/local/..."},
	},
	{
		why: "the stage of a demo is for the command line and for tests",
		of:  everything, save: []string{"internal/cli/...", "internal/kops/story", "test/..."},
		never: []string{"internal/kops/story"},
	},
	{
		why: "of the etcd wing only kubeobj knows Kubernetes, and nothing below the wings does",
		of:  everything, save: join([]string{"internal/etcd/kubeobj", "internal/cli/...", "cmd/...", "test/..."}, ontapWing),
		never: []string{"k8s.io/...", "sigs.k8s.io/controller-runtime/..."},
	},
	{
		why: "the protocol is generated code that anybody may use",
		of:  []string{"api/..."}, never: ours, but: []string{"api/..."},
	},
	{
		why: "code for tests is imported by tests alone",
		of:  everything, save: testCode, never: testCode,
	},
	{
		why: "a stand-in for a foreign program is written from the facts, not from our code",
		of:  []string{"test/standins/..."}, never: ours, but: []string{"test/standins/..."},
	},
	{
		why: "servers under the AGPL are run, never linked",
		of:  everything,
		never: []string{"github.com/minio/minio/...", "github.com/minio/pkg/...", "github.com/minio/console/...",
			"github.com/minio/madmin-go/...", "github.com/minio/mc/...", "github.com/minio/kes/..."},
	},
}

func std(more ...string) []string { return append([]string{"std/..."}, more...) }

func join(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
