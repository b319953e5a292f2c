package controller

import (
	"cmp"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// world is everything that one pass heard, as plain values.
type world struct {
	at       time.Time
	answers  map[string]heard
	evidence decide.Evidence
	verdict  proof.Verdict
	void     []proof.Attestation
	control  record.View
	backups  backupView
	agents   lead.Agents
	// The places as they were open in this pass; nil if one could not be opened.
	controlPlace, backupPlace *place
	// spec is the newest that anybody knows, specKnown whether anybody does.
	spec      record.Spec
	specKnown bool
	// serial is the highest that the record or a memory bears.
	serial    uint64
	approvals []proof.Approval
	troubles  []string

	leads   bool
	lease   lead.Lease
	leadWhy string
}

// newest are the memories that know the newest record, which are the ones to
// ask for a store's place: older ones may not have heard of a move.
func newest(answers map[string]heard, place func(heard) *store.Remembered) []store.Remembered {
	var highest uint64
	for _, h := range answers {
		if r := place(h); h.err == nil && r != nil && r.MarkID != "" {
			highest = max(highest, h.testimony.Node.Memory.Serial)
		}
	}
	var found []store.Remembered
	for _, h := range answers {
		if r := place(h); h.err == nil && r != nil && r.MarkID != "" && h.testimony.Node.Memory.Serial == highest {
			found = append(found, *r)
		}
	}
	return found
}

// noted are the newest memories of a place. Before a cluster is born they hold
// the stores of the claims that were noted. Where two claims were noted from two
// stores, each controller goes by the one that it was told of: neither claim can
// be finished, and the one that a person approves in their place can.
func noted(answers map[string]heard, place func(heard) *store.Remembered, told string) []store.Remembered {
	found := newest(answers, place)
	for _, h := range answers {
		if h.err == nil && h.testimony.Node.Memory.Serial > 0 {
			return found
		}
	}
	here := slices.DeleteFunc(slices.Clone(found), func(r store.Remembered) bool { return r.URL != told })
	if len(here) == 0 {
		return found
	}
	return here
}

func controlOf(h heard) *store.Remembered { return h.testimony.ControlStore }
func backupOf(h heard) *store.Remembered  { return h.testimony.BackupStore }

// answered are the agents that answered, by name.
func (w *world) answered() []heard {
	var all []heard
	for _, h := range w.answers {
		if h.err == nil {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b heard) int { return cmp.Compare(a.name, b.name) })
	return all
}

// live are the answers whose etcd has just answered a linearizable read for
// the identity.
func (w *world) live(id proof.Identity) []heard {
	return slices.DeleteFunc(w.answered(), func(h heard) bool {
		p := h.testimony.Node.Part
		return !p.Live || !p.Linearizable || p.Identity != id
	})
}

// approvalFor is a standing approval for the operation under the verdict, with
// the source that the person chose.
func (w *world) approvalFor(op proof.Operation) (proof.Approval, bool) {
	for _, a := range w.approvals {
		if a.Action.Operation == op && w.verdict.Permit(a.Action, proof.Claim{}, &a) == nil {
			return a, true
		}
	}
	return proof.Approval{}, false
}

// highestGeneration that anybody names, a claim that is not yet closed included.
func (w *world) highestGeneration() uint64 {
	highest := decide.Generation(w.evidence)
	if w.control.ClaimDoc != nil {
		highest = max(highest, w.control.ClaimDoc.Claim.Identity.Generation)
	}
	return highest
}
