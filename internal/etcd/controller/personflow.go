package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// personFlows are what a standing approval allows: adopt or recreate. The
// write that begins it uses the approval up, and is the intent: from there on
// it is resumed without one.
func (h *hand) personFlows() []flow.Flow {
	if a, ok := h.w.approvalFor(proof.Adopt); ok && !h.used(a) {
		return []flow.Flow{h.beginAdoption(a)}
	}
	if a, ok := h.w.approvalFor(proof.Recreate); ok && !h.used(a) {
		return []flow.Flow{h.beginRecreation(a), h.seedFlow()}
	}
	return nil
}

func (h *hand) used(a proof.Approval) bool {
	if d := h.w.control.Doc; d != nil && slices.Contains(d.UsedApprovals, a.Nonce) {
		return true
	}
	return h.w.control.ClaimDoc != nil && h.w.control.ClaimDoc.Claim.Approval == a.Nonce
}

// beginAdoption writes the record of what is whole over whatever stood there.
func (h *hand) beginAdoption(a proof.Approval) flow.Flow {
	adopt := h.step("adopt", nil, func(w *world) flow.Sight {
		if h.used(a) {
			return flow.Sight{Done: true, Why: w.verdict.Why}
		}
		if err := w.verdict.Permit(a.Action, proof.Claim{}, &a); err != nil {
			return flow.Sight{Blocked: true, Why: err.Error()}
		}
		return flow.Sight{Why: "approved by " + a.By, Next: "adopt " + w.verdict.Identity.String()}
	}, func(ctx context.Context, w *world) error {
		from, err := adopted(w.verdict, a.Action.Source)
		if err != nil {
			return flow.AsNeedsPerson(err, "seedproof etcd explain")
		}
		if err := h.c.keeper.SetForeignAside(ctx, w.control); err != nil {
			return err
		}
		to := h.identityFor(w, from)
		r := record.Record{Identity: to, Spec: w.spec, Stores: h.stores(w), UsedApprovals: []string{a.Nonce}}
		if to != from {
			r.Adopting = &record.Adopting{From: from, To: to, Approval: a.Nonce}
			r.Past = []proof.Identity{from}
		}
		if fromLive(&r, w, from) == nil && len(r.Members.Voters()) > 0 {
			r.Spec.MemberCount = len(r.Members.Voters())
		}
		_, err = h.c.keeper.WriteRecord(ctx, w.control, r, w.serial)
		return err
	})
	return flow.Flow{Name: "adopt", Subject: h.c.cfg.Cluster, Steps: []flow.Step{adopt}}
}

// adopted is the identity that the person chose, or the only one that is whole.
func adopted(v proof.Verdict, source string) (proof.Identity, error) {
	for _, id := range v.Whole {
		if source == SourceOf(id) || source == "" && len(v.Whole) == 1 {
			return id, nil
		}
	}
	if len(v.Whole) == 0 {
		return proof.Identity{}, fmt.Errorf("nothing is whole that could be adopted")
	}
	return proof.Identity{}, fmt.Errorf("%q is none of what is whole: %v", source, v.Whole)
}

// SourceOf names an identity on the command line, as `approve adopt --source`
// takes it.
func SourceOf(id proof.Identity) string {
	return fmt.Sprintf("%s/%d", id.Lineage, id.Generation)
}

// identityFor is the identity under which something is adopted: its own, where
// it has a lineage that nobody knows a later generation of.
func (h *hand) identityFor(w *world, from proof.Identity) proof.Identity {
	if strings.HasPrefix(from.Lineage, StockLineage) {
		return proof.Identity{Lineage: record.NewLineage(), Generation: 1, Birth: record.NewNonce()}
	}
	for _, t := range w.verdict.Heard {
		if t.Witness.Kind != proof.Record && from.EarlierThan(t.Identity) {
			return proof.Identity{Lineage: from.Lineage, Generation: w.highestGeneration() + 1, Birth: record.NewNonce()}
		}
	}
	return from
}

// StockLineage begins the lineage of a data directory that was not made by us:
// etcd's cluster id follows, in hex.
const StockLineage = "etcd:"

// applyAdoption reads what an open adoption has yet to mark as what it will be.
func applyAdoption(w *world) {
	doc := w.control.Doc
	if doc == nil || doc.Adopting == nil {
		return
	}
	for i := range w.evidence.Nodes {
		p := &w.evidence.Nodes[i].Part
		if p.Finding == proof.Present && p.Identity == doc.Adopting.From {
			p.Identity = doc.Adopting.To
		}
		m := &w.evidence.Nodes[i].Memory
		if m.Finding == proof.Present && doc.Identity != m.Identity && slices.Contains(doc.Past, m.Identity) {
			m.Identity = doc.Adopting.To
		}
	}
}

