package controller

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// check looks at what must hold whatever was struck.
func (f kthFlow) check(s *stage, key string) {
	doc := s.record()
	clusters := map[uint64]bool{}
	serving := 0
	for _, name := range s.names {
		var t agent.Testimony
		await("an answer from "+name, func() bool { // an etcd may be slow to answer once
			t = s.instance(name).agent.Testify(context.Background())
			return t.Node.Part.Live || t.Node.Part.Finding == proof.Absent
		})
		p := t.Node.Part
		if p.Finding == proof.Absent {
			continue
		}
		serving++
		if p.Identity != doc.Identity {
			fail("%s is of %s, and the record of %s", name, p.Identity, doc.Identity)
		}
		clusters[t.EtcdClusterID] = true
		s.mustHave(name, key, "value")
	}
	if serving != f.serving || len(clusters) != 1 {
		fail("%d members of clusters %v, want %d of one", serving, clusters, f.serving)
	}
	etcds := s.etcds()
	for name, pids := range etcds {
		if len(pids) != 1 {
			fail("%s has the etcds %v", name, pids)
		}
	}
	if len(etcds) != f.serving {
		fail("etcds run on %v, want %d", etcds, f.serving)
	}
	if got := s.control.claims(); len(got) != f.attempts {
		fail("claims written: %v, want %d", got, f.attempts)
	}
	s.checkClaim(doc.Identity)
	s.checkStarts()
}

// record is the record as it stands.
func (s *stage) record() record.Record {
	content, _, err := store.Read(context.Background(), s.control, record.RecordKey, 1<<20)
	must(err)
	doc, err := record.ParseRecord(content)
	must(err)
	return *doc
}

// checkClaim: what claim stands is the one that the cluster was born of.
func (s *stage) checkClaim(id proof.Identity) {
	content, _, err := store.Read(context.Background(), s.control, record.ClaimKey, 1<<20)
	if err != nil {
		return // an adopted cluster has none
	}
	doc, err := record.ParseClaim(content)
	must(err)
	if doc.Claim.State != decide.ClaimBorn || doc.Claim.Identity != id {
		fail("the claim is %s of %s, and the cluster %s", doc.Claim.State, doc.Claim.Identity, id)
	}
}

// checkStarts: no member id began without data twice. The stand-in says in its
// log whenever it begins so.
func (s *stage) checkStarts() {
	began := map[string]string{}
	for _, name := range s.names {
		content, err := os.ReadFile(filepath.Join(s.stateDir(name), "etcd.log"))
		if os.IsNotExist(err) {
			continue
		}
		must(err)
		for line := range strings.Lines(string(content)) {
			var entry struct{ Msg string }
			if json.Unmarshal([]byte(line), &entry) != nil || !strings.HasPrefix(entry.Msg, "new member ") {
				continue
			}
			if before, twice := began[entry.Msg]; twice {
				fail("%s began twice without data: on %s and on %s", entry.Msg, before, name)
			}
			began[entry.Msg] = name
		}
	}
}
