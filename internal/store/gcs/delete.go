package gcs

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seedproof/seedproof/internal/store"
)

// Delete implements store.Store. It looks first, so that it is Cloud Storage
// that is spoken to (the answer to a delete is empty) and so that gone and
// changed are told apart; the condition closes the gap behind the look. On a
// bucket with versioning the generation stays as a noncurrent one.
func (s *Store) Delete(ctx context.Context, key string, v store.Version) error {
	full, err := s.object(key)
	if err != nil {
		return err
	}
	if v == "" {
		return fmt.Errorf("delete %s: no version named", full)
	}
	info, err := s.Stat(ctx, key)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	generation, ok := generationOf(v)
	if !ok || info.Version != v {
		return fmt.Errorf("delete %s: it is version %s, not %s: %w", full, info.Version, v, store.ErrConditionFailed)
	}
	err = s.objects.Delete(s.place.bucket, full).IfGenerationMatch(generation).Context(ctx).Do()
	if statusOf(err) == http.StatusNotFound {
		err = s.missing(ctx, full)
	}
	if err != nil {
		return failed("delete", full, err)
	}
	return nil
}
