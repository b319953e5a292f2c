package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

// dataDir is the one type through which anything is created, renamed or
// removed in the data volume. etcd writes into its member directory itself.
type dataDir struct {
	layout
	faults *fault.Injector
}

func (d dataDir) cross(ctx context.Context, op, path string, act func() error) error {
	err := d.faults.Around(ctx, fault.Call{Transport: "datadir", Op: op, Target: path}, act)
	if err != nil {
		return fmt.Errorf("%s %s: %w", op, path, err)
	}
	return nil
}

// mkdir makes one directory durably; one that is there is success.
func (d dataDir) mkdir(ctx context.Context, path string) error {
	return d.cross(ctx, "mkdir", path, func() error {
		if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return atomicfile.SyncDir(filepath.Dir(path))
	})
}

func (d dataDir) put(ctx context.Context, path string, content []byte) error {
	return d.cross(ctx, "put", path, func() error { return atomicfile.Write(path, content, fileMode) })
}

// rename refuses a target that holds anything, as rename(2) does.
func (d dataDir) rename(ctx context.Context, from, to string) error {
	return d.cross(ctx, "rename", from, func() error {
		if err := os.Rename(from, to); err != nil {
			return err
		}
		return errors.Join(atomicfile.SyncDir(filepath.Dir(to)), atomicfile.SyncDir(filepath.Dir(from)))
	})
}

// makeRoot makes the root of the volume where it is an ordinary directory that
// was never made. Its parent must be there.
func (d dataDir) makeRoot(ctx context.Context) error {
	_, err := os.Stat(d.data)
	if errors.Is(err, fs.ErrNotExist) {
		return d.mkdir(ctx, d.data)
	}
	return err
}

// putMark writes the place mark of the volume. A mark that is there and bears
// another id is left alone.
func (d dataDir) putMark(ctx context.Context, m store.Mark) error {
	path := filepath.Join(d.data, store.MarkKey)
	content, err := atomicfile.Read(path, markLimit)
	if err == nil {
		there, err := store.DecodeMark(content)
		switch {
		case err == nil && there.ID == m.ID:
			return nil
		case err == nil:
			return fmt.Errorf("put place mark: %s bears mark %s already", d.data, there.ID)
		case errors.Is(err, store.ErrNewerMark):
			return fmt.Errorf("put place mark: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put place mark: %w", err)
	}
	return d.put(ctx, path, m.Encode())
}

const asidePrefix = ".etcd.tmp-"

// makeMarked makes etcd's directory with its mark, under a temporary name
// first: a directory without its mark never bears the real name.
func (d dataDir) makeMarked(ctx context.Context, m DirMark) error {
	if err := d.clearAside(ctx); err != nil {
		return err
	}
	aside := filepath.Join(d.data, asidePrefix+m.Token)
	if err := d.mkdir(ctx, aside); err != nil {
		return err
	}
	if err := d.put(ctx, filepath.Join(aside, dirMarkName), m.encode()); err != nil {
		return err
	}
	return d.rename(ctx, aside, d.etcd())
}

// clearAside removes what a crash left of an earlier makeMarked. It never held
// data of an etcd.
func (d dataDir) clearAside(ctx context.Context) error {
	entries, err := os.ReadDir(d.data)
	if err != nil {
		return fmt.Errorf("list the data volume: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), asidePrefix) {
			continue
		}
		path := filepath.Join(d.data, entry.Name())
		if err := d.cross(ctx, "remove", path, func() error { return os.RemoveAll(path) }); err != nil {
			return err
		}
	}
	return nil
}

// putDirMark writes the mark beside a member directory that is there.
func (d dataDir) putDirMark(ctx context.Context, m DirMark) error {
	return d.put(ctx, d.dirMark(), m.encode())
}

// retirement is the intent to move a directory into the trash. It lies in the
// directory from before etcd is stopped, and goes with it.
type retirement struct {
	Entry    string         `json:"entry"` // the name in the trash
	Reason   string         `json:"reason"`
	Identity proof.Identity `json:"identity,omitzero"`
	MemberID uint64         `json:"memberID,string,omitempty"`
	At       time.Time      `json:"at"`
}

// readRetirement gives nil when the directory is not to be retired. One that
// is damaged still says that it is.
func (d dataDir) readRetirement(now time.Time) (*retirement, error) {
	content, err := atomicfile.Read(d.retired(), markLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.retired(), err)
	}
	var r retirement
	if err := json.Unmarshal(content, &r); err != nil || r.Entry != filepath.Base(r.Entry) || r.Entry == "." || r.Entry == ".." {
		r = retirement{Entry: entryName(now, "retired"), Reason: "the note of why is damaged", At: now}
	}
	return &r, nil
}

func (d dataDir) intendRetirement(ctx context.Context, r retirement) error {
	content, _ := json.MarshalIndent(r, "", "  ") // plain values always encode
	return d.put(ctx, d.retired(), append(content, '\n'))
}

// moveToTrash ends a retirement. etcd must be stopped.
func (d dataDir) moveToTrash(ctx context.Context, r retirement) error {
	if err := d.mkdir(ctx, d.trash()); err != nil {
		return err
	}
	to := d.entry(r.Entry)
	for n := 2; ; n++ {
		_, err := os.Lstat(to)
		if errors.Is(err, fs.ErrNotExist) {
			return d.rename(ctx, d.etcd(), to)
		}
		if err != nil {
			return fmt.Errorf("look into the trash: %w", err)
		}
		to = fmt.Sprintf("%s-%d", d.entry(r.Entry), n)
	}
}

// entryName is how a retired directory is called in the trash.
func entryName(at time.Time, reason string) string {
	slug := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, reason)
	for strings.Contains(slug, "--") {
		slug = strings.ReplaceAll(slug, "--", "-")
	}
	slug = strings.Trim(slug[:min(len(slug), 40)], "-")
	if slug == "" {
		slug = "retired"
	}
	return at.UTC().Format(time.RFC3339) + "-" + slug
}
