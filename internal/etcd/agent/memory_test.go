package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

func TestMemoryIsMadeOnceAndKept(t *testing.T) {
	n := newNode(t, "a")
	a := n.agent(t, Deps{})
	id := a.doc(t).ID
	if id == "" {
		t.Fatal("a memory without an id")
	}
	a.Close()
	a = n.agent(t, Deps{})
	if got := a.doc(t).ID; got != id {
		t.Fatalf("the second agent has memory %s, want %s", got, id)
	}
	info, err := os.Stat(a.dir.memory())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}

func TestDamagedMemory(t *testing.T) {
	n := newNode(t, "a")
	a, stop := n.run(t, Deps{})
	n.seed(t, a)
	n.rememberBorn(t, a)
	id := a.doc(t).ID
	stop()
	n.killEtcd(t)
	if err := os.WriteFile(a.dir.memory(), []byte(`{"format":1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ = n.run(t, Deps{})
	s := a.Testify(deadline(t))
	if m := s.Node.Memory; m.Finding != proof.Unusable || m.ID == id || m.ID == "" {
		t.Fatalf("the memory: %+v", m)
	}
	if kept, err := filepath.Glob(a.dir.memory() + ".damaged-*"); err != nil || len(kept) != 1 {
		t.Fatalf("kept aside: %v, %v", kept, err)
	}
	// The directory is whole: what ran starts again.
	mustHave(t, n.awaitServing(t), "key", "value")
	n.rememberBorn(t, a)
	if m := a.Testify(deadline(t)).Node.Memory; m.Finding != proof.Present || m.Identity != born {
		t.Fatalf("after the record told: %+v", m)
	}
}

// What could not be read and is then not found was lost from sight: an agent
// that runs makes no new memory in its place.
func TestAMemoryThatGoesWhileTheAgentRuns(t *testing.T) {
	n := newNode(t, "a")
	if err := os.Mkdir(n.cfg.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(n.cfg.StateDir, memoryName)
	write(t, path, `{"format":99}`)
	a := n.agent(t, Deps{})
	if m := a.Testify(deadline(t)).Node.Memory; m.Finding != proof.Unknown {
		t.Fatalf("a newer memory: %+v", m)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if m := a.Testify(deadline(t)).Node.Memory; m.Finding != proof.Unknown || !strings.Contains(m.Why, "gone while the agent runs") {
		t.Fatalf("after it went: %+v", m)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("a new one was made: %v", err)
	}
}

// The agent ended after it had set a damaged memory aside, and before it had
// begun a new one.
func TestAMemoryThatWasSetAsideBefore(t *testing.T) {
	n := newNode(t, "a")
	if err := os.Mkdir(n.cfg.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(n.cfg.StateDir, memoryName+damagedSuffix+"2026-01-02T03:04:05Z"), "what")
	a := n.agent(t, Deps{})
	if m := a.Testify(deadline(t)).Node.Memory; m.Finding != proof.Unusable || !strings.Contains(m.Why, "2026-01-02") {
		t.Fatalf("the memory: %+v", m)
	}
}

func TestDamagedMemoryAndMissingMarkIsNoAbsence(t *testing.T) {
	n := newNode(t, "a")
	if err := os.Mkdir(n.cfg.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.cfg.StateDir, memoryName), []byte("what"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := n.agent(t, Deps{})
	if p := a.Testify(deadline(t)).Node.Part; p.Finding != proof.Unknown {
		t.Fatalf("nobody can say whether the volume was emptied, and the part is %+v", p)
	}
}

func TestMemoryThatCannotBeJudged(t *testing.T) {
	for _, tc := range []struct {
		reason string
		spoil  func(t *testing.T, path string)
		says   string
	}{
		{"a newer format", func(t *testing.T, path string) { write(t, path, `{"format":99}`) }, "format 99"},
		{"of another cluster", func(t *testing.T, path string) { write(t, path, `{"format":1,"id":"x","cluster":"other"}`) }, `"other"`},
		{"a directory in its place", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			n := newNode(t, "a")
			if err := os.Mkdir(n.cfg.StateDir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(n.cfg.StateDir, memoryName)
			tc.spoil(t, path)
			a := n.agent(t, Deps{})
			s := a.Testify(deadline(t))
			if m := s.Node.Memory; m.Finding != proof.Unknown || !strings.Contains(m.Why, tc.says) {
				t.Fatalf("the memory: %+v", m)
			}
			if p := s.Node.Part; p.Finding != proof.Unknown {
				t.Fatalf("beside it an empty volume is no absence: %+v", p)
			}
			mustRefuse(t, a.lead(deadline(t), func(ctxT) error { t.Error("it acted"); return nil }), "cannot be read")
			mustRefuse(t, a.giveWord(deadline(t), &proof.Attestation{Witness: "w", By: "p"}, nil), "cannot be read")
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLostMemoryWithWholeDirectory(t *testing.T) {
	n := newNode(t, "a")
	a, stop := n.run(t, Deps{})
	claim := n.seed(t, a)
	id := a.doc(t).ID
	stop()
	n.killEtcd(t)
	mustRemove(t, n.cfg.StateDir)
	a, _ = n.run(t, Deps{})
	mustHave(t, n.awaitServing(t), "key", "value")
	s := a.Testify(deadline(t))
	if s.Node.Memory.ID == id || s.Node.Memory.Finding != proof.Absent {
		t.Fatalf("the memory: %+v", s.Node.Memory)
	}
	if doc := a.doc(t); doc.Volume == nil {
		t.Fatal("the volume's mark was not taken over")
	}
	// With the claim's own directory the claim goes on.
	if err := a.lead(deadline(t), func(ctx ctxT) error { return a.startClaimed(ctx, claim) }); err != nil {
		t.Fatal(err)
	}
}

func TestRememberTable(t *testing.T) {
	gen := func(g uint64, birth string) proof.Identity {
		return proof.Identity{Lineage: born.Lineage, Generation: g, Birth: birth}
	}
	claim := &decide.Claim{Attempt: "attempt", Identity: gen(2, "b2")}
	started := &startedClaim{Attempt: "attempt", Identity: gen(2, "b2")}
	for _, tc := range []struct {
		reason string
		doc    document
		what   Remembering
		says   string
		check  func(document) bool
	}{
		{"the first identity", document{}, Remembering{Identity: born, Serial: 3}, "",
			func(d document) bool { return d.Identity == born && d.Serial == 3 }},
		{"a serial never falls", document{Identity: born, Serial: 9}, Remembering{Identity: born, Serial: 3}, "",
			func(d document) bool { return d.Serial == 9 }},
		{"another lineage needs an adoption", document{Identity: born}, Remembering{Identity: proof.Identity{Lineage: "x", Generation: 5}}, "needs an adoption", nil},
		{"an earlier generation", document{Identity: gen(3, "b3")}, Remembering{Identity: gen(2, "b2")}, "earlier generation", nil},
		{"the claim's own birth ends it", document{Identity: born, Claim: claim, Started: started}, Remembering{Identity: gen(2, "b2")}, "",
			func(d document) bool { return d.Claim == nil && d.Started == nil && d.Identity == gen(2, "b2") }},
		{"an open claim of a later generation stays", document{Identity: born, Claim: claim, Started: started}, Remembering{Identity: born}, "",
			func(d document) bool { return d.Claim != nil && d.Started != nil }},
		{"words that are used up go", document{Approved: []proof.Approval{{Nonce: "1"}, {Nonce: "2"}}, Words: []proof.Attestation{{Witness: "w"}}},
			Remembering{UsedApprovals: []string{"1"}, VoidAttestations: []string{"w"}}, "",
			func(d document) bool { return len(d.Approved) == 1 && d.Approved[0].Nonce == "2" && len(d.Words) == 0 }},
		{"a spec that is none", document{}, Remembering{Spec: []byte("{}")}, "spec", nil},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			a := newNode(t, "a").agent(t, Deps{})
			err := a.memory.change(deadline(t), time.Now(), func(doc *document) error {
				tc.doc.Format, tc.doc.ID, tc.doc.Cluster = doc.Format, doc.ID, doc.Cluster
				*doc = tc.doc
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			err = a.remember(deadline(t), tc.what)
			if tc.says != "" {
				mustRefuse(t, err, tc.says)
				return
			}
			if err != nil || !tc.check(a.doc(t)) {
				t.Fatalf("%v: %+v", err, a.doc(t))
			}
			before := modTime(t, a.dir.memory())
			if err := a.remember(deadline(t), tc.what); err != nil || modTime(t, a.dir.memory()) != before {
				t.Fatalf("at rest something was written (%v)", err)
			}
		})
	}
}

func FuzzParseMemory(f *testing.F) {
	full, _ := json.Marshal(document{Format: 1, ID: "i", Cluster: "c", Spec: []byte(`{"memberCount":3}`), Claim: &decide.Claim{Attempt: "a"}})
	for _, seed := range []string{string(full), `{"format":2}`, `{"format":1,"id":"x","cluster":"c"}`, "", "[]", `{"format":-1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		doc, err := parseMemory(content)
		if err != nil {
			return
		}
		again, err := parseMemory(encodeMemory(*doc))
		if err != nil || string(encodeMemory(*again)) != string(encodeMemory(*doc)) {
			t.Fatalf("a memory that was read cannot be written and read again: %v", err)
		}
		_ = doc.testimony("")
		_ = doc.quota()
	})
}

func FuzzParseDirMark(f *testing.F) {
	f.Add(DirMark{Identity: born, Name: "a", Token: "t", State: "new", Initial: map[string]string{"a": "http://x"}}.encode())
	for _, seed := range []string{`{"format":2}`, "", "null", `{"format":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := ParseDirMark(content)
		if err != nil {
			return
		}
		if _, err := ParseDirMark(m.encode()); err != nil {
			t.Fatalf("a mark that was read cannot be written and read again: %v", err)
		}
	})
}
