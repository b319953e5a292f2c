package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

// claimed is a claim that this attempt holds. Its writes are one after the
// other, under mu.
type claimed struct {
	options *Options

	mu      sync.Mutex
	claim   Claim
	version store.Version
	proven  time.Time // when the store last confirmed that it is ours
}

// acquire reads the claim once and takes it if the rule allows.
func acquire(ctx context.Context, o *Options, attempt string) (*claimed, error) {
	c := &claimed{options: o, claim: Claim{
		Holder: o.Holder, Slot: o.Slot, Attempt: attempt, State: ClaimRunning, Started: o.Clock.Now().UTC(),
	}}
	standing, version, err := c.look(ctx)
	if err != nil {
		return nil, err
	}
	switch decision := DecideClaim(standing, o.ClaimTerm); decision {
	case SlotDone:
		return nil, fmt.Errorf("slot %q, backup %s: %w", o.Slot, standing.Claim.Backup, ErrSlotDone)
	case Wait:
		return nil, fmt.Errorf("%s, unchanged for %s of %s: %w", heldBy(standing.Claim), standing.Unmoved, o.ClaimTerm, ErrClaimed)
	case Create, Takeover:
		c.version = version
	}
	if err := c.write(ctx, func(*Claim) {}); err != nil {
		return nil, fmt.Errorf("claim slot %q: %w", o.Slot, err)
	}
	return c, nil
}

func heldBy(claim *Claim) string {
	if claim == nil {
		return "held by a claim that cannot be read"
	}
	return "held by " + claim.Holder
}

func (c *claimed) look(ctx context.Context) (Standing, store.Version, error) {
	o := c.options
	ctx, cancel := context.WithTimeout(ctx, o.StoreTimeout)
	defer cancel()
	content, info, err := store.Read(ctx, o.Store, ClaimKey, maxClaim)
	if errors.Is(err, store.ErrNotFound) {
		return Standing{Absent: true, ThisSlot: o.Slot}, "", nil
	}
	if errors.Is(err, store.ErrTooLarge) {
		content = []byte(info.Version) // it cannot be used, but it can be watched
	} else if err != nil {
		return Standing{}, "", err
	}
	claim, mark := decodeClaim(content)
	standing := Standing{Claim: claim, ThisSlot: o.Slot, Unmoved: o.Watch.see(mark, o.Clock.Now())}
	return standing, info.Version, nil
}

// write changes the claim by compare-and-swap. ErrClaimLost only if another
// content stands there.
func (c *claimed) write(ctx context.Context, change func(*Claim)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.options
	next := c.claim
	change(&next)
	next.Nonce, next.Beat = newNonce(), next.Beat+1
	content, err := next.encode()
	if err != nil {
		return err
	}
	asked := o.Clock.Now()
	ctx, cancel := context.WithTimeout(ctx, o.StoreTimeout)
	defer cancel()
	var info store.Info
	if c.version == "" {
		info, err = store.Create(ctx, o.Store, ClaimKey, content)
	} else {
		info, err = store.Swap(ctx, o.Store, ClaimKey, c.version, content)
	}
	if err != nil {
		return c.lost(err)
	}
	c.claim, c.version, c.proven = next, info.Version, asked
	return nil
}

// lost tells a claim that another one holds from a write of unknown outcome.
// An earlier write of this attempt whose answer was late also changes the
// version: then the claim that stands is still ours.
func (c *claimed) lost(err error) error {
	var refused *store.Refused
	if !errors.As(err, &refused) {
		return err
	}
	standing, _ := decodeClaim(refused.Content)
	if standing != nil && standing.Attempt == c.claim.Attempt {
		c.claim, c.version = *standing, refused.Have.Version
		return err
	}
	if c.claim.Beat == 0 {
		return fmt.Errorf("%s: %w", heldBy(standing), ErrClaimed)
	}
	return fmt.Errorf("%s: %w: %w", heldBy(standing), ErrClaimLost, err)
}

// beat keeps the claim alive until ctx ends. When it is lost, or could not be
// confirmed for a whole term, it calls lose.
func (c *claimed) beat(ctx context.Context, lose func(error)) {
	o := c.options
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.Clock.After(o.ClaimTerm / 3):
		}
		err := c.write(ctx, func(*Claim) {})
		if err == nil || ctx.Err() != nil {
			continue
		}
		if errors.Is(err, ErrClaimLost) {
			lose(err)
			return
		}
		if silent := o.Clock.Now().Sub(c.since()); silent >= o.ClaimTerm {
			lose(fmt.Errorf("not confirmed for %s: %w: %w", silent, ErrClaimLost, err))
			return
		}
	}
}

func (c *claimed) since() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proven
}

// confirm proves that the claim is still ours, in one write.
func (c *claimed) confirm(ctx context.Context) error {
	return c.write(ctx, func(*Claim) {})
}

// release says how the attempt ended. It is tried once: a claim that is left
// behind expires by itself.
func (c *claimed) release(ctx context.Context, state ClaimState, backup string) error {
	return c.write(context.WithoutCancel(ctx), func(next *Claim) {
		next.State, next.Backup = state, backup
	})
}
