package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// sight is one look at this node: the node as decide knows it, and beside it
// what the acts need.
type sight struct {
	node     decide.Node
	doc      document
	place    place
	mark     *DirMark // of etcd's directory; nil when it has none
	running  bool     // an etcd runs, whether it answers or not
	pid      int
	live     *answer
	retiring bool
}

// look reads everything anew. It changes nothing.
func (a *Agent) look(ctx context.Context) sight {
	doc, unknown := a.memory.read(a.deps.Clock.Now())
	s := sight{doc: doc, place: a.volume.judge(doc, unknown)}
	s.node = decide.Node{Name: a.cfg.Name, Memory: doc.testimony(unknown)}
	s.node.Part = a.lookAtPart(ctx, &s)
	if s.place.readable() {
		s.node.Trash = a.trashTraces()
	}
	return s
}

func silent(format string, args ...any) decide.Part {
	return decide.Part{Finding: proof.Unknown, Why: fmt.Sprintf(format, args...)}
}

func unusable(format string, args ...any) decide.Part {
	return decide.Part{Finding: proof.Unusable, Why: fmt.Sprintf(format, args...)}
}

func (a *Agent) lookAtPart(ctx context.Context, s *sight) decide.Part {
	p, finding, err := a.etcd.current(ctx)
	s.running = finding == process.Running || errors.Is(err, process.ErrNotSeen)
	if p != nil {
		s.pid = p.PID
	}
	if !s.place.readable() {
		if part, ok := a.liveElsewhere(ctx, s); ok {
			return part
		}
		return silent("%s", s.place.Why)
	}
	info, lerr := os.Lstat(a.dir.etcd())
	switch {
	case errors.Is(lerr, fs.ErrNotExist):
		return a.nothingThere(s, "etcd's directory is not there")
	case lerr != nil:
		return silent("etcd's directory cannot be read: %v", lerr)
	case !info.IsDir():
		return unusable("%s is no directory", a.dir.etcd())
	}
	s.mark, lerr = readDirMark(a.dir.dirMark())
	if lerr != nil && undecided(lerr) {
		return silent("the mark of etcd's directory: %v", lerr)
	}
	markDamage := lerr
	if s.running {
		return a.livePart(ctx, s, markDamage)
	}
	if err != nil {
		return silent("it is not known whether an etcd runs: %v", err)
	}
	if _, rerr := os.Lstat(a.dir.retired()); rerr == nil {
		s.retiring = true
	}
	return a.stoppedPart(s, markDamage)
}

// nothingThere: what a place does not hold is absent, unless it was emptied.
func (a *Agent) nothingThere(s *sight, why string) decide.Part {
	switch s.place.State {
	case store.PlaceEmptied:
		return unusable("the data volume was emptied: %s", s.place.Why)
	case store.PlaceUnknown:
		return silent("%s, and %s", why, s.place.Why)
	}
	return decide.Part{Finding: proof.Absent, Why: why}
}

// liveElsewhere: the volume is out of sight, and the etcd on it still answers.
func (a *Agent) liveElsewhere(ctx context.Context, s *sight) (decide.Part, bool) {
	mark := a.lastMark.Load()
	if !s.running || mark == nil {
		return decide.Part{}, false
	}
	s.mark = mark
	part := a.livePart(ctx, s, nil)
	part.Why += "; " + s.place.Why
	return part, part.Live
}

// stoppedPart reads the directory of an etcd that does not run.
func (a *Agent) stoppedPart(s *sight, markDamage error) decide.Part {
	c, err := a.inspector.inspect(a.dir.etcd())
	if err != nil {
		return silent("etcd's directory cannot be read: %v", err)
	}
	switch {
	case c.Class == process.Newer:
		return silent("etcd's directory was written by a newer etcd: %s", c.Reason)
	case markDamage != nil:
		return unusable("the mark of etcd's directory is damaged: %v", markDamage)
	case c.Class == process.Empty && s.mark == nil:
		return a.nothingThere(s, "etcd's directory is empty")
	case c.Class == process.Empty || c.Class == process.Damaged && c.Hollow && s.mark != nil:
		return a.withoutData(s)
	case c.Class != process.Whole:
		return unusable("etcd's directory is damaged: %s", c.Reason)
	}
	return a.wholePart(s, c)
}

// withoutData is a directory with its mark, in which no etcd has acknowledged
// anything. Where the memory noted more, it was emptied.
func (a *Agent) withoutData(s *sight) decide.Part {
	if gone := s.doc.dataGone(*s.mark); gone != "" {
		return unusable("%s", gone)
	}
	a.lastMark.Store(s.mark)
	return decide.Part{Finding: proof.Present, Identity: s.mark.Identity, Claim: s.mark.Claim, ID: s.mark.MemberID,
		Why: "the directory is made, and no etcd has written into it"}
}

func (a *Agent) wholePart(s *sight, c process.Contents) decide.Part {
	part := decide.Part{Finding: proof.Present, HasData: true, ID: c.Log.MemberID, Removed: c.Store.Removed,
		Position: decide.Position{Term: c.Log.Term, Index: c.Log.Index}, Revision: c.Store.Revision,
		Members: refs(lastMembers(c), c.Log.MemberID, a.cfg.Name)}
	part.Identity, part.Why = stockIdentity(c.Log.ClusterID), "a stopped directory that bears no mark of ours"
	if m := s.mark; m != nil {
		if strange := m.strange(c.Log.MemberID, c.Log.ClusterID); strange != "" {
			return unusable("%s", strange)
		}
		a.lastMark.Store(m)
		part.Identity, part.Claim, part.Why = m.Identity, m.Claim, "a stopped directory, whole"
	}
	a.known.Store(&known{members: part.Members, position: part.Position, id: part.ID})
	if n, ok := s.doc.notedOf(part.Identity, part.ID); ok && part.Position.Before(n.Position) {
		part.RolledBack = true
		part.Why = fmt.Sprintf("it ends at term %d index %d, and the memory noted term %d index %d: an old copy was put back",
			part.Position.Term, part.Position.Index, n.Position.Term, n.Position.Index)
	}
	return part
}

// strange says how data are not those that the mark was put beside.
func (m DirMark) strange(member, cluster uint64) string {
	if m.MemberID != 0 && m.MemberID != member {
		return fmt.Sprintf("the directory's mark is of member %x, and the data are of %x", m.MemberID, member)
	}
	if m.ClusterID != 0 && m.ClusterID != cluster {
		return fmt.Sprintf("the directory's mark is of etcd cluster %x, and the data are of %x", m.ClusterID, cluster)
	}
	return ""
}
