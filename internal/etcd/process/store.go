package process

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/raft/v3/raftpb"
)

// Store is what the database says. Members are those that were applied; the
// tail of the log may hold changes that were not (Log.Changes).
type Store struct {
	Size            int64 // bytes of the file
	ConsistentIndex uint64
	ConsistentTerm  uint64
	Revision        int64 // the highest in the database; 1 when there are no keys
	Compacted       int64 // the highest that a compaction was asked for

	Members  []Member // by id
	Removed  []uint64 // ids that may never come back
	Voters   []uint64 // raft's own list
	Learners []uint64

	StorageVersion string // empty before 3.6, and soon after a first start
	ClusterVersion string
	keys           bool
}

// Member is a member as the database lists it.
type Member struct {
	ID         uint64
	Name       string // empty until it has started once
	PeerURLs   []string
	ClientURLs []string
	Learner    bool
}

// unborn: no key was written and no member was applied.
func (s Store) unborn() bool {
	return !s.keys && s.ConsistentIndex == 0 && len(s.Members) == 0 && len(s.Removed) == 0 && s.Compacted == 0
}

// lockWait is how long another reader's or writer's lock is waited for.
const lockWait = 200 * time.Millisecond

// storeFile is an open database. bad says why it could not be opened though it
// could be read.
type storeFile struct {
	present bool
	empty   bool // a file of no bytes
	newer   bool
	bad     string
	size    int64
	db      *bolt.DB
}

// unborn: the database holds nothing that etcd acknowledged.
func (s *storeFile) unborn(store Store) bool {
	return !s.present || s.empty || s.bad == "" && store.unborn()
}

func (s *storeFile) close() {
	if s.db != nil {
		_ = s.db.Close()
	}
}

// openStore keeps apart what bbolt mixes up: a read error, a lock, a file that
// is not a database.
func openStore(path string) (*storeFile, error) {
	s := &storeFile{}
	held, err := flockHeld(path)
	if err != nil {
		return nil, err
	}
	if held {
		return nil, ErrInUse
	}
	info, err := os.Stat(path)
	if isMissing(err) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.present, s.size, s.empty = true, info.Size(), info.Size() == 0
	if s.empty {
		s.bad = "it has no bytes" // bbolt would try to write a new one
		return s, nil
	}
	if err := readable(path); err != nil {
		return nil, err
	}
	return s, s.open(path)
}

// readable reads the head of the file, whose read errors bbolt would report as
// damage.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.CopyN(io.Discard, f, 64<<10)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (s *storeFile) open(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockWait})
	switch {
	case err == nil:
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, bolterrors.ErrVersionMismatch):
		s.bad, s.newer = "its file format is not known", true
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), isSizeError(err):
		s.bad = err.Error()
	default:
		return err
	}
	s.db = db
	return nil
}

// isSizeError: bbolt has no name for a file that is too small to be mapped.
func isSizeError(err error) bool { return strings.HasPrefix(err.Error(), "file size too small") }

// read fills what the database says. Damaged pages make bbolt panic, or fault
// where the map has no file behind it; both end here as damage. A fault within
// the file is a read error of the disk, which is not damage but unknown.
func (s *storeFile) read(store *Store, deep bool) (err error) {
	store.Size = s.size
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if s.faultInFile(cause) {
			err = fmt.Errorf("read the database: %v", cause)
			return
		}
		s.bad = fmt.Sprintf("%.200v", cause)
	}()
	return s.db.View(func(tx *bolt.Tx) error {
		if tx.Size() > s.size {
			s.bad = fmt.Sprintf("it was cut to %d of %d bytes", s.size, tx.Size())
			return nil
		}
		if err := store.fill(tx); err != nil {
			s.bad = err.Error()
		}
		if deep {
			return readAll(tx)
		}
		return nil
	})
}

func (s *storeFile) faultInFile(cause any) bool {
	fault, ok := cause.(interface{ Addr() uintptr })
	if !ok {
		return false
	}
	start := s.db.Info().Data
	return fault.Addr() >= start && fault.Addr() < start+uintptr(s.size)
}

