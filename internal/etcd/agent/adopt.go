package agent

import (
	"context"

	"github.com/seedproof/seedproof/internal/proof"
)

// adopt makes the data that bear `was` those of identity, on a person's word.
// The memory is changed first: from there the adoption is finished by whoever
// comes next. A node without data changes its memory alone.
func (a *Agent) adopt(ctx context.Context, identity, was proof.Identity) error {
	if !identity.Named() {
		return refuse("the adoption names no identity")
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	s := a.look(ctx)
	p := s.node.Part
	switch {
	case s.node.Memory.Finding == proof.Unknown:
		return refuse("%s cannot read its memory: %s", a.cfg.Name, s.node.Memory.Why)
	case p.Finding == proof.Present && p.Identity == identity:
	case p.Finding == proof.Present && p.Identity == was:
		if p.RolledBack {
			return refuse("the data of %s are an old copy: %s", a.cfg.Name, p.Why)
		}
	case p.Finding == proof.Absent && !was.Named():
	default:
		return refuse("%s holds %s (%s: %s); the adoption was approved for %s", a.cfg.Name, p.Identity, p.Finding, p.Why, was)
	}
	if p.Finding == proof.Present {
		if err := a.claimVolume(ctx, s.place, false); err != nil {
			return err
		}
	}
	err := a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		if doc.identity() == identity && doc.Adopting == nil && s.mark != nil && s.mark.Identity == identity {
			return nil
		}
		doc.forget(identity)
		if p.Finding == proof.Present {
			doc.Members, doc.Adopting = p.Members, &was
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.finishAdoption(ctx)
}

// forget drops what was remembered of another cluster.
func (doc *document) forget(identity proof.Identity) {
	doc.Identity, doc.Damaged = identity, ""
	doc.Claim, doc.Started, doc.Joined, doc.Noted, doc.Adopting = nil, nil, nil, nil, nil
	doc.Serial, doc.Members = 0, nil
}

// finishAdoption writes the mark of an adoption that the memory intends.
func (a *Agent) finishAdoption(ctx context.Context) error {
	now := a.deps.Clock.Now()
	if doc, _ := a.memory.read(now); doc.Adopting == nil {
		return nil
	}
	s := a.look(ctx)
	p := s.node.Part
	switch p.Finding {
	case proof.Unknown:
		return nil // later
	case proof.Present:
		if p.Identity == *s.doc.Adopting && p.Identity != s.doc.Identity {
			mark := joiningMark(a.cfg, s.doc.Identity, p.ID, p.Members, now)
			mark.ClusterID = a.clusterID(s)
			if err := a.dir.putDirMark(ctx, mark); err != nil {
				return err
			}
		}
	}
	return a.memory.change(ctx, now, func(doc *document) error {
		doc.Adopting = nil
		return nil
	})
}

// clusterID is etcd's, of whatever was seen; 0 when it is not known.
func (a *Agent) clusterID(s sight) uint64 {
	switch {
	case s.live != nil:
		return s.live.status.ClusterID
	case s.mark != nil && s.mark.ClusterID != 0:
		return s.mark.ClusterID
	case s.running || !s.node.Part.HasData:
		return 0
	}
	if c, err := a.inspector.inspect(a.dir.etcd()); err == nil {
		return c.Log.ClusterID
	}
	return 0
}
