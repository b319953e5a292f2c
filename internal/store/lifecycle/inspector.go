package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// State is how much is known of one thing about a bucket. Its zero value is
// Unknown.
type State uint8

// The states. Absent is said only when the bucket itself answered so.
const (
	Unknown State = iota
	Absent
	Present
)

func (s State) String() string { return []string{"unknown", "absent", "present"}[min(s, Present)] }

// ErrNotOffered: the server does not know this question. Servers that do not
// offer lifecycle rules have none, but that is for a person to judge.
var ErrNotOffered = errors.New("the server does not offer this")

// Answer is what a bucket said to one question.
type Answer[T any] struct {
	State State
	Value T // of Present
	// Permission is what the asker would need, where the answer was denied.
	Permission string
	Err        error // of Unknown
}

// Lock is a bucket's default object lock.
type Lock struct {
	Mode string        // GOVERNANCE or COMPLIANCE; "" when versions are locked one by one only
	For  time.Duration // a year is counted as 365 days
}

// PublicBlock is what a bucket does against being public. All four together
// are what its owner wants.
type PublicBlock struct {
	BlockACLs, IgnoreACLs, BlockPolicy, Restrict bool
}

// Inspection is what could be learned of a bucket. Nothing in it fails as a
// whole: each answer stands for itself.
type Inspection struct {
	Lifecycle    Answer[Policy] // Fate judges by it and by the versioning
	Versioning   Answer[Versioning]
	ObjectLock   Answer[Lock]
	PublicBlock  Answer[PublicBlock]
	PublicPolicy Answer[bool] // Present: there is a policy; true: it makes the bucket public
}

// Inspector asks a bucket about itself. It reads only.
type Inspector interface {
	// Inspect asks all questions. It does not fail: see Inspection.
	Inspect(ctx context.Context) Inspection
	// Key is the whole key, in the bucket, of a key of the store.
	Key(key string) string
	// Versions yields all versions and delete markers of the keys that begin
	// with a prefix, both those of the store, newest first for each key. The
	// first error ends the sequence; one that wraps a *Denied names the
	// permission.
	Versions(ctx context.Context, prefix string) iter.Seq2[Version, error]
	// Tags are those of the current version of a key of the store.
	Tags(ctx context.Context, key string) (map[string]string, error)
}

// Version is one version of an object, with what is needed to put it back.
type Version struct {
	Object
	ID string
}

// Denied is the error of a question that needs a permission.
type Denied struct {
	Permission string
	Err        error
}

func (d *Denied) Error() string { return fmt.Sprintf("needs %s: %v", d.Permission, d.Err) }

// Unwrap gives what the server said.
func (d *Denied) Unwrap() error { return d.Err }

// Fate judges an object by all that is known of its bucket.
func (i Inspection) Fate(o Object) Fate {
	if i.Lifecycle.State == Unknown {
		return Fate{Why: "the bucket's lifecycle rules could not be read" + because(i.Lifecycle)}
	}
	p := i.Lifecycle.Value
	if i.Versioning.State != Unknown {
		p.Versioning = i.Versioning.Value
	}
	return p.Fate(o)
}

func because[T any](a Answer[T]) string {
	switch {
	case a.Permission != "":
		return ": it needs " + a.Permission
	case a.Err != nil:
		return ": " + a.Err.Error()
	}
	return ""
}
