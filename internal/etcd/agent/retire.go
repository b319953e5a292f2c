package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seedproof/seedproof/internal/proof"
)

// Retiring says which directory goes into the trash, and why. Was and ID, where
// they are given, must be what it bears.
type Retiring struct {
	Reason string
	Was    proof.Identity
	ID     uint64
}

const maxReason = 400 // bytes

// retire moves etcd's directory into the trash. Where there is none, it was
// done before.
func (a *Agent) retire(ctx context.Context, r Retiring) error {
	if r.Reason == "" || len(r.Reason) > maxReason {
		return refuse("a retirement needs a reason of at most %d bytes", maxReason)
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	s := a.look(ctx)
	if !s.place.readable() {
		return refuse("the data volume is not one to write to: %s", s.place.Why)
	}
	if s.node.Memory.Finding == proof.Unknown {
		return refuse("%s cannot read its memory: %s", a.cfg.Name, s.node.Memory.Why)
	}
	p := s.node.Part
	if p.Finding == proof.Unknown {
		return refuse("%s cannot read its data directory: %s", a.cfg.Name, p.Why)
	}
	if r.Was.Named() && p.Finding == proof.Present && p.Identity != r.Was {
		return refuse("the data directory bears %s, and is to be retired as %s", p.Identity, r.Was)
	}
	if r.ID != 0 && p.ID != 0 && p.ID != r.ID {
		return refuse("the data directory is of member %x, and is to be retired as %x", p.ID, r.ID)
	}
	return a.retireNow(ctx, s, r.Reason)
}

// retireNow writes down the intent, and then follows it.
func (a *Agent) retireNow(ctx context.Context, s sight, reason string) error {
	there, err := a.dirThere()
	if err != nil || !there {
		return err
	}
	now := a.deps.Clock.Now().UTC()
	r := retirement{Entry: entryName(now, reason), Reason: reason, Identity: s.node.Part.Identity, MemberID: s.node.Part.ID, At: now}
	if err := a.dir.intendRetirement(ctx, r); err != nil {
		return err
	}
	return a.finishRetirement(ctx)
}

// finishRetirement follows an intent that is there; without one it does
// nothing.
func (a *Agent) finishRetirement(ctx context.Context) error {
	r, err := a.dir.readRetirement(a.deps.Clock.Now())
	if err != nil || r == nil {
		return err
	}
	if err := a.etcd.stop(ctx, a); err != nil {
		return fmt.Errorf("retire the data directory: %w", err)
	}
	if err := a.dir.moveToTrash(ctx, *r); err != nil {
		return fmt.Errorf("retire the data directory: %w", err)
	}
	a.known.Store(nil)
	a.lastMark.Store(nil)
	a.deps.Log.Info("data directory retired", "entry", r.Entry, "reason", r.Reason)
	return nil
}

func (a *Agent) dirThere() (bool, error) {
	info, err := os.Lstat(a.dir.etcd())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for etcd's directory: %w", err)
	case !info.IsDir():
		return false, fmt.Errorf("%s is no directory", a.dir.etcd())
	}
	return true, nil
}

// settle ends what an earlier act, or an earlier run, left unfinished. Every
// act on the data begins with it.
func (a *Agent) settle(ctx context.Context) error {
	if err := a.finishRetirement(ctx); err != nil {
		return err
	}
	return a.finishAdoption(ctx)
}
