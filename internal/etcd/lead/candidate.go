package lead

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

// Clock is the time that terms are measured in; only differences count.
type Clock interface{ Now() time.Time }

// Candidate is one agent's side of leading. It is used by one goroutine.
type Candidate struct {
	Store store.Store
	Name  string
	Term  time.Duration
	Clock Clock

	held    Lease         // zero while we do not lead
	version store.Version // of held, as we last wrote it
	renewed time.Time     // not after held's beat began to stand in the store
	unsure  bool          // a renewal's answer was lost: look before anything else
	trying  Lease         // the last renewal that was sent, and when
	tried   time.Time

	// The object as it was last seen, and since when; "" is gone.
	seen              store.Version
	seenLease         Lease // the last one that could be read
	seenOK, seenNewer bool
	since             time.Time // zero: it was never looked at
	ours              bool      // what is gone was our lease
	highest           uint64    // epoch that was ever seen here

	heard      string // a beat that its holder told us of, and since when
	heardSince time.Time
}

// Held is the lease that we hold, by what was last seen; false if we do not.
func (c *Candidate) Held() (Lease, bool) {
	return c.held, c.held.Tenure != "" && c.Clock.Now().Sub(c.renewed) < c.Term
}

// Heard notes a beat that the holder of the lease told us of, after it had
// written it: when the lease is read with that beat, it stood since then.
func (c *Candidate) Heard(beat string, since time.Time) { c.heard, c.heardSince = beat, since }

// Due is when the lease that is watched will have stood for a whole term,
// unless it changes; in the past or zero if nothing is waited for.
func (c *Candidate) Due() time.Time {
	if c.held.Tenure != "" || c.since.IsZero() {
		return time.Time{}
	}
	return c.since.Add(c.seenLease.termOr(c.Term))
}

// Tick renews our lease, or watches another's and takes it over when that may
// be done. listed is the version of the lease object in a listing just made,
// "" if it was not listed. writable says whether the place may be written to.
// It returns the lease if we lead now, and in words why or why not.
func (c *Candidate) Tick(ctx context.Context, listed store.Version, writable bool, agents Agents) (Lease, bool, string) {
	if c.Term < minTerm || c.Term > maxTerm {
		return Lease{}, false, fmt.Sprintf("a term of %s cannot be promised; expected %s to %s", c.Term, minTerm, maxTerm)
	}
	if c.held.Tenure != "" {
		if lead, why, decided := c.renew(ctx, writable); decided {
			return c.held, lead, why
		}
		// Lost to somebody else: from here on we are a candidate again.
		listed = c.seen
	}
	sight, err := c.watch(ctx, listed)
	if err != nil {
		return Lease{}, false, fmt.Sprintf("the lease cannot be read: %v", err)
	}
	move := Decide(sight, agents, c.Term)
	switch {
	case !move.Take:
		return Lease{}, false, move.Why
	case !writable:
		return Lease{}, false, "the control store may not be written to"
	}
	return c.take(ctx, move)
}

// renew swaps our lease for one with a new beat. decided is false when it was
// lost to another.
func (c *Candidate) renew(ctx context.Context, writable bool) (lead bool, why string, decided bool) {
	if !writable {
		_, stands := c.Held()
		return stands, "the control store may not be written to", true
	}
	if c.unsure {
		if err := c.lookAgain(ctx); err != nil {
			_, stands := c.Held()
			return stands, fmt.Sprintf("the lease cannot be read: %v", err), true
		}
		if c.held.Tenure == "" {
			return false, "", false
		}
	}
	next := c.held
	next.Beat = nonce()
	c.trying, c.tried = next, c.Clock.Now()
	info, err := store.Swap(ctx, c.Store, Key, c.version, next.encode())
	var refused *store.Refused
	switch {
	case err == nil:
		c.keep(next, info.Version)
		return true, "renewed", true
	case errors.As(err, &refused):
		c.lost(refused.Content, refused.Have.Version)
		if c.held.Tenure == "" {
			return false, "", false
		}
	default:
		c.unsure = true
	}
	_, stands := c.Held()
	return stands, fmt.Sprintf("the lease could not be renewed: %v", err), true
}

// Confirm proves, before an act, that we still lead. While the last renewal is
// younger than half a term that is known; after a pause the lease is read.
func (c *Candidate) Confirm(ctx context.Context) error {
	if c.held.Tenure == "" {
		return errors.New("we do not hold the lease")
	}
	if !c.unsure && c.Clock.Now().Sub(c.renewed) < c.Term/2 {
		return nil
	}
	if err := c.lookAgain(ctx); err != nil {
		return fmt.Errorf("look at the lease before acting: %w", err)
	}
	if c.held.Tenure == "" {
		return errors.New("another leads by now")
	}
	return nil
}

