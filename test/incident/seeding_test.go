package incident

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/proof"
)

// patience is how many passes are watched of a cluster that must not be made.
const patience = 6

func TestSeedingNeedsEverybody(t *testing.T) {
	old := oldCluster(t)
	t.Run("the third is silent then attested lost then answers with old data", func(t *testing.T) { testThird(t, old) })
	t.Run("a directory that cannot be read", testUnreadable)
	t.Run("a file in the place of the directory", testFile)
	t.Run("fewer agents than the spec counts", testFewer)
	t.Run("an older membership has data", func(t *testing.T) { testOlderMembership(t, old) })
}

// oldCluster: three empty agents answer, and within three intervals there is a
// cluster. It gets a key, and is stopped.
func oldCluster(t *testing.T) *fleet {
	f := newFleet(t, names...)
	for _, name := range names {
		f.start(name, 3, names...)
	}
	f.await("there is a cluster", decided)
	// Its maker tells of it when its pass has ended.
	f.await("it is told who made it", func(controller.Report) bool { return f.seedingPasses() > 0 })
	if n := f.seedingPasses(); n > 3 {
		t.Errorf("%d passes acted until the cluster was born; expected at most 3", n)
	}
	f.await("every memory knows of it, and that it was born", func(controller.Report) bool {
		return !slices.ContainsFunc(names, func(name string) bool {
			text, err := os.ReadFile(filepath.Join(f.state(name), "memory.json"))
			return err != nil || !strings.Contains(string(text), `"serial"`)
		})
	})
	f.putKey("a")
	for _, name := range names {
		f.stop(name)
	}
	return f
}

// seedingPasses counts the passes that acted to bring the cluster about,
// whoever led.
func (f *fleet) seedingPasses() int {
	passes := map[string]bool{}
	for name := range f.agents {
		r, _ := f.report(name)
		for _, e := range r.History {
			if strings.HasPrefix(e.What, "seed/") {
				passes[e.Pass] = true
			}
		}
	}
	return len(passes)
}

func (f *fleet) putKey(name string) {
	f.t.Helper()
	authorities, err := pki.LoadAuthorities(f.path("pki"))
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := pki.EnsureLeaf(f.path("pki"), authorities.Clients, pki.Request{Name: "client", Usage: pki.Client}, time.Now); err != nil {
		f.t.Fatal(err)
	}
	conf, err := pki.ClientTLS(pki.Files{Cert: f.path("pki/client.crt"), Key: f.path("pki/client.key"), CA: f.path("pki/" + pki.ClientsCA + ".crt")}, "")
	if err != nil {
		f.t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{f.client(name)}, TLS: conf, DialTimeout: limit})
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(f.t.Context(), limit)
	defer cancel()
	if _, err := client.Put(ctx, "key", "value"); err != nil {
		f.t.Fatal(err)
	}
}

// take copies the data of a node of another fleet.
func (f *fleet) take(from *fleet, name string) {
	f.t.Helper()
	if err := os.CopyFS(f.data(name), os.DirFS(from.data(name))); err != nil {
		f.t.Fatal(err)
	}
}

func missingNames(r controller.Report) string {
	var all []string
	for _, w := range r.Verdict.Missing {
		all = append(all, w.Name)
	}
	return strings.Join(all, " ")
}

func is(state proof.State) func(controller.Report) bool {
	return func(r controller.Report) bool { return r.Verdict.State == state }
}

func testThird(t *testing.T, old *fleet) {
	f := newFleet(t, names...)
	f.start("a", 3, names...)
	f.start("b", 3, names...)
	two := func(r controller.Report) bool {
		return r.Verdict.State == proof.Unproven && strings.Contains(missingNames(r), "member/c memory/c") && strings.Contains(strings.Join(r.Advice, "\n"), "Make c answer")
	}
	f.await("it says that c is missing", two)
	f.passes(patience, "c is silent, so nothing is proven", is(proof.Unproven))
	f.mustBeNothing("a", "b")

	if code, out := f.command("etcd", "attest", "lost", "c", "--by", "test", "--yes"); code != 0 {
		t.Fatalf("attest: %d\n%s", code, out)
	}
	f.await("the word for c is heard", func(r controller.Report) bool { return r.Verdict.Attested() })
	f.passes(patience, "a person's word proves no absence", func(r controller.Report) bool {
		return r.Verdict.State == proof.Unproven && r.Verdict.Attested()
	})
	f.mustBeNothing("a", "b")

	f.take(old, "c")
	f.start("c", 3, names...)
	r := f.await("the data of c are heard", is(proof.DataLost))
	if advice := strings.Join(r.Advice, "\n"); !strings.Contains(advice, "The best source that is left: member/c") {
		t.Errorf("the advice does not name the best source:\n%s", advice)
	}
	f.passes(patience, "one old directory of three is no cluster, and there was one", is(proof.DataLost))
	f.mustBeNothing("a", "b")
	if !f.has("c", "etcd/member/snap/db") {
		t.Error("the old directory was touched")
	}
}

