package snapshot

import (
	"errors"
	"fmt"
)

// Damage is one way in which a snapshot can be worthless. All damages are
// among the errors below; ask with errors.Is for one and with DamageOf for any.
type Damage struct {
	name string
	text string
}

func (d *Damage) Error() string { return d.text }

// Name is a short word for tables and metrics, such as "cut". It never changes.
func (d *Damage) Name() string { return d.name }

var (
	// ErrEmpty: no bytes at all, packed or unpacked.
	ErrEmpty = &Damage{"empty", "the snapshot is empty"}
	// ErrNotGzip: it was to be gzip and is not.
	ErrNotGzip = &Damage{"not-gzip", "it is not gzip"}
	// ErrNotBbolt: what it holds never was a database of etcd.
	ErrNotBbolt = &Damage{"not-bbolt", "it is not a database of etcd"}
	// ErrCut: it ends before its end.
	ErrCut = &Damage{"cut", "the snapshot was cut short"}
	// ErrNoTrailer: the database is there to its end, and no sha256 follows: cut
	// just there, or the copy of a member's file, which holds no proof of itself.
	ErrNoTrailer = &Damage{"no-trailer", "the snapshot has no sha256 trailer"}
	// ErrFlipped: its length is right and its bytes are not those that were
	// written: a checksum (of gzip, or the sha256 trailer) does not match.
	ErrFlipped = &Damage{"flipped", "the snapshot was altered: its checksum does not match"}
	// ErrTrailing: something follows the end, of the gzip stream or of the
	// snapshot.
	ErrTrailing = &Damage{"trailing", "something follows the snapshot"}
	// ErrZipBomb: it unpacks into far more than a database packs into.
	ErrZipBomb = &Damage{"zip-bomb", "it unpacks into far more than any database would"}
	// ErrCorrupt: the bytes are those that etcd wrote, or no checksum could
	// tell, and the database in them is damaged.
	ErrCorrupt = &Damage{"corrupt", "the database is corrupt"}
	// ErrNoBucket: a sound database, but not of an etcd that could start.
	ErrNoBucket = &Damage{"no-bucket", "the database lacks a bucket of etcd"}
)

// These are limits of whoever asks, and say nothing about the snapshot: whether
// it is whole is unknown.
var (
	// ErrTooLarge: more than Options.MaxSize.
	ErrTooLarge = errors.New("the snapshot is larger than allowed")
	// ErrNoSpace: the disk has no room to look into it.
	ErrNoSpace = errors.New("there is no room on the disk to look into the snapshot")
)

// DamageOf is the damage that err reports. Without one the snapshot was not
// judged: the source or the disk failed, the time ended, or a limit was met.
func DamageOf(err error) (*Damage, bool) {
	var d *Damage
	return d, errors.As(err, &d)
}

// corrupt is an ErrCorrupt with what is wrong.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
