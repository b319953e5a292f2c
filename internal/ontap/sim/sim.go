package sim

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// Simulator is one array, or two that are joined. Its methods may be called
// from any goroutine.
type Simulator struct {
	opts     Options
	release  int
	clusters []*Cluster
	routes   []*resource

	server  *http.Server
	serving sync.WaitGroup
	gate    string
	closed  chan struct{}
	doubts  atomic.Pointer[Doubts]

	mu     sync.Mutex
	world  *world
	dirty  bool // the state file is older than world
	bound  map[string]net.Listener
	pairs  map[string]*tls.Certificate
	faults []*armed
	log    []Request
}

// Cluster is one of the simulator's clusters.
type Cluster struct {
	sim     *Simulator
	index   int
	address string
}

// New starts an array. Where Options.StateFile exists the array of that file
// goes on, with its names and accounts; Options.AdminPassword is set anew.
func New(o Options) (*Simulator, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("simulate an array: %w", err)
	}
	s := &Simulator{
		opts: o, release: query.Release(o.Version), routes: resources(),
		closed: make(chan struct{}),
		bound:  map[string]net.Listener{}, pairs: map[string]*tls.Certificate{},
	}
	s.doubts.Store(&o.Doubts)
	for i := range o.Clusters {
		s.clusters = append(s.clusters, &Cluster{sim: s, index: i})
	}
	if err := s.loadOrBuild(); err != nil {
		return nil, fmt.Errorf("simulate an array: %w", err)
	}
	s.server = &http.Server{
		Handler: s,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if t, ok := c.(*tls.Conn); ok {
				return context.WithValue(ctx, connKey{}, t.NetConn())
			}
			return ctx
		},
		ErrorLog: quiet(o.Log),
	}
	if err := s.listen(); err != nil {
		s.Close()
		return nil, fmt.Errorf("simulate an array: %w", err)
	}
	return s, nil
}

func (s *Simulator) listen() error {
	for i := range s.clusters {
		if err := s.listenCluster(i); err != nil {
			return err
		}
	}
	if err := s.listenGate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bindLIFs()
	return nil
}

// Close ends all connections and listeners. What was kept in a file stays.
func (s *Simulator) Close() {
	s.mu.Lock()
	if !s.isClosed() {
		close(s.closed)
	}
	s.mu.Unlock()
	_ = s.server.Close() // every listener and connection is closed with it
	s.serving.Wait()     // and nothing is written to the state file after this
}

// isClosed says whether Close has begun. The lock is held.
func (s *Simulator) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Cluster gives a cluster by its index, from 0.
func (s *Simulator) Cluster(i int) *Cluster { return s.clusters[i] }

// Clusters says how many clusters there are.
func (s *Simulator) Clusters() int { return len(s.clusters) }

// URL is where the cluster's LIF listens, without a path.
func (c *Cluster) URL() string { return "https://" + c.address }

// CA is the PEM certificate that the cluster presents and signed itself.
func (c *Cluster) CA() []byte { return c.sim.world.Sites[c.index].Keys.Cert }

// UUID is the cluster's own.
func (c *Cluster) UUID() string { return c.sim.world.Sites[c.index].UUID }

// Name is the cluster's name.
func (c *Cluster) Name() string { return c.sim.world.Sites[c.index].Name }

// Credentials are those of the cluster's administrator.
func (c *Cluster) Credentials() (user, password string) {
	return c.sim.opts.AdminUser, c.sim.opts.AdminPassword
}

// Version is the release that the array says it runs.
func (s *Simulator) Version() string { return s.opts.Version }

// newUUID makes a random id in the usual form.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newObject numbers and names what is made. The lock is held.
func (w *world) newObject() object {
	w.Seq++
	return object{Seq: w.Seq, UUID: newUUID()}
}
