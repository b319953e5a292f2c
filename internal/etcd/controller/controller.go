package controller

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// Peer is one agent, as the leader asks it.
type Peer interface {
	Testify(ctx context.Context) (agent.Testimony, error)
	Hear(ctx context.Context, lease agent.Lease) error
	NoteClaim(ctx context.Context, lease agent.Lease, claim decide.Claim, spec []byte, control, backup *store.Remembered) error
	StartClaimed(ctx context.Context, lease agent.Lease, claim decide.Claim) error
	StartJoining(ctx context.Context, lease agent.Lease, j agent.Joining) error
	Start(ctx context.Context, lease agent.Lease) error
	Retire(ctx context.Context, lease agent.Lease, r agent.Retiring) error
	Adopt(ctx context.Context, lease agent.Lease, identity, was proof.Identity) error
	Remember(ctx context.Context, lease agent.Lease, r agent.Remembering) error
	Close() error
}

// Config is what a controller is told. Everything else it hears.
type Config struct {
	Name    string // of this agent
	Cluster string
	// Spec is what a new cluster is made with; a spec that anybody remembers
	// goes before it.
	Spec record.Spec
	// ControlStore and BackupStore are URLs. What the memories hold goes before
	// them: a store moves by `seedproof etcd move-store` alone.
	ControlStore, BackupStore string
	Interval, Term            time.Duration
	Peers                     map[string]string // agent addresses by name
}

// Deps are what a controller works through.
type Deps struct {
	Dial      func(name, addr string) (Peer, error)
	OpenStore func(ctx context.Context, url string) (store.Store, error)
	// EtcdTLS is how members are asked as a client; nil for plain HTTP.
	EtcdTLS *tls.Config
	Clock   flow.Clock
	Log     *slog.Logger
	Metrics *telemetry.EtcdMetrics
	// Observer hears of steps, failures and escalations.
	Observer flow.Observer
	Faults   *fault.Injector // tests only
}

// Controller watches one cluster and, while it holds the lease, acts on it.
type Controller struct {
	cfg  Config
	deps Deps

	runner  *flow.Runner
	history *history
	control *place // the control store
	backup  *place // the backup store
	keeper  *record.Keeper
	lead    *lead.Candidate
	peers   *peers
	backups *backups
	look    *backupLook
	mirror  mirrorMemory

	outrankedAt time.Time // since when an agent refuses our lease; zero: none does

	passing   sync.Mutex // one pass, or one change on a person's behalf, at a time
	mu        sync.Mutex
	report    Report
	heardFrom time.Time // when a leader last spoke to our agent
	beat      string    // of the lease that it spoke under, and since when we know of it
	beatSince time.Time
	fatal     error
}

// New makes a controller. It asks nobody yet.
func New(cfg Config, deps Deps) *Controller {
	c := &Controller{cfg: cfg, deps: deps}
	c.history = &history{clock: deps.Clock}
	if deps.Observer != nil {
		c.history.Observers = flow.Observers{deps.Observer}
	}
	c.runner = &flow.Runner{Clock: deps.Clock, Observer: c.history, Journal: flow.NopJournal{}, Backoff: passBackoff(cfg.Interval)}
	c.peers = newPeers(cfg.Peers, deps.Dial)
	c.backups = newBackups(c)
	return c
}

// passBackoff paces the tries of a step by the interval of the passes.
func passBackoff(interval time.Duration) flow.Backoff {
	return flow.Backoff{Base: interval / 2, Cap: 20 * interval, Factor: 2, Jitter: 0.2, EscalateAfter: 5, SlowPace: 60 * interval}
}

// Run makes one pass an interval, and one at the moment when the lease that is
// waited for has stood long enough, until ctx ends; then it releases the lease.
func (c *Controller) Run(ctx context.Context) error {
	for {
		c.Pass(ctx)
		if err := c.Fatal(); err != nil {
			return err
		}
		if err := c.deps.Clock.Sleep(ctx, c.pause()); err != nil {
			return c.release(ctx)
		}
	}
}

func (c *Controller) pause() time.Duration {
	pause := c.cfg.Interval
	if c.lead == nil || c.hearsLeader() {
		return pause
	}
	if due := c.lead.Due().Sub(c.deps.Clock.Now()); due > 0 {
		return min(pause, due)
	}
	return pause
}

func (c *Controller) release(ctx context.Context) error {
	if c.lead == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.askTimeout())
	defer cancel()
	if err := c.lead.Release(ctx); err != nil {
		c.deps.Log.Warn("the lease was not released; the next leader waits for a term", "error", err)
	}
	return nil
}

