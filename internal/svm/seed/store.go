package seed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
)

// DefaultTimeout is how long one call may take, its repetitions included.
const DefaultTimeout = 10 * time.Second

// Options say which API server and which namespace. What is left out takes the
// default named.
type Options struct {
	Config    *rest.Config  // see LoadConfig
	Namespace string        // of the records, claims, pins and words
	Clock     flow.Clock    // default the machine's
	Timeout   time.Duration // default DefaultTimeout
	Observer  Observer      // default nobody
	Log       *slog.Logger  // default none
	Faults    *fault.Injector
}

// Store is one namespace of one cluster, and the Secrets in any namespace of
// it. Many goroutines may use it.
//
// It speaks plain HTTP through the transport that client-go makes of a
// configuration, and not through client-go's requests: those repeat by
// themselves, read bodies without a bound, can be made to log the bodies of
// Secrets, and make a "not found" out of any answer with status 404.
type Store struct {
	o    Options
	base *url.URL
	rt   http.RoundTripper

	mu     sync.Mutex
	events map[string]sentEvent
}

// New makes a Store. It asks nobody.
func New(o Options) (*Store, error) {
	if o.Config == nil {
		return nil, errors.New("seed: a configuration of a Kubernetes client is needed")
	}
	if !isLabel(o.Namespace) {
		return nil, fmt.Errorf("seed: %q is not the name of a namespace", o.Namespace)
	}
	if o.Clock == nil {
		o.Clock = flow.RealClock{}
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	base, _, err := rest.DefaultServerUrlFor(o.Config)
	if err != nil {
		return nil, fmt.Errorf("seed: address of the API server: %w", err)
	}
	rt, err := rest.TransportFor(o.Config)
	if err != nil {
		return nil, fmt.Errorf("seed: connection to the API server: %w", err)
	}
	return &Store{o: o, base: base, rt: WithFaults(rt, o.Faults), events: map[string]sentEvent{}}, nil
}

// Namespace is where the records lie.
func (s *Store) Namespace() string { return s.o.Namespace }

// detached is a context for finding out how a call ended, also when nobody
// waits for it any more.
func (s *Store) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
}
