package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
)

// Take takes one full backup: format, claim, snapshot, check, gzip, upload,
// our own object, and the meta file last; then it is read back. On an error,
// which is a *TakeError, the backup is not listed, or (from StepMeta on) it
// may be, and then it is whole. Taking another one is always safe.
func Take(ctx context.Context, options Options) (Entry, error) {
	o, err := options.complete()
	if err != nil {
		return Entry{}, &TakeError{Step: StepFormat, Err: err}
	}
	bounded, cancel := context.WithTimeout(ctx, o.StoreTimeout)
	_, err = EnsureFormat(bounded, o.Store, o.Identity.Lineage, o.Identity.Cluster, o.Clock.Now())
	cancel()
	if err != nil {
		return Entry{}, &TakeError{Step: StepFormat, Err: err}
	}
	attempt := newNonce()
	claim, err := acquire(ctx, o, attempt)
	if err != nil {
		return Entry{}, &TakeError{Step: StepClaim, Err: err}
	}
	t := &taking{Options: o, attempt: attempt, claim: claim, step: StepSource}
	entry, err := t.underClaim(ctx)
	if err != nil {
		t.release(ctx, ClaimFailed)
		return Entry{}, &TakeError{Step: t.step, Name: t.name, Left: t.sweep(ctx), Err: err}
	}
	t.release(ctx, ClaimDone)
	return entry, nil
}

// taking is one attempt.
type taking struct {
	*Options
	attempt string
	claim   *claimed
	step    Step

	name   string
	taken  time.Time
	opened SourceInfo
	proof  Proof
	data   store.Info
	// wrote are the objects that may be there because of this attempt.
	wrote []written
}

// underClaim runs the attempt while the claim is kept alive; losing it ends
// the attempt.
func (t *taking) underClaim(ctx context.Context) (Entry, error) {
	ctx, end := context.WithCancelCause(ctx)
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		t.claim.beat(ctx, end)
	}()
	entry, err := t.run(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	end(nil)
	<-beaten
	return entry, err
}

func (t *taking) run(ctx context.Context) (Entry, error) {
	before, err := t.ask(ctx)
	if err != nil {
		return Entry{}, err
	}
	if err := t.streamUnderAName(ctx, before); err != nil {
		return Entry{}, err
	}
	t.step = StepProof
	if err := t.writeProof(ctx); err != nil {
		return Entry{}, err
	}
	t.step = StepConfirm
	if err := t.claim.confirm(ctx); err != nil {
		return Entry{}, err
	}
	t.step = StepMeta
	meta, err := t.writeMeta(ctx)
	if err != nil {
		return Entry{}, err
	}
	t.step = StepReadBack
	return t.readBack(ctx, meta)
}

func (t *taking) ask(ctx context.Context) (SourceInfo, error) {
	before, err := status(ctx, t.Options)
	if err != nil {
		return SourceInfo{}, err
	}
	have := fmt.Sprintf("%x", before.ClusterID)
	if want := t.Identity.ClusterID; want != "" && want != have {
		return SourceInfo{}, fmt.Errorf("member %s is of cluster %s, not of %s: %w", before.Member, have, want, ErrWrongCluster)
	}
	return before, nil
}

// streamUnderAName streams again, under the next name, when somebody else's
// data got this one in the meantime.
func (t *taking) streamUnderAName(ctx context.Context, before SourceInfo) error {
	for range maxSequences {
		t.step = StepSource
		if err := t.pickName(ctx); err != nil {
			return err
		}
		t.step = StepStream
		err := t.stream(ctx, before)
		if !errors.Is(err, ErrNameTaken) {
			return err
		}
		t.Log.Warn("another backup has the name; trying the next", "backup", t.name, "error", err)
	}
	return fmt.Errorf("%d names in turn: %w", maxSequences, ErrNameTaken)
}

// pickName finds the first name of this second that nobody has. The data
// object claims it for good; this look only spares a stream that would fail.
func (t *taking) pickName(ctx context.Context) error {
	t.taken = t.Clock.Now().UTC().Truncate(time.Second)
	for seq := range maxSequences {
		name := managerfiles.Name(t.taken, seq)
		free, err := t.free(ctx, managerfiles.DataKey(name))
		if err != nil {
			return fmt.Errorf("look whether the name %s is free: %w", name, err)
		}
		if free {
			t.name = name
			return nil
		}
	}
	return fmt.Errorf("%d backups in one second: %w", maxSequences, ErrNameTaken)
}

// maxSequences is how many names of one second are tried. The first is number
// 0, which etcd-manager, counting from 1, hardly ever reaches.
const maxSequences = 10

func (t *taking) writeProof(ctx context.Context) error {
	content, err := t.proof.encode()
	if err != nil {
		return err
	}
	key := managerfiles.ProofKey(t.name)
	t.wrote = append(t.wrote, written{key: key, same: sameContent(content)})
	return t.create(ctx, key, content)
}

func (t *taking) writeMeta(ctx context.Context) ([]byte, error) {
	spec := t.Spec
	content, err := managerfiles.EncodeMeta(managerfiles.BackupMeta{
		EtcdVersion: t.opened.EtcdVersion, Time: t.taken, Spec: &spec,
	})
	if err != nil {
		return nil, err
	}
	// Once the meta may be there, now or by a late write, all of it stays: a
	// backup that is listed must be whole.
	t.wrote = nil
	return content, t.create(ctx, managerfiles.MetaKey(t.name), content)
}

func (t *taking) create(ctx context.Context, key string, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, t.StoreTimeout)
	defer cancel()
	_, err := store.Create(ctx, t.Store, key, content)
	return err
}

func (t *taking) release(ctx context.Context, state ClaimState) {
	name := t.name
	if state != ClaimDone {
		name = ""
	}
	if err := t.claim.release(ctx, state, name); err != nil {
		t.Log.Warn("the backup claim was not released; it expires by itself",
			"slot", t.Slot, "backup", t.name, "after", t.ClaimTerm, "error", err)
	}
}
