package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
)

// replica is one member: its log, its database, and its place among the others.
// A write counts once a majority of the voters has it in its own log.
type replica struct {
	id, cluster uint64
	bus         *bus
	wal         *wal.WAL
	table       *table

	mu      sync.Mutex
	log     []raftpb.Entry // from index 1 on
	hard    raftpb.HardState
	leader  uint64 // zero while no majority lives
	quorum  bool
	sequel  uint64 // makes ids of requests
	stepped time.Time
	failed  error
	removed bool
}

func (r *replica) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.wal.Close()
	_ = r.table.db.Close()
}

// join makes this process one that lives.
func (r *replica) join() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bus.exchange(func(w *wire) (bool, error) {
		if err := r.bus.live(r.id); err != nil {
			return false, err
		}
		delete(w.Match, r.id)
		w.Last[r.id] = r.last()
		if w.Leader == r.id {
			w.Leader = 0 // what led was an earlier process
		}
		return true, nil
	})
}

func (r *replica) last() position {
	if len(r.log) == 0 {
		return position{}
	}
	e := r.log[len(r.log)-1]
	return position{e.Term, e.Index}
}

const (
	pace  = 2 * time.Millisecond  // between two looks for something new
	pulse = 20 * time.Millisecond // between two looks whether the others live
)

// run follows the others until ctx ends, or the member was removed.
func (r *replica) run(ctx context.Context) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		if err := r.follow(false); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// follow makes one exchange when there is reason for one.
func (r *replica) follow(now bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failed != nil:
		return r.failed
	case !now && !r.bus.changed() && time.Since(r.stepped) < pulse:
		return nil
	}
	r.stepped = time.Now()
	if err := r.bus.exchange(r.step); err != nil {
		r.failed = err
	}
	if r.failed == nil && r.removed {
		r.failed = errRemoved
	}
	return r.failed
}

// step is one exchange: elect, copy, count, apply.
func (r *replica) step(w *wire) (keep bool, err error) {
	alive := r.aliveVoters()
	r.quorum = 2*len(alive) > len(r.table.voters())
	if w.Leader == 0 || !r.bus.lives(w.Leader) {
		r.leader = 0
		if !r.quorum || !r.isBest(w, alive) {
			return false, nil
		}
		if err := r.lead(w); err != nil {
			return false, err
		}
		keep = true
	}
	r.leader = w.Leader
	if !r.quorum {
		r.leader = 0 // a leader that is cut off steps down
	}
	copied, err := r.copyFrom(w)
	if err != nil {
		return false, err
	}
	counted := r.count(w)
	if err := r.applyUpTo(w.Commit); err != nil {
		return false, err
	}
	return keep || copied || counted, nil
}

func (r *replica) aliveVoters() []uint64 {
	return slices.DeleteFunc(r.table.voters(), func(id uint64) bool { return !r.bus.lives(id) })
}

// isBest: of the voters that live, this one has the longest log.
func (r *replica) isBest(w *wire, alive []uint64) bool {
	if !slices.Contains(alive, r.id) {
		return false
	}
	own := r.last()
	for _, id := range alive {
		other := w.Last[id]
		if id != r.id && (own.less(other) || own == other && id < r.id) {
			return false
		}
	}
	return true
}

// lead takes the lead: the wire holds this member's log from here on.
func (r *replica) lead(w *wire) error {
	w.Term = max(w.Term, r.hard.Term, 1) + 1
	w.Leader, w.Match, w.Entries = r.id, map[uint64]uint64{}, nil
	for _, e := range r.log {
		text, err := e.Marshal()
		if err != nil {
			return err
		}
		w.Entries = append(w.Entries, text)
	}
	w.Commit = r.hard.Commit
	return w.add(raftpb.EntryNormal, nil)
}

// add puts an entry at the end of the leader's log.
func (w *wire) add(kind raftpb.EntryType, data []byte) error {
	e := raftpb.Entry{Term: w.Term, Index: uint64(len(w.Entries)) + 1, Type: kind, Data: data}
	text, err := e.Marshal()
	if err != nil {
		return err
	}
	w.Entries = append(w.Entries, text)
	return nil
}

