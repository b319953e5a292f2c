package agent

import (
	"context"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// observation is how far the live etcd had come at one moment.
type observation struct {
	pid  int
	data noted
}

// noteLoop notes how far the data have come, always one look behind: what was
// applied at this moment may not be on the disk yet, and what the same process
// had applied one look earlier is.
func (a *Agent) noteLoop(ctx context.Context) {
	var before observation
	for a.rest(ctx, a.cfg.NoteEvery, false) {
		now, ok := a.observeInTime(ctx)
		if !ok {
			before = observation{}
			continue
		}
		if before.pid == now.pid && before.data.Identity == now.data.Identity && before.data.MemberID == now.data.MemberID {
			if err := a.noteInTime(ctx, before.data); err != nil && ctx.Err() == nil {
				a.deps.Log.Error("note how far the data have come", "err", err)
			}
		}
		before = now
	}
}

func (a *Agent) observeInTime(ctx context.Context) (observation, bool) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeouts*a.cfg.AskTimeout)
	defer cancel()
	return a.observe(ctx)
}

// observe asks the live etcd, and tells its directory's mark who it is, once
// that is known.
func (a *Agent) observe(ctx context.Context) (observation, bool) {
	s := a.look(ctx)
	p := s.node.Part
	trusted := s.live != nil && s.mark != nil && s.pid != 0 && !p.RolledBack && !s.doc.objectsTo(p.Identity)
	if !trusted || s.node.Memory.Finding == proof.Unknown || s.live.status.RaftTerm == 0 {
		return observation{}, false
	}
	if s.mark.MemberID == 0 || s.mark.ClusterID == 0 {
		if err := a.completeMark(ctx, s); err != nil && ctx.Err() == nil {
			a.deps.Log.Error("complete the mark of etcd's directory", "err", err)
		}
	}
	seen := noted{Identity: p.Identity, MemberID: p.ID, Position: p.Position}
	if p.Linearizable {
		seen.Revision = p.Revision
	}
	return observation{pid: s.pid, data: seen}, true
}

func (a *Agent) noteInTime(ctx context.Context, seen noted) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeouts*a.cfg.AskTimeout)
	defer cancel()
	return a.note(ctx, seen)
}

// note never goes back for the same data.
func (a *Agent) note(ctx context.Context, seen noted) error {
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		if doc.objectsTo(seen.Identity) {
			return nil
		}
		if n, ok := doc.notedOf(seen.Identity, seen.MemberID); ok {
			seen.Position = later(seen.Position, n.Position)
			seen.Revision = max(seen.Revision, n.Revision)
		}
		doc.Noted = &seen
		return nil
	})
}

func later(a, b decide.Position) decide.Position {
	if a.Before(b) {
		return b
	}
	return a
}

// completeMark writes the ids that etcd gave into the mark, unless an act is
// under way: it comes again.
func (a *Agent) completeMark(ctx context.Context, s sight) error {
	select {
	case a.acts <- struct{}{}:
		defer a.acts.unlock()
	default:
		return nil
	}
	there, err := readDirMark(a.dir.dirMark())
	if err != nil || there == nil || there.Identity != s.mark.Identity || there.Claim != s.mark.Claim || there.MemberID != s.mark.MemberID {
		return err
	}
	there.MemberID, there.ClusterID = s.node.Part.ID, s.live.status.ClusterID
	return a.dir.putDirMark(ctx, *there)
}
