package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// wire is the connection of one controller to whatever instance of an agent
// runs. It breaks when that crashes.
type wire struct {
	s      *stage
	name   string
	faults *fault.Injector
	limit  time.Duration

	mu     sync.Mutex
	to     *instance
	client *agent.Client
}

var errBroken = errors.New("connection refused")

func (w *wire) connect() (*instance, *agent.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.s.instance(w.name)
	if now == nil {
		return nil, nil, errBroken
	}
	if now != w.to {
		if w.client != nil {
			_ = w.client.Close()
		}
		var err error
		if w.client, err = agent.Dial(w.name, now.addr, nil, w.faults); err != nil {
			return nil, nil, err
		}
		w.to = now
	}
	return w.to, w.client, nil
}

func (w *wire) call(ctx context.Context, op string, do func(context.Context, *agent.Client) error) error {
	w.s.endlessCall(ctx, "agent "+op)
	to, client, err := w.connect()
	if err != nil {
		return err
	}
	if w.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.limit)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- do(ctx, client) }()
	select {
	case err := <-done:
		return err
	case <-to.dead:
		return fmt.Errorf("%s: connection reset: %w", w.name, errBroken)
	}
}

func (w *wire) act(ctx context.Context, op string, do func(context.Context, *agent.Client) error) error {
	w.s.acts.Add(1)
	return w.call(ctx, op, do)
}

func (w *wire) Testify(ctx context.Context) (agent.Testimony, error) {
	var got agent.Testimony
	var mu sync.Mutex // an answer may come after the connection broke
	err := w.call(ctx, "Testify", func(ctx context.Context, c *agent.Client) error {
		t, err := c.Testify(ctx)
		mu.Lock()
		defer mu.Unlock()
		got = t
		return err
	})
	mu.Lock()
	defer mu.Unlock()
	return got, err
}

func (w *wire) Hear(ctx context.Context, l agent.Lease) error {
	return w.call(ctx, "Hear", func(ctx context.Context, c *agent.Client) error { return c.Hear(ctx, l) })
}

func (w *wire) NoteClaim(ctx context.Context, l agent.Lease, claim decide.Claim, spec []byte, control, backup *store.Remembered) error {
	return w.act(ctx, "NoteClaim", func(ctx context.Context, c *agent.Client) error {
		return c.NoteClaim(ctx, l, claim, spec, control, backup)
	})
}

func (w *wire) StartClaimed(ctx context.Context, l agent.Lease, claim decide.Claim) error {
	return w.act(ctx, "StartClaimed", func(ctx context.Context, c *agent.Client) error { return c.StartClaimed(ctx, l, claim) })
}

func (w *wire) StartJoining(ctx context.Context, l agent.Lease, j agent.Joining) error {
	return w.act(ctx, "StartJoining", func(ctx context.Context, c *agent.Client) error { return c.StartJoining(ctx, l, j) })
}

func (w *wire) Start(ctx context.Context, l agent.Lease) error {
	return w.act(ctx, "Start", func(ctx context.Context, c *agent.Client) error { return c.Start(ctx, l) })
}

func (w *wire) Retire(ctx context.Context, l agent.Lease, r agent.Retiring) error {
	return w.act(ctx, "Retire", func(ctx context.Context, c *agent.Client) error { return c.Retire(ctx, l, r) })
}

func (w *wire) Adopt(ctx context.Context, l agent.Lease, identity, was proof.Identity) error {
	return w.act(ctx, "Adopt", func(ctx context.Context, c *agent.Client) error { return c.Adopt(ctx, l, identity, was) })
}

func (w *wire) Remember(ctx context.Context, l agent.Lease, r agent.Remembering) error {
	return w.act(ctx, "Remember", func(ctx context.Context, c *agent.Client) error { return c.Remember(ctx, l, r) })
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client == nil {
		return nil
	}
	return w.client.Close()
}

// endlessCall notes a call that a silent other side would hold for ever.
func (s *stage) endlessCall(ctx context.Context, what string) {
	streamed := strings.HasSuffix(what, "/etcd.backup.gz") // ended by what watches the member meanwhile
	if _, ends := ctx.Deadline(); !ends && !streamed {
		s.endless.Store(what, true)
	}
}

// limited bounds each call to a store.
type limited struct {
	store.Store
	s     *stage
	limit time.Duration
}

func (l *limited) Unwrap() store.Store { return l.Store }

func (l *limited) bound(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	l.s.endlessCall(ctx, "store "+what)
	if l.limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, l.limit)
}

func (l *limited) Stat(ctx context.Context, key string) (store.Info, error) {
	ctx, cancel := l.bound(ctx, "stat "+key)
	defer cancel()
	return l.Store.Stat(ctx, key)
}

func (l *limited) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	ctx, cancel := l.bound(ctx, "open "+key)
	defer cancel()
	return l.Store.Open(ctx, key, r) // a body in memory is read without the context
}

func (l *limited) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	ctx, cancel := l.bound(ctx, "put "+key)
	defer cancel()
	return l.Store.Put(ctx, key, r, c)
}

func (l *limited) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		ctx, cancel := l.bound(ctx, "list")
		defer cancel()
		l.Store.List(ctx, prefix, after)(yield)
	}
}

func (l *limited) Delete(ctx context.Context, key string, v store.Version) error {
	ctx, cancel := l.bound(ctx, "delete "+key)
	defer cancel()
	return l.Store.Delete(ctx, key, v)
}

// spied is a store that remembers what was written, but for the lease.
type spied struct {
	store.Store
	mu       sync.Mutex
	writes   []string
	attempts map[string]bool // of every claim that was ever written
}

func (s *spied) note(key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == lead.Key {
		return
	}
	s.writes = append(s.writes, key)
	var claim record.ClaimDoc
	if key == record.ClaimKey && json.Unmarshal(content, &claim) == nil {
		if s.attempts == nil {
			s.attempts = map[string]bool{}
		}
		s.attempts[claim.Claim.Attempt] = true
	}
}

func (s *spied) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.writes...)
}

func (s *spied) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	info, err := s.Store.Put(ctx, key, bytes.NewReader(content), c)
	if err == nil {
		s.note(key, content)
	}
	return info, err
}

func (s *spied) Delete(ctx context.Context, key string, v store.Version) error {
	err := s.Store.Delete(ctx, key, v)
	if err == nil {
		s.note(key, nil)
	}
	return err
}
