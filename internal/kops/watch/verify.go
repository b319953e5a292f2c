package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/store"
)

// onceVerifier opens each version of a backup once. What it could not read it
// tries again; what held, or was damaged, it remembers for as long as it is
// asked for it.
type onceVerifier struct {
	inner kops.Verifier
	slow  func(ctx context.Context, s store.Store) store.Store // bounds the bandwidth
	told  func(state kops.BackupState)

	mu    sync.Mutex
	known map[string]remembered // of the cluster that is looked at
	asked map[string]remembered // in this look
}

// remembered is what one version of a backup was found to be.
type remembered struct {
	version store.Version
	held    kops.Snapshot
	err     error // nil, or of a damaged one
}

// begin starts a look at a cluster with what is known of its backups; end gives
// what is known now. Nobody else's is kept meanwhile.
func (v *onceVerifier) begin(known map[string]remembered) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known, v.asked = known, map[string]remembered{}
}

func (v *onceVerifier) end() map[string]remembered {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

// Verify implements kops.Verifier.
func (v *onceVerifier) Verify(ctx context.Context, s store.Store, key string) (kops.Snapshot, error) {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return kops.Snapshot{}, fmt.Errorf("look at backup %s before it is opened: %w", key, err)
	}
	name := s.URL() + "\x00" + key
	v.mu.Lock()
	before, found := v.known[name]
	v.mu.Unlock()
	if found && before.version == info.Version {
		v.keep(name, before)
		return before.held, before.err
	}
	watched := &versioned{Store: v.slow(ctx, s)}
	held, err := v.inner.Verify(ctx, watched, key)
	switch {
	case err == nil:
		v.told(kops.Holds)
	case errors.Is(err, kops.ErrDamaged):
		v.told(kops.Damaged)
	default:
		v.told(kops.Unread)
		return held, err
	}
	v.keep(name, remembered{watched.version(), held, err})
	return held, err
}

func (v *onceVerifier) keep(name string, r remembered) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked[name] = r
}

// versioned notes which version was opened: between a look and the opening an
// object may be replaced.
type versioned struct {
	store.Store
	mu   sync.Mutex
	last store.Version
}

func (s *versioned) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	body, info, err := s.Store.Open(ctx, key, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = info.Version
	return body, info, err
}

func (s *versioned) version() store.Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// pieceBytes is how much of a backup is read at once: small, so that a bounded
// reader never looks like a store that hangs.
const pieceBytes = 64 << 10

// pacer bounds the bytes per second of all readers together.
type pacer struct {
	clock  flow.Clock
	perSec int64
	count  func(n int)

	mu   sync.Mutex
	free time.Time // when the next piece may be read
}

// wait takes n bytes and returns when they may be read.
func (p *pacer) wait(ctx context.Context, n int) error {
	if p.perSec <= 0 || n == 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := p.clock.Now()
	if p.free.Before(now) {
		p.free = now
	}
	pause := p.free.Sub(now)
	p.free = p.free.Add(time.Duration(int64(n) * int64(time.Second) / p.perSec))
	p.mu.Unlock()
	if pause <= 0 {
		return ctx.Err()
	}
	return p.clock.Sleep(ctx, pause)
}

// over is s with the reading of objects bounded.
func (p *pacer) over(_ context.Context, s store.Store) store.Store { return &paced{s, p} }

type paced struct {
	store.Store
	pacer *pacer
}

func (s *paced) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	body, info, err := s.Store.Open(ctx, key, r)
	if err != nil {
		return body, info, err
	}
	return &pacedBody{body, ctx, s.pacer}, info, nil
}

type pacedBody struct {
	io.ReadCloser
	ctx   context.Context //nolint:containedctx // that of the Open whose stream this is
	pacer *pacer
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if len(p) > pieceBytes {
		p = p[:pieceBytes]
	}
	n, err := b.ReadCloser.Read(p)
	b.pacer.count(n)
	if wait := b.pacer.wait(b.ctx, n); wait != nil && err == nil {
		err = wait
	}
	return n, err
}
