package kops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// ErrState: the URL of the state store cannot be used. Nothing was asked.
var ErrState = errors.New("the URL of the state store cannot be used")

// ErrEndpoints: endpoints were given for an etcd cluster that there is not.
var ErrEndpoints = errors.New("endpoints of no etcd cluster")

// DefaultMaxBackupAge is how old the last valid backup may be.
const DefaultMaxBackupAge = time.Hour

const (
	defaultTimeout  = 30 * time.Second
	defaultParallel = 16
	// verifiers is how many snapshots are opened at once: each needs a core and
	// room on the disk.
	verifiers = 2
)

// Options say what to check, and how.
type Options struct {
	// State is the URL of the state store, as in KOPS_STATE_STORE.
	State string
	// Name is the one kops cluster to check; "" for all.
	Name string
	// Open opens stores by URL: the state store, and backup stores elsewhere.
	Open func(ctx context.Context, url string) (store.Store, error)

	// Verify opens the newest backups with Verifier, until one holds.
	Verify   bool
	Verifier Verifier
	// MaxBackupAge is how old the last valid backup may be; 0 is one hour.
	MaxBackupAge time.Duration

	// Endpoints are those of live members, by the name of the etcd cluster, and
	// Asker asks them. They need a Name.
	Endpoints map[string][]string
	Asker     Asker
	// Inspect finds who can ask the bucket of a store about its rules; nil, or a
	// nil Inspector: they are not looked at.
	Inspect func(ctx context.Context, s store.Store) (lifecycle.Inspector, error)

	// Timeout is how long one call may take; 0 is 30 s.
	Timeout time.Duration
	// Parallel is how many clusters are looked at at once; 0 is 16.
	Parallel int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Progress is told how far it is; may be nil. It is called by one
	// goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a check has come.
type Progress struct {
	Stage       string // "listing", "reading", "looking at backups"
	Keys        int    // listed so far
	Done, Total int    // clusters; Total is 0 while the listing goes on
}

func (o Options) filled() Options {
	if o.MaxBackupAge <= 0 {
		o.MaxBackupAge = DefaultMaxBackupAge
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

// Check looks at a state store and says of each etcd cluster in it what the
// next update would do. It only reads.
//
// An error means that there is nothing to report on; a *statestore.PlaceError
// among its causes says why and what to type. Everything that could not be
// asked of one cluster is in that cluster's result.
func Check(ctx context.Context, o Options) (Report, error) {
	o = o.filled()
	if o.Open == nil || o.Verify && o.Verifier == nil || len(o.Endpoints) > 0 && o.Asker == nil {
		return Report{}, errors.New("check a kops state store: something to ask with is missing")
	}
	if len(o.Endpoints) > 0 && o.Name == "" {
		return Report{}, errors.New("check a kops state store: endpoints of a live etcd need the name of its cluster")
	}
	s, err := o.Open(ctx, o.State)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrState, err)
	}
	defer func() { _ = s.Close() }() // nothing was written
	state, err := statestore.Read(ctx, s, statestore.Options{
		Name: o.Name, Open: o.Open, Parallel: o.Parallel, Timeout: o.Timeout, Progress: o.tellReading,
	})
	if err != nil {
		return Report{}, err
	}
	defer state.Close()
	if err := o.knownEndpoints(state); err != nil {
		return Report{}, err
	}
	report := Report{State: state.URL, At: o.Now().UTC(), Verified: o.Verify, Incomplete: state.Incomplete}
	report.Clusters = o.results(ctx, state, report.At)
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("check the state store %s: %w", state.URL, err)
	}
	for _, r := range report.Clusters {
		report.ExitCode = decide.Worse(report.ExitCode, r.ExitCode)
	}
	if report.Incomplete != "" {
		report.ExitCode = decide.Worse(report.ExitCode, decide.UnprovenOutcome)
	}
	return report, nil
}

