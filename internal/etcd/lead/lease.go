package lead

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Key is the lease's key in the control store.
const Key = "lease.json"

const (
	format     = 1
	leaseLimit = 64 << 10
	minTerm    = 100 * time.Millisecond
	maxTerm    = 10 * time.Minute
	maxEpoch   = 1 << 62 // no lease is ever taken that often
)

// Lease is who leads, and until when nobody else may.
type Lease struct {
	Format int    `json:"format"`
	Epoch  uint64 `json:"epoch"`
	// Tenure is random and stands as long as one holder holds one epoch.
	Tenure string `json:"tenure"`
	// Beat is random and new with each renewal.
	Beat   string `json:"beat"`
	Holder string `json:"holder"`
	// TermMillis is how long the beat must stand still before another may take
	// over, in milliseconds, as the holder promised it.
	TermMillis int64 `json:"termMillis"`
	// Released: the holder stepped down by itself.
	Released bool `json:"released,omitempty"`
}

// Term is how long the beat must stand still.
func (l Lease) Term() time.Duration { return time.Duration(l.TermMillis) * time.Millisecond }

// termOr is the term that the lease states, or else for one that states none.
func (l Lease) termOr(otherwise time.Duration) time.Duration {
	if l.TermMillis > 0 {
		return l.Term()
	}
	return otherwise
}

// errNewer: the lease is of a format that this program does not know.
var errNewer = errors.New("written by a newer Seedproof")

// parse reads a lease. A damaged one is not taken for none: it must stand still
// for a whole term before it is replaced. errNewer means that it says what this
// program cannot know.
func parse(content []byte) (Lease, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return Lease{}, fmt.Errorf("parse the lease: %w", err)
	}
	if head.Format > format {
		return Lease{}, fmt.Errorf("parse the lease: format %d, and this program knows %d: %w", head.Format, format, errNewer)
	}
	var l Lease
	if err := json.Unmarshal(content, &l); err != nil {
		return Lease{}, fmt.Errorf("parse the lease: %w", err)
	}
	switch {
	case l.Format != format:
		return Lease{}, fmt.Errorf("parse the lease: format %d is none", l.Format)
	case l.Tenure == "" || l.Beat == "" || l.Epoch == 0 || l.Epoch > maxEpoch:
		return Lease{}, errors.New("parse the lease: it names nobody")
	case l.TermMillis < minTerm.Milliseconds() || l.TermMillis > maxTerm.Milliseconds():
		return Lease{}, fmt.Errorf("parse the lease: a term of %d ms; expected %s to %s", l.TermMillis, minTerm, maxTerm)
	}
	return l, nil
}

func (l Lease) encode() []byte {
	b, _ := json.MarshalIndent(l, "", "  ") // a plain struct always encodes
	return append(b, '\n')
}
