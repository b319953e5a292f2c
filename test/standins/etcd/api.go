package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"

	bolt "go.etcd.io/bbolt"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"
)

func register(s *grpc.Server, r *replica) {
	pb.RegisterKVServer(s, &kv{r: r})
	pb.RegisterMaintenanceServer(s, &maintenance{r: r})
	pb.RegisterClusterServer(s, &cluster{r: r})
}

// isLearner: a learner answers for its status and for what it has itself.
func (r *replica) isLearner() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.table.members[types.ID(r.id)]
	return m != nil && m.IsLearner
}

func (r *replica) learnersRefuse(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if r.isLearner() {
		_, status := req.(*pb.StatusRequest)
		get, read := req.(*pb.RangeRequest)
		if !status && (!read || !get.Serializable) {
			return nil, rpctypes.ErrGRPCNotSupportedForLearner
		}
	}
	return next(ctx, req)
}

func (r *replica) learnersRefuseStreams(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if r.isLearner() && info.FullMethod != "/etcdserverpb.Maintenance/Snapshot" {
		return rpctypes.ErrGRPCNotSupportedForLearner
	}
	return next(srv, stream)
}

// header is to be called with the lock.
func (r *replica) header() *pb.ResponseHeader {
	return &pb.ResponseHeader{ClusterId: r.cluster, MemberId: r.id, Revision: r.table.revision, RaftTerm: r.hard.Term}
}

type kv struct {
	pb.UnimplementedKVServer
	r *replica
}

func (s *kv) Range(ctx context.Context, q *pb.RangeRequest) (*pb.RangeResponse, error) {
	if !q.Serializable {
		if err := s.r.read(ctx); err != nil {
			return nil, err
		}
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	answer := &pb.RangeResponse{Header: s.r.header()}
	for _, kv := range s.r.table.keys {
		if inRange(kv.Key, q.Key, q.RangeEnd) {
			answer.Kvs = append(answer.Kvs, kv)
		}
	}
	slices.SortFunc(answer.Kvs, func(a, b *mvccpb.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	answer.Count = int64(len(answer.Kvs))
	if q.CountOnly {
		answer.Kvs = nil
	}
	return answer, nil
}

func inRange(key, from, end []byte) bool {
	if len(end) == 0 {
		return bytes.Equal(key, from)
	}
	return bytes.Compare(key, from) >= 0 && (bytes.Equal(end, []byte{0}) || bytes.Compare(key, end) < 0)
}

func (s *kv) Put(ctx context.Context, q *pb.PutRequest) (*pb.PutResponse, error) {
	data, err := s.r.request(func(r *pb.InternalRaftRequest) { r.Put = q })
	if err != nil {
		return nil, err
	}
	if err := s.r.propose(ctx, raftpb.EntryNormal, data, nil); err != nil {
		return nil, err
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return &pb.PutResponse{Header: s.r.header()}, nil
}

type maintenance struct {
	pb.UnimplementedMaintenanceServer
	r *replica
}

func (s *maintenance) Alarm(_ context.Context, _ *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return &pb.AlarmResponse{Header: s.r.header()}, nil
}

func (s *maintenance) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	learner := s.r.isLearner()
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	answer := &pb.StatusResponse{Header: s.r.header(), Version: "3.6.16", StorageVersion: "3.6.0", Leader: s.r.leader, IsLearner: learner,
		RaftIndex: s.r.last().Index, RaftTerm: s.r.hard.Term, RaftAppliedIndex: s.r.table.applied, DbSizeQuota: 2 << 30}
	if s.r.leader == 0 {
		answer.Errors = append(answer.Errors, rpctypes.ErrNoLeader.Error())
	}
	err := s.r.table.db.View(func(tx *bolt.Tx) error {
		answer.DbSize = tx.Size()
		answer.DbSizeInUse = tx.Size() - int64(s.r.table.db.Stats().FreePageN*s.r.table.db.Info().PageSize)
		return nil
	})
	return answer, err
}

func (s *maintenance) HashKV(_ context.Context, q *pb.HashKVRequest) (*pb.HashKVResponse, error) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	revision := q.Revision
	switch {
	case revision > s.r.table.revision:
		return nil, rpctypes.ErrGRPCFutureRev
	case revision == 0:
		revision = s.r.table.revision
	}
	hash, err := s.r.table.hash(revision)
	return &pb.HashKVResponse{Header: s.r.header(), Hash: hash, CompactRevision: -1, HashRevision: revision}, err
}

// Snapshot streams the database and, last, the hash of all of it.
func (s *maintenance) Snapshot(_ *pb.SnapshotRequest, out pb.Maintenance_SnapshotServer) error {
	var whole bytes.Buffer
	err := s.r.table.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(&whole)
		return err
	})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(whole.Bytes())
	for part := range slices.Chunk(whole.Bytes(), 32<<10) {
		whole.Next(len(part))
		if err := out.Send(&pb.SnapshotResponse{RemainingBytes: uint64(whole.Len()), Blob: part, Version: "3.6.0"}); err != nil {
			return err
		}
	}
	return out.Send(&pb.SnapshotResponse{Blob: sum[:], Version: "3.6.0"})
}

