package watch

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// maxBuckets bounds how many buckets' settings are remembered.
const maxBuckets = 200

// buckets remembers what buckets said of themselves: a bucket that does not
// answer today has the rules of yesterday, not none.
type buckets struct {
	find func(ctx context.Context, s store.Store) (lifecycle.Inspector, error)
	now  func() time.Time

	mu    sync.Mutex
	known map[string]*bucketMemory // by the store's URL
}

type bucketMemory struct {
	said  lifecycle.Inspection // the last answers
	stale time.Time            // since when one of them is from memory
}

// inspector finds who can ask the bucket of s, and lets what was last known
// stand in for what it does not answer.
func (b *buckets) inspector(ctx context.Context, s store.Store) (lifecycle.Inspector, error) {
	s = unwrapped(s)
	asker, err := b.find(ctx, s)
	if err != nil || asker == nil {
		return nil, err
	}
	return &remembering{Inspector: asker, memory: b, url: s.URL()}, nil
}

type remembering struct {
	lifecycle.Inspector
	memory *buckets
	url    string
}

// Inspect asks, and remembers.
func (r *remembering) Inspect(ctx context.Context) lifecycle.Inspection {
	said := r.Inspector.Inspect(ctx)
	return r.memory.merge(r.url, said)
}

func (b *buckets) merge(url string, said lifecycle.Inspection) lifecycle.Inspection {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.known[url]
	if m == nil {
		if len(b.known) >= maxBuckets {
			return said
		}
		m = &bucketMemory{}
		b.known[url] = m
	}
	var silent bool
	said.Lifecycle = lastKnown(m.said.Lifecycle, said.Lifecycle, &silent)
	said.Versioning = lastKnown(m.said.Versioning, said.Versioning, &silent)
	said.ObjectLock = lastKnown(m.said.ObjectLock, said.ObjectLock, &silent)
	said.PublicBlock = lastKnown(m.said.PublicBlock, said.PublicBlock, &silent)
	said.PublicPolicy = lastKnown(m.said.PublicPolicy, said.PublicPolicy, &silent)
	m.said = said
	switch {
	case !silent:
		m.stale = time.Time{}
	case m.stale.IsZero():
		m.stale = b.now()
	}
	return said
}

// lastKnown is the answer that stands. silent is set where it is from memory.
// What the server does not offer is an answer too.
func lastKnown[T any](old, now lifecycle.Answer[T], silent *bool) lifecycle.Answer[T] {
	if now.State != lifecycle.Unknown || old.State == lifecycle.Unknown || errors.Is(now.Err, lifecycle.ErrNotOffered) {
		return now
	}
	*silent = true
	return old
}

// stale are the buckets whose settings are from memory, and since when.
func (b *buckets) stale() map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]time.Time{}
	for url, m := range maps.All(b.known) {
		if !m.stale.IsZero() {
			all[url] = m.stale
		}
	}
	return all
}
