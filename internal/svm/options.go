package svm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// maxTries is one below the failures after which an array locks an account.
const maxTries = 4

// Policy is what was configured for all SVMs. Zero values take DefaultPolicy's,
// save Credentials.Unlock, which is taken as it is where anything else of the
// credentials is set.
type Policy struct {
	Credentials decide.CredentialPolicy
	// StuckAfter is how long an SVM may be initializing before it is looked at
	// as stuck.
	StuckAfter time.Duration
	// WaitLimit is how long a step may wait for something before that is told to
	// a person. It goes on waiting.
	WaitLimit time.Duration
	// UnreachableFor is how long an SVM whose management interface could not be
	// reached from here counts as unreachable before a login is tried again.
	UnreachableFor time.Duration
	// StepTimeout bounds each look and each act.
	StepTimeout time.Duration
	// Workers are how many SVMs a cycle reconciles at once.
	Workers int
	// CollectTimeout bounds what a cycle asks of one array, or of the seed, for all
	// SVMs together.
	CollectTimeout time.Duration
}

// DefaultPolicy waits as long as an array may need, and logs in once an hour.
func DefaultPolicy() Policy {
	return Policy{
		Credentials: decide.CredentialPolicy{
			Unlock: true, VerifyEvery: time.Hour, TryEvery: 15 * time.Minute, MaxTries: 3,
			LockTime: time.Hour, Grace: 24 * time.Hour,
		},
		StuckAfter: 15 * time.Minute, WaitLimit: 5 * time.Minute, UnreachableFor: 15 * time.Minute, StepTimeout: 10 * time.Minute,
		Workers: 8, CollectTimeout: 2 * time.Minute,
	}
}

// Traces gives what an SVM left behind in the shoots. One that cannot be asked
// is a trace whose finding is Unknown.
type Traces func(ctx context.Context, name string) []decide.Trace

// Options are what a Reconciler needs.
type Options struct {
	// Arrays are all that are configured.
	Arrays []look.Array
	Seed   *seed.Store
	Traces Traces // nil: there are no shoots that could have some

	Policy   Policy
	Backoff  flow.Backoff
	Clock    flow.Clock
	Observer flow.Observer
	Tried    func(credential.Tried) // hears of each login; nil: nobody does
	Log      *slog.Logger
	Rand     func() float64
	// Nonce and NewPassword are for tests; nil takes random ones.
	Nonce       func() string
	NewPassword credential.Generator
}

// Reconciler brings SVMs to what is wanted of them. It may be used by many
// goroutines; passes of one SVM run one after the other.
type Reconciler struct {
	o       Options
	runner  *flow.Runner
	carrier credential.Carrier
	events  *events

	mu          sync.Mutex
	waiting     map[string]map[string]waiting // by SVM and step
	unreachable map[string]time.Time          // UUID of an SVM to when its management interface was not reached

	cycling  sync.Mutex           // held by a cycle
	memories map[string]*memory   // by SVM; under mu
	silent   map[string]time.Time // array to when a cycle first found it silent; under cycling
	doubled  map[string]bool      // SVMs that several objects named; under cycling
}

// waiting is for what a step waits, and since when.
type waiting struct {
	what  string
	since time.Time
}

// New makes a Reconciler. It asks nobody.
func New(o Options) (*Reconciler, error) {
	if len(o.Arrays) == 0 {
		return nil, errors.New("no array is configured: at least one is needed")
	}
	if o.Seed == nil {
		return nil, errors.New("the Kubernetes API of the seed is not configured")
	}
	if o.Clock == nil {
		o.Clock = flow.RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Nonce == nil {
		o.Nonce = newNonce
	}
	if o.NewPassword == nil {
		o.NewPassword = credential.NewPassword
	}
	o.Policy = o.Policy.filled()
	r := &Reconciler{o: o, waiting: map[string]map[string]waiting{}, unreachable: map[string]time.Time{}, memories: map[string]*memory{}, doubled: map[string]bool{}}
	r.carrier = credential.Carrier{Secrets: o.Seed, Clock: o.Clock, NewPassword: o.NewPassword, Log: o.Log, Tried: o.Tried}
	r.events = &events{seed: o.Seed, log: o.Log}
	observers := flow.Observers{r.events}
	if o.Observer != nil {
		observers = append(observers, o.Observer)
	}
	// Every act is a conditional write that names its attempt, or is noted in
	// claim, record or Secret before: they are the journal and the lock.
	r.runner = &flow.Runner{Clock: o.Clock, Observer: observers, Backoff: o.Backoff, Journal: flow.NopJournal{}, Rand: o.Rand, StepTimeout: o.Policy.StepTimeout}
	return r, nil
}

func (p Policy) filled() Policy {
	def := DefaultPolicy()
	if p.Credentials == (decide.CredentialPolicy{}) {
		p.Credentials = def.Credentials
	}
	if p.Credentials.MaxTries <= 0 || p.Credentials.MaxTries > maxTries {
		p.Credentials.MaxTries = def.Credentials.MaxTries
	}
	for _, f := range []struct{ have, want *time.Duration }{
		{&p.Credentials.VerifyEvery, &def.Credentials.VerifyEvery}, {&p.Credentials.TryEvery, &def.Credentials.TryEvery},
		{&p.Credentials.LockTime, &def.Credentials.LockTime}, {&p.Credentials.Grace, &def.Credentials.Grace},
		{&p.StuckAfter, &def.StuckAfter}, {&p.WaitLimit, &def.WaitLimit},
		{&p.UnreachableFor, &def.UnreachableFor}, {&p.StepTimeout, &def.StepTimeout}, {&p.CollectTimeout, &def.CollectTimeout},
	} {
		if *f.have <= 0 {
			*f.have = *f.want
		}
	}
	if p.Workers <= 0 {
		p.Workers = def.Workers
	}
	return p
}

// newNonce is 16 digits of hexadecimal, as a mark bears it.
func newNonce() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}

// array finds a configured array.
func (r *Reconciler) array(name string) (look.Array, bool) {
	for _, a := range r.o.Arrays {
		if a.Name == name {
			return a, true
		}
	}
	return look.Array{}, false
}
