package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/membershippb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// segment is the size of a WAL file: etcd's own would be 64 MB for each member.
const segment = 256 << 10

// boot does what etcd does at its start: with a WAL it goes on where it was and
// looks at no flag; without one it makes a new member of a new cluster, or of
// one that runs and lists it.
func boot(o options) (*replica, error) {
	wal.SegmentSizeBytes = segment
	if err := os.MkdirAll(filepath.Dir(dbFile(o.dataDir)), 0o700); err != nil {
		return nil, err
	}
	have := wal.Exist(walDir(o.dataDir))
	start := start{}
	var err error
	switch {
	case have:
	case o.state == "new":
		start, err = startNew(o)
	default:
		start, err = startExisting(o)
	}
	if err != nil {
		return nil, err
	}
	r := &replica{}
	if r.table, err = openTable(dbFile(o.dataDir), o.noFsync); err != nil {
		return nil, err
	}
	if have {
		err = r.resume(o)
	} else {
		err = r.begin(o, start)
	}
	if err == nil && r.table.removed[types.ID(r.id)] {
		err = errRemoved
	}
	if err == nil {
		r.bus, err = openBus(r.cluster)
	}
	if err == nil {
		err = r.join()
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// start is how a member begins that has no WAL.
type start struct {
	id, cluster uint64
	founders    []*membership.Member // of a new cluster; nil when it joins one
}

func own(o options) (*membership.RaftCluster, *membership.Member, error) {
	urls, err := types.NewURLsMap(o.initial)
	if err != nil {
		return nil, nil, err
	}
	c, err := membership.NewClusterFromURLsMap(zap.NewNop(), o.token, urls)
	if err != nil {
		return nil, nil, err
	}
	m := c.MemberByName(o.name)
	if m == nil {
		return nil, nil, fmt.Errorf("couldn't find local name %q in the initial cluster configuration", o.name)
	}
	return c, m, nil
}

func startNew(o options) (start, error) {
	c, m, err := own(o)
	if err != nil {
		return start{}, err
	}
	if known, _, err := askOthers(c, m, 300*time.Millisecond); err == nil {
		for _, other := range known {
			if other.ID == m.ID && len(other.ClientURLs) > 0 {
				return start{}, fmt.Errorf("member %s has already been bootstrapped", m.ID)
			}
		}
	}
	return start{id: uint64(m.ID), cluster: uint64(c.ID()), founders: c.Members()}, nil
}

func startExisting(o options) (start, error) {
	c, m, err := own(o)
	if err != nil {
		return start{}, err
	}
	known, cluster, err := askOthers(c, m, 2*time.Second)
	if err != nil {
		return start{}, fmt.Errorf("cannot fetch cluster info from peer urls: %w", err)
	}
	running := membership.NewClusterFromMembers(zap.NewNop(), types.ID(cluster), known)
	if err := membership.ValidateClusterAndAssignIDs(zap.NewNop(), c, running); err != nil {
		return start{}, fmt.Errorf("error validating peerURLs: %w", err)
	}
	return start{id: uint64(c.MemberByName(o.name).ID), cluster: cluster}, nil
}

// askOthers asks the other members for their list, one after the other.
func askOthers(c *membership.RaftCluster, self *membership.Member, limit time.Duration) ([]*membership.Member, uint64, error) {
	client := &http.Client{Timeout: limit}
	last := errors.New("there are none")
	for _, m := range c.Members() {
		if m.ID == self.ID {
			continue
		}
		for _, url := range m.PeerURLs {
			members, cluster, err := askList(client, url+"/members")
			if err == nil {
				return members, cluster, nil
			}
			last = err
		}
	}
	return nil, 0, last
}

func askList(client *http.Client, url string) ([]*membership.Member, uint64, error) {
	answer, err := client.Get(url) //nolint:noctx // the client has a timeout
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("%s answered %s: %w", url, answer.Status, err)
	}
	cluster, err := strconv.ParseUint(answer.Header.Get("X-Etcd-Cluster-ID"), 16, 64)
	if err != nil {
		return nil, 0, err
	}
	var members []*membership.Member
	return members, cluster, json.Unmarshal(text, &members)
}

// peerHandler answers what a member that joins asks.
func peerHandler(r *replica) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /members", func(out http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		text, err := json.Marshal(r.table.list())
		r.mu.Unlock()
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Header().Set("X-Etcd-Cluster-ID", types.ID(r.cluster).String())
		_, _ = out.Write(text)
	})
	return mux
}

