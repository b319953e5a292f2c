package backup

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
)

const (
	proofFormat = 1
	maxProof    = 1 << 20
)

// Identity is whose data a backup holds.
type Identity struct {
	Cluster    string `json:"cluster"` // its name
	Lineage    string `json:"lineage"`
	Generation int64  `json:"generation"`
	BirthID    string `json:"birthID"`
	ClusterID  string `json:"clusterID"` // etcd's, in hex
}

// Member is one member as it was listed when the backup was taken.
type Member struct {
	Name       string   `json:"name"`
	ID         string   `json:"id"` // hex
	PeerURLs   []string `json:"peerURLs,omitempty"`
	ClientURLs []string `json:"clientURLs,omitempty"`
	Learner    bool     `json:"learner,omitempty"`
}

// HashKV is what the members answered at one revision. Hashes are comparable
// only at equal compact revisions; members whose hashes differ are suspect.
type HashKV struct {
	Revision        int64             `json:"revision"`
	CompactRevision int64             `json:"compactRevision"`
	Members         map[string]uint32 `json:"members"` // by name
}

// Mark is a place's random id, as it was when the backup was taken.
type Mark struct {
	URL string `json:"url"` // without credentials
	ID  string `json:"id"`
}

// From is the member that was snapshotted.
type From struct {
	Member   string `json:"member"`
	ID       string `json:"id"` // hex
	RaftTerm uint64 `json:"raftTerm"`
}

// Proof is what Seedproof knows of a backup: the object ProofFile beside
// etcd-manager's two.
type Proof struct {
	Format  int    `json:"format"`
	Name    string `json:"name"`
	Attempt string `json:"attempt"` // also in the data's gzip header
	Identity

	// The data holds a revision that is at least the first and at most the
	// second: what the member had applied just before and just after its read
	// transaction was opened.
	RevisionAtLeast int64 `json:"revisionAtLeast"`
	RevisionAtMost  int64 `json:"revisionAtMost"`

	Size         int64  `json:"size"`   // bytes of the snapshot, trailer included
	SHA256       string `json:"sha256"` // of the snapshot, trailer included
	StoredSize   int64  `json:"storedSize"`
	StoredSHA256 string `json:"storedSHA256"` // of the data object

	EtcdVersion string             `json:"etcdVersion"`
	From        From               `json:"from"`
	Members     []Member           `json:"members"`
	Spec        *managerfiles.Spec `json:"spec,omitempty"`
	HashKV      *HashKV            `json:"hashKV,omitempty"`
	Marks       []Mark             `json:"marks,omitempty"`
	Taken       time.Time          `json:"taken"` // by the taker's clock

	// Verified is set by nothing here: only a restore proves a backup.
	Verified bool `json:"verified"`
}

func (p Proof) encode() ([]byte, error) {
	content, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", managerfiles.ProofFile, err)
	}
	if len(content) > maxProof {
		return nil, fmt.Errorf("encode %s: %d bytes, more than %d", managerfiles.ProofFile, len(content), maxProof)
	}
	return content, nil
}

// decodeProof reads the object of the backup of that name.
func decodeProof(name string, content []byte) (*Proof, error) {
	var p Proof
	if err := json.Unmarshal(content, &p); err != nil {
		return nil, fmt.Errorf("decode %s: %w", managerfiles.ProofFile, err)
	}
	if p.Format != proofFormat {
		return nil, fmt.Errorf("decode %s: format %d is not known here", managerfiles.ProofFile, p.Format)
	}
	if p.Name != name {
		return nil, fmt.Errorf("decode %s: it belongs to backup %q", managerfiles.ProofFile, p.Name)
	}
	if p.Lineage == "" || p.StoredSHA256 == "" || p.SHA256 == "" {
		return nil, fmt.Errorf("decode %s: lineage or hashes are missing", managerfiles.ProofFile)
	}
	return &p, nil
}

// newNonce is 128 random bits in hex.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails: the runtime ends the process first
	return hex.EncodeToString(b[:])
}
