package lead

import (
	"fmt"
	"time"
)

// Sight is the lease as a candidate sees it.
type Sight struct {
	// There: an object is under the lease's key. Readable: it is a lease.
	// Newer: it is one of a format that this program does not know.
	There, Readable, Newer bool
	// Lease is what stands there, or the last one that was seen there.
	Lease Lease
	// Ours: the lease that is gone was ours, and we knew it to stand.
	Ours bool
	// Highest is the highest epoch that this candidate ever saw in the store.
	Highest uint64
	// Still is how long it has not changed, gone or there, by the candidate's
	// own monotonic clock, since the candidate first saw it so.
	Still time.Duration
}

// Agents is what the agents say of leases.
type Agents struct {
	Answered, Of int    // how many answered, of how many that are known
	Highest      uint64 // the highest epoch that one of them heard
}

// Quorum reports whether so many answered that no newer leader can have been
// heard by a quorum behind our back.
func (a Agents) Quorum() bool { return a.Of > 0 && a.Answered >= a.Of/2+1 }

// Move is what a candidate does about the lease.
type Move struct {
	Take  bool
	Epoch uint64 // of the lease to write, where Take
	Why   string
}

// Decide says whether a candidate who does not hold the lease takes it, and
// with which epoch. term is the candidate's own, for a lease that states none.
// A lease that is gone may still be held by somebody who does not know it yet:
// it too is waited for, unless there never was one.
func Decide(s Sight, a Agents, term time.Duration) Move {
	highest := max(s.Lease.Epoch, s.Highest, a.Highest)
	take := func(why string) Move { return Move{Take: true, Epoch: highest + 1, Why: why} }
	switch {
	case !a.Quorum():
		return Move{Why: fmt.Sprintf("%d of %d agents answered; a leader needs more than half", a.Answered, a.Of)}
	case highest >= maxEpoch:
		return Move{Why: fmt.Sprintf("an agent or the lease speaks of epoch %d, which nobody can have reached", highest)}
	case s.There && s.Newer:
		return Move{Why: Key + " was written by a newer Seedproof, and is not touched; run that one, or move the file away by hand"}
	case !s.There && highest == 0:
		return take("there never was a lease")
	case !s.There && s.Ours:
		return take("our own lease was removed, and nobody took another")
	case s.There && s.Readable && s.Lease.Released:
		return take(s.Lease.Holder + " released the lease")
	}
	term = s.Lease.termOr(term)
	if s.Still < term {
		return Move{Why: fmt.Sprintf("%s; so it has stood for %s of a term of %s", s.state(), s.Still.Truncate(time.Millisecond), term)}
	}
	return take(fmt.Sprintf("%s; so it has stood for a whole term of %s", s.state(), term))
}

// state says in words what stands there.
func (s Sight) state() string {
	switch {
	case !s.There:
		return "the lease is gone"
	case !s.Readable:
		return "the lease is damaged"
	}
	return fmt.Sprintf("%s holds the lease, epoch %d", s.Lease.Holder, s.Lease.Epoch)
}