// begin makes the WAL. The founders of a cluster all begin with the same
// entries, as raft has it.
func (r *replica) begin(o options, s start) error {
	r.id, r.cluster = s.id, s.cluster
	o.note("info", fmt.Sprintf("new member %x", s.id), nil)
	metadata, err := (&pb.Metadata{NodeID: s.id, ClusterID: s.cluster}).Marshal()
	if err != nil {
		return err
	}
	if r.wal, err = wal.Create(zap.NewNop(), walDir(o.dataDir), metadata); err != nil {
		return err
	}
	if o.noFsync {
		r.wal.SetUnsafeNoFsync()
	}
	for _, m := range sorted(s.founders) {
		founder := membership.Member{ID: m.ID, RaftAttributes: m.RaftAttributes, Attributes: membership.Attributes{Name: m.Name}}
		context, err := json.Marshal(membership.ConfigChangeContext{Member: founder})
		if err != nil {
			return err
		}
		change := raftpb.ConfChange{Type: raftpb.ConfChangeAddNode, NodeID: uint64(m.ID), Context: context}
		data, err := change.Marshal()
		if err != nil {
			return err
		}
		r.log = append(r.log, raftpb.Entry{Term: 1, Index: uint64(len(r.log)) + 1, Type: raftpb.EntryConfChange, Data: data})
	}
	if len(r.log) == 0 {
		return nil
	}
	r.hard = raftpb.HardState{Term: 1, Commit: uint64(len(r.log))}
	if err := r.wal.Save(r.hard, r.log); err != nil {
		return err
	}
	return r.applyUpTo(r.hard.Commit)
}

func sorted(members []*membership.Member) []*membership.Member {
	t := &table{members: map[types.ID]*membership.Member{}}
	for _, m := range members {
		t.members[m.ID] = m
	}
	return t.list()
}

// resume reads the WAL, and cuts off a record that a kill left half written.
func (r *replica) resume(o options) error {
	for repaired := false; ; repaired = true {
		w, err := wal.Open(zap.NewNop(), walDir(o.dataDir), walpb.Snapshot{})
		if err != nil {
			return err
		}
		metadata, hard, log, err := w.ReadAll()
		if errors.Is(err, io.ErrUnexpectedEOF) && !repaired {
			_ = w.Close()
			if !wal.Repair(zap.NewNop(), walDir(o.dataDir)) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		var meta pb.Metadata
		if err := meta.Unmarshal(metadata); err != nil {
			return err
		}
		if o.noFsync {
			w.SetUnsafeNoFsync()
		}
		r.id, r.cluster, r.wal, r.hard, r.log = meta.NodeID, meta.ClusterID, w, hard, log
		return r.applyUpTo(hard.Commit)
	}
}

// publish tells the others this member's name and client URLs. Until that is
// done etcd serves no client.
func (r *replica) publish(ctx context.Context, name string, urls []string) {
	for ctx.Err() == nil {
		data, err := r.request(func(q *pb.InternalRaftRequest) {
			q.ClusterMemberAttrSet = &membershippb.ClusterMemberAttrSetRequest{Member_ID: r.id,
				MemberAttributes: &membershippb.Attributes{Name: name, ClientUrls: urls}}
		})
		if err == nil && r.propose(ctx, raftpb.EntryNormal, data, nil) == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pulse):
		}
	}
}
