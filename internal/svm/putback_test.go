package svm_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/testenv"
)

// keeper keeps the API server's etcd as it is after each step.
type keeper struct {
	w *world

	mu    sync.Mutex
	names []string
	kept  []testenv.Checkpoint
}

var _ flow.Observer = (*keeper)(nil)

func (o *keeper) keep(name string) {
	c := o.w.kube.Checkpoint(o.w.t)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names, o.kept = append(o.names, name), append(o.kept, c)
}

func (o *keeper) StepActed(_ context.Context, e flow.Event)  { o.keep(e.Step) }
func (o *keeper) StepFailed(context.Context, flow.Event)     {}
func (o *keeper) Escalated(context.Context, flow.Escalation) {}
func (o *keeper) Recovered(context.Context, flow.Escalation) {}
func (o *keeper) PassEnded(context.Context, flow.Result)     {}

// putBack plays a flow to its end, then has the etcd of the API server put back
// to what it was after some of the steps, each time to the end of which another
// controller, which remembers nothing, comes to rest.
func putBack(t *testing.T, play func(w *world, r *svm.Reconciler) svm.Wish, which func(steps int) []int) {
	t.Helper()
	w := newWorld(t)
	w.kube = testenv.Kube(t)
	w.namespace = w.kube.Namespace(t)
	kept := &keeper{w: w}
	want := play(w, w.controller(nil, func(o *svm.Options) { o.Observer = kept }))
	w.oneAccount(want)
	if len(kept.kept) < 3 {
		t.Fatalf("only %d steps: %q", len(kept.kept), kept.names)
	}
	for _, i := range which(len(kept.kept)) {
		t.Logf("put back to after %s", kept.names[i])
		w.kube.Restore(t, kept.kept[i])
		w.toRest(w.controller(nil), want)
		w.oneAccount(want)
		w.staysAtRest(w.controller(nil), want)
		w.noSecrets()
	}
}

// oneAccount is holds, once whoever uses the pair has said so.
func (w *world) oneAccount(want svm.Wish) {
	w.t.Helper()
	for range 3 {
		if v, _ := w.sim.Dump().Find("p1"); len(v.Accounts) <= 2 {
			break
		}
		w.clock.advance(48 * time.Hour)
		w.setPair(func(s *seed.Secret) { s.InUseGeneration = s.Active.Generation })
		w.toRest(w.controller(nil), want)
	}
	w.holds(want)
}

// three are the first, the middle and the last but one.
func three(n int) []int { return []int{n - 2, n / 2, 0} }

func putBackCreate(w *world, r *svm.Reconciler) svm.Wish {
	want := w.wish()
	w.toRest(r, want)
	return want
}

func putBackRotate(w *world, r *svm.Reconciler) svm.Wish {
	want := w.wish()
	w.toRest(w.controller(nil), want)
	w.clock.advance(time.Hour)
	want.Rotate = w.unwanted()
	w.toRest(r, want)
	return want
}

// putBackHeal: another password is set on the same account, and then the seed
// knows nothing of it any more.
func putBackHeal(w *world, r *svm.Reconciler) svm.Wish {
	want := w.wish()
	w.toRest(w.controller(nil), want)
	kept := w.kube.Checkpoint(w.t)
	w.clock.advance(16 * time.Minute)
	w.change(http.MethodDelete, "secrets", w.secretRef().Name, nil)
	w.toRest(r, want)
	w.kube.Restore(w.t, kept)
	for range 8 { // what the Secret says of logins was true once
		w.honest(w.controller(nil).Reconcile(w.t.Context(), want))
		w.clock.advance(20 * time.Minute)
	}
	w.toRest(r, want)
	return want
}

func TestTheSeedIsPutBackDuringCreate(t *testing.T) { t.Parallel(); putBack(t, putBackCreate, three) }
func TestTheSeedIsPutBackDuringRotate(t *testing.T) { t.Parallel(); putBack(t, putBackRotate, three) }
func TestTheSeedIsPutBackDuringHeal(t *testing.T)   { t.Parallel(); putBack(t, putBackHeal, three) }
