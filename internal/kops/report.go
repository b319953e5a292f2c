package kops

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// Report is what a check found. Its JSON is stable; api/schemas holds its
// schema.
type Report struct {
	State string    `json:"state"` // URL of the state store
	At    time.Time `json:"at"`
	// Verified: newest backups were opened. Otherwise none was.
	Verified bool `json:"verified"`
	// ExitCode is the worst of all: 0 safe, 3 refused, 4 unproven.
	ExitCode int `json:"exitCode"`
	// Incomplete says why there may be more clusters than are reported; "" if
	// all were found.
	Incomplete string   `json:"incomplete,omitempty"`
	Clusters   []Result `json:"clusters"` // by kops cluster, then as its config names them
}

// Result is what was found of one etcd cluster of one kops cluster.
type Result struct {
	Cluster  string        `json:"cluster"`
	Etcd     string        `json:"etcd"`
	Verdict  proof.State   `json:"verdict"`
	Action   decide.Action `json:"action"`
	ExitCode int           `json:"exitCode"`
	Sentence string        `json:"sentence"`
	// BackupStore is its URL, Backups how many lie there.
	BackupStore string `json:"backupStore"`
	Backups     int    `json:"backups"`
	// LastValidBackup is the newest that is valid, as far as it was looked at:
	// see its state. Null if none is, or none could be listed.
	LastValidBackup *Backup `json:"lastValidBackup"`
	// NewestBackup is the newest, valid or not. Null if there is none, or none
	// could be listed.
	NewestBackup *Backup         `json:"newestBackup"`
	Threats      []decide.Threat `json:"threats"`
	Advice       []decide.Step   `json:"advice"`
	// Digest is what an approval is bound to. It changes with the findings and
	// with what an update would do, not with time.
	Digest string `json:"digest"`

	// Evidence and Decision are what the rest was made of.
	Evidence decide.Evidence `json:"-"`
	Decision decide.Decision `json:"-"`
}

// BackupState is what is known of one backup.
type BackupState string

const (
	// NotOpened: both files are there. Nobody looked inside.
	NotOpened BackupState = "not-opened"
	// Incomplete: one of its two files is missing or empty.
	Incomplete BackupState = "incomplete"
	// Holds: it was read to its end, and every check of a snapshot held.
	Holds BackupState = "holds"
	// Damaged: it was read, and is worthless.
	Damaged BackupState = "damaged"
	// OtherCluster: it holds, and is of another, emptier cluster than older ones.
	OtherCluster BackupState = "other-cluster"
	// Unread: it could not be read, so nothing is known of it.
	Unread BackupState = "unread"
)

// Backup is one backup in a report.
type Backup struct {
	Name       string      `json:"name"`
	Time       time.Time   `json:"time"`
	AgeSeconds int64       `json:"ageSeconds"`
	SizeBytes  int64       `json:"sizeBytes"` // as stored
	State      BackupState `json:"state"`
	Why        string      `json:"why,omitempty"`
	// Revision and Keys are of one that was opened.
	Revision int64 `json:"revision,omitempty"`
	Keys     int64 `json:"keys,omitempty"`
	// Members are those in an opened backup, by their ids.
	Members []uint64 `json:"-"`
}

// Age is how old the backup was at the time of the report.
func (b *Backup) Age() time.Duration { return time.Duration(b.AgeSeconds) * time.Second }

// Of gives the results of one kops cluster.
func (r Report) Of(cluster string) []Result {
	var found []Result
	for _, result := range r.Clusters {
		if result.Cluster == cluster {
			found = append(found, result)
		}
	}
	return found
}

// Digest is what an approval for a whole kops cluster is bound to: the digests
// of all its etcd clusters. It is "" for a cluster that is not in the report.
func (r Report) Digest(cluster string) string {
	results := r.Of(cluster)
	if len(results) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, result := range results {
		_, _ = fmt.Fprintf(sum, "%q %s\n", result.Etcd, result.Digest) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
