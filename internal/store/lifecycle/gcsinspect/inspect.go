// Package gcsinspect asks a bucket of Cloud Storage about itself: its lifecycle
// rules, versioning, retention and public access, and the generations of its
// objects. It is lifecycle's Inspector for gs://.
//
// It reads only. It must never take a denied or failed question, or a
// stranger's answer, for an absence.
package gcsinspect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	api "google.golang.org/api/storage/v1"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/gcs"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

var _ lifecycle.Inspector = (*Inspector)(nil)

// The permissions of the questions.
const (
	needsBucket = "storage.buckets.get"
	needsList   = "storage.objects.list"
)

// maxGenerations bounds what is held at a time: the generations of one object.
const maxGenerations = 100_000

// Inspector asks one bucket. It is safe for concurrent use.
type Inspector struct{ store *gcs.Store }

// New takes the bucket that a store lies in. The store stays the caller's to
// close.
func New(s *gcs.Store) *Inspector { return &Inspector{store: s} }

// Key implements lifecycle.Inspector.
func (i *Inspector) Key(key string) string { return i.store.Root() + key }

// Inspect implements lifecycle.Inspector. All but the policy stands in one
// resource. Who may read by policy is told by it only where public access is
// prevented altogether.
func (i *Inspector) Inspect(ctx context.Context) lifecycle.Inspection {
	raw, err := i.store.Resource(ctx)
	if err != nil {
		return nothing(err)
	}
	said, err := lifecycle.ParseGCS(raw)
	if err != nil {
		return nothing(err)
	}
	if said.PublicBlock.State == lifecycle.Present {
		said.PublicPolicy = lifecycle.Answer[bool]{State: lifecycle.Present}
	}
	return said
}

// nothing is the inspection of a bucket that did not say anything.
func nothing(err error) lifecycle.Inspection {
	permission := ""
	if errors.Is(err, store.ErrDenied) {
		permission = needsBucket
	}
	return lifecycle.Inspection{
		Lifecycle:    lifecycle.Answer[lifecycle.Policy]{Err: err, Permission: permission},
		Versioning:   lifecycle.Answer[lifecycle.Versioning]{Err: err, Permission: permission},
		ObjectLock:   lifecycle.Answer[lifecycle.Lock]{Err: err, Permission: permission},
		PublicBlock:  lifecycle.Answer[lifecycle.PublicBlock]{Err: err, Permission: permission},
		PublicPolicy: lifecycle.Answer[bool]{Err: err, Permission: permission},
	}
}

// Tags implements lifecycle.Inspector. Objects have none here, and no rule asks
// for them.
func (i *Inspector) Tags(context.Context, string) (map[string]string, error) { return nil, nil }

// Versions implements lifecycle.Inspector.
func (i *Inspector) Versions(ctx context.Context, prefix string) iter.Seq2[lifecycle.Version, error] {
	return func(yield func(lifecycle.Version, error) bool) {
		full := i.store.Root() + prefix
		var pending []*api.Object
		token := ""
		for {
			page, next, err := i.store.Generations(ctx, full, token)
			if err == nil && next != "" && next == token {
				err = errors.New("the server says that there is more, and not where")
			}
			if err != nil {
				yield(lifecycle.Version{}, asked(full, err))
				return
			}
			pending = append(pending, page...)
			for len(pending) > 0 {
				n := ofFirst(pending)
				if n == len(pending) && next != "" {
					break // more of it may come with the next page
				}
				if !each(pending[:n], yield) {
					return
				}
				pending = pending[n:]
			}
			if next == "" {
				return
			}
			if len(pending) > maxGenerations {
				yield(lifecycle.Version{}, fmt.Errorf("%s has more than %d generations", pending[0].Name, maxGenerations))
				return
			}
			token = next
		}
	}
}

func asked(full string, err error) error {
	if errors.Is(err, store.ErrDenied) {
		err = &lifecycle.Denied{Permission: needsList, Err: err}
	}
	return fmt.Errorf("list the generations of %s: %w", full, err)
}

// ofFirst is how many generations are of the first object.
func ofFirst(objects []*api.Object) int {
	n := 0
	for n < len(objects) && objects[n].Name == objects[0].Name {
		n++
	}
	return n
}

// each yields the generations of one object, the newest first.
func each(objects []*api.Object, yield func(lifecycle.Version, error) bool) bool {
	slices.SortFunc(objects, func(a, b *api.Object) int { return int(max(-1, min(1, b.Generation-a.Generation))) })
	for newer, o := range objects {
		v, err := versionOf(o, newer)
		if !yield(v, err) || err != nil {
			return false
		}
	}
	return true
}

func versionOf(o *api.Object, newer int) (lifecycle.Version, error) {
	made, err := time.Parse(time.RFC3339Nano, o.TimeCreated)
	if err != nil || o.Generation == 0 {
		return lifecycle.Version{}, fmt.Errorf("generation %d of %q: the answer does not say when it was made", o.Generation, o.Name)
	}
	v := lifecycle.Version{ID: fmt.Sprint(o.Generation), Object: lifecycle.Object{
		Key: o.Name, Size: int64(o.Size), Modified: made, Class: o.StorageClass, TagsKnown: true, Newer: lifecycle.Exactly(newer),
	}}
	if o.TimeDeleted == "" {
		return v, nil
	}
	v.Noncurrent = true
	if v.Superseded, err = time.Parse(time.RFC3339Nano, o.TimeDeleted); err != nil {
		return lifecycle.Version{}, fmt.Errorf("generation %d of %q: when it ended cannot be read: %q", o.Generation, o.Name, o.TimeDeleted)
	}
	return v, nil
}
