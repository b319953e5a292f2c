package sim

import (
	"slices"
	"time"
)

// world is everything that the array remembers. It is plain data: it can be
// written to a file and read back at any moment.
type world struct {
	Version int // of this format
	Seq     uint64
	// Survivor: 0 in normal operation, else 1 + the index of the site that
	// serves for both.
	Survivor   int
	Sites      []*site
	Operations []*operation
}

// object is what everything has: a place in the order of creation and an id.
type object struct {
	Seq  uint64
	UUID string
}

type site struct {
	Index       int
	UUID, Name  string
	Unreachable bool // by the other site and by everybody else
	Keys        keyPair

	Nodes      []*node
	Aggregates []*aggregate
	Spaces     []*ipspace
	Domains    []*domain
	Ports      []*port
	Subnets    []*subnet
	Peers      []*peerGroup
	Policies   []*policy
	Licenses   []*license
	SVMs       []*svm
	LIFs       []*lif
	Routes     []*route
	Accounts   []*account
	Volumes    []*volume
	Snapshots  []*snapshot
	Relations  []*relation
	Jobs       []*job

	byID map[string]*svm
	last *svm
}

type node struct {
	object
	Name, Serial string
	State        string // up, down, taken_over, waiting_for_giveback
	Partner      string // name
}

type aggregate struct {
	object
	Name, Node, Home, State string
	Size                    int64
	Root                    bool
}

type ipspace struct {
	object
	Name string
}

type domain struct {
	object
	Name, Space string
	MTU         int64
}

type port struct {
	object
	Name, Node, Domain, Space string
	Down                      bool
}

type subnet struct {
	object
	Subnet
	Space string
}

type peerGroup struct {
	object
	PeerGroup
}

type policy struct {
	object
	Name     string
	Services []string
	SVM      bool
}

type license struct {
	object
	Name     string
	Licensed bool
}

type svm struct {
	object
	Name, Comment, Subtype, Space string
	Language, SnapshotPolicy      string
	Aggregates                    []string // uuids
	Allowed                       map[string]bool
	Services                      map[string]*service // by protocol
	MaxVolumes                    string
	StorageLimit, StorageAlert    int64
	AntiRansomware                string
	Logical                       [2]bool // space reporting, space enforcement
	Keys                          keyPair
	CertUUID                      string

	Stopped  bool   // the administrator's wish
	Forced   string // a state that a test has set
	Pending  string // a state while a job is at work
	Stuck    bool   // in initializing, for good
	Locked   bool   // its configuration cannot be changed
	Born     time.Time
	Deleting bool

	Partner    string // uuid of the other half of the pair
	Dirty      bool   // its twin does not have all of it yet
	Replicate  time.Time
	DeletedHot bool // its twin was deleted while switched over
	Recovery   []deleted
}

// service is one protocol of an SVM.
type service struct {
	object
	Enabled bool
	From    time.Time
}

type deleted struct {
	Size int64
	At   time.Time
}

type lif struct {
	object
	Name, SVM, Space, Scope string
	Address                 string
	Bits                    int
	Enabled, VIP            bool
	Policy, Subnet          string
	Failover                string
	AutoRevert              bool
	HomeNode, HomePort      string // names
	Node, Port              string
	DNSZone                 string
	DDNS                    bool
	ProbePort               int64
}

type route struct {
	object
	SVM, Space, Gateway string
	Destination         string // address
	Bits                int
	Metric              int64
}

type account struct {
	object
	Owner        string // uuid of the SVM; of the cluster: ""
	Name, Role   string
	Comment      string
	Applications []application
	Hash         *hashed // nil: no password
	HashName     string
	History      []hashed
	Locked       bool // by an administrator
	Failures     int
	LockedUntil  time.Time
}

type application struct {
	Name, Second string
	Methods      []string
}

type volume struct {
	object
	Name, SVM, Comment, State, Type, Style string
	Aggregate                              string // uuid
	Size, Used                             int64
	Root, Constituent, Busy                bool
	At                                     time.Time
}

type snapshot struct {
	object
	Volume, Name string
	At           time.Time
}

type relation struct {
	object
	Source, Destination, SVM string
}

type operation struct {
	object
	Type, State string
	At          time.Time
}

// remove takes an element out of a list.
func remove[T comparable](list []T, e T) []T {
	return slices.DeleteFunc(list, func(x T) bool { return x == e })
}

// find gives the first element that fits, or the zero value.
func find[T any](list []*T, fits func(*T) bool) *T {
	for _, e := range list {
		if fits(e) {
			return e
		}
	}
	return nil
}

// svmByID is asked for every LIF and account of a listing, so it has an index.
// SVMs are only ever added at the end or taken away: one that is as long as the
// index and ends alike is the same.
func (st *site) svmByID(uuid string) *svm {
	n := len(st.SVMs)
	if n == 0 {
		return nil
	}
	if n != len(st.byID) || st.SVMs[n-1] != st.last {
		st.byID, st.last = make(map[string]*svm, n), st.SVMs[n-1]
		for _, v := range st.SVMs {
			st.byID[v.UUID] = v
		}
	}
	return st.byID[uuid]
}

func (st *site) svmByName(name string) *svm {
	return find(st.SVMs, func(v *svm) bool { return v.Name == name })
}

func (st *site) nodeByName(name string) *node {
	return find(st.Nodes, func(n *node) bool { return n.Name == name })
}
