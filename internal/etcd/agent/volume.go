package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/store"
)

// volume is the place that the data lie in.
type volume struct {
	dir          string
	filesystemOf func(path string) (store.Filesystem, error)
}

func (v volume) url() string { return (&url.URL{Scheme: "file", Path: v.dir}).String() }

// look reads the mark and what lies under it, before and after: between the
// two nothing may have been mounted.
func (v volume) look() store.Seen {
	seen := store.Seen{URL: v.url()}
	before, err := v.filesystemOf(v.dir)
	if err != nil {
		seen.Err = fmt.Errorf("look at the data volume: %w", err)
		return seen
	}
	seen.FS = &before
	content, err := atomicfile.Read(filepath.Join(v.dir, store.MarkKey), markLimit)
	switch {
	case err == nil:
		seen = takeMark(seen, content)
	case errors.Is(err, fs.ErrNotExist):
		seen.MarkFinding = store.MarkAbsent
	default:
		seen.Err = fmt.Errorf("look at the data volume: %w", err)
	}
	after, err := v.filesystemOf(v.dir)
	if err != nil || !before.Same(after) {
		return store.Seen{URL: seen.URL, Err: fmt.Errorf("look at the data volume: the filesystem changed meanwhile (%v)", err)} //nolint:errorlint // nil where it answered and is another
	}
	return seen
}

func takeMark(seen store.Seen, content []byte) store.Seen {
	mark, err := store.DecodeMark(content)
	switch {
	case err == nil && mark.Kind != store.DataVolume:
		seen.Err = fmt.Errorf("the mark is that of a %s", mark.Kind)
	case err == nil:
		seen.MarkFinding, seen.Mark = store.MarkPresent, &mark
	case errors.Is(err, store.ErrNewerMark):
		seen.Err = err
	default:
		seen.MarkFinding, seen.Err = store.MarkUnusable, err
	}
	return seen
}

// place is the volume as the memory knows it.
type place struct {
	store.PlaceFinding
	seen store.Seen
}

// judge: only this node's memory knows its volume. A memory that cannot be
// understood has not answered, which matters where the mark is missing too.
func (v volume) judge(doc document, unknown string) place {
	seen := v.look()
	var remembered []store.Remembered
	if doc.Volume != nil {
		remembered = append(remembered, *doc.Volume)
	}
	understood := unknown == "" && (doc.Damaged == "" || doc.Volume != nil)
	answered := understood || seen.MarkFinding == store.MarkPresent
	return place{store.JudgePlace(seen, remembered, answered), seen}
}

// readable reports whether what is found in the place is to be believed.
func (p place) readable() bool {
	switch p.State {
	case store.PlaceNew, store.PlaceOurs, store.PlaceTakenOver, store.PlaceEmptied:
		return true
	case store.PlaceUnknown:
		// Nobody could say whether it was emptied; what it holds is there.
		return p.seen.MarkFinding == store.MarkAbsent || p.seen.MarkFinding == store.MarkUnusable
	}
	return false
}

// claimVolume makes the volume ours before anything is made in it: the mark
// first, then the memory of it. confirmed is a person's word that this is the
// volume to use, whatever is remembered.
func (a *Agent) claimVolume(ctx context.Context, p place, confirmed bool) error {
	now := a.deps.Clock.Now()
	id, err := markToUse(p, confirmed)
	if err != nil {
		return err
	}
	if err := a.dir.makeRoot(ctx); err != nil {
		return err
	}
	mark := store.NewMark(store.DataVolume, a.cfg.Cluster, now)
	if id != "" {
		mark.ID = id
	}
	if err := a.dir.putMark(ctx, mark); err != nil {
		return err
	}
	return a.rememberVolume(ctx, now)
}

// markToUse is the id that the volume's mark is to bear; empty for a new one.
func markToUse(p place, confirmed bool) (string, error) {
	switch p.State {
	case store.PlaceOurs, store.PlaceTakenOver, store.PlaceEmptied:
		return p.MarkID, nil
	case store.PlaceNew:
		return "", nil
	}
	there := p.seen.MarkFinding == store.MarkPresent || p.seen.MarkFinding == store.MarkAbsent
	if !confirmed || !there {
		return "", refuse("the data volume is not one to write to: %s", p.Why)
	}
	if p.seen.Mark != nil {
		return p.seen.Mark.ID, nil
	}
	return "", nil
}

// rememberVolume remembers the mark that lies there now.
func (a *Agent) rememberVolume(ctx context.Context, now time.Time) error {
	seen := a.volume.look()
	if seen.Mark == nil || seen.FS == nil {
		return fmt.Errorf("remember the data volume: its mark is %s (%w)", seen.MarkFinding, seen.Err)
	}
	known := store.Remembered{URL: seen.URL, MarkID: seen.Mark.ID, FS: seen.FS}
	return a.memory.change(ctx, now, func(doc *document) error {
		doc.Volume = &known
		return nil
	})
}
