package agent

import (
	"context"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// Joining is a member that was added to a running cluster and is to start.
type Joining struct {
	Identity proof.Identity
	ID       uint64
	Members  decide.List // the whole list, this member among them
	// FormerLost: a person attested that this member's former data are lost, so
	// that a new volume may take the place of the remembered one.
	FormerLost bool
}

// startJoining makes the directory of a member that joins, notes that its id
// is used, and starts it.
func (a *Agent) startJoining(ctx context.Context, j Joining) error {
	if j.ID == 0 || !j.Identity.Named() || len(j.Members) == 0 {
		return refuse("the call names no member id, identity or members")
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	s := a.look(ctx)
	mark := joiningMark(a.cfg, j.Identity, j.ID, j.Members, a.deps.Clock.Now())
	own, err := a.mayJoin(s, j)
	if err != nil {
		return err
	}
	if err := a.checkStart(mark); err != nil {
		return err
	}
	if !own {
		if err := a.makeJoining(ctx, s, j, mark); err != nil {
			return err
		}
	}
	if err := a.noteJoined(ctx, j); err != nil {
		return err
	}
	return a.startEtcd(ctx)
}

// makeJoining: what was noted of the former directory is not said of this one.
func (a *Agent) makeJoining(ctx context.Context, s sight, j Joining, mark DirMark) error {
	if err := a.claimVolume(ctx, s.place, j.FormerLost); err != nil {
		return err
	}
	err := a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		doc.Noted = nil
		return nil
	})
	if err != nil {
		return err
	}
	a.known.Store(nil)
	return a.dir.makeMarked(ctx, mark)
}

func (a *Agent) noteJoined(ctx context.Context, j Joining) error {
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		doc.Joined = &joinedAs{Identity: j.Identity, MemberID: j.ID}
		return nil
	})
}

// mayJoin says whether the directory of this very member is there already, or
// refuses. A member id is used by one directory, once.
func (a *Agent) mayJoin(s sight, j Joining) (own bool, err error) {
	p, memory := s.node.Part, s.node.Memory
	switch {
	case memory.Finding == proof.Unknown:
		return false, refuse("%s cannot read its memory: %s", a.cfg.Name, memory.Why)
	case s.doc.objectsTo(j.Identity):
		return false, refuse("%s remembers %s, and is to join %s", a.cfg.Name, memory.Identity, j.Identity)
	}
	switch p.Finding {
	case proof.Present:
		if p.Identity == j.Identity && p.ID == j.ID && !p.RolledBack {
			return true, nil
		}
		return false, refuse("%s holds data of %s (member %x): they are to be retired first", a.cfg.Name, p.Identity, p.ID)
	case proof.Absent:
	case proof.Unusable:
		if s.place.State != store.PlaceEmptied || !j.FormerLost {
			return false, refuse("the data of %s are unusable: %s", a.cfg.Name, p.Why)
		}
	default:
		if s.place.State != store.PlaceOther || !j.FormerLost {
			return false, refuse("%s cannot read its data directory: %s", a.cfg.Name, p.Why)
		}
		if err := a.nothingInTheWay(); err != nil {
			return false, err
		}
	}
	used := s.doc.Joined != nil && s.doc.Joined.MemberID == j.ID
	if n := s.doc.Noted; used || n != nil && n.MemberID == j.ID {
		return false, refuse("member id %x was used by a directory of %s that is gone: it needs a new one", j.ID, a.cfg.Name)
	}
	return false, nil
}
