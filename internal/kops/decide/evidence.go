package decide

import (
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// Seen is what one look at one thing gave. The zero value is "not known".
type Seen struct {
	Finding proof.Finding
	Why     string // what was seen, or what went wrong
}

// Named is a Seen with the name of the thing.
type Named struct {
	Name string
	Seen
}

// ControlFile is what a whole read of one of etcd-manager's two control files
// gave. The zero value is "could not be read".
type ControlFile struct {
	File managerfiles.File
	Why  string
}

// BackupState is what is known of the newest backups, as far as a permission
// leans on it.
type BackupState uint8

const (
	// BackupsUnknown: they could not be listed or read.
	BackupsUnknown BackupState = iota
	// BackupsNone: there is none that is whole.
	BackupsNone
	// BackupsStale: the last one that is whole is older than allowed.
	BackupsStale
	// BackupsRecent: a recent one is whole, as far as it was looked at.
	BackupsRecent
)

func (b BackupState) String() string {
	return [...]string{"unknown", "none", "stale", "recent"}[b]
}

// Live is what one endpoint of the running etcd gave. One that does not answer
// is Unknown: it may be a firewall.
type Live struct {
	Named
	Keys     int64 // of all prefixes; -1 where they could not be counted
	Revision int64
}

// Evidence is all that was heard of one etcd cluster of one kops cluster.
type Evidence struct {
	Cluster string // kops cluster
	Etcd    string // main, events, cilium, leases
	State   string // URL of the state store, as a person types it
	Base    string // URL of the etcd cluster's backup store
	At      time.Time

	// Config is the cluster's config in the state store. It stands for the
	// place mark: without it no absence has authority.
	Config Seen
	// Want is what the next update writes into the spec; nil if not known.
	Want *managerfiles.Spec
	// WantNewer is what a kops newer than the one that applied the cluster last
	// would write instead, where the config leaves the version open; else nil.
	WantNewer *managerfiles.Spec

	Marker ControlFile
	// MarkerOdd says why the marker's content is not one of etcd-manager's, which
	// does not matter to it.
	MarkerOdd string
	Spec      ControlFile
	SpecNow   managerfiles.Spec // where Spec is Usable

	// Leavings are what only an update leaves behind for this etcd cluster: each
	// is a part, and one suffices.
	Leavings []Named
	// Applied is the time of the oldest leaving, by the store's clock; zero if
	// not known. It never makes a decision safer.
	Applied time.Time
	// Traces are what only a running etcd-manager, or Seedproof, can have left
	// in the backup store: backups, commands, records.
	Traces []Named
	// MovedFrom is where the cluster was before its config base was moved; "" if
	// nothing lies there, or it was not moved.
	MovedFrom string
	// Queued are the commands that etcd-manager has yet to carry out, each with
	// its version: a permission is for these.
	Queued []string
	// Live are the endpoints that were asked; empty if none was given.
	Live []Live
	// SharedWith names the etcd clusters whose backup store is this one, or lies
	// inside it, or around it.
	SharedWith []string
	// Backups is what the newest backups are worth.
	Backups BackupState
	// PutBack are commands that put deleted versions of the control files back,
	// by their keys; those that the bucket still has.
	PutBack map[string]string
	// LastSpec is what the newest whole backup was taken of; nil if not known.
	LastSpec *managerfiles.Spec
}

// name is how sentences call the etcd cluster.
func (e Evidence) name() string { return "etcd " + e.Etcd + " of " + e.Cluster }

// identity is the application that is judged. All witnesses lie under the name
// of the cluster, or are asked at its endpoints, so there is one name only.
func (e Evidence) identity() proof.Identity {
	return proof.Identity{Lineage: "kops:" + e.Cluster + "/" + e.Etcd, Generation: 1}
}
