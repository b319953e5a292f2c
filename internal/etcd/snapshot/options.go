package snapshot

import (
	"errors"
	"fmt"
)

// Form is how a snapshot is packed.
type Form string

// The forms. Sniff tells the others by the first bytes; name the form where it
// is known (etcd-manager's etcd.backup.gz), since damage can hide it.
const (
	Sniff Form = ""
	Gzip  Form = "gzip"
	Plain Form = "plain"
)

const (
	// DefaultMaxSize is above the 8 GiB that etcd recommends as the largest
	// quota.
	DefaultMaxSize = 10 << 30
	// DefaultKeepFree is what the disk must keep for others.
	DefaultKeepFree = 256 << 20
	// DefaultMaxRatio: databases of Kubernetes pack 3 to 10 times; one full of
	// equal values up to some 200 times. Deflate ends at 1032.
	DefaultMaxRatio = 250

	// ratioFloor is unpacked without asking for the ratio. Small databases
	// are mostly zeros.
	ratioFloor = 64 << 20
)

// Options say how to look.
type Options struct {
	Form Form
	// Dir is where the database is unpacked to, into a file of mode 0600 that
	// has no name any more when the first byte comes. Default: the system's
	// directory for temporary files.
	Dir string
	// MaxSize is the most bytes that the unpacked database may have, and so
	// the most that is taken on the disk. Default: DefaultMaxSize.
	MaxSize int64
	// KeepFree is how many bytes must stay free on the disk beside. Default:
	// DefaultKeepFree; negative: none.
	KeepFree int64
	// MaxRatio is how many times larger the database may be than its packed
	// form. Default: DefaultMaxRatio.
	MaxRatio int64
}

func (o Options) filled() (Options, error) {
	if o.Form != Sniff && o.Form != Gzip && o.Form != Plain {
		return o, fmt.Errorf("unknown form %q of a snapshot", o.Form)
	}
	if o.MaxSize < 0 || o.MaxRatio < 0 {
		return o, errors.New("a negative bound for a snapshot")
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	if o.KeepFree == 0 {
		o.KeepFree = DefaultKeepFree
	}
	if o.MaxRatio == 0 {
		o.MaxRatio = DefaultMaxRatio
	}
	o.KeepFree = max(o.KeepFree, 0)
	return o, nil
}
