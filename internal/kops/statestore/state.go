package statestore

import (
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/store"
)

// State is what one pass over a state store found.
type State struct {
	URL      string
	Clusters []*Cluster // by name
	Keys     int        // that were listed
	// Incomplete says why the listing ended early; then there may be more
	// clusters. "" if it did not.
	Incomplete string

	opened *stores
}

// Close frees the stores that were opened for backups elsewhere.
func (s *State) Close() { s.opened.close() }

// Cluster is one kops cluster, or what is left of one.
type Cluster struct {
	Name   string
	Config decide.Seen
	Spec   *ClusterSpec // nil unless the config is Present

	// Completed is cluster-completed.spec, which only an update writes.
	Completed     decide.Seen
	CompletedSpec *ClusterSpec // nil unless Present
	// Folder is what else was listed; FolderErr says why that is not all.
	Folder    *Folder
	FolderErr error

	// Before is what lies in the folder of its name, where the config names
	// another config base; nil where it does not.
	Before *Before

	Etcds  []*Etcd
	scheme string // of the store that the folder is in
}

// Before is what an update made of a cluster before its config base was moved.
type Before struct {
	Place string // of the folder
	// Applied: it holds what only an update makes.
	Applied bool
	// Shelves are what is left of each etcd cluster's backup store, by name;
	// none of them is empty.
	Shelves map[string]*Shelf
	// Err says why that is not all.
	Err error
}

// BeforeWhy is Before.Err for a person.
func (c *Cluster) BeforeWhy() string { return tell(c.scheme, true, c.Before.Err) }

// FolderWhy is FolderErr for a person.
func (c *Cluster) FolderWhy() string { return tell(c.scheme, true, c.FolderErr) }

// Etcd is one etcd cluster of a kops cluster.
type Etcd struct {
	Cluster string
	Name    string
	// Want and WantNewer are what an update would write (see the function).
	Want, WantNewer *managerfiles.Spec
	// Interval is that between two backups.
	Interval time.Duration
	// RetentionDays is how long etcd-manager keeps daily backups.
	RetentionDays int

	// Base is the URL of its backup store. In Store its keys begin with Prefix.
	Base   string
	Store  store.Store
	Prefix string // "" or with a slash at its end
	// Elsewhere: the backup store is not inside the state store.
	Elsewhere bool
	// SharedWith names the etcd clusters whose backup store overlaps this one.
	SharedWith []string

	Spec, Marker File
	// Shelf is what was listed; ShelfErr says why that is not all.
	Shelf    *Shelf
	ShelfErr error
	// Meta is that of the newest whole backup whose meta can be used; nil if
	// there is none.
	Meta *managerfiles.BackupMeta
	// MetaBad: meta files were read, and none of them can be used.
	MetaBad bool
	// MetaErr is why one could not be read; nil if one can be used.
	MetaErr error

	place place
}

// defaultInterval is etcd-manager's own.
const defaultInterval = 15 * time.Minute

// Scheme is that of the backup store's URL.
func (e *Etcd) Scheme() string { return e.place.scheme }

// Key is the full key of one of etcd-manager's files in Store.
func (e *Etcd) Key(file string) string { return e.Prefix + file }

// Tell is an error of this backup store for a person.
func (e *Etcd) Tell(listing bool, err error) string { return tell(e.place.scheme, listing, err) }

func (e *Etcd) label() string { return e.Name + " of " + e.Cluster }
