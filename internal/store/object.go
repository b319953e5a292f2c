package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// readBackTime is the deadline of the look after a write whose outcome is
	// not clear. It runs even if the caller's context has ended, since that is
	// when answers get lost.
	readBackTime = 10 * time.Second
	// readBackLimit bounds what a read back takes of somebody else's object.
	readBackLimit = 4 << 20
)

// Read reads a whole object of at most limit bytes. An object that is larger
// gives ErrTooLarge; one of which not exactly the stated bytes came gives
// ErrCut. Both mean that its content is not known.
func Read(ctx context.Context, s Store, key string, limit int64) ([]byte, Info, error) {
	body, info, err := s.Open(ctx, key, Range{})
	if err != nil {
		return nil, Info{}, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = body.Close() }()
	if info.Size > limit {
		return nil, info, fmt.Errorf("read %s: %d bytes, more than %d: %w", key, info.Size, limit, ErrTooLarge)
	}
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, info, fmt.Errorf("read %s: %d of %d bytes: %w", key, len(content), info.Size, ErrCut)
	}
	if err != nil {
		return nil, info, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(content)) > limit {
		return nil, info, fmt.Errorf("read %s: more than %d bytes: %w", key, limit, ErrTooLarge)
	}
	if int64(len(content)) != info.Size {
		return nil, info, fmt.Errorf("read %s: %d bytes where the store states %d: %w", key, len(content), info.Size, ErrCut)
	}
	return content, info, nil
}

// Refused is the error of a conditional write that another one stands in the
// way of: the object was read back and its content is not ours.
type Refused struct {
	Key     string
	Have    Info   // zero if the object is gone
	Content []byte // what stands there; nil if it is gone or larger than a small object
}

func (e *Refused) Error() string {
	if e.Have.Version == "" {
		return fmt.Sprintf("%s is gone: %v", e.Key, ErrConditionFailed)
	}
	return fmt.Sprintf("%s is now version %s, %d bytes: %v", e.Key, e.Have.Version, e.Have.Size, ErrConditionFailed)
}

// Refused marks the outcome as an understood refusal.
func (e *Refused) Refused() bool { return true }

// Unwrap makes errors.Is(err, ErrConditionFailed) true.
func (e *Refused) Unwrap() error { return ErrConditionFailed }

// Create stores a small object that must not be there yet. The content must
// carry a nonce of this attempt: after any error the object is read back, and
// only equal bytes prove that the write was ours.
//
// nil: it stands. *Refused: another content stands. Any other error: unknown;
// the write may still take effect, so look before acting again. It is never
// repeated here.
func Create(ctx context.Context, s Store, key string, content []byte) (Info, error) {
	return write(ctx, s, key, content, IfAbsent())
}

// Swap replaces version old of a small object. All that is said of Create
// holds for it. An object that is gone gives *Refused only when the store
// itself refused the write.
func Swap(ctx context.Context, s Store, key string, old Version, content []byte) (Info, error) {
	if old == "" {
		return Info{}, fmt.Errorf("swap %s: no version named", key)
	}
	return write(ctx, s, key, content, IfVersion(old))
}

func write(ctx context.Context, s Store, key string, content []byte, c Condition) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	info, err := s.Put(ctx, key, bytes.NewReader(content), c)
	if err == nil {
		return info, nil
	}
	return lookBack(ctx, s, key, content, c, err)
}

// lookBack clears up a conditional write that ended with cause.
func lookBack(ctx context.Context, s Store, key string, content []byte, c Condition, cause error) (Info, error) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackTime)
	defer cancel()
	have, info, err := Read(detached, s, key, readBackLimit)
	switch {
	case err == nil && bytes.Equal(have, content):
		return info, nil
	case err == nil && (c.Absent() || info.Version != c.Version()):
		return Info{}, fmt.Errorf("write %s: %w", key, &Refused{Key: key, Have: info, Content: have})
	case err == nil:
		return Info{}, unclear(key, "it is still as it was", cause)
	case errors.Is(err, ErrTooLarge) && info.Version != c.Version():
		return Info{}, fmt.Errorf("write %s: %w", key, &Refused{Key: key, Have: info})
	case errors.Is(err, ErrNotFound) && c.Absent():
		return Info{}, unclear(key, "it is still not there", cause)
	case errors.Is(err, ErrNotFound) && errors.Is(cause, ErrConditionFailed):
		return Info{}, fmt.Errorf("write %s: %w", key, &Refused{Key: key})
	}
	return Info{}, unclear(key, fmt.Sprintf("reading back: %v", err), cause)
}

// unclear keeps cause in the chain, unless it would claim a refusal or an
// absence that the look did not confirm.
func unclear(key, look string, cause error) error {
	if errors.Is(cause, ErrConditionFailed) || errors.Is(cause, ErrNotFound) {
		return fmt.Errorf("write %s: outcome unknown (%s): %v", key, look, cause) //nolint:errorlint // its chain would claim what the look did not confirm
	}
	return fmt.Errorf("write %s: outcome unknown (%s): %w", key, look, cause)
}
