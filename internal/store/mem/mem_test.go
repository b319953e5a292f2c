package mem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/store/storetest"
)

func open(t *testing.T) store.Store { return mem.New(t.Name()) }

func TestConformance(t *testing.T) {
	storetest.Run(t, open, storetest.Options{MissingPlace: func(t *testing.T) store.Store {
		s := mem.New("missing")
		s.SetGone(true)
		return s
	}})
}

func TestConformanceUnderWrappers(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return store.Counted(store.WithFaults(open(t), nil), new(store.Counter))
	})
}

func TestMarks(t *testing.T) { storetest.RunMarks(t, open) }

func TestHook(t *testing.T) {
	s := mem.New("hooked")
	if _, err := store.Create(t.Context(), s, "key", []byte("content")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("500 Internal Server Error")
	for reason, test := range map[string]struct {
		hook mem.Hook
		want error
	}{
		"403":              {func(context.Context, string, string) error { return fmt.Errorf("403: %w", store.ErrDenied) }, store.ErrDenied},
		"500":              {func(context.Context, string, string) error { return broken }, broken},
		"never answers":    {func(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }, context.Canceled},
		"another key only": {func(_ context.Context, _, key string) error { return map[string]error{"other": broken}[key] }, nil},
	} {
		s.SetHook(test.hook)
		ctx, cancel := context.WithCancel(t.Context())
		if reason == "never answers" {
			cancel()
		}
		if _, err := s.Stat(ctx, "key"); !errors.Is(err, test.want) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v; want %v", reason, err, test.want)
		}
		cancel()
	}
	s.SetHook(nil)
	if _, err := s.Stat(t.Context(), "key"); err != nil {
		t.Errorf("after the hook: %v", err)
	}
	s.SetGone(true)
	if _, err := s.Stat(t.Context(), "key"); !errors.Is(err, store.ErrNoPlace) {
		t.Errorf("gone: %v; want ErrNoPlace", err)
	}
	s.SetGone(false)
	s.Empty()
	if _, err := s.Stat(t.Context(), "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("emptied: %v; want ErrNotFound", err)
	}
}
