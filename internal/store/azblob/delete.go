package azblob

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/seedproof/seedproof/internal/store"
)

// Delete implements store.Store. A blob that has snapshots is not deleted: that
// is an error of its own.
func (s *Store) Delete(ctx context.Context, key string, v store.Version) error {
	full, err := s.object(key)
	if err != nil {
		return err
	}
	if v == "" {
		return fmt.Errorf("delete %s: no version named", full)
	}
	got, err := s.container.NewBlobClient(full).Delete(once(ctx), &blob.DeleteOptions{AccessConditions: conditions(store.IfVersion(v))})
	if errors.Is(class(err), store.ErrConditionFailed) {
		return s.changed(ctx, key, full, v)
	}
	if err != nil {
		return failed("delete", full, err)
	}
	if got.RequestID == nil {
		return fmt.Errorf("delete %s: %w", full, errStranger)
	}
	return nil
}

// changed finds out why the condition of a delete did not hold: a blob that is
// gone has the same code as one that is another.
func (s *Store) changed(ctx context.Context, key, full string, v store.Version) error {
	now, err := s.Stat(ctx, key)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if now.Version == v {
		return fmt.Errorf("delete %s: refused for another version than %s, and that is what stands", full, v)
	}
	return fmt.Errorf("delete %s: it is version %s, not %s: %w", full, now.Version, v, store.ErrConditionFailed)
}
