package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

const oldKey = "written-before"

func seedOf(n int) kthFlow {
	return kthFlow{name: "seed/" + string(rune('0'+n)), members: n, serving: n, attempts: 1, costly: n > 1, prepare: func(s *stage) {
		s.wipe()
		s.startAll()
	}}
}

func healFlow() kthFlow {
	return kthFlow{name: "heal", members: 3, serving: 3, key: oldKey, prepare: func(s *stage) {
		s.born(3)
		s.deleteObject(s.control, record.RecordKey)
	}}
}

// adoptFlow: somebody put another cluster's record in the place of ours.
func adoptFlow() kthFlow {
	return kthFlow{name: "adopt/record", members: 3, serving: 3, key: oldKey, prepare: func(s *stage) {
		s.born(3)
		s.foreignRecord()
		s.approve(proof.Adopt, proof.Conflicting)
	}}
}

// stockFlow: a running etcd that nobody here has ever heard of.
func stockFlow() kthFlow {
	return kthFlow{name: "adopt/stock", members: 1, serving: 1, key: oldKey, prepare: func(s *stage) {
		s.born(1)
		s.stop("a")
		for _, path := range []string{
			filepath.Join(s.stateDir("a"), "memory.json"), filepath.Join(s.dataDir("a"), store.MarkKey), filepath.Join(s.dataDir("a"), "etcd", "seedproof.json"),
		} {
			must(os.Remove(path))
		}
		s.emptyStores()
		s.startAll()
		s.backedUp() // as it is long before a person has read and approved
		s.approve(proof.Adopt, proof.Conflicting)
	}}
}

// recreateFlow: every member's data is gone, and a person wants an empty
// cluster.
func recreateFlow() kthFlow {
	return kthFlow{name: "recreate", members: 1, serving: 1, attempts: 1, prepare: func(s *stage) {
		s.born(1)
		s.stop("a")
		s.killEtcds("a")
		must(os.RemoveAll(filepath.Join(s.dataDir("a"), "etcd")))
		s.startAll()
		s.approve(proof.Recreate, proof.DataLost)
	}}
}

// joinFlow: a cluster of one grows to three.
func joinFlow() kthFlow {
	var grown template
	return kthFlow{name: "join", members: 3, serving: 3, key: oldKey, costly: true, prepare: func(s *stage) {
		t, made := grown.of(s)
		if !made {
			s.wipe()
			s.spec.MemberCount = 1
			s.born(1)
			c := s.controller("a", nil, 0)
			c.Pass(context.Background())
			ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
			defer cancel()
			_, err := c.Configure(ctx, map[string]string{"memberCount": "3"})
			must(err)
			s.end()
			t.keep(s)
		}
		t.restore(s)
		s.startAll()
	}}
}

// born makes a cluster of n members with a key in it, unless it is there.
func (s *stage) born(n int) {
	s.startAll()
	if s.instance("a").agent.Testify(context.Background()).Node.Part.Live {
		return
	}
	s.wipe()
	s.startAll()
	c := s.controller("a", nil, 0)
	defer c.closePeers()
	f := kthFlow{serving: n}
	f.passes(s, c, 2)
	s.put("a", oldKey, "value")
	f.passes(s, c, 2)
	must(c.release(context.Background()))
}

func (s *stage) deleteObject(from store.Store, key string) {
	info, err := from.Stat(context.Background(), key)
	must(err)
	must(from.Delete(context.Background(), key, info.Version))
}

// backedUp makes passes until there is a backup.
func (s *stage) backedUp() {
	c := s.controller("a", nil, 0)
	defer c.closePeers()
	await("a backup", func() bool {
		c.Pass(context.Background())
		return c.Report().Backup.Newest != "" && c.backups.idle()
	})
	must(c.release(context.Background()))
}

// foreignRecord replaces the record by that of another cluster.
func (s *stage) foreignRecord() {
	doc := s.record()
	doc.Identity = proof.Identity{Lineage: record.NewLineage(), Generation: 1, Birth: record.NewNonce()}
	doc.Nonce = record.NewNonce()
	for i := range doc.Members {
		m := &doc.Members[i]
		m.ID, m.PeerURL, m.ClientURL = m.ID+1, "http://192.0.2.1:2380", "http://192.0.2.1:2379"
	}
	content, err := json.Marshal(doc)
	must(err)
	s.deleteObject(s.control, record.RecordKey)
	_, err = store.Create(context.Background(), s.control, record.RecordKey, content)
	must(err)
}

