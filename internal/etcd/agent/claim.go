package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/store"
)

// claimNote is a claim to be noted, with the spec and the stores that it is
// made for. What is nil is left as it is remembered.
type claimNote struct {
	Claim        decide.Claim
	Spec         []byte
	ControlStore *store.Remembered
	BackupStore  *store.Remembered
}

// noteClaim remembers a claim. No etcd starts by it.
func (a *Agent) noteClaim(ctx context.Context, n claimNote) error {
	if n.Claim.Attempt == "" || !n.Claim.Identity.Named() || n.Claim.Identity.Birth == "" {
		return refuse("the claim names no attempt, identity or birth")
	}
	spec, err := compactSpec(n.Spec)
	if err != nil {
		return err
	}
	if err := decide.MayNote(a.look(ctx).node, n.Claim); err != nil {
		return refuse("%s", err)
	}
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		doc.Claim = &n.Claim
		doc.keep(spec, n.ControlStore, n.BackupStore)
		return nil
	})
}

// keep takes over what is given.
func (doc *document) keep(spec []byte, control, backup *store.Remembered) {
	if len(spec) > 0 {
		doc.Spec = spec
	}
	if control != nil {
		doc.ControlStore = control
	}
	if backup != nil {
		doc.BackupStore = backup
	}
}

// compactSpec gives one form to one spec, so that hearing it again writes
// nothing. Empty is nil.
func compactSpec(spec []byte) ([]byte, error) {
	if len(spec) == 0 {
		return nil, nil
	}
	if _, err := record.ParseSpec(spec); err != nil {
		return nil, refuse("the spec: %s", err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, spec); err != nil {
		return nil, refuse("the spec: %s", err)
	}
	return b.Bytes(), nil
}

// startClaimed does what decide says of this node as it is now: retire, make,
// note, start, in this order. Each step can be the last one before a crash.
func (a *Agent) startClaimed(ctx context.Context, c decide.Claim) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	s := a.look(ctx)
	how := decide.HowToStart(s.node, c)
	if how.Refused != "" {
		return refuse("%s", how.Refused)
	}
	mark := claimedMark(a.cfg, c, a.deps.Clock.Now())
	if err := a.checkStart(mark); err != nil {
		return err
	}
	if how.Retire {
		if err := a.retireNow(ctx, s, "an earlier generation, before claim "+c.Attempt); err != nil {
			return err
		}
	}
	if how.MakeDir {
		if err := a.claimVolume(ctx, s.place, false); err != nil {
			return err
		}
		if err := a.dir.makeMarked(ctx, mark); err != nil {
			return err
		}
		a.known.Store(nil)
	}
	if how.NoteStart {
		if err := a.noteStart(ctx, c); err != nil {
			return err
		}
	}
	return a.startEtcd(ctx)
}

func (a *Agent) noteStart(ctx context.Context, c decide.Claim) error {
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		doc.Started = &startedClaim{Attempt: c.Attempt, Identity: c.Identity}
		if doc.Claim == nil {
			doc.Claim = &c
		}
		return nil
	})
}

// checkStart refuses, before anything is done, what etcd could not start with.
func (a *Agent) checkStart(mark DirMark) error {
	if err := a.etcdConfig(mark, 0).Validate(); err != nil {
		return refuse("%s", err)
	}
	return nil
}

// startEtcd starts the etcd of the directory that is there, by its mark.
func (a *Agent) startEtcd(ctx context.Context) error {
	mark, err := readDirMark(a.dir.dirMark())
	if err != nil {
		return err
	}
	if mark == nil {
		return refuse("%s bears no mark of ours", a.dir.etcd())
	}
	doc, unknown := a.memory.read(a.deps.Clock.Now())
	if unknown != "" {
		return refuse("%s cannot read its memory: %s", a.cfg.Name, unknown)
	}
	// An etcd that still ran at the look may have ended since, and left less
	// than it had: it must not begin anew.
	if _, err := os.Lstat(a.dir.member()); errors.Is(err, fs.ErrNotExist) {
		if gone := doc.dataGone(*mark); gone != "" {
			return refuse("%s", gone)
		}
	}
	a.lastMark.Store(mark)
	return a.etcd.start(ctx, a.etcdConfig(*mark, doc.quota()))
}