func readAll(tx *bolt.Tx) error {
	return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
		return b.ForEach(func(_, _ []byte) error { return nil })
	})
}

// fill reads etcd's buckets. A bucket that is not there yet is empty: etcd
// makes them within its first moments, and replays its WAL.
func (s *Store) fill(tx *bolt.Tx) error {
	s.Revision = 1
	if meta := tx.Bucket([]byte("meta")); meta != nil {
		if err := s.fillMeta(meta); err != nil {
			return err
		}
	}
	if cluster := tx.Bucket([]byte("cluster")); cluster != nil {
		s.ClusterVersion = string(cluster.Get([]byte("clusterVersion")))
	}
	if err := s.fillMembers(tx); err != nil {
		return err
	}
	keys := tx.Bucket([]byte("key"))
	if keys == nil {
		return nil
	}
	last, _ := keys.Cursor().Last()
	if last == nil {
		s.Revision = max(s.Revision, s.Compacted)
		return nil
	}
	rev, err := revisionOf(last)
	if err != nil {
		return err
	}
	s.keys, s.Revision = true, max(rev, s.Compacted)
	return nil
}

func (s *Store) fillMeta(meta *bolt.Bucket) error {
	s.ConsistentIndex = number(meta.Get([]byte("consistent_index")))
	s.ConsistentTerm = number(meta.Get([]byte("term")))
	s.StorageVersion = string(meta.Get([]byte("storageVersion")))
	for _, key := range []string{"scheduledCompactRev", "finishedCompactRev"} {
		value := meta.Get([]byte(key))
		if value == nil {
			continue
		}
		rev, err := revisionOf(value)
		if err != nil {
			return err
		}
		s.Compacted = max(s.Compacted, rev)
	}
	text := meta.Get([]byte("confState"))
	if text == nil {
		return nil
	}
	var state raftpb.ConfState
	if err := json.Unmarshal(text, &state); err != nil {
		return errors.New("raft's member list cannot be decoded")
	}
	s.Voters, s.Learners = state.Voters, state.Learners
	return nil
}

func (s *Store) fillMembers(tx *bolt.Tx) error {
	if members := tx.Bucket([]byte("members")); members != nil {
		err := members.ForEach(func(key, value []byte) error {
			id, err := strconv.ParseUint(string(key), 16, 64)
			if err != nil {
				return errors.New("a member id cannot be decoded")
			}
			m, err := parseMember(value)
			m.ID = id
			s.Members = append(s.Members, m)
			return err
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(s.Members, func(a, b Member) int { return compareID(a.ID, b.ID) })
	removed := tx.Bucket([]byte("members_removed"))
	if removed == nil {
		return nil
	}
	return removed.ForEach(func(key, _ []byte) error {
		id, err := strconv.ParseUint(string(key), 16, 64)
		if err != nil {
			return errors.New("the id of a removed member cannot be decoded")
		}
		s.Removed = append(s.Removed, id)
		return nil
	})
}

func compareID(a, b uint64) int {
	if a < b {
		return -1
	}
	return 1
}

// parseMember decodes etcd's JSON of a member, in the database and in a
// membership change alike.
func parseMember(text []byte) (Member, error) {
	var m struct {
		PeerURLs   []string `json:"peerURLs"`
		IsLearner  bool     `json:"isLearner"`
		Name       string   `json:"name"`
		ClientURLs []string `json:"clientURLs"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return Member{}, errors.New("a member cannot be decoded")
	}
	return Member{Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, Learner: m.IsLearner}, nil
}

func number(value []byte) uint64 {
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// revisionOf is the main part of etcd's revision bytes: eight bytes, '_', eight
// bytes and, on a deletion, 't'.
func revisionOf(key []byte) (int64, error) {
	if len(key) < 17 || key[8] != '_' || len(key) > 18 || len(key) == 18 && !bytes.HasSuffix(key, []byte("t")) {
		return 0, errors.New("a revision cannot be decoded")
	}
	rev := int64(binary.BigEndian.Uint64(key))
	if rev < 0 {
		return 0, errors.New("a revision is negative")
	}
	return rev, nil
}
