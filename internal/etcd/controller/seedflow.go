package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// seedOrder are the steps of seeding in the order in which they come. Which
// one is next is decide.NextSeed's to say, at every look.
var seedOrder = []decide.SeedAction{
	decide.SeedClaim, decide.SeedNote, decide.SeedCountNotes, decide.SeedStart, decide.SeedWriteRecord, decide.SeedClose,
}

// seedFlow brings a cluster into the world, or resumes doing so.
func (h *hand) seedFlow() flow.Flow {
	acts := map[decide.SeedAction]func(context.Context, *world, decide.SeedStep) error{
		decide.SeedClaim:       h.writeClaim,
		decide.SeedNote:        h.noteClaim,
		decide.SeedCountNotes:  h.countNotes,
		decide.SeedStart:       h.startClaimed,
		decide.SeedWriteRecord: h.writeFirstRecord,
		decide.SeedClose:       h.closeClaim,
	}
	f := flow.Flow{Name: "seed", Subject: h.c.cfg.Cluster}
	var needs []string
	for i, action := range seedOrder {
		f.Steps = append(f.Steps, h.step(string(action), needs,
			func(w *world) flow.Sight { return seedSight(i, w) },
			func(ctx context.Context, w *world) error {
				next := decide.NextSeed(w.evidence, w.verdict)
				if next.Action != action {
					return nil // somebody did it meanwhile; the look says how it stands
				}
				return acts[action](ctx, w, next)
			}))
		needs = []string{string(action)}
	}
	return f
}

// seedSight is where the i-th step stands.
func seedSight(i int, w *world) flow.Sight {
	next := decide.NextSeed(w.evidence, w.verdict)
	at := slices.Index(seedOrder, next.Action)
	if next.Action == decide.SeedWait || next.Action == decide.SeedStop {
		at = waitsAt(w)
	}
	switch {
	case next.Action == decide.SeedNothing || at > i:
		return flow.Sight{Done: true}
	case at < i || next.Action == decide.SeedWait || next.Action == decide.SeedStop:
		return flow.Sight{Blocked: true, Why: next.Why}
	case next.Action == decide.SeedStart && allRun(w, next.Members):
		return flow.Sight{Blocked: true, Why: "the new etcd runs and does not answer yet"}
	}
	return flow.Sight{Why: next.Why, Next: strings.TrimSpace(string(next.Action) + " " + strings.Join(next.Members, ", "))}
}

func allRun(w *world, members []string) bool {
	return !slices.ContainsFunc(members, func(name string) bool { return w.answers[name].testimony.EtcdPID == 0 })
}

// waitsAt is the step that a wait or a stop stands at, by how far the claim
// has come.
func waitsAt(w *world) int {
	claim := w.evidence.Claim
	switch {
	case claim.Finding != proof.Present:
		return slices.Index(seedOrder, decide.SeedClaim)
	case !claim.Claim.AllNoted():
		return slices.Index(seedOrder, decide.SeedNote)
	case w.verdict.State == proof.NeverExisted && decide.NextSeed(w.evidence, w.verdict).Action == decide.SeedWait:
		return slices.Index(seedOrder, decide.SeedWriteRecord) // started, and waited for
	}
	return slices.Index(seedOrder, decide.SeedStart)
}

func (h *hand) writeClaim(ctx context.Context, w *world, next decide.SeedStep) error {
	doc := record.ClaimDoc{Spec: w.spec, Stores: h.stores(w)}
	if next.Resume != "" {
		claim, found := notedClaim(w, next.Resume)
		if !found {
			return fmt.Errorf("no agent that noted claim %s handed it out", next.Resume)
		}
		claim.Noted = nil
		doc.Claim = claim
		return h.c.keeper.WriteClaim(ctx, w.control, doc)
	}
	members := claimMembers(w)
	if len(members) < w.spec.MemberCount {
		return fmt.Errorf("%d agents are ready, and the spec counts %d members", len(members), w.spec.MemberCount)
	}
	doc.Claim = record.NewClaim(members[:w.spec.MemberCount], "", 1)
	claim := proof.Claim{Subject: h.c.cfg.Cluster, Attempt: doc.Claim.Attempt, Open: true}
	if err := w.verdict.Permit(proof.Action{Operation: proof.Create}, claim, nil); err != nil {
		return err
	}
	return h.c.keeper.WriteClaim(ctx, w.control, doc)
}

