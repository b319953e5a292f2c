package lead

import (
	"fmt"
	"time"
)

// Sight is the lease as a candidate sees it.
type Sight struct {
	// There: an object is under the lease's key. Readable: it is a lease.
	There, Readable bool
	Lease           Lease
	// Still is how long the object has not changed, by the candidate's own
	// monotonic clock, since the candidate first saw it so.
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
func Decide(s Sight, a Agents, term time.Duration) Move {
	if !a.Quorum() {
		return Move{Why: fmt.Sprintf("%d of %d agents answered; a leader needs more than half", a.Answered, a.Of)}
	}
	epoch := max(s.Lease.Epoch, a.Highest) + 1
	switch {
	case !s.There:
		return Move{Take: true, Epoch: epoch, Why: "there is no lease"}
	case s.Readable && s.Lease.Released:
		return Move{Take: true, Epoch: epoch, Why: s.Lease.Holder + " released the lease"}
	case s.Readable:
		term = s.Lease.Term()
	}
	if s.Still < term {
		return Move{Why: fmt.Sprintf("%s holds epoch %d; its beat has stood still for %s of %s",
			s.Lease.Holder, s.Lease.Epoch, s.Still.Truncate(time.Millisecond), term)}
	}
	return Move{Take: true, Epoch: epoch, Why: fmt.Sprintf("the beat of %s stood still for a whole term of %s", s.Lease.Holder, term)}
}
