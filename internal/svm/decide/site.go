package decide

import "time"

// Site is what stands on the SVM and beside it. None of it proves anything
// about the SVM: a thing of another owner stops its own step alone.
type Site struct {
	Limits     Drift // the SVM's own limits against the desired ones
	Mark       Drift // the mark in its comment
	Services   []Service
	Interfaces []Interface
	Management Interface
	Routes     []Route
	Reach      Reach
	// Notes are what the record says was asked for once.
	Notes []Note
	// Shoots are those that use the SVM, each with an account of its own.
	Shoots []Shoot
	// Leaving are those that used it, as the record says, and that nobody asks for
	// any more.
	Leaving []Leaving
}

// Shoot is what one shoot has of the SVM.
type Shoot struct {
	Name        string
	Credentials Credentials
	Objects     Drift // what Trident reads in the shoot
}

// Note is an interface or a route that the record says was asked for, before it
// was.
type Note struct {
	Kind  string
	Name  string
	Asked time.Time
	// Wanted: it may be something that is wanted now.
	Wanted bool
	// Shown says whether the SVM shows anything that may be it.
	Shown Answer
}

// forgettable are the notes behind which there is nothing: what was asked for
// never came, or is gone, and nobody asks for it. A name that is noted counts as
// ours, so that a note must not outlive the thing. It stays while a job, or a
// request of a moment ago, may still make the thing.
func (e Evidence) forgettable(s sighting) []Note {
	a, known := e.array(s.array)
	if !known || a.unsettled() != "" || s.State != Running || e.heldBySwitchover(s) != "" {
		return nil
	}
	var gone []Note
	for _, n := range e.Site.Notes {
		if !n.Wanted && n.Shown == No && e.At.Sub(n.Asked) >= settles {
			gone = append(gone, n)
		}
	}
	return gone
}

// Drift is how something that may be corrected stands.
type Drift uint8

const (
	DriftUnknown Drift = iota
	AsWanted
	Differs
)

func (d Drift) String() string {
	return label("drift", []string{"not known", "as wanted", "differs"}, int(d))
}

// Thing is how something that is wanted stands.
type Thing uint8

const (
	ThingUnknown Thing = iota
	Missing            // asked for and not there
	InPlace
	// Surplus: made by us, and no longer wanted.
	Surplus
	// WrongAddress: it bears the wanted name and another address.
	WrongAddress
	// OfAnother: it bears another owner's mark.
	OfAnother
	// Unavailable: the array cannot have it, such as a service without licence.
	Unavailable
)

func (t Thing) String() string {
	return label("thing", []string{"not known", "missing", "in place", "no longer wanted", "of another address", "another owner's", "not to be had"}, int(t))
}

// Service is one protocol that is wanted: NVMe, iSCSI or NFS.
type Service struct {
	Name  string
	State Thing
	Why   string
}

// Interface is one logical interface that is wanted, or was.
type Interface struct {
	Name    string
	Address string
	State   Thing
	Why     string
}

// Route is one route that is wanted, or was.
type Route struct {
	Destination string
	Gateway     string
	State       Thing
	Why         string
}

// Reach is whether a login can be tried: at an address that the array itself
// lists for this SVM.
type Reach uint8

const (
	ReachUnknown Reach = iota
	// NoAddress: the array lists no management interface of the SVM that is up.
	NoAddress
	// Reachable: it lists one, and nothing speaks against it so far.
	Reachable
	// Unreachable: it lists one, and there is no way to it from here.
	Unreachable
)

func (r Reach) String() string {
	return label("reach", []string{"not known", "no address", "reachable", "unreachable from here"}, int(r))
}
