package svm

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow/flowtest"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Nothing that is kept for each SVM is kept of one that has left the wishes.
func TestNothingIsKeptOfWhoLeft(t *testing.T) {
	clock := flowtest.NewFakeClock()
	r, err := New(Options{Arrays: []look.Array{{Name: "a"}}, Seed: new(seed.Store), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	wish := func(name string) Wish { return Wish{StorageVM: spec.StorageVM{Spec: spec.Spec{SVMName: name}}} }
	r.memoriesOf([]Wish{wish("p1"), wish("p2")})
	for _, name := range []string{"p1", "p2"} {
		s := r.subject(wish(name))
		s.waited("create", "something")
		s.noteUnreachable(name+"-uuid", true)
		r.events.about(seed.Record{Name: name})
		r.doubled[name] = true
	}
	r.forgetLeft(t.Context(), []Wish{wish("p2")})
	for what, kept := range map[string][]string{
		"memories": slices.Collect(maps.Keys(r.memories)), "waiting": slices.Collect(maps.Keys(r.waiting)),
		"refs": slices.Collect(maps.Keys(r.events.refs)), "doubled": slices.Collect(maps.Keys(r.doubled)),
	} {
		if !slices.Equal(kept, []string{"p2"}) {
			t.Errorf("%s: %q is kept", what, kept)
		}
	}
	if len(r.unreachable) != 2 {
		t.Errorf("what says something still was dropped: %v", r.unreachable)
	}
	clock.Advance(r.o.Policy.UnreachableFor + time.Second)
	r.forgetLeft(t.Context(), []Wish{wish("p2")})
	if len(r.unreachable) != 0 {
		t.Errorf("kept for ever: %v", r.unreachable)
	}
}
