package snapshot

import "strconv"

// ID is the id of a member or cluster, written as etcd writes it: in hex.
type ID uint64

func (id ID) String() string { return strconv.FormatUint(uint64(id), 16) }

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*id = ID(n)
	return err
}

// Summary is what a snapshot that passed every check holds.
type Summary struct {
	Form         Form   `json:"form"`         // Gzip or Plain
	StoredSize   int64  `json:"storedSize"`   // bytes, as they came
	StoredSHA256 string `json:"storedSHA256"` // hex, of those bytes
	Size         int64  `json:"size"`         // bytes unpacked, trailer included
	SHA256       string `json:"sha256"`       // hex, unpacked, trailer included

	PageSize  int64 `json:"pageSize"`  // bytes
	Pages     int64 `json:"pages"`     // in the file
	FreePages int64 `json:"freePages"` // of those, not in use

	// Revision is the one that an etcd started from the file begins at.
	Revision int64 `json:"revision"`
	// CompactRevision is the highest that a compaction was asked for; what is
	// older cannot be read. CompactionPending: the file was taken before that
	// compaction was done.
	CompactRevision   int64 `json:"compactRevision"`
	CompactionPending bool  `json:"compactionPending,omitempty"`

	// LiveKeys are the keys that exist at Revision. It is counted by 63-bit
	// hashes: two keys fall together with a chance below one in a million.
	LiveKeys int64 `json:"liveKeys"`
	// KeyRevisions are the records in the key bucket: each change of each key
	// that was not compacted away, deletions too.
	KeyRevisions int64 `json:"keyRevisions"`
	// Entries are the entries of all buckets, what `etcdutl snapshot status`
	// calls total keys before 3.6. From 3.6 on it is the live keys, and one
	// more for each raised revision (`restore --bump-revision`).
	Entries int64 `json:"entries"`
	// StatusHash is the hash that `etcdutl snapshot status` prints.
	StatusHash uint32 `json:"statusHash"`

	Leases int64 `json:"leases"`
	// Members are those that the member knew whose snapshot it is.
	Members        []Member `json:"members"`
	RemovedMembers int64    `json:"removedMembers"`
	// FoundersID is the cluster id that etcd gives to a cluster founded by
	// exactly these members; 0 without any. The cluster id itself is not in
	// the file (it is in the write-ahead log). It is this one as long as no
	// member was added or removed since the founding.
	FoundersID ID `json:"foundersID"`
	// Voters and Learners are raft's own list (etcd 3.5 and later).
	Voters   []ID `json:"voters,omitempty"`
	Learners []ID `json:"learners,omitempty"`

	// ClusterVersion is the version all members spoke, such as 3.6.0;
	// StorageVersion is that of the file's format, from 3.6 on. The version of
	// the etcd itself is not in the file.
	ClusterVersion string `json:"clusterVersion,omitempty"`
	StorageVersion string `json:"storageVersion,omitempty"`

	ConsistentIndex uint64  `json:"consistentIndex"` // of raft, applied
	Term            uint64  `json:"term"`            // of raft; 0 before 3.5
	Alarms          []Alarm `json:"alarms,omitempty"`
	AuthEnabled     bool    `json:"authEnabled,omitempty"`

	// NotVerified are sentences: what nobody may conclude from this summary.
	NotVerified []string `json:"notVerified"`
}

// Member is a member as the snapshot lists it.
type Member struct {
	ID         ID       `json:"id"`
	Name       string   `json:"name"` // empty until it has started once
	PeerURLs   []string `json:"peerURLs"`
	ClientURLs []string `json:"clientURLs,omitempty"`
	Learner    bool     `json:"learner,omitempty"`
}

// Alarm stands in the file, and will stand again in a cluster restored from it.
type Alarm struct {
	MemberID ID     `json:"memberID"`
	Type     string `json:"type"` // NOSPACE, CORRUPT
}

// notVerified depends on what the file could not say.
func (s *Summary) notVerified() []string {
	list := []string{
		"that a cluster can be restored from it: no etcd was started on it",
		"that its keys are the ones you want: nothing was compared with a live cluster or another backup, and no value was decoded",
		"that the other members held the same: the hash of one member's file says nothing of theirs",
		"when it was taken: the file holds no time",
		"that nobody wrote another snapshot in its place: the trailer proves that it is whole, not who made it",
	}
	switch {
	case len(s.Members) == 0:
		list = append(list, "of which cluster it is: the file names neither a cluster id nor members")
	default:
		list = append(list, "of which cluster it is: the file holds no cluster id; its members are what is known, and foundersID stands in for the id while none was added or removed")
	}
	if s.StorageVersion == "" {
		list = append(list, "the version of its format: etcd writes it from 3.6 on only")
	}
	if s.CompactionPending {
		list = append(list, "that its history is whole above the last finished compaction: another one was under way")
	}
	return list
}
