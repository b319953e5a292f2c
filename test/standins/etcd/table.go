package main

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/raft/v3/raftpb"
)

// table is the database of one member, in etcd's buckets, and what is held of
// it in memory.
type table struct {
	db       *bolt.DB
	applied  uint64
	revision int64
	keys     map[string]*mvccpb.KeyValue
	members  map[types.ID]*membership.Member
	removed  map[types.ID]bool
}

var buckets = []string{"alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"}

func openTable(path string, noSync bool) (*table, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: noSync, NoFreelistSync: true, InitialMmapSize: 1 << 20})
	if err != nil {
		return nil, err
	}
	t := &table{db: db, revision: 1, keys: map[string]*mvccpb.KeyValue{}, members: map[types.ID]*membership.Member{}, removed: map[types.ID]bool{}}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return t.load(tx)
	})
	return t, err
}

func (t *table) load(tx *bolt.Tx) error {
	if v := tx.Bucket([]byte("meta")).Get([]byte("consistent_index")); len(v) == 8 {
		t.applied = binary.BigEndian.Uint64(v)
	}
	err := tx.Bucket([]byte("key")).ForEach(func(k, v []byte) error {
		kv := &mvccpb.KeyValue{}
		if err := kv.Unmarshal(v); err != nil {
			return err
		}
		t.revision, t.keys[string(kv.Key)] = int64(binary.BigEndian.Uint64(k)), kv
		return nil
	})
	if err != nil {
		return err
	}
	err = tx.Bucket([]byte("members")).ForEach(func(_, v []byte) error {
		m := &membership.Member{}
		if err := json.Unmarshal(v, m); err != nil {
			return err
		}
		t.members[m.ID] = m
		return nil
	})
	if err != nil {
		return err
	}
	return tx.Bucket([]byte("members_removed")).ForEach(func(k, _ []byte) error {
		id, err := types.IDFromString(string(k))
		t.removed[id] = true
		return err
	})
}

func big(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// put is one write at the next revision.
func (t *table) put(tx *bolt.Tx, key, value []byte) error {
	t.revision++
	kv := &mvccpb.KeyValue{Key: key, Value: value, CreateRevision: t.revision, ModRevision: t.revision, Version: 1}
	if old := t.keys[string(key)]; old != nil {
		kv.CreateRevision, kv.Version = old.CreateRevision, old.Version+1
	}
	text, err := kv.Marshal()
	if err != nil {
		return err
	}
	t.keys[string(key)] = kv
	name := append(append(big(uint64(t.revision)), '_'), big(0)...)
	return tx.Bucket([]byte("key")).Put(name, text)
}

func (t *table) putMember(tx *bolt.Tx, m *membership.Member) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	t.members[m.ID] = m
	return tx.Bucket([]byte("members")).Put([]byte(m.ID.String()), text)
}

func (t *table) removeMember(tx *bolt.Tx, id types.ID) error {
	delete(t.members, id)
	t.removed[id] = true
	if err := tx.Bucket([]byte("members")).Delete([]byte(id.String())); err != nil {
		return err
	}
	return tx.Bucket([]byte("members_removed")).Put([]byte(id.String()), []byte("removed"))
}

// applyTo ends the applying of an entry.
func (t *table) applyTo(tx *bolt.Tx, e raftpb.Entry) error {
	t.applied = e.Index
	meta := tx.Bucket([]byte("meta"))
	if err := meta.Put([]byte("consistent_index"), big(e.Index)); err != nil {
		return err
	}
	if err := meta.Put([]byte("term"), big(e.Term)); err != nil {
		return err
	}
	if err := tx.Bucket([]byte("cluster")).Put([]byte("clusterVersion"), []byte("3.6.0")); err != nil {
		return err
	}
	if err := meta.Put([]byte("storageVersion"), []byte("3.6.0")); err != nil {
		return err
	}
	text, err := json.Marshal(t.confState())
	if err != nil {
		return err
	}
	return meta.Put([]byte("confState"), text)
}

func (t *table) confState() raftpb.ConfState {
	var state raftpb.ConfState
	for _, m := range t.list() {
		if m.IsLearner {
			state.Learners = append(state.Learners, uint64(m.ID))
			continue
		}
		state.Voters = append(state.Voters, uint64(m.ID))
	}
	return state
}

// list is sorted by id.
func (t *table) list() []*membership.Member {
	var list []*membership.Member
	for _, m := range t.members {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *membership.Member) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list
}

func (t *table) voters() []uint64 { return t.confState().Voters }

// hash is that of all keys up to a revision.
func (t *table) hash(upTo int64) (uint32, error) {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, _ = h.Write([]byte("key"))
	err := t.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("key")).ForEach(func(k, v []byte) error {
			if int64(binary.BigEndian.Uint64(k)) > upTo {
				return nil
			}
			_, _ = h.Write(k)
			_, _ = h.Write(v)
			return nil
		})
	})
	return h.Sum32(), err
}

// newMember has an id that no other member will have: a hash of its URLs and
// the time.
func newMember(urls []string, learner bool) (*membership.Member, error) {
	peers, err := types.NewURLs(urls)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if learner {
		return membership.NewMemberAsLearner("", peers, "", &now), nil
	}
	return membership.NewMember("", peers, "", &now), nil
}
