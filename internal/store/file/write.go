package file

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/seedproof/seedproof/internal/store"
)

// Put writes r to a temporary file and publishes it under the lock: with
// link(2) where it must not be there yet, else with rename(2).
func (s *Store) Put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	info, err := s.put(ctx, key, r, c)
	if err != nil {
		return store.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return info, nil
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, c store.Condition) (store.Info, error) {
	if err := checkKey(key); err != nil {
		return store.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Info{}, err
	}
	if c.Version() != "" {
		// Where another object stands, or none, nothing is left behind: the
		// place may be another one by now.
		info, err := s.Stat(ctx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && info.Version != c.Version() {
			return store.Info{}, store.ErrConditionFailed
		}
	}
	root, err := s.makeRoot()
	if err != nil {
		return store.Info{}, err
	}
	defer func() { _ = root.Close() }()
	s.swept.Do(func() { sweep(root) })
	tmp, err := stage(ctx, root, r)
	if err != nil {
		return store.Info{}, err
	}
	defer tmp.discard()
	return tmp.publish(ctx, key, c)
}

// staged is a content wholly written to a temporary file, and synced.
type staged struct {
	*os.File
	root *os.Root
	name string
	seen versioner
}

func stage(ctx context.Context, root *os.Root, r io.Reader) (*staged, error) {
	if err := makeDirs(root, tmpName); err != nil {
		return nil, err
	}
	name := path.Join(tmpName, rand.Text())
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, classed(err)
	}
	tmp := &staged{File: f, root: root, name: name, seen: versioner{hash: sha256.New()}}
	if err := tmp.fill(store.WithContext(ctx, r)); err != nil {
		tmp.discard()
		return nil, err
	}
	return tmp, nil
}

func (tmp *staged) fill(r io.Reader) error {
	// The file is locked while it is in use, so that no sweep takes it.
	if err := tryLock(tmp.File); err != nil {
		return fmt.Errorf("lock the temporary file: %w", err)
	}
	if _, err := io.Copy(io.MultiWriter(tmp.File, &tmp.seen), r); err != nil {
		return fmt.Errorf("write the content: %w", err)
	}
	if err := tmp.Sync(); err != nil {
		return fmt.Errorf("sync the content: %w", err)
	}
	return nil
}

// discard removes the temporary file, or what a rename left of it: nothing.
func (tmp *staged) discard() {
	_ = tmp.root.Remove(tmp.name)
	_ = tmp.Close()
}

func (tmp *staged) publish(ctx context.Context, key string, c store.Condition) (store.Info, error) {
	unlock, err := lock(ctx, tmp.root)
	if err != nil {
		return store.Info{}, err
	}
	defer unlock()
	if err := stands(tmp.root, key, c.Version()); err != nil {
		return store.Info{}, err
	}
	dir := path.Dir(key)
	if err := makeDirs(tmp.root, dir); err != nil {
		return store.Info{}, err
	}
	if c.Absent() {
		err = tmp.link(key)
	} else {
		err = classed(tmp.root.Rename(tmp.name, key))
	}
	if err != nil {
		return store.Info{}, err
	}
	if err := syncDir(tmp.root, dir); err != nil {
		return store.Info{}, err
	}
	fi, err := tmp.Stat() // only now: link and rename change the ctime
	if err != nil {
		return store.Info{}, err
	}
	return store.Info{Key: key, Size: tmp.seen.size, Version: tmp.seen.version(fi), Modified: fi.ModTime()}, nil
}

func (tmp *staged) link(key string) error {
	err := tmp.root.Link(tmp.name, key)
	if errors.Is(err, fs.ErrExist) {
		return store.ErrConditionFailed
	}
	if err != nil {
		return classed(err)
	}
	return tmp.root.Remove(tmp.name)
}

// stands checks that key has version v, if one is named. Only what it says
// under the lock holds.
func stands(root *os.Root, key string, v store.Version) error {
	if v == "" {
		return nil
	}
	o, err := openObject(root, key)
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrConditionFailed
	}
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	if o.info.Version != v {
		return store.ErrConditionFailed
	}
	return nil
}

func deleteObject(ctx context.Context, root *os.Root, key string, v store.Version) error {
	if o, err := openObject(root, key); err != nil {
		return err // nothing to lock for
	} else if err := o.Close(); err != nil {
		return err
	}
	// Whatever is plainly another object is not even locked: the place may be
	// another one by now, in which nothing is left behind.
	if err := stands(root, key, v); err != nil {
		return err
	}
	unlock, err := lock(ctx, root)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := root.Lstat(key); errors.Is(err, fs.ErrNotExist) {
		return store.ErrNotFound
	}
	if err := stands(root, key, v); err != nil {
		return err
	}
	if err := root.Remove(key); err != nil {
		return classed(err)
	}
	dir := path.Dir(key)
	for dir != "." && root.Remove(dir) == nil { // fails where it is not empty
		dir = path.Dir(dir)
	}
	return syncDir(root, dir)
}
