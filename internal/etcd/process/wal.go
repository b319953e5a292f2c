package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// Log is what the WAL says.
type Log struct {
	Files     int
	MemberID  uint64
	ClusterID uint64

	Term  uint64 // of the last entry
	Index uint64 // of the last entry, or of the snapshot if that is later
	// HardTerm and Commit are the last hard state: the highest term that the
	// member took part in, and the entries it knew to be committed.
	HardTerm, Commit uint64
	SnapshotIndex    uint64 // of the newest raft snapshot that the WAL mentions as committed
	Torn             bool   // the last record is cut short, as after SIGKILL: etcd repairs that

	// Changes are the last membership changes of the log, oldest first. Those
	// above Store.ConsistentIndex are not in Store.Members yet; those above
	// Commit may never be.
	Changes []Change

	firstIndex uint64
	snapshots  []walpb.Snapshot
	// acknowledged: there was a term or a snapshot. A member answers nobody
	// before it has saved a term, its own cluster's first one included.
	acknowledged bool
}

// Change is one membership change in the log.
type Change struct {
	Index  uint64
	Kind   string // as raft calls it: ConfChangeAddNode, ConfChangeAddLearnerNode, ConfChangeRemoveNode, ConfChangeUpdateNode
	Member Member // the id alone when a member is removed
}

// maxChanges bounds what is kept of the changes.
const maxChanges = 64

type walFile struct {
	path       string
	seq, index uint64
}

// walFiles lists the WAL's files in their order; none when there is no WAL.
func walFiles(dir string) ([]walFile, error) {
	entries, err := os.ReadDir(dir)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the WAL: %w", err)
	}
	var files []walFile
	for _, entry := range entries { // sorted by name, so by sequence
		f := walFile{path: filepath.Join(dir, entry.Name())}
		_, err := fmt.Sscanf(entry.Name(), "%016x-%016x.wal", &f.seq, &f.index)
		if err == nil && strings.HasSuffix(entry.Name(), ".wal") {
			files = append(files, f)
		}
	}
	return files, nil
}

// readLog reads all of the WAL in constant memory. bad says what is damaged;
// the error is one of reading.
func readLog(dir string, log *Log) (bad string, err error) {
	files, err := walFiles(dir)
	if err != nil || len(files) == 0 {
		return "", err
	}
	log.Files, log.firstIndex = len(files), files[0].index
	for i := range files[1:] {
		if files[i+1].seq != files[i].seq+1 {
			return fmt.Sprintf("between the files %d and %d one is missing", files[i].seq, files[i+1].seq), nil
		}
	}
	readers, closeAll, err := openAll(files)
	defer closeAll()
	if err != nil {
		return "", err
	}
	r := logReader{log: log, decoder: wal.NewDecoder(readers...)}
	bad, err = r.run()
	if err != nil || bad != "" {
		return bad, err
	}
	return r.finish(), nil
}

func openAll(files []walFile) (readers []fileutil.FileReader, closeAll func(), err error) {
	var open []*os.File
	closeAll = func() {
		for _, f := range open {
			_ = f.Close()
		}
	}
	for _, file := range files {
		f, err := os.Open(file.path)
		if err != nil {
			return nil, closeAll, fmt.Errorf("open the WAL: %w", err)
		}
		open = append(open, f)
		readers = append(readers, fileutil.NewFileReader(f))
	}
	return readers, closeAll, nil
}

type logReader struct {
	log       *Log
	begun     int // files whose first record, a checksum, was read
	decoder   wal.Decoder
	metadata  []byte
	snapshots []walpb.Snapshot
}

// run decodes record by record. etcd's decoding panics on records whose
// checksum fits and whose content does not.
func (r *logReader) run() (bad string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			bad, err = fmt.Sprintf("a record cannot be decoded: %v", cause), nil
		}
	}()
	var rec walpb.Record
	for {
		err := r.decoder.Decode(&rec)
		switch {
		case err == nil:
		case errors.Is(err, io.ErrUnexpectedEOF):
			return r.torn(), nil
		case errors.Is(err, io.EOF):
			return "", nil
		case isIO(err):
			return "", fmt.Errorf("read the WAL: %w", err)
		default:
			return err.Error(), nil
		}
		if bad := r.take(&rec); bad != "" {
			return bad, nil
		}
	}
}

// torn: only the last file may end in the middle of a record; etcd cuts that
// one off, and no other.
func (r *logReader) torn() (bad string) {
	if r.begun < r.log.Files {
		return fmt.Sprintf("a record in file %d of %d is cut short", r.begun, r.log.Files)
	}
	r.log.Torn = true
	return ""
}

func isIO(err error) bool {
	var path *os.PathError
	return errors.As(err, &path)
}

