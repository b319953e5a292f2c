package controller

import (
	"context"
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// rememberFlow brings every agent's memory up to the record. At rest nothing
// is asked of anybody.
func (h *hand) rememberFlow() flow.Flow {
	f := flow.Flow{Name: "remember", Subject: h.c.cfg.Cluster}
	if h.w.control.Doc == nil || h.w.control.Doc.Adopting != nil {
		return f
	}
	for _, a := range h.w.answered() {
		f.Steps = append(f.Steps, h.step(a.name, nil, func(w *world) flow.Sight {
			if why := h.forgot(w, a.name); why != "" {
				return flow.Sight{Why: why, Next: "bring the memory of " + a.name + " up to the record"}
			}
			return flow.Sight{Done: true}
		}, func(ctx context.Context, w *world) error {
			return h.eachOf(ctx, []string{a.name}, func(ctx context.Context, p Peer) error {
				return p.Remember(ctx, h.lease, h.memoryOf(w))
			})
		}))
	}
	return f
}

// forgot says what an agent's memory lacks, or "".
func (h *hand) forgot(w *world, name string) string {
	a, doc := w.answers[name], w.control.Doc
	if a.err != nil || doc == nil {
		return ""
	}
	m := a.testimony.Node.Memory
	switch {
	case m.Finding == proof.Unknown:
		return "" // it says so itself; nothing can be written there
	case m.Identity != doc.Identity:
		return "its memory names " + m.Identity.String()
	case m.Serial < doc.Serial:
		return "it knows an older record"
	case len(h.usedOf(a)) > 0 || len(h.voidOf(w, a)) > 0:
		return "it keeps a word that is used up or void"
	}
	return ""
}

func (h *hand) memoryOf(w *world) agent.Remembering {
	doc := w.control.Doc
	stores := h.stores(w)
	r := agent.Remembering{
		Identity: doc.Identity, Members: doc.Members, Serial: doc.Serial, Spec: doc.Spec.JSON(),
		ControlStore: &stores.Control, BackupStore: &stores.Backup,
	}
	for _, a := range w.answered() {
		r.UsedApprovals = append(r.UsedApprovals, h.usedOf(a)...)
		r.VoidAttestations = append(r.VoidAttestations, h.voidOf(w, a)...)
	}
	return r
}

// usedOf are the agent's approvals that were used up, or that were given for
// findings that have passed: kept, one could strike long after it was meant.
func (h *hand) usedOf(a heard) []string {
	var used []string
	for _, approval := range a.testimony.Approvals {
		if h.used(approval) || approval.Digest != h.w.verdict.Digest {
			used = append(used, approval.Nonce)
		}
	}
	return used
}

// voidOf are the witnesses of the agent's attestations that no longer stand.
func (h *hand) voidOf(w *world, a heard) []string {
	var void []string
	for _, word := range a.testimony.Attestations {
		if slices.Contains(w.void, word) {
			void = append(void, word.Witness)
		}
	}
	return void
}
