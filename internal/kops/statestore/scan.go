package statestore

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/store"
)

const (
	// maxShelves and maxFolders bound what one listing may make us remember. A
	// fleet of thousands of clusters stays far below.
	maxShelves = 20_000
	maxFolders = 10_000
	// progressEvery is how many keys pass between two reports of progress.
	progressEvery = 10_000
)

// errStalled: a listing gave nothing for the whole time that one call may take.
var errStalled = errors.New("the listing gave no answer in time")

// scan is what one listing of a part of a store showed.
type scan struct {
	prefix  string             // what was listed
	folders map[string]*Folder // by the first element of their keys
	shelves map[string]*Shelf  // by the key of the folder above the backups
	keys    int
	last    string // the last key that was heard
	err     error  // why the listing ended early
	full    bool   // more shelves or folders than are remembered

	topConfig    bool   // a config at the top: the URL leads into a cluster
	nestedConfig string // the folder above a cluster, one level too deep
}

// list lists all keys that begin with prefix. stall is how long it waits for
// the next key.
func list(ctx context.Context, s store.Store, prefix string, stall time.Duration, progress func(keys int)) *scan {
	found := &scan{prefix: prefix, folders: map[string]*Folder{}, shelves: map[string]*Shelf{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	for info, err := range s.List(ctx, prefix, "") {
		if err != nil {
			found.err = fmt.Errorf("list %s: %w", s.URL(), withCause(ctx, err))
			break
		}
		watchdog.Reset(stall)
		found.add(info)
		if progress != nil && found.keys%progressEvery == 0 {
			progress(found.keys)
		}
	}
	for _, shelf := range found.shelves {
		shelf.close()
		shelf.trim()
	}
	return found
}

// withCause says why a context ended, where that is why a call failed.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

func (f *scan) add(info store.Info) {
	f.keys++
	f.last = info.Key
	if f.addToShelf(info) {
		return
	}
	first, rest, below := strings.Cut(info.Key, "/")
	if !below {
		f.topConfig = f.topConfig || info.Key == configFile || info.Key == completedFile
		return
	}
	if folder, name := path.Split(info.Key); name == configFile && strings.Count(folder, "/") == 2 && f.nestedConfig == "" {
		f.nestedConfig = first
	}
	if folder := f.folder(first); folder != nil {
		folder.add(rest, info)
	}
}

func (f *scan) folder(name string) *Folder {
	folder := f.folders[name]
	if folder == nil {
		if len(f.folders) >= maxFolders {
			f.full = true
			return nil
		}
		folder = &Folder{}
		f.folders[name] = folder
	}
	return folder
}

// addToShelf takes a key of an etcd cluster's backup store, wherever that is:
// its files have names that nothing else has.
func (f *scan) addToShelf(info store.Info) bool {
	for _, control := range []string{managerfiles.CreatedKey, managerfiles.SpecKey} {
		if base, found := cutKey(info.Key, control); found {
			if shelf := f.shelf(base); shelf != nil && control == managerfiles.CreatedKey {
				shelf.Marker = &info
			} else if shelf != nil {
				shelf.Spec = &info
			}
			return true
		}
	}
	folder, file := path.Split(info.Key)
	folder = strings.TrimSuffix(folder, "/")
	switch file {
	case managerfiles.MetaFile, managerfiles.DataFile:
		if folder == "" {
			return true // in no folder: it has no name, and is no backup
		}
		if shelf := f.shelf(above(folder)); shelf != nil {
			shelf.add(folder, file, info)
		}
	case managerfiles.CommandFile:
		if shelf := f.shelf(strings.TrimSuffix(strings.TrimSuffix(above(folder), "control"), "/")); shelf != nil {
			shelf.queue(info)
		}
	case store.MarkKey, record.RecordKey, record.ClaimKey:
		if shelf := f.shelf(folder); shelf != nil {
			shelf.Ours++
		}
	case managerfiles.ProofFile:
		if shelf := f.shelf(above(folder)); shelf != nil {
			shelf.Ours++
		}
	default:
		return false
	}
	return true
}

// cutKey takes a file's key off the end of a key.
func cutKey(key, file string) (base string, found bool) {
	if key == file {
		return "", true
	}
	return strings.CutSuffix(key, "/"+file)
}

func above(folder string) string {
	if i := strings.LastIndexByte(folder, '/'); i >= 0 {
		return folder[:i]
	}
	return ""
}

func (f *scan) shelf(base string) *Shelf {
	shelf := f.shelves[base]
	if shelf == nil {
		if len(f.shelves) >= maxShelves {
			f.full = true
			return nil
		}
		shelf = &Shelf{}
		f.shelves[base] = shelf
	}
	return shelf
}

// covers says why the listing does not show all that lies below prefix, which
// must end in a slash or be empty; nil if it does.
func (f *scan) covers(prefix string) error {
	switch {
	case !strings.HasPrefix(prefix, f.prefix):
		return fmt.Errorf("%q was not listed", prefix)
	case f.full:
		return fmt.Errorf("the store holds more folders than are looked at (%d)", maxShelves)
	case f.err != nil && (prefix == "" || f.last <= prefix || strings.HasPrefix(f.last, prefix)):
		return f.err
	}
	return nil
}

// at is the shelf of a base, with all that lies below it: etcd-manager lists
// its base to any depth.
func (f *scan) at(base string) (*Shelf, error) {
	prefix := base + "/"
	if base == "" {
		prefix = ""
	}
	all := &Shelf{}
	for key, shelf := range f.shelves {
		if key == base {
			all.Marker, all.Spec = shelf.Marker, shelf.Spec
		}
		if key == base || strings.HasPrefix(key, prefix) {
			all.merge(shelf)
		}
	}
	return all, f.covers(prefix)
}