// copyFrom takes over what the leader's log has and ours has not, and makes it
// durable before it is told of.
func (r *replica) copyFrom(w *wire) (changed bool, err error) {
	var fresh []raftpb.Entry
	for i, text := range w.Entries {
		var e raftpb.Entry
		if err := e.Unmarshal(text); err != nil {
			return false, err
		}
		if len(fresh) == 0 && i < len(r.log) && r.log[i].Term == e.Term {
			continue
		}
		fresh = append(fresh, e)
	}
	if len(fresh) > 0 && fresh[0].Index <= r.table.applied {
		return false, fmt.Errorf("the leader's log differs at %d, and %d is applied", fresh[0].Index, r.table.applied)
	}
	hard := raftpb.HardState{Term: w.Term, Vote: w.Leader, Commit: max(r.hard.Commit, min(w.Commit, uint64(len(w.Entries))))}
	if len(fresh) == 0 && hard == r.hard {
		return r.tell(w), nil
	}
	if err := r.wal.Save(hard, fresh); err != nil {
		return false, err
	}
	r.hard = hard
	if len(fresh) > 0 {
		r.log = append(r.log[:fresh[0].Index-1], fresh...)
	}
	return r.tell(w), nil
}

// tell says how far this member has come.
func (r *replica) tell(w *wire) (changed bool) {
	match, last := uint64(len(w.Entries)), r.last()
	if w.Match[r.id] == match && w.Last[r.id] == last {
		return false
	}
	w.Match[r.id], w.Last[r.id] = match, last
	return true
}

// count raises the commit index to what a majority of the voters holds of the
// leader's own term.
func (r *replica) count(w *wire) (raised bool) {
	voters := r.table.voters()
	var held []uint64
	for _, id := range voters {
		held = append(held, w.Match[id])
	}
	slices.Sort(held)
	if len(held) == 0 {
		return false
	}
	index := held[(len(held)-1)/2]
	if index <= w.Commit || index > uint64(len(r.log)) || r.log[index-1].Term != w.Term {
		return false
	}
	w.Commit = index
	return true
}

// settle exchanges until done says so.
func (r *replica) settle(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		if err := r.follow(true); err != nil {
			return rpctypes.ErrGRPCStopped
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return rpctypes.ErrGRPCTimeout
			}
			return ctx.Err()
		}
	}
}

// propose brings an entry into the log of a majority. vet looks once more, alone
// among all, whether it may be.
func (r *replica) propose(ctx context.Context, kind raftpb.EntryType, data []byte, vet func(*wire) error) error {
	var at position
	err := r.settle(ctx, func() (bool, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.leader == 0 {
			return false, nil
		}
		err := r.bus.exchange(func(w *wire) (bool, error) {
			if w.Leader == 0 || !r.bus.lives(w.Leader) {
				return false, nil
			}
			if vet != nil {
				if err := vet(w); err != nil {
					return false, err
				}
			}
			at = position{w.Term, uint64(len(w.Entries)) + 1}
			return true, w.add(kind, data)
		})
		return at.Index > 0, err
	})
	if err != nil {
		return err
	}
	return r.settle(ctx, func() (bool, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.table.applied < at.Index {
			return false, nil
		}
		if r.log[at.Index-1].Term != at.Term {
			return false, rpctypes.ErrGRPCLeaderChanged
		}
		return true, nil
	})
}

// read waits until this member has applied all that a quorum knew when the
// question came.
func (r *replica) read(ctx context.Context) error {
	var at uint64
	return r.settle(ctx, func() (bool, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.leader == 0 {
			at = 0
			return false, nil
		}
		if at == 0 {
			// The index counts once something of the leader's own term is committed.
			err := r.bus.exchange(func(w *wire) (bool, error) {
				var e raftpb.Entry
				if w.Commit > 0 && w.Commit <= uint64(len(w.Entries)) && e.Unmarshal(w.Entries[w.Commit-1]) == nil && e.Term == w.Term {
					at = w.Commit
				}
				return false, nil
			})
			if err != nil || at == 0 {
				return false, err
			}
		}
		return r.table.applied >= at, nil
	})
}

func (r *replica) request(fill func(*pb.InternalRaftRequest)) ([]byte, error) {
	r.mu.Lock()
	r.sequel++
	request := &pb.InternalRaftRequest{Header: &pb.RequestHeader{ID: uint64(time.Now().UnixNano()) + r.sequel}}
	r.mu.Unlock()
	fill(request)
	return request.Marshal()
}

func walDir(dataDir string) string { return filepath.Join(dataDir, "member", "wal") }
func dbFile(dataDir string) string { return filepath.Join(dataDir, "member", "snap", "db") }
