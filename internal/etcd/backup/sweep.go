package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
)

// written is an object that this attempt may have written, and how to know it
// again.
type written struct {
	key  string
	same func(context.Context, store.Store, store.Info) (bool, error)
}

func sameContent(content []byte) func(context.Context, store.Store, store.Info) (bool, error) {
	return func(ctx context.Context, s store.Store, info store.Info) (bool, error) {
		have, now, err := store.Read(ctx, s, info.Key, int64(len(content)))
		if errors.Is(err, store.ErrTooLarge) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return now.Version == info.Version && bytes.Equal(have, content), nil
	}
}

// sweep removes what a failed attempt left, each object only if it is ours and
// by its version, the last first. It is best effort: what stays is named, and
// is not listed, since there is no meta.
func (t *taking) sweep(ctx context.Context) (left []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.StoreTimeout)
	defer cancel()
	for i := len(t.wrote) - 1; i >= 0; i-- {
		w := t.wrote[i]
		if err := remove(ctx, t.Store, w); err != nil {
			t.Log.Warn("a failed backup left an object", "key", w.key, "error", err)
			left = append(left, w.key)
		}
	}
	return left
}

func remove(ctx context.Context, s store.Store, w written) error {
	info, err := s.Stat(ctx, w.key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ours, err := w.same(ctx, s, info)
	if err != nil || !ours {
		return err
	}
	err = s.Delete(ctx, w.key, info.Version)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// readBack looks at what the store now shows.
func (t *taking) readBack(ctx context.Context, meta []byte) (Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, t.StoreTimeout)
	defer cancel()
	have, metaInfo, err := store.Read(ctx, t.Store, managerfiles.MetaKey(t.name), managerfiles.MaxFile)
	if err != nil {
		return Entry{}, fmt.Errorf("read back: %w", err)
	}
	if !bytes.Equal(have, meta) {
		return Entry{}, fmt.Errorf("the meta file has another content: %w", ErrReadBack)
	}
	data, err := t.Store.Stat(ctx, managerfiles.DataKey(t.name))
	if err != nil {
		return Entry{}, fmt.Errorf("read back: %w", err)
	}
	if data.Size != t.data.Size || data.Version != t.data.Version {
		return Entry{}, fmt.Errorf("the data is %d bytes, version %s, where %d bytes, version %s, were written: %w",
			data.Size, data.Version, t.data.Size, t.data.Version, ErrReadBack)
	}
	decoded, err := managerfiles.DecodeMeta(have)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrReadBack, err)
	}
	proof := t.proof
	return Entry{
		Name: t.name, Taken: t.taken, Stored: metaInfo.Modified, Size: data.Size,
		Meta: &decoded, Proof: &proof,
	}, nil
}
