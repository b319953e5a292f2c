package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

const (
	tombstonePrefix = "tombstones/"
	tombstoneLimit  = 16 << 10 // bytes
)

// Tombstone announces that an object is to be deleted. Its time is that of its
// own object, by the store's clock.
type Tombstone struct {
	Key     string  `json:"key"`
	Version Version `json:"version"`
	Reason  string  `json:"reason"`
	Nonce   string  `json:"nonce"`
}

// tombstoneKey is the same for everybody who buries one version of an object.
func tombstoneKey(key string, v Version) string {
	sum := sha256.Sum256([]byte(key + "\x00" + string(v)))
	name := path.Base(key)
	name = strings.ToValidUTF8(name[:min(len(name), 100)], "")
	return fmt.Sprintf("%s%s-%x.json", tombstonePrefix, name, sum[:8])
}

// Bury is the first phase of a delete: it announces that version v of key goes
// when the grace is over. The object stays. What is buried already stays
// buried since then. nonce is new for each attempt.
func Bury(ctx context.Context, s Store, key string, v Version, reason, nonce string) error {
	if err := CheckKey(key); err != nil {
		return fmt.Errorf("bury: %w", err)
	}
	if v == "" || nonce == "" {
		return fmt.Errorf("bury %s: no version or no nonce", key)
	}
	if key == MarkKey || strings.HasPrefix(key, tombstonePrefix) {
		return fmt.Errorf("bury %s: place marks and tombstones are not deleted this way", key)
	}
	content, err := json.Marshal(Tombstone{key, v, reason, nonce})
	if err != nil {
		return fmt.Errorf("bury %s: %w", key, err)
	}
	if len(content) > tombstoneLimit {
		return fmt.Errorf("bury %s: a reason of %d bytes: %w", key, len(reason), ErrTooLarge)
	}
	_, err = Create(ctx, s, tombstoneKey(key, v), content)
	var refused *Refused
	if errors.As(err, &refused) {
		if stands, derr := decodeTombstone(refused.Content); derr == nil && stands.Key == key && stands.Version == v {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("bury %s: %w", key, err)
	}
	return nil
}

func decodeTombstone(content []byte) (Tombstone, error) {
	var stone Tombstone
	if err := decodeStrict(content, &stone); err != nil {
		return Tombstone{}, fmt.Errorf("decode tombstone: %w", err)
	}
	if err := CheckKey(stone.Key); err != nil {
		return Tombstone{}, fmt.Errorf("decode tombstone: %w", err)
	}
	if stone.Version == "" || stone.Key == MarkKey || strings.HasPrefix(stone.Key, tombstonePrefix) {
		return Tombstone{}, fmt.Errorf("decode tombstone: it names no version, or what is never deleted (%s)", stone.Key)
	}
	return stone, nil
}

// Exhume is the second phase: of each tombstone older than grace it deletes
// the object, if that still has the version named, and then the tombstone. An
// object that was written anew is kept. now gives the store's time and is
// asked only if there are tombstones; StoreClock makes one.
//
// It gives the keys deleted. One object's error does not keep it from the
// others; all are joined.
func Exhume(ctx context.Context, s Store, grace time.Duration, now func(context.Context) (time.Time, error)) ([]string, error) {
	stones, err := collect(s.List(ctx, tombstonePrefix, ""))
	if err != nil {
		return nil, fmt.Errorf("list tombstones: %w", err)
	}
	if len(stones) == 0 {
		return nil, nil
	}
	at, err := now(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the store's time: %w", err)
	}
	var deleted []string
	var errs []error
	for _, stone := range stones {
		if at.Sub(stone.Modified) < grace {
			continue
		}
		key, err := exhume(ctx, s, stone)
		if err != nil {
			errs = append(errs, fmt.Errorf("exhume %s: %w", stone.Key, err))
		}
		if key != "" {
			deleted = append(deleted, key)
		}
	}
	return deleted, errors.Join(errs...)
}

// exhume gives the key that it deleted, or "" where nothing was left to do.
func exhume(ctx context.Context, s Store, info Info) (string, error) {
	content, _, err := Read(ctx, s, info.Key, tombstoneLimit)
	if errors.Is(err, ErrNotFound) {
		return "", nil // another one was faster
	}
	if err != nil {
		return "", err
	}
	stone, err := decodeTombstone(content)
	if err != nil {
		return "", err
	}
	deleted := ""
	switch err := s.Delete(ctx, stone.Key, stone.Version); {
	case err == nil:
		deleted = stone.Key
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConditionFailed):
		// Gone already, or written anew since: nothing left to delete.
	default:
		return "", err
	}
	if err := s.Delete(ctx, info.Key, info.Version); err != nil && !errors.Is(err, ErrNotFound) {
		return deleted, err
	}
	return deleted, nil
}

// StoreClock gives the store's time, by writing a small object and removing it
// again.
func StoreClock(s Store) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		key := probePrefix + "clock-" + randomHex()
		info, err := Create(ctx, s, key, []byte(randomHex()))
		if err != nil {
			return time.Time{}, err
		}
		if info.Modified.IsZero() {
			// Some stores do not state it in the answer to a write.
			if info, err = s.Stat(ctx, key); err != nil {
				return time.Time{}, err
			}
		}
		if err := s.Delete(ctx, key, info.Version); err != nil && !errors.Is(err, ErrNotFound) {
			return time.Time{}, err
		}
		return info.Modified, nil
	}
}