// approve gives a person's word for what is found now.
func (s *stage) approve(op proof.Operation, when proof.State) {
	c := s.controller("a", nil, 0)
	defer c.closePeers()
	var v proof.Verdict
	await("the verdict "+when.String(), func() bool {
		v = c.gather(context.Background()).verdict
		return v.State == when && len(v.Missing) == 0
	})
	word := proof.Approval{Nonce: record.NewNonce(), Subject: v.Subject, Action: proof.Action{Operation: op}, Digest: v.Digest, By: "test"}
	agents, err := agent.Dial("a", s.addrs["a"], nil, nil)
	must(err)
	defer func() { _ = agents.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), stepLimit)
	defer cancel()
	must(agents.GiveApproval(ctx, word))
}

// template is a stage as it was brought about once, for each lane.
type template struct{ made sync.Map }

type kept struct {
	dir             string
	control, backup map[string][]byte
}

func (t *template) of(s *stage) (*kept, bool) {
	k, made := t.made.LoadOrStore(s, &kept{dir: filepath.Join(s.dir, "template")})
	return k.(*kept), made
}

func (k *kept) keep(s *stage) {
	for _, name := range s.names {
		must(os.CopyFS(filepath.Join(k.dir, name), os.DirFS(filepath.Join(s.dir, name))))
	}
	k.control, k.backup = objectsOf(s.control), objectsOf(s.backup)
}

func (k *kept) restore(s *stage) {
	s.wipe()
	for _, name := range s.names {
		must(os.CopyFS(filepath.Join(s.dir, name), os.DirFS(filepath.Join(k.dir, name))))
	}
	s.control.Store, s.backup.Store = storeOf("control", k.control), storeOf("backup", k.backup)
}

func objectsOf(from store.Store) map[string][]byte {
	objects := map[string][]byte{}
	for info, err := range from.List(context.Background(), "", "") {
		must(err)
		body, _, err := from.Open(context.Background(), info.Key, store.Range{})
		must(err)
		objects[info.Key], err = io.ReadAll(body)
		must(err)
		must(body.Close())
	}
	return objects
}

func storeOf(name string, objects map[string][]byte) store.Store {
	s := mem.New(name)
	for key, content := range objects {
		_, err := s.Put(context.Background(), key, bytes.NewReader(content), store.Condition{})
		must(err)
	}
	return s
}

// in strikes in that mode alone.
func (f kthFlow) in(mode fault.Mode) kthFlow {
	f.mode = mode
	return f
}

// ofAgent strikes the instance of an agent in the place of the leader's.
func (f kthFlow) ofAgent(name string) kthFlow {
	f.target = name
	return f
}

func TestKthSeedOne(t *testing.T)    { kthBoth(t, seedOf(1), "a") }
func TestKthSeedThree(t *testing.T)  { kthBoth(t, seedOf(3), "b") }
func TestKthJoin(t *testing.T)       { kthBoth(t, joinFlow(), "b") }
func TestKthHeal(t *testing.T)       { kthBoth(t, healFlow(), "a") }
func TestKthAdopt(t *testing.T)      { kthBoth(t, adoptFlow(), "b") }
func TestKthAdoptStock(t *testing.T) { kthBoth(t, stockFlow(), "a") }
func TestKthRecreate(t *testing.T)   { kthBoth(t, recreateFlow(), "a") }

// kthBoth strikes the leader's instance, and that of one agent.
func kthBoth(t *testing.T, f kthFlow, agent string) {
	t.Parallel()
	t.Run("leader", func(t *testing.T) { f.matrix(t, standinDir(t), quickly) })
	t.Run("agent", func(t *testing.T) { f.ofAgent(agent).matrix(t, standinDir(t), quickly) })
}

// TestKilled runs every flow on real etcds, with SIGKILL.
func TestKilled(t *testing.T) {
	for _, f := range kthFlows() {
		t.Run(f.name, func(t *testing.T) { f.five(t, "") })
	}
}

func kthFlows() []kthFlow {
	return []kthFlow{seedOf(1), seedOf(3), joinFlow(), healFlow(), adoptFlow(), stockFlow(), recreateFlow()}
}
