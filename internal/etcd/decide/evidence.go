package decide

import (
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// MemberRef is one member as a member list names it.
type MemberRef struct {
	ID        uint64 `json:"id,omitempty"` // etcd's member id; 0 while it is not known
	Name      string `json:"name"`
	PeerURL   string `json:"peerURL,omitempty"`
	ClientURL string `json:"clientURL,omitempty"`
	Learner   bool   `json:"learner,omitempty"`
}

// List is a member list, in any order.
type List []MemberRef

// Voters are the members that count for the quorum.
func (l List) Voters() List {
	var voters List
	for _, m := range l {
		if !m.Learner {
			voters = append(voters, m)
		}
	}
	return voters
}

// Quorum is how many of the voters are needed; 0 for an empty list, which can
// never be reached.
func (l List) Quorum() int {
	n := len(l.Voters())
	if n == 0 {
		return 0
	}
	return n/2 + 1
}

// Named finds a member by its name.
func (l List) Named(name string) (MemberRef, bool) {
	for _, m := range l {
		if m.Name == name {
			return m, true
		}
	}
	return MemberRef{}, false
}

// Position is how far a raft log goes.
type Position struct {
	Term  uint64 `json:"term"`
	Index uint64 `json:"index"`
}

// Before reports whether p lies before o, by term and then by index.
func (p Position) Before(o Position) bool {
	if p.Term != o.Term {
		return p.Term < o.Term
	}
	return p.Index < o.Index
}

// Part is a member's data directory and its live etcd, which are one part of
// the cluster; of the two the live one speaks.
type Part struct {
	Finding  proof.Finding  `json:"finding"`
	Identity proof.Identity `json:"identity,omitzero"`
	Why      string         `json:"why,omitempty"`
	// Claim is the attempt that made the directory.
	Claim string `json:"claim,omitempty"`
	// HasData: etcd has written into the directory, which is more than the mark
	// of the claim that made it.
	HasData bool   `json:"hasData,omitempty"`
	ID      uint64 `json:"id,omitempty"` // the member id that the data bears
	Members List   `json:"members,omitempty"`
	// Recalled: the list is what was last known, and older than the position. A
	// learner gives none, and an etcd that does not answer neither.
	Recalled bool     `json:"recalled,omitempty"`
	Removed  []uint64 `json:"removed,omitempty"`
	Position Position `json:"position,omitzero"`
	Revision int64    `json:"revision,omitempty"`
	Live     bool     `json:"live,omitempty"`
	// Linearizable: the live etcd has just answered a linearizable read, which
	// counts as a quorum of the list that it reports.
	Linearizable bool `json:"linearizable,omitempty"`
	// RolledBack: the data is older than what its own memory noted of it.
	RolledBack bool `json:"rolledBack,omitempty"`
}

// Memory is what an agent remembers, outside the data volume.
type Memory struct {
	Finding  proof.Finding  `json:"finding"`
	Identity proof.Identity `json:"identity,omitzero"`
	Why      string         `json:"why,omitempty"`
	ID       string         `json:"id,omitempty"` // random, made with the memory itself
	Members  List           `json:"members,omitempty"`
	Serial   uint64         `json:"serial,omitempty"` // of the newest record seen
	Noted    Position       `json:"noted,omitzero"`   // how far its own data had come
	Revision int64          `json:"revision,omitempty"`
	// Claim is the attempt that it noted; Started the attempt for which it
	// noted that it starts an etcd.
	Claim   string `json:"claim,omitempty"`
	Started string `json:"started,omitempty"`
}

// Node is one agent's side of the cluster: a part and the memory beside it.
type Node struct {
	Name   string  `json:"name"`
	Part   Part    `json:"part"`
	Memory Memory  `json:"memory"`
	Trash  []Trace `json:"trash,omitempty"` // retired directories
}

// Record is what the cluster record says.
type Record struct {
	Finding  proof.Finding  `json:"finding"`
	Identity proof.Identity `json:"identity,omitzero"`
	Why      string         `json:"why,omitempty"`
	Cluster  string         `json:"cluster,omitempty"`
	Serial   uint64         `json:"serial,omitempty"`
	Members  List           `json:"members,omitempty"`
	Revision int64          `json:"revision,omitempty"` // highest one noted
}

// Trace is one witness that only the cluster can have left behind.
type Trace struct {
	Name     string         `json:"name"`
	Finding  proof.Finding  `json:"finding"`
	Identity proof.Identity `json:"identity,omitzero"`
	Members  List           `json:"members,omitempty"`
	Why      string         `json:"why,omitempty"`
}

// Evidence is everything that was heard of one cluster, as plain values.
type Evidence struct {
	Cluster string
	At      time.Time
	Record  Record
	Claim   ClaimView
	Nodes   []Node
	Traces  []Trace
	// Want is the member count of the newest valid spec anybody knows; 0 if
	// nobody knows one.
	Want int
	// Attestations are the words that persons gave.
	Attestations []proof.Attestation

	attestedBy map[string]string // witness to person, for the words that stand
}
