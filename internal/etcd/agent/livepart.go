package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// known is what was last seen of the etcd's data, for the time in which it
// runs and does not answer: its directory cannot be read then.
type known struct {
	members  decide.List
	position decide.Position
	id       uint64
	recalled bool // from the memory: nobody knows how old the list is
}

// livePart is the part of an etcd that runs.
func (a *Agent) livePart(ctx context.Context, s *sight, markDamage error) decide.Part {
	if markDamage != nil {
		return unusable("the mark of etcd's directory is damaged: %v", markDamage)
	}
	got, err := a.asker.ask(ctx, a.cfg.Name)
	if err == nil && s.mark != nil {
		if strange := s.mark.strange(got.status.MemberID, got.status.ClusterID); strange != "" {
			err = errors.New("who answers at " + a.cfg.ClientURL + " is another: " + strange)
		}
	}
	if err != nil {
		return a.mutePart(s, err)
	}
	s.live = &got
	a.lastMark.Store(s.mark)
	st := got.status
	part := decide.Part{Finding: proof.Present, Why: "it answers", Identity: stockIdentity(st.ClusterID), HasData: true, ID: st.MemberID,
		Members: got.members, Position: got.position(), Revision: st.Revision, Live: true, Linearizable: got.linearizable}
	if s.mark != nil {
		part.Identity, part.Claim = s.mark.Identity, s.mark.Claim
	}
	a.fillFromKnown(s, &part)
	if !got.linearizable {
		part.Why = "it answers, and no quorum does"
		return part
	}
	a.known.Store(&known{members: part.Members, position: part.Position, id: part.ID})
	if n, ok := s.doc.notedOf(part.Identity, part.ID); ok && part.Revision < n.Revision {
		part.RolledBack = true
		part.Why = fmt.Sprintf("a quorum answers revision %d, and the memory noted %d: an old copy was put back", part.Revision, n.Revision)
	}
	return part
}

// fillFromKnown helps out where an etcd cannot tell yet: a learner gives no
// list, and just after its start a member has no term.
func (a *Agent) fillFromKnown(s *sight, part *decide.Part) {
	last := a.lastKnown(s, part.Identity)
	if part.Members == nil {
		part.Members, part.Recalled = last.members, true
	}
	if part.Position.Term == 0 && (last.id == 0 || last.id == part.ID) {
		part.Position = last.position
	}
}

// mutePart is the part of an etcd that runs and does not answer.
func (a *Agent) mutePart(s *sight, cause error) decide.Part {
	if s.mark == nil {
		return silent("an etcd runs and does not answer (%v), and its directory bears no mark of ours", cause)
	}
	last := a.lastKnown(s, s.mark.Identity)
	part := decide.Part{Finding: proof.Present, Identity: s.mark.Identity, Claim: s.mark.Claim, ID: s.mark.MemberID,
		Members: last.members, Recalled: last.recalled, Position: last.position, Why: fmt.Sprintf("its etcd runs and does not answer: %v", cause)}
	if part.ID == 0 {
		part.ID = last.id
	}
	_, err := os.Lstat(a.dir.member())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return silent("its etcd runs and does not answer (%v), and its directory cannot be read: %v", cause, err)
	}
	part.HasData = err == nil
	if part.HasData {
		return part
	}
	if gone := s.doc.dataGone(*s.mark); gone != "" {
		return unusable("%s", gone)
	}
	if s.pid == 0 {
		return silent("the directory is locked by a process that cannot be seen, and holds no data")
	}
	return part
}

func (a *Agent) lastKnown(s *sight, id proof.Identity) known {
	if last := a.known.Load(); last != nil && len(last.members) > 0 {
		return *last
	}
	last := known{recalled: true}
	if s.doc.identity() == id {
		last.members = s.doc.members()
	}
	if n := s.doc.Noted; n != nil && n.Identity == id {
		last.position, last.id = n.Position, n.MemberID
	}
	return last
}
