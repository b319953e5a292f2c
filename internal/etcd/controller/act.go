package controller

import (
	"context"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// act does what the verdict allows, under the lease. What the verdict does not
// allow is not even built into a flow.
func (c *Controller) act(ctx context.Context, w *world) {
	h := &hand{c: c, w: w, lease: agent.Lease{Epoch: w.lease.Epoch, Tenure: w.lease.Tenure, Holder: c.cfg.Name, Pass: flow.PassID(ctx), Beat: w.lease.Beat}}
	if !h.hear(ctx) {
		w.leads, w.leadWhy = false, "an agent heard another lease that ranks higher"
		return
	}
	for _, f := range h.flows() { //nolint:contextcheck // a look has none; what it reads has a deadline of its own
		result := c.runner.Pass(ctx, f)
		if result.Acted {
			h.now(ctx)
		}
	}
	w2 := h.w
	w2.leads, w2.lease, w2.leadWhy = w.leads, w.lease, w.leadWhy
	*w = *w2
}

// hand is one pass of the leader: the world as it was last seen, and the
// lease that every act carries.
type hand struct {
	c     *Controller
	w     *world
	lease agent.Lease
	stale bool        // something was done since w was gathered
	began proof.State // the verdict for which the flows of this pass were chosen
}

// hear makes every agent that answers remember the lease before anything is
// done under it. One that heard a newer lease, or another of the same epoch,
// refuses: then nothing is done, and after a term of it the lease is given back
// and taken anew above what was heard (outranked).
func (h *hand) hear(ctx context.Context) bool {
	heard := true
	for _, a := range h.w.answered() {
		ctx, cancel := context.WithTimeout(ctx, h.c.askTimeout())
		err := a.peer.Hear(ctx, h.lease)
		cancel()
		if err != nil {
			h.c.deps.Log.Warn("an agent did not take the lease", "agent", a.name, "epoch", h.lease.Epoch, "error", err)
		}
		heard = heard && flow.OutcomeOf(err) != flow.Refused
	}
	return heard
}

// refresh gathers anew. The flows' looks use it after every act.
func (h *hand) refresh(ctx context.Context) {
	h.w, h.stale = h.c.gather(ctx), false
}

// now is the world, gathered anew if something was done since.
func (h *hand) now(ctx context.Context) *world {
	if h.stale {
		h.refresh(ctx)
	}
	return h.w
}

// step builds a flow's step whose look reads the world and whose act is done
// under the lease, proved just before.
func (h *hand) step(name string, needs []string, look func(*world) flow.Sight, act func(context.Context, *world) error) flow.Step {
	return flow.Step{
		Name: name, Needs: needs,
		Look: func(ctx context.Context) (flow.Sight, error) {
			w := h.now(ctx)
			if why := h.noLonger(w); why != "" {
				return flow.Sight{Blocked: true, Why: why}, nil
			}
			return look(w), nil
		},
		Act: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, h.c.actTimeout())
			defer cancel()
			if err := h.c.lead.Confirm(ctx); err != nil {
				return flow.AsTransient(fmt.Errorf("%s: %w", name, err))
			}
			h.stale = true
			return ofRace(name, act(ctx, h.w))
		},
	}
}

// noLonger says why what was begun on a whole cluster may not go on, or "". After
// each act everything is looked at anew, and by then another may have put a
// record there that no agent must be told to remember. The next pass chooses its
// flows by what is found then.
func (h *hand) noLonger(w *world) string {
	if h.began != proof.Intact || w.verdict.State == proof.Intact {
		return ""
	}
	return "the verdict was Intact when this pass began, and is " + w.verdict.State.String() + " now: " + w.verdict.Why
}

// ofRace marks a conditional write that another was ahead of: the object is
// looked at anew in the next pass, and the same request will not be made again.
func ofRace(name string, err error) error {
	var lost *store.Refused
	if errors.As(err, &lost) && flow.ClassOf(err) == flow.Permanent {
		return flow.AsTransient(fmt.Errorf("%s: another wrote first: %w", name, err))
	}
	return err
}

// flows are those that the verdict allows, in order.
func (h *hand) flows() []flow.Flow {
	w := h.w
	h.began = w.verdict.State
	if flows := h.personFlows(); len(flows) > 0 {
		return flows
	}
	if w.control.Claim.Finding == proof.Present && w.control.Claim.Claim.State == decide.ClaimOpen {
		return []flow.Flow{h.seedFlow()}
	}
	switch w.verdict.State {
	case proof.NeverExisted:
		return []flow.Flow{h.seedFlow()}
	case proof.RecordLost:
		return []flow.Flow{h.healFlow(), h.startFlow()}
	case proof.Intact:
		return []flow.Flow{h.seedFlow(), h.adoptFlow(), h.rememberFlow(), h.specFlow(), h.retireFlow(), h.memberFlow(), h.mirrorFlow(), h.refreshFlow()}
	}
	return []flow.Flow{h.startFlow()}
}

// eachOf calls all named agents at once and joins their errors.
func (h *hand) eachOf(ctx context.Context, names []string, call func(context.Context, Peer) error) error {
	errs := make(chan error, len(names))
	for _, name := range names {
		go func() {
			a, ok := h.w.answers[name]
			if !ok || a.err != nil {
				errs <- fmt.Errorf("%s: its agent does not answer", name)
				return
			}
			ctx, cancel := context.WithTimeout(ctx, 3*h.c.askTimeout())
			defer cancel()
			if err := call(ctx, a.peer); err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
				return
			}
			errs <- nil
		}()
	}
	var all []error
	for range names {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