// knownEndpoints refuses endpoints of an etcd cluster that there is not: they
// would not be asked, and their silence not be noticed.
func (o Options) knownEndpoints(state *statestore.State) error {
	var names []string
	for _, c := range state.Clusters {
		for _, e := range c.Etcds {
			names = append(names, e.Name)
		}
	}
	for etcd := range o.Endpoints {
		if !slices.Contains(names, etcd) {
			return fmt.Errorf("%w: %s has no etcd cluster %q; it has %s", ErrEndpoints, o.Name, etcd, strings.Join(names, ", "))
		}
	}
	return nil
}

func (o Options) tellReading(p statestore.Progress) {
	stage := "listing"
	if p.Total > 0 {
		stage = "reading"
	}
	o.Progress(Progress{Stage: stage, Keys: p.Keys, Done: p.Done, Total: p.Total})
}

// results looks at what needs more than the small files, several at once.
func (o Options) results(ctx context.Context, state *statestore.State, now time.Time) []Result {
	type job struct {
		cluster *statestore.Cluster
		etcd    *statestore.Etcd
	}
	var jobs []job
	for _, c := range state.Clusters {
		for _, e := range c.Etcds {
			jobs = append(jobs, job{c, e})
		}
	}
	results := make([]Result, len(jobs))
	opening, buckets := make(chan struct{}, verifiers), &buckets{find: o.Inspect, asked: map[string]func() bucket{}}
	var mu sync.Mutex
	done := 0
	var group errgroup.Group
	group.SetLimit(o.Parallel)
	for i, j := range jobs {
		group.Go(func() error {
			l := look{Options: o, state: state, cluster: j.cluster, etcd: j.etcd, now: now, opening: opening, buckets: buckets}
			results[i] = l.result(ctx)
			mu.Lock()
			defer mu.Unlock()
			done++
			o.Progress(Progress{Stage: "looking at backups", Keys: state.Keys, Done: done, Total: len(jobs)})
			return nil
		})
	}
	_ = group.Wait() // no goroutine gives an error
	return results
}

// look is the look at one etcd cluster.
type look struct {
	Options
	state   *statestore.State
	cluster *statestore.Cluster
	etcd    *statestore.Etcd
	now     time.Time
	opening chan struct{} // whoever opens snapshots holds a place in it
	buckets *buckets
}

func (l look) result(ctx context.Context) Result {
	backups := l.backups(ctx)
	evidence := l.evidence(ctx)
	evidence.Backups = backups.state
	settings := l.inspect(ctx)
	evidence.PutBack = settings.putBack
	d := decide.Decide(evidence)
	r := Result{
		Cluster: l.cluster.Name, Etcd: l.etcd.Name,
		Verdict: d.Verdict.State, Action: d.Action, ExitCode: d.ExitCode, Sentence: d.Sentence,
		BackupStore: l.etcd.Base, Backups: l.etcd.Shelf.Count,
		LastValidBackup: backups.lastValid, NewestBackup: backups.newest,
		Threats: d.Threats, Advice: d.Advice, Digest: d.Digest,
		Evidence: evidence, Decision: d,
	}
	r.Threats = append(r.Threats, l.backupThreats(backups, d)...)
	if n := l.etcd.Shelf.Commands; n > 0 {
		r.Threats = append(r.Threats, decide.Threat{Kind: QueuedCommand,
			Sentence: fmt.Sprintf("Commands are queued for etcd-manager (%d): when its leader next starts, it restores a backup over the cluster as it is then.", n)})
	}
	r.Threats = append(append(r.Threats, l.unread()...), settings.threats...)
	r.Advice = append(r.Advice, settings.advice...)
	slices.SortStableFunc(r.Threats, func(a, b decide.Threat) int { return cmp.Compare(rank(a.Kind), rank(b.Kind)) })
	if r.Threats == nil {
		r.Threats = []decide.Threat{}
	}
	if r.Advice == nil {
		r.Advice = []decide.Step{}
	}
	return r
}

// worst are the kinds of threats that stand first in a result, in this order.
var worst = []string{
	decide.LiveNotKnown, QueuedCommand, LifecycleControl, decide.SharedPath, decide.LiveEmpty, BackupOther, BackupsStopped, NoBackup,
	decide.ManagerStuck, PublicAccess,
}

func rank(kind string) int {
	if i := slices.Index(worst, kind); i >= 0 {
		return i
	}
	return len(worst)
}
