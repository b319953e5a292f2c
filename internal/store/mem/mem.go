// Package mem is a store in memory, for tests. It enforces conditional writes
// and can be made to fail as real stores do. It must never be offered to a
// user: what it holds dies with the process.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

var _ store.Store = (*Store)(nil)

// Hook is asked before each call (op as store.OpPut and so on). Its error
// becomes that of the call, which then has no effect. It may wait for ctx.
type Hook func(ctx context.Context, op, key string) error

// Store is one place in memory, safe for concurrent use.
type Store struct {
	name string

	mu         sync.Mutex
	objects    map[string]object
	generation int
	gone       bool
	hook       Hook
	now        func() time.Time
}

type object struct {
	content []byte
	info    store.Info
}

// New makes an empty place named mem://name.
func New(name string) *Store {
	return &Store{name: name, objects: map[string]object{}, now: time.Now}
}

// SetGone makes the place vanish or come back with what it held: while it is
// gone every call gives store.ErrNoPlace.
func (s *Store) SetGone(gone bool) { s.mu.Lock(); defer s.mu.Unlock(); s.gone = gone }

// SetHook sets or, with nil, clears the hook.
func (s *Store) SetHook(h Hook) { s.mu.Lock(); defer s.mu.Unlock(); s.hook = h }

// SetClock sets the clock that stamps objects.
func (s *Store) SetClock(now func() time.Time) { s.mu.Lock(); defer s.mu.Unlock(); s.now = now }

// Empty removes every object, as somebody with the right to do so would.
func (s *Store) Empty() { s.mu.Lock(); defer s.mu.Unlock(); clear(s.objects) }

func (s *Store) URL() string { return "mem://" + s.name }

func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{ConditionalWrites: true, ConditionalDelete: true}
}

func (s *Store) Close() error { return nil }

// enter is the start of every call. On success the lock is held.
func (s *Store) enter(ctx context.Context, op, key string) error {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, op, key); err != nil {
			return fmt.Errorf("%s %s: %w", op, key, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return fmt.Errorf("%s %s: %w", op, key, store.ErrNoPlace)
	}
	return nil
}

func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	found, err := s.find(ctx, store.OpStat, key)
	return found.info, err
}

func (s *Store) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	found, err := s.find(ctx, store.OpOpen, key)
	if err != nil {
		return nil, store.Info{}, err
	}
	offset, length, err := r.Clip(found.info.Size)
	if err != nil {
		return nil, store.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	return io.NopCloser(bytes.NewReader(found.content[offset : offset+length])), found.info, nil
}

func (s *Store) find(ctx context.Context, op, key string) (object, error) {
	if err := store.CheckKey(key); err != nil {
		return object{}, err
	}
	if err := s.enter(ctx, op, key); err != nil {
		return object{}, err
	}
	defer s.mu.Unlock()
	found, ok := s.objects[key]
	if !ok {
		return object{}, fmt.Errorf("%s %s: %w", op, key, store.ErrNotFound)
	}
	return found, nil
}

func (s *Store) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Info{}, err
	}
	content, err := io.ReadAll(store.WithContext(ctx, r))
	if err != nil {
		return store.Info{}, fmt.Errorf("put %s: read the content: %w", key, err)
	}
	if err := s.enter(ctx, store.OpPut, key); err != nil {
		return store.Info{}, err
	}
	defer s.mu.Unlock()
	old, exists := s.objects[key]
	if exists && c.Absent() || c.Version() != "" && old.info.Version != c.Version() {
		return store.Info{}, fmt.Errorf("put %s: %w", key, store.ErrConditionFailed)
	}
	s.generation++
	info := store.Info{
		Key: key, Size: int64(len(content)), Modified: s.now(),
		Version: store.Version(fmt.Sprintf("generation-%d", s.generation)),
	}
	s.objects[key] = object{content: content, info: info}
	return info, nil
}

func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		found, err := s.list(ctx, prefix, after)
		if err != nil {
			yield(store.Info{}, err)
			return
		}
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (s *Store) list(ctx context.Context, prefix, after string) ([]store.Info, error) {
	if err := s.enter(ctx, store.OpList, prefix); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []store.Info
	for key, o := range s.objects {
		if strings.HasPrefix(key, prefix) && key > after {
			found = append(found, o.info)
		}
	}
	slices.SortFunc(found, func(a, b store.Info) int { return strings.Compare(a.Key, b.Key) })
	return found, nil
}

func (s *Store) Delete(ctx context.Context, key string, v store.Version) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if v == "" {
		return fmt.Errorf("delete %s: no version named", key)
	}
	if err := s.enter(ctx, store.OpDelete, key); err != nil {
		return err
	}
	defer s.mu.Unlock()
	found, ok := s.objects[key]
	if !ok {
		return fmt.Errorf("delete %s: %w", key, store.ErrNotFound)
	}
	if found.info.Version != v {
		return fmt.Errorf("delete %s: %w", key, store.ErrConditionFailed)
	}
	delete(s.objects, key)
	return nil
}
