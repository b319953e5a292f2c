package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/store"
)

// walker lists a directory tree in byte order of the keys.
type walker struct {
	ctx           context.Context
	root          *os.Root
	prefix, after string
	yield         func(store.Info, error) bool
}

// dir lists one directory and what is below it. It gives false when the
// caller wants no more.
func (w *walker) dir(dir string) (more bool, err error) {
	entries, err := w.read(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return false, err
		}
		key := path.Join(dir, e.Name())
		if dir == "." && reserved(key) {
			continue
		}
		if e.IsDir() {
			more, err = w.folder(key)
		} else {
			more, err = w.object(key)
		}
		if !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

// read gives the entries in the order that their keys have: a folder's name
// counts with the slash that follows it.
func (w *walker) read(dir string) ([]fs.DirEntry, error) {
	d, err := w.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		return nil, nil // removed since its parent was read
	}
	if err != nil {
		return nil, classed(err)
	}
	defer func() { _ = d.Close() }()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("read directory %s: %w", dir, classed(err))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	return entries, nil
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (w *walker) folder(key string) (more bool, err error) {
	folder := key + "/"
	inPrefix := strings.HasPrefix(folder, w.prefix) || strings.HasPrefix(w.prefix, folder)
	behindAfter := folder > w.after || strings.HasPrefix(w.after, folder)
	if !inPrefix || !behindAfter {
		return true, nil
	}
	return w.dir(key)
}

func (w *walker) object(key string) (more bool, err error) {
	if !strings.HasPrefix(key, w.prefix) || key <= w.after {
		return true, nil
	}
	o, err := openObject(w.root, key)
	if errors.Is(err, store.ErrNotFound) {
		return w.vanished(key)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	if err := o.Close(); err != nil {
		return false, err
	}
	return w.yield(o.info, nil), nil
}

// vanished passes over a file that was removed meanwhile. A link to a folder
// opens as no object too, and must not hide what is behind it.
func (w *walker) vanished(key string) (more bool, err error) {
	if fi, err := w.root.Lstat(key); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return false, fmt.Errorf("%s is a link to a folder, which a store does not follow", key)
	}
	return true, nil
}
