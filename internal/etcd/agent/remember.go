package agent

import (
	"context"
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// Remembering is what the record says, for the memory. What is nil or zero is
// left as it is.
type Remembering struct {
	Identity     proof.Identity
	Members      decide.List
	Serial       uint64
	Spec         []byte
	ControlStore *store.Remembered
	BackupStore  *store.Remembered
	// UsedApprovals are nonces, VoidAttestations names of witnesses.
	UsedApprovals    []string
	VoidAttestations []string
}

// remember brings the memory up to the record. At rest it writes nothing.
func (a *Agent) remember(ctx context.Context, r Remembering) error {
	spec, err := compactSpec(r.Spec)
	if err != nil {
		return err
	}
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		if r.Identity.Named() {
			if err := a.rememberIdentity(doc, r); err != nil {
				return err
			}
		}
		doc.keep(spec, r.ControlStore, r.BackupStore)
		doc.Approved = slices.DeleteFunc(doc.Approved, func(w proof.Approval) bool { return slices.Contains(r.UsedApprovals, w.Nonce) })
		doc.Words = slices.DeleteFunc(doc.Words, func(w proof.Attestation) bool { return slices.Contains(r.VoidAttestations, w.Witness) })
		return nil
	})
}

// rememberIdentity: a memory of another lineage, or of a later generation, is
// evidence. It goes only by an adoption that was approved.
func (a *Agent) rememberIdentity(doc *document, r Remembering) error {
	born := doc.Identity
	if born.Named() && born.Lineage != r.Identity.Lineage {
		return refuse("%s remembers %s, and the record is of %s: that needs an adoption", a.cfg.Name, born, r.Identity)
	}
	if r.Identity.EarlierThan(born) {
		return refuse("%s remembers %s, and the record is of the earlier generation %d", a.cfg.Name, born, r.Identity.Generation)
	}
	doc.Identity, doc.Damaged = r.Identity, ""
	if len(r.Members) > 0 {
		doc.Members = r.Members
	}
	doc.Serial = max(doc.Serial, r.Serial)
	if s := doc.Started; s != nil && over(s.Identity, r.Identity) {
		doc.Started = nil
	}
	if c := doc.Claim; c != nil && over(c.Identity, r.Identity) {
		doc.Claim = nil
	}
	return nil
}

// over reports whether an attempt is a thing of the past once another identity
// was born: it was that very one, or an earlier generation.
func over(attempt, born proof.Identity) bool {
	return attempt == born || attempt.EarlierThan(born)
}

// giveWord keeps a person's word: one attestation for each witness, each
// approval once.
func (a *Agent) giveWord(ctx context.Context, attestation *proof.Attestation, approval *proof.Approval) error {
	if attestation == nil && approval == nil {
		return refuse("no word was given")
	}
	if attestation != nil && (attestation.Witness == "" || attestation.By == "") {
		return refuse("an attestation names a witness and a person")
	}
	if approval != nil && (approval.Nonce == "" || approval.By == "") {
		return refuse("an approval bears a nonce and names a person")
	}
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		if attestation != nil {
			doc.Words = slices.DeleteFunc(doc.Words, func(w proof.Attestation) bool { return w.Witness == attestation.Witness })
			doc.Words = append(doc.Words, *attestation)
		}
		if approval != nil {
			doc.Approved = slices.DeleteFunc(doc.Approved, func(w proof.Approval) bool { return w.Nonce == approval.Nonce })
			doc.Approved = append(doc.Approved, *approval)
		}
		if len(doc.Words) > maxWords || len(doc.Approved) > maxWords {
			return refuse("%s keeps %d words of each kind already", a.cfg.Name, maxWords)
		}
		return nil
	})
}
