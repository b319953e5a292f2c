package decide

import (
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/proof"
)

// TwinSuffix is what a MetroCluster puts into the name of the twin, before the
// first period (facts 4).
const TwinSuffix = "-mc"

// Pin is the cluster UUID that an array is remembered by: its place mark. It is
// Absent only where the right place was asked and has never noted one.
type Pin struct {
	Finding proof.Finding
	UUID    string
}

// Array is what was heard of one array: each that is configured, or that record
// or claim name.
type Array struct {
	Name     string
	Pin      Pin
	Answered bool   // everything below was read whole
	Cluster  string // UUID of the cluster that answered
	Why      string // what went wrong
	Mode     Mode
	// JobsKnown: the list of jobs was read; Jobs are the unfinished ones that
	// could be a creation or deletion of this SVM.
	JobsKnown bool
	Jobs      []string
	// SVMs bear the name (or the twin's name), a UUID that record, claim or a
	// trace name, or this owner's mark.
	SVMs []SVM
}

// SVM is one storage virtual machine as its array shows it.
type SVM struct {
	UUID      string
	Name      string
	State     SVMState
	Role      Role
	Twin      string // UUID of the other half, by this half's own array
	Ownership Ownership
	Mark      Mark // where Ownership is Ours or Foreign
	// OnlyLockedVsadmin: no account but a locked vsadmin. OnlyRootVolume: no
	// volume but its root. They matter for one that is stuck in initializing.
	OnlyLockedVsadmin Answer
	OnlyRootVolume    Answer
	// Stuck: in this state for longer than configured.
	Stuck bool
}

// Record is what the object of this SVM in the seed says.
type Record struct {
	Finding    proof.Finding
	Lineage    string // the owner, as Owner.String gives it
	Generation uint64 // the attempt that made the SVM
	Nonce      string
	UUIDs      []string // of the SVM, or of both halves
	Array      string
	Cluster    string // UUID of the array's cluster when it was written
	// Credentials is the highest generation of a password that was given out.
	Credentials uint64
	// Closed is the nonce of the deletion for which it was closed, or "".
	Closed string
	// DeletionAsked is when the deletion of the SVM itself was noted, just before
	// it was sent; zero where it never was, or was refused.
	DeletionAsked time.Time
	// Cleared are the things of ours that were taken off the SVM so that it could
	// be deleted, in words for people. It stays until the record goes, or until the
	// SVM is wanted again and whole.
	Cleared []string
	Serial  uint64
	Why     string
}

// Names reports whether the record names one of the UUIDs.
func (r Record) Names(uuids ...string) bool {
	return r.Finding == proof.Present && slices.ContainsFunc(uuids, func(u string) bool { return u != "" && slices.Contains(r.UUIDs, u) })
}

func (r Record) open() bool { return r.Finding == proof.Present && r.Closed == "" }

// Identity is who the record says that the SVM is.
func (r Record) Identity() proof.Identity {
	return proof.Identity{Lineage: r.Lineage, Generation: r.Generation, Birth: birth(r.Nonce, r.UUIDs...)}
}

// birth joins an attempt with the UUIDs that came of it: two SVMs may bear one
// mark, and are two things.
func birth(nonce string, uuids ...string) string {
	var known []string
	for _, u := range uuids {
		if u != "" {
			known = append(known, u)
		}
	}
	slices.Sort(known)
	return nonce + "@" + strings.Join(slices.Compact(known), "+")
}

// Trace is one witness that only the SVM can have left behind: volumes or a
// backend in a shoot.
type Trace struct {
	Name    string // "shoot/NAME/volumes"
	Finding proof.Finding
	// UUID is one that we wrote; "" leaves the trace without a name.
	UUID       string
	Generation uint64 // 0 where it does not say
	Why        string
}

// Evidence is everything that was heard of one SVM, as plain values.
type Evidence struct {
	Name   string // of the SVM
	Owner  Owner
	At     time.Time
	Arrays []Array
	Record Record
	Claim  Claim
	Traces []Trace
	// Attestations are the words that persons gave.
	Attestations []proof.Attestation
	// Site is what stands on the SVM. It is no witness of it.
	Site Site

	attestedBy    map[string]string // witness to person, for the words that stand
	nothingHidden bool
}

func (e Evidence) array(name string) (Array, bool) {
	for _, a := range e.Arrays {
		if a.Name == name {
			return a, true
		}
	}
	return Array{Name: name}, false
}

// trouble says why nothing that the array answers counts, or "". An array that
// answers as another cluster is another place.
func (e Evidence) trouble(a Array) string {
	switch {
	case !a.Answered:
		return orElse(a.Why, "it does not answer")
	case a.Cluster == "":
		return "it did not say which cluster it is"
	case slices.ContainsFunc(a.SVMs, func(s SVM) bool { return s.UUID == "" }):
		return "it shows an SVM and not its UUID"
	case a.Pin.Finding == proof.Unknown || a.Pin.Finding == proof.Unusable:
		return "which cluster it should be could not be read"
	case a.Pin.Finding == proof.Present && a.Pin.UUID != a.Cluster:
		return "it answers as cluster " + a.Cluster + ", and is remembered as " + a.Pin.UUID
	case e.Record.Finding == proof.Present && e.Record.elsewhere(a):
		return "it answers as cluster " + a.Cluster + ", and the record remembers " + e.Record.Cluster
	case e.Claim.Finding == proof.Present && e.Claim.Array == a.Name && e.Claim.Cluster != "" && e.Claim.Cluster != a.Cluster:
		return "it answers as cluster " + a.Cluster + ", and the claim remembers " + e.Claim.Cluster
	}
	for _, other := range e.Arrays {
		bothPinned := other.Pin.Finding == proof.Present && other.Pin.UUID == a.Cluster
		if other.Name != a.Name && e.isCluster(other, a.Cluster) && (a.Pin.Finding != proof.Present || bothPinned) {
			return "it answers as the same cluster as " + other.Name
		}
	}
	return ""
}

func (r Record) elsewhere(a Array) bool {
	return r.Array == a.Name && r.Cluster != "" && r.Cluster != a.Cluster
}

// isCluster reports whether the array is, or answers as, that cluster.
func (e Evidence) isCluster(a Array, cluster string) bool {
	return a.Pin.Finding == proof.Present && a.Pin.UUID == cluster || a.Answered && a.Cluster == cluster
}

// namesake reports whether an SVM bears the name, or the name of its twin.
func (e Evidence) namesake(s SVM) bool { return s.Name == e.Name || s.Name == TwinName(e.Name) }

// TwinName is how a MetroCluster names the twin.
func TwinName(name string) string {
	if head, tail, dotted := strings.Cut(name, "."); dotted {
		return head + TwinSuffix + "." + tail
	}
	return name + TwinSuffix
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
