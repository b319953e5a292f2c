package svm_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

const rounds = 50

// contended counts the rounds in which one seed lost its claim to the other.
var contended atomic.Int64

// Two controllers that share nothing but two arrays create for the same project
// at once: one SVM comes of it, and both seeds know it in the end.
func TestTwoSeedsMakeOneSVM(t *testing.T) {
	t.Cleanup(func() {
		t.Logf("NOTE: %d rounds, %d of them contended", rounds, contended.Load())
		if contended.Load() == 0 {
			t.Error("in no round did the two meet")
		}
	})
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, uint64(round)))
			one, second := newWorld(t), newWorld(t, func(o *sim.Options) { o.Names = []string{"cluster2"} })
			two := newWorld(t)
			two.sim, two.clock = one.sim, one.clock
			arrays := func(w *world) func(*svm.Options) {
				return func(o *svm.Options) {
					far := second.array(0, nil)
					o.Arrays = []look.Array{w.array(0, nil), far}
				}
			}
			wishes := []svm.Wish{
				one.wish(func(v *spec.StorageVM) { v.Spec.Array = "cluster1" }),
				two.wish(func(v *spec.StorageVM) { v.Spec.Array, v.Spec.Credentials[0].Shoot = "cluster1", "test" }),
			}
			var wg sync.WaitGroup
			for i, w := range []*world{one, two} {
				r := w.controller(nil, arrays(w))
				pause := time.Duration(rnd.IntN(20)) * time.Millisecond
				wg.Go(func() {
					<-time.After(pause) // the two begin at different points of each other
					for range 20 {
						res := r.Reconcile(t.Context(), wishes[i])
						if res.AtRest && !res.Acted {
							return
						}
						w.clock.advance(time.Second)
						r.RetryNow("p1")
					}
				})
			}
			wg.Wait()
			for i, w := range []*world{one, two} {
				w.toRest(w.controller(nil, arrays(w)), wishes[i])
			}
			if n := len(one.svms()) + len(second.svms()); n != 1 {
				t.Fatalf("%d SVMs: %v %v", n, one.svms(), second.svms())
			}
			for i, w := range []*world{one, two} {
				if w.store(nil).Claim(t.Context(), "p1").State == decide.ClaimFailed {
					contended.Add(1)
				}
				record := w.store(nil).Record(t.Context(), "p1")
				if len(record.UUIDs) != 1 || record.UUIDs[0] != one.svms()[0].UUID {
					t.Errorf("seed %d records %q", i, record.UUIDs)
				}
				if s := w.secret(); !one.sim.Check("p1", s.Active.User, s.Active.Password.Reveal()) {
					t.Errorf("the pair of seed %d does not open the SVM", i)
				}
			}
		})
	}
}

// The answer to the request is lost, and its job is still queued: nothing is
// asked for a second time, by nobody.
func TestALostRequestIsNotRepeatedWhileItsJobIsQueued(t *testing.T) {
	w := newWorld(t, func(o *sim.Options) {
		o.Times.JobQueued, o.Times.Job = 30*time.Minute, time.Minute
	})
	want := w.wish()
	if _, err := w.sim.Inject(sim.Fault{Kind: sim.ResetAfter, Method: http.MethodPost, Path: "/api/svm/svms", Kth: 1}); err != nil {
		t.Fatal(err)
	}
	for range 10 { // each time another instance, without memory
		res := w.controller(nil).Reconcile(t.Context(), want)
		if res.Decision.Action == decide.GoOn {
			t.Fatal("the job was not queued")
		}
		w.clock.advance(time.Minute)
	}
	w.clock.advance(time.Hour)
	w.toRest(w.controller(nil), want)
	w.holds(want)
	asked := 0
	for _, written := range w.writes() {
		if written == "POST /api/svm/svms" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// An address that another SVM has is refused by the array: nothing half-made is
// left in the way, and what was wrong is named.
func TestAnAddressInUse(t *testing.T) {
	w := newWorld(t)
	w.toRest(w.controller(nil), w.wish())
	other := w.wish(func(v *spec.StorageVM) {
		v.Metadata.Name, v.Spec.Project, v.Spec.SVMName = "p2", "p2", "p2"
		v.Spec.Credentials[0].SecretName = "p2-prod-credentials"
		v.Spec.ManagementLIF.Address = netip.MustParseAddr("192.0.2.11")
		v.Spec.Routes = nil
	})
	r := w.controller(nil)
	for range 3 {
		r.Reconcile(t.Context(), other)
	}
	found := false
	for _, e := range r.Escalations() {
		found = found || e.Step == "interface/datalif+0"
	}
	if !found {
		t.Errorf("the taken address was not told: %v", r.Escalations())
	}
}