func notedClaim(w *world, attempt string) (decide.Claim, bool) {
	for _, a := range w.answered() {
		if c := a.testimony.Claim; c != nil && c.Attempt == attempt {
			return *c, true
		}
	}
	return decide.Claim{}, false
}

// claimMembers are the agents that could be members of a new cluster.
func claimMembers(w *world) []decide.ClaimMember {
	var members []decide.ClaimMember
	for _, a := range w.answered() {
		t := a.testimony
		if t.Node.Memory.ID == "" || t.Node.Memory.Finding == proof.Unknown {
			continue
		}
		members = append(members, decide.ClaimMember{Name: a.name, MemoryID: t.Node.Memory.ID, PeerURL: t.PeerURL, ClientURL: t.ClientURL})
	}
	return members
}

func (h *hand) noteClaim(ctx context.Context, w *world, next decide.SeedStep) error {
	stores := h.stores(w)
	return h.eachOf(ctx, next.Members, func(ctx context.Context, p Peer) error {
		return p.NoteClaim(ctx, h.lease, w.evidence.Claim.Claim, w.spec.JSON(), &stores.Control, &stores.Backup)
	})
}

// countNotes writes into the claim who is known to have noted it.
func (h *hand) countNotes(ctx context.Context, w *world, next decide.SeedStep) error {
	doc := *w.control.ClaimDoc
	for _, name := range next.Members {
		if !slices.Contains(doc.Claim.Noted, name) {
			doc.Claim.Noted = append(slices.Clone(doc.Claim.Noted), name)
		}
	}
	return h.c.keeper.WriteClaim(ctx, w.control, doc)
}

func (h *hand) startClaimed(ctx context.Context, w *world, next decide.SeedStep) error {
	return h.eachOf(ctx, next.Members, func(ctx context.Context, p Peer) error {
		return p.StartClaimed(ctx, h.lease, w.evidence.Claim.Claim)
	})
}

// writeFirstRecord comes only after the new cluster answered a linearizable
// read, and before it is handed to anybody.
func (h *hand) writeFirstRecord(ctx context.Context, w *world, _ decide.SeedStep) error {
	claim := w.control.ClaimDoc
	r := record.Record{Identity: claim.Claim.Identity, Spec: claim.Spec, Stores: claim.Stores}
	if claim.Claim.Recreates() {
		r.UsedApprovals = append(r.UsedApprovals, claim.Claim.Approval)
		r.Past = claim.Claim.Covers
	}
	if err := fromLive(&r, w, claim.Claim.Identity); err != nil {
		return err
	}
	_, err := h.c.keeper.WriteRecord(ctx, w.control, r, w.serial)
	return err
}

// fromLive fills in what only the living cluster knows.
func fromLive(r *record.Record, w *world, id proof.Identity) error {
	live := w.live(id)
	if len(live) == 0 {
		return fmt.Errorf("no member of %s answers a linearizable read", id)
	}
	p := live[0].testimony.Node.Part
	r.Members = p.Members
	r.Revision = max(r.Revision, p.Revision)
	if cid := live[0].testimony.EtcdClusterID; cid != 0 {
		r.ClusterID = fmt.Sprintf("%x", cid)
	}
	return nil
}

func (h *hand) closeClaim(ctx context.Context, w *world, _ decide.SeedStep) error {
	doc := *w.control.ClaimDoc
	doc.Claim.State = decide.ClaimBorn
	return h.c.keeper.WriteClaim(ctx, w.control, doc)
}

// stores are the places as they are to be remembered.
func (h *hand) stores(w *world) record.Stores {
	s := record.Stores{Control: rememberedOf(h.c.control.url, w.control.Place, w.control.Seen)}
	if h.c.backup != nil {
		s.Backup = rememberedOf(h.c.backup.url, w.backups.place, w.backups.seen)
	}
	return s
}
