package statestore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seedproof/seedproof/internal/store"
)

// stores are those that were opened beside the state store, each once.
type stores struct {
	open  func(ctx context.Context, url string) (store.Store, error)
	mu    sync.Mutex
	byURL map[string]*opened
}

type opened struct {
	store store.Store
	err   error
}

func (s *stores) get(ctx context.Context, url string) (store.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byURL[url]; known != nil {
		return known.store, known.err
	}
	if s.open == nil {
		return nil, errors.New("it is outside the state store, and stores elsewhere are not opened here")
	}
	st, err := s.open(ctx, url)
	if err != nil {
		st, err = nil, fmt.Errorf("open the backup store: %w", err)
	}
	s.byURL[url] = &opened{st, err}
	return st, err
}

func (s *stores) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.byURL {
		if o.store != nil {
			_ = o.store.Close() // nothing was written
		}
	}
	s.byURL = map[string]*opened{}
}
