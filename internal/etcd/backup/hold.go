package backup

import (
	"context"
	"fmt"
	"time"
)

// maxBlind is how many status calls in a row may fail while a snapshot is
// open. After that nobody knows what it does to the member.
const maxBlind = 3

// defaultGrowth is the growth allowed to a member whose quota is not known,
// and the most for one whose quota is.
const defaultGrowth = 512 << 20

// growthLimit is at most a fifth of the quota.
func growthLimit(o *Options, quota int64) int64 {
	if o.MaxGrowth > 0 {
		return o.MaxGrowth
	}
	if fifth := quota / 5; quota > 0 && fifth < defaultGrowth {
		return fifth
	}
	return defaultGrowth
}

// hold guards an upload in its two phases. While the snapshot is read, the
// member keeps a read transaction open: until closed is closed, time and the
// growth of its database are limited. From then on only the store can be slow.
// It returns when ctx ends.
func hold(ctx context.Context, o *Options, before SourceInfo, closed <-chan struct{}, end func(error)) {
	if err := holdMember(ctx, o, before, closed); err != nil {
		end(err)
		return
	}
	select {
	case <-ctx.Done():
	case <-o.Clock.After(o.FinishTimeout):
		end(fmt.Errorf("%s after the last byte: %w", o.FinishTimeout, ErrStalled))
	}
}

func holdMember(ctx context.Context, o *Options, before SourceInfo, closed <-chan struct{}) error {
	limit := growthLimit(o, before.Quota)
	deadline := o.Clock.After(o.MaxHold)
	for blind := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-closed:
			return nil
		case <-deadline:
			return fmt.Errorf("after %s: %w", o.MaxHold, ErrHeld)
		case <-o.Clock.After(o.StatusEvery):
		}
		now, err := status(ctx, o)
		if err != nil {
			if blind++; blind >= maxBlind {
				return fmt.Errorf("its status could not be asked %d times in a row: %w: %w", blind, ErrGrowth, err)
			}
			continue
		}
		blind = 0
		if grown := now.DBSize - before.DBSize; grown > limit {
			return fmt.Errorf("by %d bytes, %d are allowed: %w", grown, limit, ErrGrowth)
		}
	}
}

func status(ctx context.Context, o *Options) (SourceInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, o.StatusTimeout)
	defer cancel()
	return o.Source.Status(ctx)
}

// The defaults of a take.
const (
	DefaultClaimTerm     = 2 * time.Minute
	DefaultMaxHold       = 10 * time.Minute
	DefaultFinishTimeout = 5 * time.Minute
	DefaultStoreTimeout  = 30 * time.Second
	DefaultStatusEvery   = time.Second
	DefaultStatusTimeout = 10 * time.Second
)
