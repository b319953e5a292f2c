package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// healFlow writes the record again from what is whole and vouched for. The
// place's mark was put back before: nothing is written without it.
func (h *hand) healFlow() flow.Flow {
	write := h.step("write-record", nil, func(w *world) flow.Sight {
		switch {
		case w.verdict.State == proof.Intact:
			return flow.Sight{Done: true, Why: w.verdict.Why}
		case w.verdict.State != proof.RecordLost:
			return flow.Sight{Blocked: true, Why: w.verdict.Why}
		case !w.control.Place.Writable():
			return flow.Sight{Blocked: true, Why: "the control store may not be written to: " + w.control.Place.Why}
		}
		return flow.Sight{Why: w.verdict.Why, Next: "write the record of " + w.verdict.Identity.String() + " again"}
	}, func(ctx context.Context, w *world) error {
		if err := w.verdict.Permit(proof.Action{Operation: proof.WriteRecord}, proof.Claim{}, nil); err != nil {
			return err
		}
		r := record.Record{Identity: w.verdict.Identity, Spec: w.spec, Stores: h.stores(w), Mirrored: h.c.mirror.known()}
		if w.control.Doc != nil { // an old one that somebody put back
			r.Past, r.UsedApprovals = w.control.Doc.Past, w.control.Doc.UsedApprovals
		}
		fillFromWhole(&r, w)
		_, err := h.c.keeper.WriteRecord(ctx, w.control, r, w.serial)
		return err
	})
	return flow.Flow{Name: "heal", Subject: h.c.cfg.Cluster, Steps: []flow.Step{write}}
}

// fillFromWhole takes the member list from the living cluster, else from the
// newest directory of the whole identity.
func fillFromWhole(r *record.Record, w *world) {
	if fromLive(r, w, w.verdict.Identity) == nil {
		return
	}
	var newest *decide.Part
	for _, a := range w.answered() {
		p := a.testimony.Node.Part
		if p.Finding == proof.Present && p.Identity == w.verdict.Identity && len(p.Members) > 0 && (newest == nil || newer(p, *newest)) {
			newest = &p
		}
	}
	if newest != nil {
		r.Members = newest.Members
	}
}

// newer: p has the newer list. One that was only recalled comes after any that
// was read.
func newer(p, than decide.Part) bool {
	if p.Recalled != than.Recalled {
		return than.Recalled
	}
	return than.Position.Before(p.Position)
}

// startFlow starts members whose data is whole and whose etcd is down: no
// verdict is a reason not to.
func (h *hand) startFlow() flow.Flow {
	f := flow.Flow{Name: "start", Subject: h.c.cfg.Cluster}
	for _, a := range h.w.answered() {
		n := a.testimony.Node
		if n.Part.Live || !decide.AtBoot(n).Start {
			continue
		}
		f.Steps = append(f.Steps, h.step(a.name, nil, func(w *world) flow.Sight {
			switch t := w.answers[a.name].testimony; {
			case t.Node.Part.Live:
				return flow.Sight{Done: true}
			case t.EtcdPID != 0:
				return flow.Sight{Blocked: true, Why: "its etcd runs and does not answer yet"}
			}
			return flow.Sight{Why: "its data is whole and its etcd is down", Next: "start the etcd of " + a.name}
		}, func(ctx context.Context, w *world) error {
			return h.eachOf(ctx, []string{a.name}, func(ctx context.Context, p Peer) error { return p.Start(ctx, h.lease) })
		}))
	}
	return f
}

// refreshAfter keeps the record young, so that no rule that deletes by age
// ever reaches it.
const refreshAfter = 24 * time.Hour

// refreshFlow rewrites the record daily, by compare-and-swap on what was read,
// and whenever the members are others than it says.
func (h *hand) refreshFlow() flow.Flow {
	refresh := h.step("refresh-record", nil, func(w *world) flow.Sight {
		why := h.refreshReason(w)
		if why == "" {
			return flow.Sight{Done: true}
		}
		return flow.Sight{Why: why, Next: "rewrite the record"}
	}, func(ctx context.Context, w *world) error {
		r := *w.control.Doc
		r.Stores = h.stores(w)
		if err := fromLive(&r, w, r.Identity); err != nil {
			return err
		}
		_, err := h.c.keeper.WriteRecord(ctx, w.control, r, w.serial)
		return err
	})
	return flow.Flow{Name: "refresh", Subject: h.c.cfg.Cluster, Steps: []flow.Step{refresh}}
}

func (h *hand) refreshReason(w *world) string {
	doc := w.control.Doc
	if doc == nil || len(w.live(doc.Identity)) == 0 {
		return "" // nothing better is known than what stands there
	}
	if age := h.c.deps.Clock.Now().Sub(doc.WrittenAt); age > refreshAfter {
		return fmt.Sprintf("it was written %s ago", age.Round(time.Hour))
	}
	live := w.live(doc.Identity)[0].testimony
	if !sameMembers(live.Node.Part.Members, doc.Members) {
		return "the members have changed"
	}
	if doc.ClusterID == "" && live.EtcdClusterID != 0 {
		return "it was written from directories, and lacks etcd's cluster id"
	}
	if stores := h.stores(w); stores.Control.MarkID != doc.Stores.Control.MarkID || stores.Backup.MarkID != doc.Stores.Backup.MarkID && stores.Backup.MarkID != "" {
		return "a store bears a mark that the record does not name"
	}
	return ""
}

func sameMembers(a, b decide.List) bool {
	if len(a) != len(b) {
		return false
	}
	ids := map[uint64]decide.MemberRef{}
	for _, m := range a {
		ids[m.ID] = m
	}
	for _, m := range b {
		if ids[m.ID] != m {
			return false
		}
	}
	return true
}
