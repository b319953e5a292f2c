package svm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// objectsFlow has one step for an SVM that several objects name: it is done when
// one alone does.
const objectsFlow = FlowName + "-objects"

// refuseDoubled says of each wish, in their order, why it is not worked on, "" of
// those that are: two objects that name one SVM would undo each other's work for
// ever. Of objects of different owners the one of whom the SVM is goes on, where
// record or claim say so: nobody stops the care for another's SVM by its name.
// A person is called for each such SVM, until it is named once.
func (r *Reconciler) refuseDoubled(ctx context.Context, all *collected, wishes []Wish) []string {
	refused, doubled := make([]string, len(wishes)), map[string]string{}
	for name, at := range namesakes(wishes) {
		why, heir := told(wishes, at), all.heir(wishes, at)
		if heir < 0 {
			why += ". Each would undo what the other does, so none of them is worked on: take all but one away, or give each an svmName of its own"
		} else {
			why += ". It is of " + wishes[heir].Owner().String() + ", whose object alone is worked on: give the other one an svmName of its own"
		}
		doubled[name] = why
		for _, i := range at {
			if i != heir {
				refused[i] = why
			}
		}
	}
	r.tellDoubled(ctx, doubled)
	return refused
}

// namesakes are the places of the wishes for one SVM, where there are several.
func namesakes(wishes []Wish) map[string][]int {
	all := make(map[string][]int, len(wishes))
	for i, want := range wishes {
		all[want.Spec.SVMName] = append(all[want.Spec.SVMName], i)
	}
	maps.DeleteFunc(all, func(_ string, at []int) bool { return len(at) == 1 })
	return all
}

func told(wishes []Wish, at []int) string {
	var objects []string
	for _, i := range at {
		text := fmt.Sprintf("StorageVM %s of %s", wishes[i].Metadata.Name, wishes[i].Owner())
		if wishes[i].Gone {
			text += " (which is being taken away)"
		}
		objects = append(objects, text)
	}
	return "SVM " + wishes[at[0]].Spec.SVMName + " is named by more than one object: " + strings.Join(objects, ", ")
}

// heir is the one of these wishes that the SVM's owner has, or -1: the owner is
// not known, or has none of them, or several.
func (c *collected) heir(wishes []Wish, at []int) int {
	name := wishes[at[0]].Spec.SVMName
	owner := c.records[name].Lineage
	if owner == "" {
		owner = c.claims[name].Lineage
	}
	heir := -1
	for _, i := range at {
		if owner == "" || wishes[i].Owner().String() != owner {
			continue
		}
		if heir >= 0 {
			return -1
		}
		heir = i
	}
	return heir
}

// tellDoubled calls a person for the SVMs that are doubled, and takes that back
// for those that no longer are.
func (r *Reconciler) tellDoubled(ctx context.Context, doubled map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(doubled)) {
		r.doubled[name] = true
		r.passObjects(ctx, name, doubled[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.doubled)) {
		if doubled[name] != "" {
			continue
		}
		r.runner.RetryNow(objectsFlow, name)
		if r.passObjects(ctx, name, "").AtRest {
			delete(r.doubled, name)
		}
	}
}

// passObjects fails for the reason that is given; without one it is done.
func (r *Reconciler) passObjects(ctx context.Context, name, why string) flow.Result {
	return r.runner.Pass(ctx, flow.Flow{Name: objectsFlow, Subject: name, Steps: []flow.Step{{
		Name: "sole-object",
		Look: func(context.Context) (flow.Sight, error) {
			if why != "" {
				return flow.Sight{}, needsPerson(errors.New(why), "seedproof svm status "+name)
			}
			return flow.Sight{Done: true, Why: "one object alone names it"}, nil
		},
		Act: func(context.Context) error { return errors.New("there is nothing to do in this step") },
	}}})
}

// refuse leaves SVMs as they are. Their last decision is not shown: by which of
// the objects it was taken nobody knows.
func (r *Reconciler) refuse(refused []string, memories []*memory, svms []CycleSVM) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, why := range refused {
		if why != "" {
			memories[i].queued = time.Time{}
			svms[i].State, svms[i].Why = CycleRefused, why
		}
	}
}
