package managerfiles

import (
	"errors"

	"github.com/seedproof/seedproof/internal/store"
)

// File is what one look at a control file showed. The zero value is the one
// from which nothing may be concluded.
type File uint8

const (
	Unreadable File = iota // the store gave an error: nothing is known
	Missing                // the right place answered: not there
	Unusable               // there, and etcd-manager cannot use it
	Usable                 // there, and good
)

func (f File) String() string {
	return [...]string{"unreadable", "missing", "unusable", "usable"}[f]
}

// MarkerFile classes a whole read of the created marker as etcd-manager does:
// any content counts, it is not parsed; an empty object is an error.
func MarkerFile(content []byte, err error) File {
	if err != nil {
		return failed(err)
	}
	if len(content) == 0 {
		return Unusable
	}
	return Usable
}

// SpecFile classes a whole read of the spec as etcd-manager does.
func SpecFile(content []byte, err error) File {
	if err != nil {
		return failed(err)
	}
	if _, err := DecodeSpec(content); err != nil {
		return Unusable
	}
	return Usable
}

func failed(err error) File {
	if errors.Is(err, store.ErrNotFound) {
		return Missing
	}
	return Unreadable
}

// Action is what a stock etcd-manager does, seen from the cluster's side.
type Action uint8

const (
	// Aborts: each cycle ends in an error. etcd runs on untouched; nothing is
	// backed up or repaired.
	Aborts Action = iota
	// Works: membership is kept, backups are taken.
	Works
	// WorksFromMemory: as Works, until the leading manager restarts or changes.
	WorksFromMemory
	// StopsBackups: etcd runs on; nothing is backed up or repaired, and nothing
	// but an INFO line says so.
	StopsBackups
	// Seeds: within about ten seconds it stops every etcd it reaches, moves the
	// data away and forms an empty cluster. It does not look at what runs.
	Seeds
)

func (a Action) String() string {
	return [...]string{"aborts", "works", "works from memory", "stops backups", "seeds"}[a]
}

// Conclusion is what a stock etcd-manager makes of its control files.
type Conclusion struct {
	Action   Action
	Sentence string // what it believes and does, for a person
}

// BacksUp reports whether backups are still taken.
func (c Conclusion) BacksUp() bool { return c.Action == Works || c.Action == WorksFromMemory }

// Destroys reports whether a cluster that runs would be replaced.
func (c Conclusion) Destroys() bool { return c.Action == Seeds }

// Conclude says what a stock etcd-manager (ad35ed66) concludes and does, from
// the two control files as they are and from whether the manager that leads
// holds a spec in its memory. It never asks whether etcd runs, holds data or
// has backups, because etcd-manager does not either.
//
// The gate asks what an update would do by Conclude(marker, Usable, cached):
// an update writes the spec.
func Conclude(marker, spec File, cached bool) Conclusion {
	switch marker {
	case Unreadable:
		return Conclusion{Aborts, "cannot read the created marker: every cycle ends in an error; etcd runs on, nothing is backed up until the store answers again"}
	case Unusable:
		return Conclusion{Aborts, "finds the created marker empty and takes it for an error: etcd runs on, nothing is backed up"}
	case Missing:
		return withoutMarker(spec)
	}
	return withMarker(spec, cached)
}

// withoutMarker: a missing marker makes etcd-manager read the spec anew in
// each cycle, so its memory does not count.
func withoutMarker(spec File) Conclusion {
	switch spec {
	case Usable:
		return Conclusion{Seeds, "believes that the cluster was never created: within about 10 s, without a restart, it stops etcd everywhere, moves the data to its trash and forms a new, empty cluster"}
	case Missing:
		return Conclusion{StopsBackups, "believes that a new cluster waits for its spec (\"no cluster spec set - must seed new cluster\"): etcd runs on, nothing is backed up, and the next write of the spec replaces the cluster by an empty one"}
	case Unusable:
		return Conclusion{Aborts, "believes that the cluster was never created, but cannot parse the spec: every cycle ends in an error, nothing is backed up, and a corrected spec replaces the cluster by an empty one"}
	}
	return Conclusion{Aborts, "believes that the cluster was never created, but cannot read the spec: every cycle ends in an error, nothing is backed up, and a spec that can be read again replaces the cluster by an empty one"}
}

func withMarker(spec File, cached bool) Conclusion {
	switch {
	case spec == Usable && cached:
		return Conclusion{Works, "knows that the cluster exists and what is wanted: it works and backs up"}
	case spec == Usable:
		return Conclusion{StopsBackups, "knows that the cluster exists; the spec is back, but is read only when a manager becomes leader: nothing is backed up until the leading manager restarts"}
	case cached:
		return Conclusion{WorksFromMemory, "does not look at the spec, which is " + spec.String() + ": it works and backs up from memory, until the leading manager restarts or changes"}
	case spec == Missing:
		return Conclusion{StopsBackups, "knows that the cluster exists, but not what is wanted (\"no cluster spec set - must seed new cluster\"): etcd runs on, nothing is backed up, silently; a spec that is put back is not noticed before a restart"}
	}
	return Conclusion{Aborts, "knows that the cluster exists, but the spec is " + spec.String() + ": no manager becomes leader, etcd runs on, nothing is backed up"}
}