// adoptFlow finishes an adoption: every directory is marked, then the intent
// is closed.
func (h *hand) adoptFlow() flow.Flow {
	f := flow.Flow{Name: "adopt", Subject: h.c.cfg.Cluster}
	doc := h.w.control.Doc
	if doc == nil || doc.Adopting == nil {
		return f
	}
	intent := *doc.Adopting
	var marks []string
	for _, a := range h.w.answered() {
		if a.testimony.Node.Part.Finding != proof.Present {
			continue
		}
		name := "mark/" + a.name
		marks = append(marks, name)
		f.Steps = append(f.Steps, h.step(name, nil, func(w *world) flow.Sight {
			if w.answers[a.name].testimony.Node.Part.Identity != intent.From {
				return flow.Sight{Done: true}
			}
			return flow.Sight{Why: "it was adopted", Next: "mark the data of " + a.name + " as " + intent.To.String()}
		}, func(ctx context.Context, w *world) error {
			return h.eachOf(ctx, []string{a.name}, func(ctx context.Context, p Peer) error {
				return p.Adopt(ctx, h.lease, intent.To, intent.From)
			})
		}))
	}
	f.Steps = append(f.Steps, h.step("close-adoption", marks, func(w *world) flow.Sight {
		if w.control.Doc == nil || w.control.Doc.Adopting == nil {
			return flow.Sight{Done: true}
		}
		if missing := unmarked(w, intent); len(missing) > 0 {
			return flow.Sight{Blocked: true, Why: "waiting for " + strings.Join(missing, ", ") + " to mark its data"}
		}
		return flow.Sight{Why: "every member has marked its data", Next: "close the adoption"}
	}, func(ctx context.Context, w *world) error {
		r := *w.control.Doc
		r.Adopting = nil
		_, err := h.c.keeper.WriteRecord(ctx, w.control, r, w.serial)
		return err
	}))
	return f
}

// unmarked are the members on the record's list whose data does not yet bear
// the new identity.
func unmarked(w *world, intent record.Adopting) []string {
	var missing []string
	for _, m := range w.control.Doc.Members {
		a, ok := w.answers[m.Name]
		if !ok || a.err != nil || a.testimony.Node.Part.Identity != intent.To {
			missing = append(missing, m.Name)
		}
	}
	return missing
}

// beginRecreation writes a claim that makes the cluster anew and empty, as the
// next generation, over what is named and lost.
func (h *hand) beginRecreation(a proof.Approval) flow.Flow {
	begin := h.step("begin", nil, func(w *world) flow.Sight {
		if h.used(a) {
			return flow.Sight{Done: true}
		}
		if err := w.verdict.Permit(a.Action, proof.Claim{}, &a); err != nil {
			return flow.Sight{Blocked: true, Why: err.Error()}
		}
		return flow.Sight{Why: "approved by " + a.By, Next: "make a new, empty cluster in the place of " + w.verdict.Identity.String()}
	}, func(ctx context.Context, w *world) error {
		members := claimMembers(w)
		if len(members) < w.spec.MemberCount {
			return fmt.Errorf("%d agents are ready, and the spec counts %d members", len(members), w.spec.MemberCount)
		}
		claim := record.NewClaim(members[:w.spec.MemberCount], w.verdict.Identity.Lineage, w.highestGeneration()+1)
		claim.Approval = a.Nonce
		claim.Covers, claim.Supersedes = covered(w)
		return h.c.keeper.WriteClaim(ctx, w.control, record.ClaimDoc{Claim: claim, Spec: w.spec, Stores: h.stores(w)})
	})
	return flow.Flow{Name: "recreate", Subject: h.c.cfg.Cluster, Steps: []flow.Step{begin}}
}

// covered is everything that an approval of a re-creation was given over.
func covered(w *world) (ids []proof.Identity, attempts []string) {
	addID := func(id proof.Identity) {
		if id.Named() && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	addAttempt := func(a string) {
		if a != "" && !slices.Contains(attempts, a) {
			attempts = append(attempts, a)
		}
	}
	for _, t := range w.verdict.Heard {
		addID(t.Identity)
	}
	if w.control.ClaimDoc != nil {
		addID(w.control.ClaimDoc.Claim.Identity)
		addAttempt(w.control.ClaimDoc.Claim.Attempt)
	}
	for _, n := range w.evidence.Nodes {
		addID(n.Part.Identity)
		addID(n.Memory.Identity)
		addAttempt(n.Memory.Claim)
	}
	return ids, attempts
}
