package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MarkKey is where the mark of a place lies.
const MarkKey = "seedproof-mark.json"

const (
	markFormat = 1
	markLimit  = 64 << 10 // bytes; a mark is a few hundred
	markField  = 256      // bytes of one text in it
)

// Kind says what a place is used for.
type Kind string

const (
	ControlStore Kind = "control-store"
	BackupStore  Kind = "backup-store"
	DataVolume   Kind = "data-volume"
)

// Mark is the random identity of a place, written at its first use and
// remembered elsewhere, so that an emptied place, or another one, is never
// taken for one where nothing ever was.
type Mark struct {
	ID      string    `json:"id"` // 128 random bits, in hex
	Kind    Kind      `json:"kind"`
	Created time.Time `json:"created"` // of the ID, by its maker's clock
	Cluster string    `json:"cluster"`
	Nonce   string    `json:"nonce"` // new at each attempt to write the mark
}

// NewMark makes a mark with a new identity.
func NewMark(kind Kind, cluster string, now time.Time) Mark {
	return Mark{ID: randomHex(), Kind: kind, Created: now.UTC(), Cluster: cluster, Nonce: randomHex()}
}

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// ErrNewerMark: the mark was written by a later version of Seedproof. What it
// says is unknown, not damaged.
var ErrNewerMark = errors.New("place mark of a newer format")

type markFile struct {
	Format int `json:"format"`
	Mark
}

// Encode gives the bytes of the mark's object.
func (m Mark) Encode() []byte {
	content, err := json.MarshalIndent(markFile{markFormat, m}, "", "  ")
	if err != nil { // a struct of texts and a time
		panic(err)
	}
	return append(content, '\n')
}

// DecodeMark reads a mark strictly: no unknown fields, nothing after it, every
// field in its form. A newer format gives ErrNewerMark.
func DecodeMark(content []byte) (Mark, error) {
	if len(content) > markLimit {
		return Mark{}, fmt.Errorf("decode place mark: %d bytes: %w", len(content), ErrTooLarge)
	}
	var head struct{ Format int }
	if err := json.Unmarshal(content, &head); err != nil {
		return Mark{}, fmt.Errorf("decode place mark: %w", err)
	}
	if head.Format > markFormat {
		return Mark{}, fmt.Errorf("decode place mark: format %d, known up to %d: %w", head.Format, markFormat, ErrNewerMark)
	}
	var file markFile
	if err := decodeStrict(content, &file); err != nil {
		return Mark{}, fmt.Errorf("decode place mark: %w", err)
	}
	if file.Format != markFormat {
		return Mark{}, fmt.Errorf("decode place mark: format %d is none", file.Format)
	}
	if err := file.validate(); err != nil {
		return Mark{}, fmt.Errorf("decode place mark: %w", err)
	}
	return file.Mark, nil
}

func (m Mark) validate() error {
	if id, err := hex.DecodeString(m.ID); err != nil || len(id) != 16 {
		return fmt.Errorf("id %.40q is not 32 hex digits", m.ID)
	}
	switch m.Kind {
	case ControlStore, BackupStore, DataVolume:
	default:
		return fmt.Errorf("kind %.40q is not known", m.Kind)
	}
	if m.Created.IsZero() {
		return errors.New("created is missing")
	}
	if len(m.Cluster) > markField || len(m.Nonce) > markField {
		return fmt.Errorf("cluster or nonce is longer than %d bytes", markField)
	}
	if m.Nonce == "" {
		return errors.New("nonce is missing")
	}
	return nil
}

// MarkFinding is what a look at the mark's object gave.
type MarkFinding uint8

const (
	MarkUnknown  MarkFinding = iota // could not be asked, or not understood
	MarkPresent                     // read and understood
	MarkAbsent                      // the place answered that it has none
	MarkUnusable                    // wholly read, and damaged
)

func (f MarkFinding) String() string {
	names := [...]string{"unknown", "present", "absent", "unusable"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("finding(%d)", uint8(f))
}

// Seen is what one look at a place found.
type Seen struct {
	URL         string
	MarkFinding MarkFinding
	Mark        *Mark       // nil unless present
	MarkVersion Version     // of a present or unusable mark
	FS          *Filesystem // nil where the place is no path
	Err         error       // why the finding is unknown or unusable
}

// LookAtPlace reads the mark of s and asks what lies under it. It never
// changes anything. The driver file:// from then on writes only to the
// filesystem that was seen here.
func LookAtPlace(ctx context.Context, s Store) Seen {
	seen := Seen{URL: s.URL()}
	before, err := filesystemUnder(ctx, s)
	if err != nil {
		seen.Err = fmt.Errorf("look at %s: %w", seen.URL, err)
		return seen
	}
	seen.FS = before
	content, info, err := Read(ctx, s, MarkKey, markLimit)
	if err == nil {
		seen.MarkVersion = info.Version
		seen.take(content)
	} else if errors.Is(err, ErrNotFound) {
		seen.MarkFinding = MarkAbsent
	} else {
		seen.Err = fmt.Errorf("look at %s: %w", seen.URL, err)
	}
	after, err := filesystemUnder(ctx, s)
	if err != nil || before != nil && !before.Same(*after) {
		// Something was mounted or unmounted between: the answers do not
		// belong together.
		return Seen{URL: seen.URL, Err: fmt.Errorf("look at %s: the filesystem changed meanwhile (%v)", seen.URL, err)} //nolint:errorlint // nil where it answered and is another
	}
	return seen
}

func (seen *Seen) take(content []byte) {
	mark, err := DecodeMark(content)
	switch {
	case err == nil:
		seen.MarkFinding, seen.Mark = MarkPresent, &mark
	case errors.Is(err, ErrNewerMark):
		seen.Err = err
	default:
		seen.MarkFinding, seen.Err = MarkUnusable, err
	}
}

func filesystemUnder(ctx context.Context, s Store) (*Filesystem, error) {
	on, ok := onFilesystem(s)
	if !ok {
		return nil, nil
	}
	fs, err := on.Filesystem(ctx)
	if err != nil {
		return nil, err
	}
	return &fs, nil
}

// PutMark writes m into a place that JudgePlace found markable: new, or
// emptied (then m bears the remembered ID). It looks again first. A mark of
// the same ID that is already there, or that another wrote meanwhile, is
// success; any other one is left as it is and gives *Refused.
func PutMark(ctx context.Context, s Store, m Mark) error {
	m.Nonce = randomHex()
	if err := m.validate(); err != nil {
		return fmt.Errorf("put place mark: %w", err)
	}
	err := putMark(ctx, s, m)
	var refused *Refused
	if errors.As(err, &refused) {
		if stands, derr := DecodeMark(refused.Content); derr == nil && stands.ID == m.ID {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("put place mark of %s: %w", s.URL(), err)
	}
	return nil
}

func putMark(ctx context.Context, s Store, m Mark) error {
	var err error
	switch seen := LookAtPlace(ctx, s); seen.MarkFinding {
	case MarkAbsent:
		_, err = Create(ctx, s, MarkKey, m.Encode())
	case MarkUnusable:
		_, err = Swap(ctx, s, MarkKey, seen.MarkVersion, m.Encode())
	case MarkPresent:
		if seen.Mark.ID != m.ID {
			return &Refused{Key: MarkKey, Have: Info{Key: MarkKey, Version: seen.MarkVersion}, Content: seen.Mark.Encode()}
		}
	default:
		return seen.Err
	}
	return err
}
