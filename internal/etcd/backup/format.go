package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	// FormatKey names the store's format and whose it is.
	FormatKey = "seedproof-format.json"
	// FormatManager is etcd-manager's layout with full snapshots.
	FormatManager = "etcd-manager"

	maxFormat = 16 << 10
)

// Format is the object at FormatKey. It is made at first use and never
// changed.
type Format struct {
	Format  string    `json:"format"`
	Lineage string    `json:"lineage"`
	Cluster string    `json:"cluster,omitempty"` // its name, for people
	Nonce   string    `json:"nonce"`
	Made    time.Time `json:"made"`
}

// ReadFormat reads the format object. An error that is store.ErrNotFound is a
// store that nobody has used as yet; ErrFormat is one that cannot be used.
func ReadFormat(ctx context.Context, s store.Store) (Format, error) {
	content, _, err := store.Read(ctx, s, FormatKey, maxFormat)
	if errors.Is(err, store.ErrTooLarge) {
		return Format{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err != nil {
		return Format{}, err
	}
	return decodeFormat(content)
}

func decodeFormat(content []byte) (Format, error) {
	var f Format
	if err := json.Unmarshal(content, &f); err != nil {
		return Format{}, fmt.Errorf("decode %s: %w: %w", FormatKey, ErrFormat, err)
	}
	if f.Format != FormatManager {
		return f, fmt.Errorf("%s names format %q: %w", FormatKey, f.Format, ErrFormat)
	}
	if f.Lineage == "" {
		return f, fmt.Errorf("%s names no lineage: %w", FormatKey, ErrFormat)
	}
	return f, nil
}

// EnsureFormat makes the store one of this lineage, or finds that it is. With
// ErrForeignStore or ErrFormat nothing was and nothing may be written there.
func EnsureFormat(ctx context.Context, s store.Store, lineage, cluster string, now time.Time) (Format, error) {
	if lineage == "" {
		return Format{}, errors.New("set the format of the backup store: no lineage given")
	}
	have, err := ReadFormat(ctx, s)
	if errors.Is(err, store.ErrNotFound) {
		have, err = makeFormat(ctx, s, lineage, cluster, now)
	}
	if err != nil {
		return have, err
	}
	if have.Lineage != lineage {
		return have, fmt.Errorf("%s: it is of lineage %s (cluster %q), not of %s: %w", s.URL(), have.Lineage, have.Cluster, lineage, ErrForeignStore)
	}
	return have, nil
}

func makeFormat(ctx context.Context, s store.Store, lineage, cluster string, now time.Time) (Format, error) {
	f := Format{Format: FormatManager, Lineage: lineage, Cluster: cluster, Nonce: newNonce(), Made: now.UTC()}
	content, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return Format{}, fmt.Errorf("encode %s: %w", FormatKey, err)
	}
	_, err = store.Create(ctx, s, FormatKey, content)
	var refused *store.Refused
	if errors.As(err, &refused) && refused.Content != nil {
		return decodeFormat(refused.Content) // another taker was first
	}
	return f, err
}
