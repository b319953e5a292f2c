package svm

import (
	"context"
	"maps"
	"slices"
	"time"
)

// forgetLeft drops everything that is remembered of the SVMs that earlier cycles
// looked after and that nobody wishes for any more. Who is silent, or missing in
// a listing, is wished for still, and keeps all. What is shown of an SVM in
// metrics is dropped by whoever shows it.
func (r *Reconciler) forgetLeft(ctx context.Context, wishes []Wish) {
	wished := make(map[string]bool, len(wishes))
	for _, want := range wishes {
		wished[want.Spec.SVMName] = true
	}
	for _, name := range r.remembered() {
		if !wished[name] {
			r.Forget(ctx, name)
			delete(r.doubled, name)
		}
	}
}

// remembered are the SVMs that earlier cycles looked after. On the way those
// that could not be reached are dropped where that says nothing any more.
func (r *Reconciler) remembered() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.Clock.Now()
	maps.DeleteFunc(r.unreachable, func(_ string, since time.Time) bool { return now.Sub(since) >= r.o.Policy.UnreachableFor })
	return slices.Collect(maps.Keys(r.memories))
}
