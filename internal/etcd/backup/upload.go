package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
)

// stream takes the snapshot into the data object.
func (t *taking) stream(parent context.Context, before SourceInfo) error {
	ctx, end := context.WithCancelCause(parent)
	source, opened, err := t.Source.Snapshot(ctx)
	if err != nil {
		end(nil)
		return err
	}
	if opened.MemberID != before.MemberID || opened.ClusterID != before.ClusterID {
		end(nil)
		_ = source.Close()
		return fmt.Errorf("member %x answered first, then %x: %w", before.MemberID, opened.MemberID, ErrWrongCluster)
	}
	t.opened = opened
	closed := make(chan struct{})
	packing := pack(source, t.attempt, t.taken, func() { close(closed) })
	// When the attempt ends early, everybody who waits is freed.
	context.AfterFunc(ctx, func() {
		packing.stop(context.Cause(ctx))
		_ = source.Close()
	})
	var guard sync.WaitGroup
	guard.Go(func() { hold(ctx, t.Options, before, closed, end) })

	uploadErr := t.upload(ctx, packing)
	cause := context.Cause(ctx)
	end(uploadErr)
	guard.Wait()
	_ = source.Close()
	packing.done.Wait()
	if uploadErr != nil {
		return firstCause(cause, packing.failed, uploadErr)
	}
	t.describe(before, packing)
	return nil
}

// firstCause names what went wrong first: why we ended it, else what was wrong
// with the snapshot, else what the store said.
func firstCause(cause, streamErr, uploadErr error) error {
	switch {
	case cause != nil:
		return cause
	case streamErr != nil:
		return streamErr
	}
	return uploadErr
}

// upload puts what is packed where nothing is as yet. An unclear outcome is
// cleared up by looking for the attempt's nonce in the object's first bytes.
func (t *taking) upload(ctx context.Context, p *packing) error {
	key := managerfiles.DataKey(t.name)
	t.wrote = append(t.wrote, written{key: key, same: func(ctx context.Context, s store.Store, info store.Info) (bool, error) {
		return sameHead(ctx, s, info, p.head)
	}})
	info, err := t.Store.Put(ctx, key, p, store.IfAbsent())
	if err == nil {
		return t.whole(info, p)
	}
	if !p.end && errors.Is(err, store.ErrConditionFailed) {
		return fmt.Errorf("%w: %w", ErrNameTaken, err) // it was seen early
	}
	if !p.end {
		return err // the store did not get all of it, so nothing is to be seen
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.StoreTimeout)
	defer cancel()
	info, statErr := t.Store.Stat(detached, key)
	if statErr != nil {
		return fmt.Errorf("%w (looking for it: %v)", err, statErr) //nolint:errorlint // the first error is the cause
	}
	ours, headErr := sameHead(detached, t.Store, info, p.head)
	if headErr != nil {
		return fmt.Errorf("%w (looking for it: %v)", err, headErr) //nolint:errorlint // the first error is the cause
	}
	if !ours {
		t.wrote = t.wrote[:len(t.wrote)-1]
		return fmt.Errorf("%w: %w", ErrNameTaken, err)
	}
	return t.whole(info, p)
}

func (t *taking) whole(info store.Info, p *packing) error {
	if !p.end || info.Size != p.size {
		return fmt.Errorf("the store holds %d bytes, %d were sent: %w", info.Size, p.size, ErrReadBack)
	}
	t.data = info
	return nil
}

func (t *taking) describe(before SourceInfo, p *packing) {
	spec := t.Spec
	t.proof = Proof{
		Format: proofFormat, Name: t.name, Attempt: t.attempt, Identity: t.Identity,
		RevisionAtLeast: before.Revision, RevisionAtMost: t.opened.Revision,
		Size: p.sums.Size, SHA256: p.sums.SHA256,
		StoredSize: p.size, StoredSHA256: p.stored(),
		EtcdVersion: t.opened.EtcdVersion,
		From:        From{Member: t.opened.Member, ID: fmt.Sprintf("%x", t.opened.MemberID), RaftTerm: t.opened.RaftTerm},
		Members:     t.Members, Spec: &spec, HashKV: t.HashKV, Marks: t.Marks, Taken: t.taken,
	}
}

// free: only the store's own "not there" frees a name.
func (t *taking) free(ctx context.Context, key string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, t.StoreTimeout)
	defer cancel()
	_, err := t.Store.Stat(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// sameHead tells our data from somebody else's of the same name.
func sameHead(ctx context.Context, s store.Store, info store.Info, head []byte) (bool, error) {
	if len(head) == 0 || info.Size < int64(len(head)) {
		return false, nil
	}
	body, opened, err := s.Open(ctx, info.Key, store.Range{Length: int64(len(head))})
	if err != nil {
		return false, err
	}
	defer func() { _ = body.Close() }()
	if opened.Version != info.Version {
		return false, fmt.Errorf("%s changed while it was looked at", info.Key)
	}
	have := make([]byte, len(head))
	if _, err := io.ReadFull(body, have); err != nil {
		return false, fmt.Errorf("read the head of %s: %w", info.Key, err)
	}
	return bytes.Equal(have, head), nil
}
