package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/store"
)

const (
	maxCached = 16 << 10
	// cacheLife is how long an entry counts: what a store holds may rot.
	cacheLife = 7 * 24 * time.Hour
)

// Cached is a Verifier that opens each version of an object once. It remembers
// only backups that hold, each in a file of its own.
type Cached struct {
	Inner kops.Verifier
	// Dir is where it remembers; "": nowhere. A directory into which others can
	// write is not used.
	Dir string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// object is one version of one object.
type object struct {
	URL     string        `json:"url"`
	Key     string        `json:"key"`
	Version store.Version `json:"version"`
	Size    int64         `json:"size"`
}

// entry is one backup that holds. All that it is bound to stands in it.
type entry struct {
	object
	At   time.Time     `json:"at"`
	Held kops.Snapshot `json:"held"`
}

// Verify implements kops.Verifier.
func (c Cached) Verify(ctx context.Context, s store.Store, key string) (kops.Snapshot, error) {
	before, err := versionOf(ctx, s, key)
	if err != nil || !c.usable() {
		return c.Inner.Verify(ctx, s, key) // which says what is wrong
	}
	if held, known := c.load(before); known {
		return held, nil
	}
	held, err := c.Inner.Verify(ctx, s, key)
	if err != nil {
		return held, err
	}
	// Only if the same version still stands was it the one that was read.
	if after, err := versionOf(ctx, s, key); err == nil && after == before {
		c.save(entry{object: before, At: c.now().UTC(), Held: held})
	}
	return held, nil
}

func versionOf(ctx context.Context, s store.Store, key string) (object, error) {
	info, err := s.Stat(ctx, key)
	if err == nil && info.Version == "" {
		err = errors.New("the store names no version")
	}
	return object{URL: s.URL(), Key: key, Version: info.Version, Size: info.Size}, err
}

// usable makes the directory, and reports whether it is ours alone.
func (c Cached) usable() bool {
	if c.Dir == "" || os.MkdirAll(c.Dir, 0o700) != nil {
		return false
	}
	info, err := os.Stat(c.Dir)
	if err != nil || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Getuid()
}

func (c Cached) path(o object) string {
	encoded, _ := json.Marshal(o) // texts and a number always encode
	sum := sha256.Sum256(encoded)
	return filepath.Join(c.Dir, hex.EncodeToString(sum[:])+".json")
}

// load gives what is remembered of the object. Anything odd is not known.
func (c Cached) load(o object) (kops.Snapshot, bool) {
	content, err := atomicfile.Read(c.path(o), maxCached)
	if err != nil {
		return kops.Snapshot{}, false
	}
	var e entry
	strict := json.NewDecoder(bytes.NewReader(content))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&e); err != nil || e.object != o {
		return kops.Snapshot{}, false
	}
	if age := c.now().Sub(e.At); age > cacheLife || age < -clockSkew {
		return kops.Snapshot{}, false
	}
	return e.Held, true
}

// save remembers an entry, and forgets those that no longer count. What cannot
// be written is opened again next time.
func (c Cached) save(e entry) {
	encoded, err := json.Marshal(e)
	if err != nil || len(encoded) > maxCached {
		return
	}
	_ = atomicfile.Write(c.path(e.object), encoded, 0o600) // see above
	files, err := os.ReadDir(c.Dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && c.now().Sub(info.ModTime()) > cacheLife {
			_ = os.Remove(filepath.Join(c.Dir, f.Name())) // see above
		}
	}
}

func (c Cached) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
