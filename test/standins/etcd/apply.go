package main

import (
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/raft/v3/raftpb"
)

func (r *replica) applyUpTo(commit uint64) error {
	commit = min(commit, uint64(len(r.log)))
	if r.table.applied >= commit {
		return nil
	}
	if commit > r.hard.Commit {
		r.hard.Commit = commit
		if err := r.wal.Save(r.hard, nil); err != nil {
			return err
		}
	}
	return r.table.db.Update(func(tx *bolt.Tx) error {
		for _, e := range r.log[r.table.applied:commit] {
			if err := r.apply(tx, e); err != nil {
				return fmt.Errorf("apply entry %d: %w", e.Index, err)
			}
			if err := r.table.applyTo(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *replica) apply(tx *bolt.Tx, e raftpb.Entry) error {
	if e.Type == raftpb.EntryConfChange {
		return r.applyChange(tx, e)
	}
	if len(e.Data) == 0 {
		return nil
	}
	var request pb.InternalRaftRequest
	if err := request.Unmarshal(e.Data); err != nil {
		return err
	}
	switch {
	case request.Put != nil:
		return r.table.put(tx, request.Put.Key, request.Put.Value)
	case request.ClusterMemberAttrSet != nil:
		set := request.ClusterMemberAttrSet
		m := r.table.members[types.ID(set.Member_ID)]
		if m == nil {
			return nil
		}
		m.Attributes = membership.Attributes{Name: set.MemberAttributes.Name, ClientURLs: set.MemberAttributes.ClientUrls}
		return r.table.putMember(tx, m)
	}
	return nil
}

func (r *replica) applyChange(tx *bolt.Tx, e raftpb.Entry) error {
	var change raftpb.ConfChange
	if err := change.Unmarshal(e.Data); err != nil {
		return err
	}
	id := types.ID(change.NodeID)
	if change.Type == raftpb.ConfChangeRemoveNode {
		r.removed = r.removed || change.NodeID == r.id
		return r.table.removeMember(tx, id)
	}
	told := membership.ConfigChangeContext{}
	if err := json.Unmarshal(change.Context, &told); err != nil {
		return err
	}
	if told.IsPromote {
		m := r.table.members[id]
		if m == nil {
			return nil
		}
		m.IsLearner = false
		return r.table.putMember(tx, m)
	}
	m := told.Member
	if r.table.removed[m.ID] || r.table.members[m.ID] != nil {
		return nil
	}
	return r.table.putMember(tx, &m)
}

// patience is how long etcd waits for a quorum before it gives up a request.
const patience = 5 * time.Second