// Fatal is an error after which this process must not go on, or nil.
func (c *Controller) Fatal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fatal
}

// LeaderSpoke is called by the agent whenever a leader's call reached it: a
// candidate that hears its leader need not watch the lease, and knows from when
// on its last beat stood.
func (c *Controller) LeaderSpoke(lease agent.Lease) {
	if lease.Holder == c.cfg.Name {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heardFrom = c.deps.Clock.Now()
	if lease.Beat != c.beat {
		c.beat, c.beatSince = lease.Beat, c.heardFrom
	}
}

func (c *Controller) hearsLeader() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.heardFrom.IsZero() && c.deps.Clock.Now().Sub(c.heardFrom) < 2*c.cfg.Interval
}

// askTimeout bounds one question to an agent.
func (c *Controller) askTimeout() time.Duration {
	return min(max(2*c.cfg.Interval, 2*time.Second), 10*time.Second)
}

// actTimeout bounds one act: what it asks of a silent store or agent must not
// hold up the passes that come after it.
func (c *Controller) actTimeout() time.Duration { return 4 * c.askTimeout() }

// Pass is one pass: gather, judge, and act if we lead.
func (c *Controller) Pass(ctx context.Context) {
	if c.hearsLeader() && !c.leads() && !c.backups.overdue() {
		if c.deps.Metrics != nil {
			c.deps.Metrics.LostLead()
			c.deps.Metrics.SetLeader(false, 0)
		}
		return
	}
	c.passing.Lock()
	defer c.passing.Unlock()
	ctx = flow.WithPassID(ctx, record.NewNonce()[:12])
	w := c.gather(ctx)
	c.history.verdict(w.verdict, w.at, flow.PassID(ctx))
	lease, leads, why := c.tickLease(ctx, w)
	w.leads, w.lease, w.leadWhy = leads, lease, why
	if leads {
		c.act(ctx, w)
	}
	c.history.verdict(w.verdict, w.at, flow.PassID(ctx))
	c.backups.schedule(ctx, w)
	c.publish(w)
}

func (c *Controller) leads() bool {
	if c.lead == nil {
		return false
	}
	_, held := c.lead.Held()
	return held
}

// tickLease renews or takes the lease. A store that does not enforce
// conditional writes cannot bear one.
func (c *Controller) tickLease(ctx context.Context, w *world) (lead.Lease, bool, string) {
	if c.lead == nil {
		return lead.Lease{}, false, "the control store could not be opened"
	}
	writable := w.control.Place.Writable() && c.control.enforces(ctx, c)
	if w.control.Place.State == store.PlaceUnknown || w.control.Place.State == store.PlaceOther {
		lease, held := c.lead.Held()
		return lease, held, w.control.Place.Why
	}
	ctx, cancel := context.WithTimeout(ctx, c.askTimeout())
	defer cancel()
	c.mu.Lock()
	c.lead.Heard(c.beat, c.beatSince)
	c.mu.Unlock()
	if c.outranked(w) {
		c.outrankedAt = time.Time{}
		if err := c.lead.Release(ctx); err != nil {
			return lead.Lease{}, false, err.Error()
		}
		return lead.Lease{}, false, "an agent heard another lease that ranks higher: ours was given back, to be taken above it"
	}
	return c.lead.Tick(ctx, w.control.Version(lead.Key), writable, w.agents)
}

// outranked: for a whole term an agent has spoken of a lease that makes it
// refuse ours, as it does after it heard a leader of another control store. Our
// lease would be renewed for ever, and never obeyed.
func (c *Controller) outranked(w *world) bool {
	held, leads := c.lead.Held()
	refuses := slices.ContainsFunc(w.answered(), func(h heard) bool {
		t := h.testimony
		return t.Epoch > held.Epoch || t.Epoch == held.Epoch && t.Tenure != held.Tenure
	})
	now := c.deps.Clock.Now()
	switch {
	case !leads || !refuses:
		c.outrankedAt = time.Time{}
	case c.outrankedAt.IsZero():
		c.outrankedAt = now
	}
	return !c.outrankedAt.IsZero() && now.Sub(c.outrankedAt) >= c.cfg.Term
}

// setFatal ends the run after this pass, while nothing is running that it
// would take down.
func (c *Controller) setFatal(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fatal = errors.Join(c.fatal, err)
}