type cluster struct {
	pb.UnimplementedClusterServer
	r *replica
}

// list is to be called without the lock.
func (s *cluster) list() []*pb.Member {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	var list []*pb.Member
	for _, m := range s.r.table.list() {
		list = append(list, &pb.Member{ID: uint64(m.ID), Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, IsLearner: m.IsLearner})
	}
	return list
}

func (s *cluster) headed() *pb.ResponseHeader {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return s.r.header()
}

func (s *cluster) MemberList(ctx context.Context, q *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	if q.Linearizable {
		if err := s.r.read(ctx); err != nil {
			return nil, err
		}
	}
	return &pb.MemberListResponse{Header: s.headed(), Members: s.list()}, nil
}

func (s *cluster) MemberAdd(ctx context.Context, q *pb.MemberAddRequest) (*pb.MemberAddResponse, error) {
	if err := s.r.read(ctx); err != nil {
		return nil, err
	}
	m, err := newMember(q.PeerURLs, q.IsLearner)
	if err != nil {
		return nil, rpctypes.ErrGRPCMemberBadURLs
	}
	kind := raftpb.ConfChangeAddNode
	if q.IsLearner {
		kind = raftpb.ConfChangeAddLearnerNode
	}
	err = s.change(ctx, kind, m.ID, membership.ConfigChangeContext{Member: *m}, func(*wire) error { return s.r.mayAdd(m) })
	if err != nil {
		return nil, err
	}
	added := &pb.Member{ID: uint64(m.ID), PeerURLs: m.PeerURLs, IsLearner: m.IsLearner}
	return &pb.MemberAddResponse{Header: s.headed(), Member: added, Members: s.list()}, nil
}

// mayAdd is asked with the lock: URLs are used once, learners come one at a
// time, and a voter is added only to a healthy cluster.
func (r *replica) mayAdd(m *membership.Member) error {
	if r.table.members[m.ID] != nil || r.table.removed[m.ID] {
		return rpctypes.ErrGRPCMemberExist
	}
	for _, other := range r.table.members {
		for _, url := range other.PeerURLs {
			if slices.Contains(m.PeerURLs, url) {
				return rpctypes.ErrGRPCPeerURLExist
			}
		}
		if m.IsLearner && other.IsLearner {
			return rpctypes.ErrGRPCTooManyLearners
		}
	}
	if voters := r.table.voters(); !m.IsLearner && len(r.aliveVoters()) < (len(voters)+1)/2+1 {
		return rpctypes.ErrGRPCUnhealthy
	}
	return nil
}

func (s *cluster) MemberPromote(ctx context.Context, q *pb.MemberPromoteRequest) (*pb.MemberPromoteResponse, error) {
	if err := s.r.read(ctx); err != nil {
		return nil, err
	}
	id := types.ID(q.ID)
	told := membership.ConfigChangeContext{Member: membership.Member{ID: id}, IsPromote: true}
	err := s.change(ctx, raftpb.ConfChangeAddNode, id, told, func(w *wire) error {
		m := s.r.table.members[id]
		switch {
		case m == nil:
			return rpctypes.ErrGRPCMemberNotFound
		case !m.IsLearner:
			return rpctypes.ErrGRPCMemberNotLearner
		case float64(w.Match[q.ID]) < 0.9*float64(len(w.Entries)):
			return rpctypes.ErrGRPCLearnerNotReady
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &pb.MemberPromoteResponse{Header: s.headed(), Members: s.list()}, nil
}

func (s *cluster) MemberRemove(ctx context.Context, q *pb.MemberRemoveRequest) (*pb.MemberRemoveResponse, error) {
	if err := s.r.read(ctx); err != nil {
		return nil, err
	}
	id := types.ID(q.ID)
	err := s.change(ctx, raftpb.ConfChangeRemoveNode, id, membership.ConfigChangeContext{}, func(*wire) error {
		m := s.r.table.members[id]
		if m == nil {
			return rpctypes.ErrGRPCMemberNotFound
		}
		rest := slices.DeleteFunc(s.r.aliveVoters(), func(v uint64) bool { return v == q.ID })
		if !m.IsLearner && len(rest) < (len(s.r.table.voters())-1)/2+1 {
			return rpctypes.ErrGRPCUnhealthy
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &pb.MemberRemoveResponse{Header: s.headed(), Members: s.list()}, nil
}

func (s *cluster) change(ctx context.Context, kind raftpb.ConfChangeType, id types.ID, told membership.ConfigChangeContext, vet func(*wire) error) error {
	change := raftpb.ConfChange{Type: kind, NodeID: uint64(id)}
	if kind != raftpb.ConfChangeRemoveNode {
		text, err := json.Marshal(told)
		if err != nil {
			return err
		}
		change.Context = text
	}
	data, err := change.Marshal()
	if err != nil {
		return err
	}
	return s.r.propose(ctx, raftpb.EntryConfChange, data, vet)
}
