package watch

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/seedproof/seedproof/internal/store"
)

// The classes of errors of a store.
const (
	errorDenied  = "denied"
	errorNoPlace = "no-place"
	errorTimeout = "timeout"
	errorCut     = "cut"
	errorOther   = "other"
)

func errorClasses() []string {
	return []string{errorDenied, errorNoPlace, errorTimeout, errorCut, errorOther}
}

// classOf is the class of an error of a store; "" where it is none, or where
// the store did answer: that an object is not there is an answer.
func classOf(err error) string {
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrTooLarge), errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, store.ErrDenied):
		return errorDenied
	case errors.Is(err, store.ErrNoPlace):
		return errorNoPlace
	case errors.Is(err, context.DeadlineExceeded):
		return errorTimeout
	case errors.Is(err, store.ErrCut), errors.Is(err, io.ErrUnexpectedEOF):
		return errorCut
	}
	return errorOther
}

// noted is a store whose errors are counted, and whose markers are noted.
type noted struct {
	store.Store
	count   func(class string)
	markers *markers
}

// Unwrap gives the store itself, for those who ask what kind it is.
func (s *noted) Unwrap() store.Store { return s.Store }

func (s *noted) note(err error) {
	if class := classOf(err); class != "" {
		s.count(class)
	}
}

func (s *noted) Stat(ctx context.Context, key string) (store.Info, error) {
	info, err := s.Store.Stat(ctx, key)
	s.note(err)
	return info, err
}

func (s *noted) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	body, info, err := s.Store.Open(ctx, key, r)
	s.note(err)
	if err == nil {
		body = s.markers.over(body, s.URL(), key, info)
	}
	return body, info, err
}

func (s *noted) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range s.Store.List(ctx, prefix, after) {
			s.note(err)
			if !yield(info, err) {
				return
			}
		}
	}
}

// unwrapped is the store under what this package lays over it.
func unwrapped(s store.Store) store.Store {
	if n, ok := s.(*noted); ok {
		return n.Store
	}
	return s
}
