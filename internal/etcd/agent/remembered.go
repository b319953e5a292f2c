package agent

import (
	"fmt"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
)

// testimony is what the memory says as a witness.
func (doc document) testimony(unknown string) decide.Memory {
	if unknown != "" {
		return decide.Memory{Finding: proof.Unknown, Why: unknown}
	}
	m := decide.Memory{Finding: proof.Absent, Why: "it knows of no cluster", ID: doc.ID, Identity: doc.identity(),
		Members: doc.members(), Serial: doc.Serial}
	if doc.Noted != nil {
		m.Noted, m.Revision = doc.Noted.Position, doc.Noted.Revision
	}
	if doc.Claim != nil {
		m.Claim = doc.Claim.Attempt
	}
	if doc.Started != nil {
		m.Started = doc.Started.Attempt
	}
	switch {
	case m.Identity.Named():
		m.Finding, m.Why = proof.Present, "it knows of "+m.Identity.String()
	case doc.Damaged != "":
		m.Finding, m.Why = proof.Unusable, doc.Damaged
	}
	return m
}

// identity is what was noted last: a start goes over what was born before it.
func (doc document) identity() proof.Identity {
	if doc.Started != nil {
		return doc.Started.Identity
	}
	return doc.Identity
}

func (doc document) members() decide.List {
	if doc.Started != nil && doc.Claim != nil && doc.Claim.Attempt == doc.Started.Attempt {
		return doc.Claim.List()
	}
	return doc.Members
}

// objectsTo reports whether the memory names another lineage, a later
// generation or another birth than id. It is decide's own rule.
func (doc document) objectsTo(id proof.Identity) bool {
	known := doc.identity()
	switch {
	case !known.Named():
		return false
	case known.Lineage != id.Lineage:
		return true
	case known.Generation == id.Generation:
		return known.Birth != id.Birth
	}
	return known.Generation > id.Generation
}

// quota is etcd's, by the last good spec; 0 for etcd's default.
func (doc document) quota() int64 {
	if len(doc.Spec) == 0 {
		return 0
	}
	spec, err := record.ParseSpec(doc.Spec)
	if err != nil {
		return 0
	}
	return spec.QuotaBytes
}

// notedOf is how far the directory of this identity and member had come.
func (doc document) notedOf(id proof.Identity, member uint64) (noted, bool) {
	n := doc.Noted
	if n == nil || n.Identity != id || n.MemberID != member {
		return noted{}, false
	}
	return *n, true
}

// dataGone says how a marked directory without data once held some; empty when
// the memory knows of none.
func (doc document) dataGone(mark DirMark) string {
	n := doc.Noted
	if n == nil || n.Identity != mark.Identity || mark.MemberID != 0 && n.MemberID != mark.MemberID {
		return ""
	}
	return fmt.Sprintf("etcd's data is gone from its directory: the memory noted it up to term %d index %d", n.Position.Term, n.Position.Index)
}