// testUnreadable: root reads whatever the modes say, so a directory lies where
// the file is that says whose data these are.
func testUnreadable(t *testing.T) {
	f := newFleet(t, names...)
	if err := os.MkdirAll(filepath.Join(f.etcdDir("c"), "seedproof.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f.start(name, 3, names...)
	}
	f.await("all answer, and c cannot read its directory", func(r controller.Report) bool {
		return r.Verdict.State == proof.Unproven && missingNames(r) == "member/c"
	})
	f.passes(patience, "what cannot be read is unknown", is(proof.Unproven))
	f.mustBeNothing("a", "b")
}

func testFile(t *testing.T) {
	f := newFleet(t, names...)
	if err := os.MkdirAll(f.data("c"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.etcdDir("c"), []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f.start(name, 3, names...)
	}
	nothing := func(r controller.Report) bool {
		return r.Verdict.State == proof.Unproven || r.Verdict.State == proof.DataLost // until all have answered, and then
	}
	f.await("something without a name is seen", is(proof.DataLost))
	f.passes(patience, "something was there", nothing)
	f.mustBeNothing("a", "b")
}

func testFewer(t *testing.T) {
	f := newFleet(t, "a", "b")
	f.start("a", 3, "a", "b")
	f.start("b", 3, "a", "b")
	waits := func(r controller.Report) bool {
		return r.Verdict.State == proof.Unproven && strings.Contains(strings.Join(r.Advice, "\n"), "Start the agents that are still missing: 1.")
	}
	f.await("it says that one agent is missing", waits)
	f.passes(patience, "two agents are no three", is(proof.Unproven))
	f.mustBeNothing("a", "b")
}

// testOlderMembership: d, e and f are empty, and a memory on d still knows the
// cluster of a, b and c. Nobody's list of agents but c's own names c.
func testOlderMembership(t *testing.T, old *fleet) {
	newer := []string{"d", "e", "f"}
	f := newFleet(t, "c", "d", "e", "f")
	f.take(old, "c")
	f.leaveMemory(old, "a", "d")
	for _, name := range newer {
		f.start(name, 3, newer...)
	}
	named := func(r controller.Report) bool {
		missing := missingNames(r)
		return r.Verdict.State == proof.Unproven && strings.Contains(missing, "member/a") && strings.Contains(missing, "member/b") && strings.Contains(missing, "member/c")
	}
	f.await("the members that the memory names are missed", named)
	f.passes(patience, "a memory names who was not asked", is(proof.Unproven))

	f.start("c", 3, "c", "d", "e", "f")
	f.passes(patience, "c has data of the cluster that the memory knows", func(r controller.Report) bool {
		return !slices.Contains([]proof.State{proof.NeverExisted, proof.Intact}, r.Verdict.State)
	})
	f.mustBeNothing(newer...)
}

// leaveMemory gives an agent what another one's memory knew of its cluster.
func (f *fleet) leaveMemory(from *fleet, of, to string) {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(from.state(of), "memory.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		f.t.Fatal(err)
	}
	if all["identity"] == nil || all["members"] == nil {
		f.t.Fatalf("the memory of %s knows of no cluster: %s", of, text)
	}
	known := map[string]any{}
	for _, field := range []string{"format", "id", "cluster", "identity", "members", "spec", "serial"} {
		known[field] = all[field]
	}
	if text, err = json.Marshal(known); err != nil {
		f.t.Fatal(err)
	}
	if err := os.MkdirAll(f.state(to), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.state(to), "memory.json"), text, 0o600); err != nil {
		f.t.Fatal(err)
	}
}