func (r *logReader) take(rec *walpb.Record) (bad string) {
	switch rec.Type {
	case wal.MetadataType:
		return r.takeMetadata(rec.Data)
	case wal.EntryType:
		return r.takeEntry(rec.Data)
	case wal.StateType:
		state := wal.MustUnmarshalState(rec.Data)
		r.log.HardTerm, r.log.Commit = state.Term, state.Commit
		r.log.acknowledged = r.log.acknowledged || state.Term > 0
	case wal.SnapshotType:
		var s walpb.Snapshot
		if err := s.Unmarshal(rec.Data); err != nil {
			return "a snapshot record cannot be decoded"
		}
		r.snapshots = append(r.snapshots, s)
		r.log.acknowledged = r.log.acknowledged || s.Index > 0
	case wal.CrcType:
		r.begun++
		crc := r.decoder.LastCRC()
		if crc != 0 && rec.Validate(crc) != nil {
			return "the checksums of two files do not join"
		}
		r.decoder.UpdateCRC(rec.Crc)
	default:
		return fmt.Sprintf("a record of the unknown type %d", rec.Type)
	}
	return ""
}

func (r *logReader) takeMetadata(data []byte) string {
	if r.metadata != nil && !slices.Equal(r.metadata, data) {
		return "two files bear different identities"
	}
	var meta etcdserverpb.Metadata
	if err := meta.Unmarshal(data); err != nil {
		return "the identity cannot be decoded"
	}
	r.metadata = append([]byte{}, data...)
	r.log.MemberID, r.log.ClusterID = meta.NodeID, meta.ClusterID
	return ""
}

// takeEntry follows the log as raft does: an entry replaces its predecessor of
// the same index, and all after it.
func (r *logReader) takeEntry(data []byte) string {
	e := wal.MustUnmarshalEntry(data)
	start := r.log.firstIndex
	for _, s := range r.snapshots {
		start = max(start, s.Index)
	}
	if last := max(r.log.Index, start); e.Index > last+1 {
		return fmt.Sprintf("the entries between %d and %d are missing", last, e.Index)
	}
	r.log.Index, r.log.Term = e.Index, e.Term
	r.dropChangesFrom(e.Index)
	if change, ok := changeOf(e); ok {
		r.log.Changes = append(r.log.Changes, change)
	}
	if n := len(r.log.Changes); n > maxChanges {
		r.log.Changes = r.log.Changes[n-maxChanges:]
	}
	return ""
}

func (r *logReader) dropChangesFrom(index uint64) {
	r.log.Changes = slices.DeleteFunc(r.log.Changes, func(c Change) bool { return c.Index >= index })
}

func changeOf(e raftpb.Entry) (Change, bool) {
	if e.Type != raftpb.EntryConfChange {
		return Change{}, false
	}
	var cc raftpb.ConfChange
	if err := cc.Unmarshal(e.Data); err != nil {
		return Change{}, false
	}
	change := Change{Index: e.Index, Kind: cc.Type.String(), Member: Member{ID: cc.NodeID}}
	if m, err := parseMember(cc.Context); err == nil && len(cc.Context) > 0 {
		m.ID = cc.NodeID
		change.Member = m
	}
	return change, true
}

// finish keeps the snapshots that the member knew to be committed; etcd ignores
// the others.
func (r *logReader) finish() (bad string) {
	if r.metadata == nil {
		return "it bears no identity"
	}
	for _, s := range r.snapshots {
		if s.Index <= r.log.Commit {
			r.log.snapshots = append(r.log.snapshots, s)
			r.log.SnapshotIndex = max(r.log.SnapshotIndex, s.Index)
		}
	}
	if r.log.SnapshotIndex > r.log.Index {
		r.log.Index = r.log.SnapshotIndex
		r.log.Term = r.snapshots[len(r.snapshots)-1].Term
	}
	return ""
}

// maxSnapshot bounds the raft snapshot files that are read; they hold the
// membership, not the keys.
const maxSnapshot = 512 << 20

// newestSnapshot is the index of the newest readable snapshot file that the
// WAL mentions; zero when there is none. etcd renames the broken ones it meets;
// this only passes them over.
func newestSnapshot(dir string, mentioned []walpb.Snapshot) (uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("list raft snapshots: %w", err)
	}
	for _, entry := range slices.Backward(entries) { // names sort by term and index
		var term, index uint64
		_, err := fmt.Sscanf(entry.Name(), "%016x-%016x.snap", &term, &index)
		if err != nil || !strings.HasSuffix(entry.Name(), ".snap") {
			continue
		}
		known := slices.ContainsFunc(mentioned, func(s walpb.Snapshot) bool { return s.Term == term && s.Index == index })
		if info, err := entry.Info(); !known || err != nil || info.Size() > maxSnapshot {
			continue
		}
		_, err = snap.Read(zap.NewNop(), filepath.Join(dir, entry.Name()))
		if isIO(err) {
			return 0, err
		}
		if err == nil {
			return index, nil
		}
	}
	return 0, nil
}
