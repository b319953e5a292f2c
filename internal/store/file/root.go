package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seedproof/seedproof/internal/store"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// errNoRoot: the directory does not exist, while the way to it could be
// looked at. Whether that is the right filesystem is for the place marks.
var errNoRoot = errors.New("the store's directory does not exist yet")

// openRoot opens the directory for one call.
func (s *Store) openRoot() (*os.Root, error) {
	root, err := os.OpenRoot(s.root)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := nearest(s.root); err != nil {
			return nil, err
		}
		return nil, errNoRoot
	}
	if err != nil {
		return nil, classed(err)
	}
	return root, nil
}

// nearest is the nearest ancestor of path that exists, or path itself. A link
// into nothing on the way is no absence: what it points to may be unmounted.
func nearest(path string) (string, error) {
	for {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", classed(err)
		}
		if fi, err := os.Lstat(path); err == nil {
			if fi.Mode()&fs.ModeSymlink != 0 {
				return "", fmt.Errorf("%s is a link to what is not there: %w", path, store.ErrNoPlace)
			}
			continue // it has just come to be
		}
		if path == "/" {
			return "", err
		}
		path = filepath.Dir(path)
	}
}

// makeRoot opens the directory for a write and makes it where it is missing.
// All is done through one open directory, whose filesystem is checked first,
// so nothing can be unmounted in between.
func (s *Store) makeRoot() (*os.Root, error) {
	root, err := s.openRoot()
	if err == nil {
		if err := s.sameFilesystem(root); err != nil {
			return nil, errors.Join(err, root.Close())
		}
		return root, nil
	}
	if !errors.Is(err, errNoRoot) {
		return nil, err
	}
	base, err := nearest(s.root)
	if err != nil {
		return nil, err
	}
	ancestor, err := os.OpenRoot(base)
	if err != nil {
		return nil, classed(err)
	}
	defer func() { _ = ancestor.Close() }()
	if err := s.sameFilesystem(ancestor); err != nil {
		return nil, err
	}
	missing, err := filepath.Rel(base, s.root)
	if err != nil {
		return nil, err
	}
	if err := makeDirs(ancestor, missing); err != nil {
		return nil, err
	}
	root, err = ancestor.OpenRoot(missing)
	return root, classed(err)
}

// sameFilesystem refuses a directory on another filesystem than the last look
// at the place saw.
func (s *Store) sameFilesystem(root *os.Root) error {
	looked := s.looked.Load()
	if looked == nil {
		return nil
	}
	dir, err := root.Open(".")
	if err != nil {
		return classed(err)
	}
	defer func() { _ = dir.Close() }()
	id, err := filesystemID(int(dir.Fd()))
	if err != nil {
		return err
	}
	if id != looked.ID {
		return fmt.Errorf("%s is on filesystem %s; when it was looked at it was %s: %w", s.root, id, looked.ID, store.ErrNoPlace)
	}
	return nil
}

// makeDirs makes dir and its parents, each durably.
func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := makeDirs(root, parent); err != nil {
		return err
	}
	err := root.Mkdir(dir, dirMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return classed(err)
	}
	return syncDir(root, parent)
}

func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, classed(err))
	}
	err = errors.Join(d.Sync(), d.Close())
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
