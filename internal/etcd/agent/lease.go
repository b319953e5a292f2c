package agent

import (
	"context"
	"fmt"
)

// Lease is what every acting call carries.
type Lease struct {
	Epoch  uint64
	Tenure string // tells two leases of one epoch apart
	Holder string // for people
	Pass   string // id of the leader's pass, for the logs
	Beat   string // of the lease as it stood when the call was made; "" if unsaid
}

func (l Lease) String() string { return fmt.Sprintf("epoch %d (tenure %s)", l.Epoch, l.Tenure) }

// hear refuses a lease that is older than one that was heard, or a second one
// of the same epoch. A newer one is remembered before anything is done under it.
func (a *Agent) hear(ctx context.Context, lease Lease) error {
	if lease.Epoch == 0 || lease.Tenure == "" {
		return refuse("the call bears no lease")
	}
	return a.memory.change(ctx, a.deps.Clock.Now(), func(doc *document) error {
		heard := Lease{Epoch: doc.Epoch, Tenure: doc.Tenure}
		switch {
		case lease.Epoch < heard.Epoch:
			return refuse("the lease of %s is older than the one that %s heard, %s", lease, a.cfg.Name, heard)
		case lease.Epoch == heard.Epoch && lease.Tenure != heard.Tenure:
			return refuse("the lease of %s is a second one: %s heard %s first", lease, a.cfg.Name, heard)
		}
		doc.Epoch, doc.Tenure = lease.Epoch, lease.Tenure
		return nil
	})
}

// act runs one act at a time, under a lease that was heard.
func (a *Agent) act(ctx context.Context, lease Lease, name string, do func(context.Context) error) error {
	if err := a.acts.lock(ctx); err != nil {
		return err
	}
	defer a.acts.unlock()
	log := a.deps.Log.With("act", name, "epoch", lease.Epoch, "holder", lease.Holder, "pass", lease.Pass)
	err := a.hear(ctx, lease)
	if err == nil {
		a.tellOfLeader(lease)
		err = a.settle(ctx)
	}
	if err == nil {
		err = do(ctx)
	}
	switch {
	case err == nil:
		log.Debug("act done")
	case isRefusal(err):
		log.Warn("act refused", "why", err)
	default:
		log.Error("act ended in an unknown way", "err", err)
	}
	a.wakeWatch()
	return err
}

func (a *Agent) tellOfLeader(lease Lease) {
	if hooks := a.hooks.Load(); hooks != nil && hooks.OnLeader != nil {
		hooks.OnLeader(lease)
	}
}

// oneAtATime is a mutex whose waiters can give up.
type oneAtATime chan struct{}

func (l oneAtATime) lock(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another act to end: %w", ctx.Err())
	}
}

func (l oneAtATime) unlock() { <-l }
