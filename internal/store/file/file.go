// Package file is the store in a directory: file:///abs/path. Objects are
// plain files that etcd-manager and ls can read. Conditional writes are
// enforced among processes of one host that use this package, by a lock file.
//
// It must never write in place, never leave its root through a symbolic link,
// and never hold the root open between calls: a volume may be unmounted under
// it, and what lies there then is another place. It runs on Linux.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seedproof/seedproof/internal/store"
)

var (
	_ store.Store        = (*Store)(nil)
	_ store.OnFilesystem = (*Store)(nil)
)

// Names at the root that are no objects.
const (
	lockName  = ".seedproof-lock"
	tmpName   = ".seedproof-tmp"
	lostFound = "lost+found" // made by mkfs where the root is a mount point
)

const example = "file:///var/lib/backups/etcd/main"

// Store is one directory.
type Store struct {
	root string
	// looked is the filesystem that Filesystem last saw. Writes go nowhere
	// else.
	looked atomic.Pointer[store.Filesystem]
	swept  sync.Once
}

// Open reads the URL, file:///abs/path. It touches nothing: the directory is
// made by the first write, and until then the place is empty.
func Open(_ context.Context, rawURL string) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	switch {
	case u.Scheme != "file":
		return nil, fmt.Errorf("open store %s: not a file:// URL, such as %s", rawURL, example)
	case u.Host != "" || u.User != nil:
		return nil, fmt.Errorf("open store %s: %q is read as a host name; a path begins with a third slash, such as %s", u.Redacted(), u.Host, example)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("open store %s: a file:// URL takes no options", rawURL)
	case u.Opaque != "" || !path.IsAbs(u.Path):
		return nil, fmt.Errorf("open store %s: the path must be absolute, such as %s", rawURL, example)
	}
	root := filepath.Clean(u.Path)
	if root == "/" {
		return nil, fmt.Errorf("open store %s: the root directory of the host cannot be a store", rawURL)
	}
	return &Store{root: root}, nil
}

// URL is the place in one spelling, whichever was given.
func (s *Store) URL() string {
	return (&url.URL{Scheme: "file", Path: s.root}).String()
}

// Capabilities: conditions hold on this host only.
func (s *Store) Capabilities() store.Capabilities {
	return store.Capabilities{ConditionalWrites: true, OneHost: true, ConditionalDelete: true}
}

// Close has nothing to free.
func (s *Store) Close() error { return nil }

// Filesystem says what lies under the root. From then on the store writes to
// that filesystem only, until it is asked again.
func (s *Store) Filesystem(ctx context.Context) (store.Filesystem, error) {
	if err := ctx.Err(); err != nil {
		return store.Filesystem{}, err
	}
	seen, err := FilesystemOf(s.root)
	if err != nil {
		return store.Filesystem{}, err
	}
	s.looked.Store(&seen)
	return seen, nil
}

// Stat asks for one object.
func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	body, info, err := s.Open(ctx, key, store.Range{})
	if err != nil {
		return store.Info{}, err
	}
	return info, body.Close()
}

// Open streams an object or a part of it.
func (s *Store) Open(ctx context.Context, key string, r store.Range) (io.ReadCloser, store.Info, error) {
	root, err := s.enter(ctx, key)
	if err != nil {
		return nil, store.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	defer func() { _ = root.Close() }()
	o, err := openObject(root, key)
	if err != nil {
		return nil, store.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	body, err := o.part(r)
	if err != nil {
		_ = o.Close()
		return nil, store.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	return body, o.info, nil
}

// List walks the directory, in byte order of the keys.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(store.Info{}, fmt.Errorf("list %s: %w", prefix, err))
			return
		}
		root, err := s.openRoot()
		if errors.Is(err, errNoRoot) {
			return // an empty place
		}
		if err != nil {
			yield(store.Info{}, fmt.Errorf("list %s: %w", prefix, err))
			return
		}
		defer func() { _ = root.Close() }()
		walk := walker{ctx: ctx, root: root, prefix: prefix, after: after, yield: yield}
		if _, err := walk.dir("."); err != nil {
			yield(store.Info{}, fmt.Errorf("list %s: %w", prefix, err))
		}
	}
}

// Delete removes an object, and the directories that it leaves empty.
func (s *Store) Delete(ctx context.Context, key string, v store.Version) error {
	if v == "" {
		return fmt.Errorf("delete %s: %w", key, errors.Join(store.CheckKey(key), errors.New("no version named")))
	}
	root, err := s.enter(ctx, key)
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	defer func() { _ = root.Close() }()
	if err := s.sameFilesystem(root); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	if err := deleteObject(ctx, root, key, v); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// enter is the start of every call on one key that makes nothing.
func (s *Store) enter(ctx context.Context, key string) (*os.Root, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := s.openRoot()
	if errors.Is(err, errNoRoot) {
		return nil, store.ErrNotFound
	}
	return root, err
}

func checkKey(key string) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if first, _, _ := strings.Cut(key, "/"); reserved(first) {
		return fmt.Errorf("%w %q: %s is not for objects", store.ErrBadKey, key, first)
	}
	return nil
}

func reserved(name string) bool {
	return name == lockName || name == tmpName || name == lostFound
}

// classed gives the errors of the operating system the names that store has
// for them. One that it does not know stays unknown.
func classed(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", store.ErrDenied, err)
	}
	return err
}
