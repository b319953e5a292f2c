package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const (
	// DefaultInterval is the time from the start of one pass to the next.
	DefaultInterval = time.Minute
	// jitter is the share of each pause that is taken off at random, so that
	// several watches do not ask at the same moments.
	jitter = 0.1
	// slowest is the longest pause after passes that failed, in intervals.
	slowest = 5
	// passIntervals and shortestLimit bound one pass.
	passIntervals = 10
	shortestLimit = 10 * time.Minute
	// keptTurns is how many turns the status shows.
	keptTurns = 100
)

// Config says what to watch, and how.
type Config struct {
	// Check is what a pass looks at and how; Now, Verify and Progress are the
	// watch's own. Its Verifier opens backups.
	Check kops.Options
	// Interval is the time from the start of one pass to the next.
	Interval time.Duration
	// VerifyEvery is how often the newest backups of each cluster are opened; 0
	// is never.
	VerifyEvery time.Duration
	// VerifyBytesPerSecond bounds the reading of backups; 0 does not.
	VerifyBytesPerSecond int64
	// Acknowledged is the file in which a person lets go of clusters that have
	// vanished; "" is none.
	Acknowledged string
}

// Deps are whom a watch talks to.
type Deps struct {
	Clock   flow.Clock
	Log     *slog.Logger
	Metrics *telemetry.KopsMetrics
	// Random gives numbers from 0 to 1, for jitter; nil is math/rand.
	Random func() float64
}

// Words are those that stand in the labels of the metrics.
func Words() telemetry.KopsWords {
	words := telemetry.KopsWords{
		Turns: turnWords(), Passes: []string{passComplete, passIncomplete, passNothing, passFailed}, StoreErrors: errorClasses(),
		Openings: []string{string(kops.Holds), string(kops.Damaged), string(kops.Unread)},
	}
	for _, a := range decide.Actions() {
		words.Actions = append(words.Actions, string(a))
	}
	for _, b := range []decide.BackupState{decide.BackupsUnknown, decide.BackupsNone, decide.BackupsStale, decide.BackupsRecent} {
		words.Backups = append(words.Backups, b.String())
	}
	for _, s := range []kops.BackupState{kops.NotOpened, kops.Incomplete, kops.Holds, kops.Damaged, kops.OtherCluster, kops.Unread} {
		words.BackupStates = append(words.BackupStates, string(s))
	}
	return words
}

// Watcher watches one state store. Run it once.
type Watcher struct {
	conf     Config
	deps     Deps
	buckets  *buckets
	markers  *markers
	verifier *onceVerifier
	started  time.Time
	limit    time.Duration // of one pass

	mu       sync.Mutex
	book     *book
	last     passNote
	success  time.Time // when the store last answered
	failures int       // passes without an answer, in a row
	beat     time.Time // when the loop was last seen alive
	turns    []Turn    // the last ones, the oldest first
	ackWhy   string    // what is wrong with the acknowledgements
	lane     lane
}

// New makes a watch of conf.
func New(conf Config, deps Deps) (*Watcher, error) {
	if conf.Interval <= 0 || conf.VerifyEvery < 0 || conf.VerifyBytesPerSecond < 0 {
		return nil, errors.New("watch a kops state store: the interval must be above zero, and no number below")
	}
	if conf.Check.Open == nil || conf.VerifyEvery > 0 && conf.Check.Verifier == nil {
		return nil, errors.New("watch a kops state store: something to ask with is missing")
	}
	if conf.Check.MaxBackupAge <= 0 {
		conf.Check.MaxBackupAge = kops.DefaultMaxBackupAge
	}
	if deps.Random == nil {
		deps.Random = mathrand.Float64
	}
	w := &Watcher{conf: conf, deps: deps, book: newBook(conf.Check.MaxBackupAge), started: deps.Clock.Now()}
	w.limit = max(passIntervals*conf.Interval, shortestLimit)
	w.beat = w.started
	w.lane.due = map[string]time.Time{}
	w.lane.known = map[string]map[string]remembered{}
	w.prepareCheck()
	deps.Metrics.SetPace(conf.Interval, conf.VerifyEvery, conf.Check.MaxBackupAge)
	return w, nil
}

// prepareCheck puts what counts, remembers and bounds around what asks.
func (w *Watcher) prepareCheck() {
	check := &w.conf.Check
	w.markers = &markers{seen: map[string]string{}}
	w.book.markerOf = w.markers.of
	open := check.Open
	check.Open = func(ctx context.Context, url string) (store.Store, error) {
		s, err := open(ctx, url)
		if err != nil {
			w.deps.Metrics.StoreError(errorOther)
			return nil, err
		}
		return &noted{s, w.deps.Metrics.StoreError, w.markers}, nil
	}
	if check.Inspect != nil {
		w.buckets = &buckets{find: check.Inspect, now: w.deps.Clock.Now, known: map[string]*bucketMemory{}}
		check.Inspect = w.buckets.inspector
	}
	check.Now, check.Progress, check.Verify = w.deps.Clock.Now, nil, false
	pace := &pacer{clock: w.deps.Clock, perSec: w.conf.VerifyBytesPerSecond, count: w.deps.Metrics.VerifyRead}
	w.verifier = &onceVerifier{inner: check.Verifier, slow: pace.over, told: func(s kops.BackupState) { w.deps.Metrics.Opened(string(s)) }}
}

// Run watches until ctx ends, which is no error.
func (w *Watcher) Run(ctx context.Context) error {
	var lanes sync.WaitGroup
	defer lanes.Wait()
	if w.conf.VerifyEvery > 0 {
		lanes.Go(func() { w.openBackups(ctx) })
	}
	for ctx.Err() == nil {
		began := w.deps.Clock.Now()
		w.pass(ctx)
		if err := w.deps.Clock.Sleep(ctx, w.pause(w.deps.Clock.Now().Sub(began))); err != nil {
			break
		}
	}
	return nil
}

// pause is the time to the next pass. A pass that took too long is not made up
// for, and there is always a pause; a store that does not answer is asked less
// often.
func (w *Watcher) pause(took time.Duration) time.Duration {
	w.mu.Lock()
	failures := w.failures
	w.mu.Unlock()
	if failures > 0 {
		backoff := flow.Backoff{Base: w.conf.Interval, Cap: slowest * w.conf.Interval, Factor: 2, Jitter: jitter, EscalateAfter: math.MaxInt}
		return backoff.Delay(failures, w.deps.Random())
	}
	pause := max(w.conf.Interval-took, w.conf.Interval/10)
	return max(pause-time.Duration(float64(pause)*jitter*w.deps.Random()), 1)
}

// Healthy is an error when no pass has ended for far too long: then a restart
// helps. A store that does not answer is no such case.
func (w *Watcher) Healthy() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since := w.deps.Clock.Now().Sub(w.beat); since > w.limit+2*slowest*w.conf.Interval {
		return fmt.Errorf("no pass has ended for %s", since.Round(time.Second))
	}
	return nil
}

// Ready is an error until the first pass has ended.
func (w *Watcher) Ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.id == "" {
		return errors.New("the first pass has not ended yet")
	}
	return nil
}
