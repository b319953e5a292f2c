package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
)

// maxForeign bounds how many unexpected keys a catalogue names.
const maxForeign = 100

// Entry is one backup.
type Entry struct {
	Name   string
	Taken  time.Time // by the taker's clock, from the name; zero if the name has none
	Stored time.Time // by the store's clock, of the meta file
	Size   int64     // bytes of the data object
	// Problem says why it is not to be relied on; "" if nothing is known
	// against it, which does not make it verified.
	Problem string

	// Known after Read or Take only.
	Meta  *managerfiles.BackupMeta // nil if it cannot be used
	Proof *Proof                   // nil for a backup of a stock etcd-manager
}

// Catalogue is what one listing of the store showed.
type Catalogue struct {
	Backups    []Entry  // by name, the oldest first
	Incomplete []string // names of folders with data or our object, and no meta: no backups
	// Foreign are keys that this layout does not know, at most 100, among them
	// meta files at a wrong depth, which etcd-manager takes for backups.
	Foreign []string
}

// Newest is the backup that the store received last.
func (c Catalogue) Newest() (Entry, bool) {
	var newest Entry
	for _, e := range c.Backups {
		if e.Problem == "" && !e.Stored.Before(newest.Stored) {
			newest = e
		}
	}
	return newest, newest.Name != ""
}

// List lists the backups whose names come after the given one; "" lists all.
// It is one listing and reads no object.
func List(ctx context.Context, s store.Store, after string) (Catalogue, error) {
	from := ""
	if after != "" {
		from = after + "0" // '0' follows '/': behind all keys of that folder
	}
	var c Catalogue
	var f folder
	for info, err := range s.List(ctx, "", from) {
		if err != nil {
			return Catalogue{}, fmt.Errorf("list the backups in %s: %w", s.URL(), err)
		}
		name, file, ok := managerfiles.Split(info.Key)
		if !ok {
			c.strange(info.Key)
			continue
		}
		if name != f.name {
			c.add(f)
			f = folder{name: name}
		}
		if !f.put(file, info) {
			c.foreign(info.Key)
		}
	}
	c.add(f)
	return c, nil
}

// folder is what was seen of one folder at the top.
type folder struct {
	name              string
	meta, data, proof *store.Info
}

func (f *folder) put(file string, info store.Info) bool {
	switch file {
	case managerfiles.MetaFile:
		f.meta = &info
	case managerfiles.DataFile:
		f.data = &info
	case managerfiles.ProofFile:
		f.proof = &info
	default:
		return false
	}
	return true
}

func (c *Catalogue) add(f folder) {
	if f.meta == nil {
		if f.data != nil || f.proof != nil {
			c.Incomplete = append(c.Incomplete, f.name)
		}
		return
	}
	e := Entry{Name: f.name, Stored: f.meta.Modified}
	taken, _, err := managerfiles.ParseName(f.name)
	if err != nil {
		e.Problem = err.Error()
	}
	e.Taken = taken
	if f.data == nil {
		e.Problem = "the data is missing"
	} else {
		e.Size = f.data.Size
	}
	c.Backups = append(c.Backups, e)
}

// strange sorts a key that lies in no folder at the top: our objects and the
// control files are known, what etcd-manager would list is not.
func (c *Catalogue) strange(key string) {
	if _, listed := managerfiles.ListedAs(key); !listed && known(key) {
		return
	}
	c.foreign(key)
}

func known(key string) bool {
	return strings.HasPrefix(key, managerfiles.ControlDir) || strings.HasPrefix(key, "seedproof-")
}

func (c *Catalogue) foreign(key string) {
	if len(c.Foreign) < maxForeign {
		c.Foreign = append(c.Foreign, key)
	}
}

// Read reads what is known of one backup: its meta, our object and the size of
// its data. An error that is store.ErrNotFound: there is no such backup.
// Whatever is damaged or missing besides makes a Problem.
func Read(ctx context.Context, s store.Store, name string) (Entry, error) {
	content, info, err := store.Read(ctx, s, managerfiles.MetaKey(name), managerfiles.MaxFile)
	if err != nil && !errors.Is(err, store.ErrTooLarge) {
		return Entry{}, fmt.Errorf("read backup %s: %w", name, err)
	}
	e := Entry{Name: name, Stored: info.Modified}
	taken, _, nameErr := managerfiles.ParseName(name)
	e.Taken = taken
	e.problem(nameErr)
	e.readMeta(content, err)
	if err := e.readProof(ctx, s); err != nil {
		return Entry{}, fmt.Errorf("read backup %s: %w", name, err)
	}
	if err := e.lookAtData(ctx, s); err != nil {
		return Entry{}, fmt.Errorf("read backup %s: %w", name, err)
	}
	return e, nil
}

// problem keeps the first.
func (e *Entry) problem(err error) {
	if err != nil && e.Problem == "" {
		e.Problem = err.Error()
	}
}

func (e *Entry) readMeta(content []byte, err error) {
	if err != nil {
		e.problem(err)
		return
	}
	meta, err := managerfiles.DecodeMeta(content)
	if err != nil {
		e.problem(err)
		return
	}
	e.Meta = &meta
	e.problem(meta.Restorable())
}

func (e *Entry) readProof(ctx context.Context, s store.Store) error {
	content, _, err := store.Read(ctx, s, managerfiles.ProofKey(e.Name), maxProof)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case errors.Is(err, store.ErrTooLarge):
		e.problem(err)
		return nil
	case err != nil:
		return err
	}
	e.Proof, err = decodeProof(e.Name, content)
	e.problem(err)
	return nil
}

func (e *Entry) lookAtData(ctx context.Context, s store.Store) error {
	info, err := s.Stat(ctx, managerfiles.DataKey(e.Name))
	if errors.Is(err, store.ErrNotFound) {
		e.problem(errors.New("the data is missing"))
		return nil
	}
	if err != nil {
		return err
	}
	e.Size = info.Size
	if e.Proof != nil && e.Proof.StoredSize != info.Size {
		e.problem(fmt.Errorf("the data is %d bytes; %d were stored", info.Size, e.Proof.StoredSize))
	}
	return nil
}
