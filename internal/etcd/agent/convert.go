package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// The two directions stand side by side; a test sends every field there and
// back.

func leaseTo(l Lease) *agentv1.Lease {
	return &agentv1.Lease{Epoch: l.Epoch, Tenure: l.Tenure, Holder: l.Holder, Pass: l.Pass, Beat: l.Beat}
}

func leaseFrom(l *agentv1.Lease) Lease {
	return Lease{Epoch: l.GetEpoch(), Tenure: l.GetTenure(), Holder: l.GetHolder(), Pass: l.GetPass(), Beat: l.GetBeat()}
}

func identityTo(i proof.Identity) *agentv1.Identity {
	if i == (proof.Identity{}) {
		return nil
	}
	return &agentv1.Identity{Lineage: i.Lineage, Generation: i.Generation, Birth: i.Birth}
}

func identityFrom(i *agentv1.Identity) proof.Identity {
	return proof.Identity{Lineage: i.GetLineage(), Generation: i.GetGeneration(), Birth: i.GetBirth()}
}

func findingTo(f proof.Finding) agentv1.Finding {
	switch f {
	case proof.Absent:
		return agentv1.Finding_FINDING_ABSENT
	case proof.Unusable:
		return agentv1.Finding_FINDING_UNUSABLE
	case proof.Present:
		return agentv1.Finding_FINDING_PRESENT
	}
	return agentv1.Finding_FINDING_UNKNOWN
}

// findingFrom: a value that is not known is Unknown.
func findingFrom(f agentv1.Finding) proof.Finding {
	switch f {
	case agentv1.Finding_FINDING_ABSENT:
		return proof.Absent
	case agentv1.Finding_FINDING_UNUSABLE:
		return proof.Unusable
	case agentv1.Finding_FINDING_PRESENT:
		return proof.Present
	}
	return proof.Unknown
}

func listTo(l decide.List) []*agentv1.Member {
	var members []*agentv1.Member
	for _, m := range l {
		members = append(members, &agentv1.Member{Id: m.ID, Name: m.Name, PeerUrl: m.PeerURL, ClientUrl: m.ClientURL, Learner: m.Learner})
	}
	return members
}

func listFrom(members []*agentv1.Member) decide.List {
	var l decide.List
	for _, m := range members {
		l = append(l, decide.MemberRef{ID: m.GetId(), Name: m.GetName(), PeerURL: m.GetPeerUrl(), ClientURL: m.GetClientUrl(), Learner: m.GetLearner()})
	}
	return l
}

func positionTo(p decide.Position) *agentv1.Position {
	return &agentv1.Position{Term: p.Term, Index: p.Index}
}

func positionFrom(p *agentv1.Position) decide.Position {
	return decide.Position{Term: p.GetTerm(), Index: p.GetIndex()}
}

func placeTo(r *store.Remembered) *agentv1.Place {
	if r == nil {
		return nil
	}
	p := &agentv1.Place{Url: r.URL, Mark: r.MarkID}
	if r.FS != nil {
		p.Filesystem, p.MountPoint = r.FS.ID, r.FS.MountPoint
	}
	return p
}

func placeFrom(p *agentv1.Place) *store.Remembered {
	if p == nil {
		return nil
	}
	r := &store.Remembered{URL: p.GetUrl(), MarkID: p.GetMark()}
	if p.GetFilesystem() != "" {
		r.FS = &store.Filesystem{ID: p.GetFilesystem(), MountPoint: p.GetMountPoint()}
	}
	return r
}

func attestationTo(w proof.Attestation) *agentv1.Attestation {
	return &agentv1.Attestation{Witness: w.Witness, Finding: findingTo(w.Finding), Generation: w.Generation, By: w.By,
		AtUnix: w.At.Unix(), Reason: w.Reason}
}

func attestationFrom(w *agentv1.Attestation) *proof.Attestation {
	if w == nil {
		return nil
	}
	return &proof.Attestation{Witness: w.GetWitness(), Finding: findingFrom(w.GetFinding()), Generation: w.GetGeneration(),
		By: w.GetBy(), At: time.Unix(w.GetAtUnix(), 0).UTC(), Reason: w.GetReason()}
}

func approvalTo(w proof.Approval) *agentv1.Approval {
	return &agentv1.Approval{Nonce: w.Nonce, Subject: w.Subject, Operation: string(w.Action.Operation), Source: w.Action.Source,
		Digest: w.Digest, By: w.By}
}

func approvalFrom(w *agentv1.Approval) *proof.Approval {
	if w == nil {
		return nil
	}
	return &proof.Approval{Nonce: w.GetNonce(), Subject: w.GetSubject(), Digest: w.GetDigest(), By: w.GetBy(),
		Action: proof.Action{Operation: proof.Operation(w.GetOperation()), Source: w.GetSource()}}
}

func claimTo(c *decide.Claim) *agentv1.Claim {
	if c == nil {
		return nil
	}
	claim := &agentv1.Claim{Attempt: c.Attempt, Identity: identityTo(c.Identity), State: string(c.State), Noted: c.Noted,
		Approval: c.Approval, Supersedes: c.Supersedes}
	for _, m := range c.Members {
		claim.Members = append(claim.Members, &agentv1.ClaimMember{Name: m.Name, MemoryId: m.MemoryID, PeerUrl: m.PeerURL, ClientUrl: m.ClientURL})
	}
	for _, i := range c.Covers {
		claim.Covers = append(claim.Covers, &agentv1.Identity{Lineage: i.Lineage, Generation: i.Generation, Birth: i.Birth})
	}
	return claim
}

func claimFrom(c *agentv1.Claim) decide.Claim {
	claim := decide.Claim{Attempt: c.GetAttempt(), Identity: identityFrom(c.GetIdentity()), State: decide.ClaimState(c.GetState()),
		Noted: c.GetNoted(), Approval: c.GetApproval(), Supersedes: c.GetSupersedes()}
	for _, m := range c.GetMembers() {
		claim.Members = append(claim.Members, decide.ClaimMember{Name: m.GetName(), MemoryID: m.GetMemoryId(), PeerURL: m.GetPeerUrl(), ClientURL: m.GetClientUrl()})
	}
	for _, i := range c.GetCovers() {
		claim.Covers = append(claim.Covers, identityFrom(i))
	}
	return claim
}

func peersTo(peers map[string]string) []string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		pairs = append(pairs, fmt.Sprintf("%s=%s", name, peers[name]))
	}
	return pairs
}

func peersFrom(pairs []string) map[string]string {
	peers := map[string]string{}
	for _, pair := range pairs {
		if name, address, ok := strings.Cut(pair, "="); ok {
			peers[name] = address
		}
	}
	return peers
}
