package store

import (
	"context"
	"io"
	"iter"
	"maps"
	"sync"
)

// Counter counts the calls to one or more stores, by name of the call. The
// zero value is ready.
type Counter struct {
	mu sync.Mutex
	by map[string]int
}

// By gives the number of calls of each name so far.
func (c *Counter) By() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}

// Total is the number of all calls so far.
func (c *Counter) Total() int {
	total := 0
	for _, n := range c.By() {
		total += n
	}
	return total
}

// Reset begins anew.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = nil
}

func (c *Counter) add(op string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]int{}
	}
	c.by[op]++
}

// Counted is s with each call counted in c. A listing counts once, however
// many pages it has.
func Counted(s Store, c *Counter) Store { return &counted{s, c} }

type counted struct {
	Store
	counter *Counter
}

func (c *counted) Unwrap() Store { return c.Store }

func (c *counted) Stat(ctx context.Context, key string) (Info, error) {
	c.counter.add(OpStat)
	return c.Store.Stat(ctx, key)
}

func (c *counted) Open(ctx context.Context, key string, r Range) (io.ReadCloser, Info, error) {
	c.counter.add(OpOpen)
	return c.Store.Open(ctx, key, r)
}

func (c *counted) Put(ctx context.Context, key string, r io.Reader, cond Condition) (Info, error) {
	c.counter.add(OpPut)
	return c.Store.Put(ctx, key, r, cond)
}

func (c *counted) List(ctx context.Context, prefix, after string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		c.counter.add(OpList)
		c.Store.List(ctx, prefix, after)(yield)
	}
}

func (c *counted) Delete(ctx context.Context, key string, v Version) error {
	c.counter.add(OpDelete)
	return c.Store.Delete(ctx, key, v)
}