// lookAgain reads the lease and finds out whether it is still ours. That it is
// holds for the moment: only a new beat begins a new term.
func (c *Candidate) lookAgain(ctx context.Context) error {
	content, info, err := store.Read(ctx, c.Store, Key, leaseLimit)
	switch {
	case errors.Is(err, store.ErrNotFound):
		c.lost(nil, "")
	case errors.Is(err, store.ErrTooLarge):
		c.lost(nil, info.Version)
	case err != nil:
		return err
	default:
		c.lost(content, info.Version)
	}
	return nil
}

// lost gives up our lease and remembers what stands in its place, unless that
// is a beat of our own, written by a renewal whose answer was lost.
func (c *Candidate) lost(content []byte, version store.Version) {
	if l, err := parse(content); err == nil && l.Tenure == c.held.Tenure && !l.Released {
		c.keep(l, version)
		return
	}
	c.seenLease, c.ours = c.held, true
	c.held, c.version, c.unsure = Lease{}, "", false
	c.see(version, content)
}

// keep notes that l, ours, stands in the store. Others count its term from when
// they first saw its beat, so ours counts from before that was written.
func (c *Candidate) keep(l Lease, version store.Version) {
	if l.Beat == c.trying.Beat {
		c.renewed = c.tried
	}
	c.held, c.version, c.unsure = l, version, false
	c.highest = max(c.highest, l.Epoch)
}

func (c *Candidate) see(version store.Version, content []byte) {
	l, err := parse(content)
	c.seen, c.since = version, c.Clock.Now()
	c.seenOK, c.seenNewer = err == nil, errors.Is(err, errNewer)
	c.ours = c.ours && version == ""
	if err != nil {
		return
	}
	c.seenLease, c.highest = l, max(c.highest, l.Epoch)
	// What was heard longer ago may have been put back since by somebody.
	if l.Beat == c.heard && c.since.Sub(c.heardSince) < l.Term() {
		c.since = c.heardSince
	}
}

// watch looks at another's lease, and reads it only when it has changed.
func (c *Candidate) watch(ctx context.Context, listed store.Version) (Sight, error) {
	switch {
	case listed == c.seen && !c.since.IsZero():
	case listed == "":
		c.see("", nil)
	default:
		content, info, err := store.Read(ctx, c.Store, Key, leaseLimit)
		if err != nil && !errors.Is(err, store.ErrTooLarge) {
			return Sight{}, err
		}
		c.see(info.Version, content)
	}
	now := c.Clock.Now()
	return Sight{There: listed != "", Readable: c.seenOK, Newer: c.seenNewer, Lease: c.seenLease,
		Ours: c.ours && now.Sub(c.renewed) < c.Term, Highest: c.highest, Still: now.Sub(c.since)}, nil
}

func (c *Candidate) take(ctx context.Context, move Move) (Lease, bool, string) {
	l := Lease{Format: format, Epoch: move.Epoch, Tenure: nonce(), Beat: nonce(), Holder: c.Name,
		TermMillis: (c.Term + time.Millisecond - 1).Milliseconds()}
	c.trying, c.tried = l, c.Clock.Now()
	var info store.Info
	var err error
	if c.seen == "" {
		info, err = store.Create(ctx, c.Store, Key, l.encode())
	} else {
		info, err = store.Swap(ctx, c.Store, Key, c.seen, l.encode())
	}
	var refused *store.Refused
	switch {
	case err == nil:
		c.keep(l, info.Version)
		return l, true, move.Why
	case errors.As(err, &refused):
		c.see(refused.Have.Version, refused.Content)
		return Lease{}, false, "another took the lease first"
	}
	// The write may still arrive: a lease of ours that we do not know of is
	// taken over like anybody else's, after a whole term.
	return Lease{}, false, fmt.Sprintf("the lease could not be taken: %v", err)
}

// Release marks the lease as released, so that the next leader need not wait.
// One that is not ours any more is left as it is.
func (c *Candidate) Release(ctx context.Context) error {
	if c.held.Tenure != "" && c.unsure {
		if err := c.lookAgain(ctx); err != nil {
			return fmt.Errorf("release the lease: %w", err)
		}
	}
	var err error
	for range 2 { // the second time over a beat of ours that arrived late
		if c.held.Tenure == "" {
			return nil
		}
		l := c.held
		l.Released, l.Beat = true, nonce()
		var refused *store.Refused
		_, err = store.Swap(ctx, c.Store, Key, c.version, l.encode())
		if !errors.As(err, &refused) {
			break
		}
		c.lost(refused.Content, refused.Have.Version)
	}
	c.held, c.version, c.unsure = Lease{}, "", false
	if err != nil {
		return fmt.Errorf("release the lease: %w", err)
	}
	return nil
}

func nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}
