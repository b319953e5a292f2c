package record

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

const (
	// RecordKey and ClaimKey are the keys in the control store.
	RecordKey = "record.json"
	ClaimKey  = "claim.json"
	// ForwardKey says where a store has moved to.
	ForwardKey = "moved.json"

	format      = 1
	sizeLimit   = 1 << 20 // a record of 5 members is some 3 KiB
	maxUsedUp   = 64      // nonces of used approvals that are kept
	maxMirrored = 32      // contents of mirrored files that are remembered
	maxSerial   = 1 << 62 // no record is ever written that often
)

// Record is what is written down of a cluster.
type Record struct {
	Format    int       `json:"format"`
	Cluster   string    `json:"cluster"`
	Serial    uint64    `json:"serial"` // one higher with each write
	Nonce     string    `json:"nonce"`  // fresh with each write
	WrittenAt time.Time `json:"writtenAt"`
	WrittenBy string    `json:"writtenBy,omitempty"` // the agent, for people

	Identity  proof.Identity   `json:"identity"`
	ClusterID string           `json:"clusterID,omitempty"` // etcd's, in hex
	Past      []proof.Identity `json:"past,omitempty"`
	Spec      Spec             `json:"spec"`
	Members   decide.List      `json:"members"`
	// Revision is the highest one noted of a linearizable read.
	Revision int64  `json:"revision"`
	Stores   Stores `json:"stores"`
	// Adopting is the intent of an adoption that is under way.
	Adopting *Adopting `json:"adopting,omitempty"`
	// UsedApprovals are the nonces of approvals that were used up.
	UsedApprovals []string `json:"usedApprovals,omitempty"`
	// Mirrored are the hashes of the spec files that we wrote for etcd-manager,
	// newest last: what differs from all of them is somebody's request.
	Mirrored []string `json:"mirrored,omitempty"`
}

// Stores are the places that a cluster uses, with the marks they bear.
type Stores struct {
	Control store.Remembered `json:"control"`
	Backup  store.Remembered `json:"backup"`
}

// Adopting is an approved adoption: what bore one identity is given another.
// While it is open, From reads as To.
type Adopting struct {
	From     proof.Identity `json:"from"`
	To       proof.Identity `json:"to"`
	Approval string         `json:"approval"` // nonce of the approval that it used up
}

// ClaimDoc is the claim as it is written down.
type ClaimDoc struct {
	Format  int          `json:"format"`
	Cluster string       `json:"cluster"`
	Nonce   string       `json:"nonce"`
	Claim   decide.Claim `json:"claim"`
	Spec    Spec         `json:"spec"`
	Stores  Stores       `json:"stores"`
}

// errNewer: the object is of a format that this program does not know.
var errNewer = errors.New("written by a newer Seedproof")

// parse reads one document. errNewer means that it cannot be judged; any other
// error that it is damaged.
func parse[T Record | ClaimDoc](content []byte) (*T, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if head.Format > format {
		return nil, fmt.Errorf("format %d, and this program knows %d: %w", head.Format, format, errNewer)
	}
	if head.Format < 1 {
		return nil, errors.New("no format number")
	}
	doc := new(T)
	decoder := json.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(doc); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return doc, nil
}

// ParseRecord reads a record. The error says whether it is damaged or of a
// newer format.
func ParseRecord(content []byte) (*Record, error) {
	r, err := parse[Record](content)
	if err != nil {
		return nil, err
	}
	if !r.Identity.Named() || r.Identity.Generation == 0 || r.Cluster == "" || r.Nonce == "" {
		return nil, errors.New("it names no cluster")
	}
	if r.Serial == 0 || r.Serial > maxSerial {
		return nil, fmt.Errorf("serial %d", r.Serial)
	}
	if err := readable(r.Spec); err != nil {
		return nil, err
	}
	return r, nil
}

// readable tells a spec of an etcd that only a newer program knows from one
// that nobody can have meant.
func readable(s Spec) error {
	err := s.Validate()
	if err != nil && laterVersion(s.EtcdVersion) {
		return fmt.Errorf("%w: %w", errNewer, err)
	}
	return err
}

// ParseClaim reads a claim.
func ParseClaim(content []byte) (*ClaimDoc, error) {
	c, err := parse[ClaimDoc](content)
	if err != nil {
		return nil, err
	}
	open := c.Claim.State == decide.ClaimOpen || c.Claim.State == decide.ClaimBorn
	id := c.Claim.Identity
	if !open || c.Claim.Attempt == "" || !id.Named() || id.Generation == 0 || id.Birth == "" || len(c.Claim.Members) == 0 || c.Nonce == "" {
		return nil, errors.New("it names no attempt")
	}
	if err := readable(c.Spec); err != nil {
		return nil, err
	}
	return c, nil
}

func encode(doc any) []byte {
	b, _ := json.MarshalIndent(doc, "", "  ") // plain structs always encode
	return append(b, '\n')
}

// NewNonce is 128 random bits, in hex.
func NewNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

// NewLineage is a random UUID.
func NewLineage() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
