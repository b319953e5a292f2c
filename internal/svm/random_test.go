package svm_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// schedule is a random life of one SVM: what people do to it, and what fails
// meanwhile. It follows from its seed alone, as far as goroutines allow.
type schedule struct {
	*world
	rnd  *rand.Rand
	want svm.Wish
	told []string // what happened, for whoever has to look at it
}

// arrayFaults are those of the array that strike a call or a job once.
var arrayFaults = []sim.FaultKind{
	sim.TooMany, sim.Overloaded, sim.OutOfQuorum, sim.ResetBefore, sim.ResetAfter, sim.HangAfter,
	sim.JobFails, sim.JobFailsDone, sim.JobLost, sim.JobLostUndone, sim.SVMStuck, sim.WrongAnswer, sim.EmptyAnswer, sim.TruncatedReply,
}

func (s *schedule) note(format string, args ...any) {
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

// live runs the whole life: making it, a few things that happen, and sometimes
// its end.
func (s *schedule) live() {
	s.suffer("make it")
	for range s.rnd.IntN(3) {
		s.happen()
		s.suffer("go on")
	}
	if s.rnd.IntN(3) == 0 {
		s.want.Gone, s.want.Spec.DeletionPolicy = true, decide.Delete
		s.suffer("delete it")
	}
	s.sim.ClearFaults()
	s.settle()
}

// suffer has up to three instances of the program work under one fault each.
func (s *schedule) suffer(what string) {
	s.note("%s", what)
	for range 1 + s.rnd.IntN(3) {
		if s.rnd.IntN(2) == 0 {
			f := sim.Fault{Kind: arrayFaults[s.rnd.IntN(len(arrayFaults))], Kth: 1 + s.rnd.IntN(30)}
			if s.rnd.IntN(2) == 0 {
				f.Method, f.Kth = http.MethodPost, 1+s.rnd.IntN(4)
			}
			s.note("array: %s at the %d. %s", f.Kind, f.Kth, f.Method)
			if _, err := s.sim.Inject(f); err != nil {
				s.t.Fatal(err)
			}
		}
		mode := fault.Modes[s.rnd.IntN(len(fault.Modes))]
		in := fault.NewInjector(1+s.rnd.IntN(120), mode)
		s.underFault(in, mode)
		s.note("%s at %v", mode, in.Struck())
		s.clock.advance(time.Duration(s.rnd.IntN(60)) * time.Minute)
	}
}

// underFault is one life of the program: until it dies, or rests, or has tried
// for a while.
func (s *schedule) underFault(in *fault.Injector, mode fault.Mode) {
	r := s.controller(in)
	for range 6 {
		res, died := s.once(r, in, mode, s.want)
		if died || res.AtRest && !res.Acted {
			return
		}
		s.clock.advance(max(res.Again.Sub(s.clock.Now()), 0))
	}
}

// happen is something that people, or time, do to an SVM.
func (s *schedule) happen() {
	client := s.array(0, nil).Client
	v, there := s.sim.Dump().Find("p1")
	secret := s.secret()
	switch s.rnd.IntN(8) {
	case 0:
		s.note("the Secret is deleted")
		s.kube.Do(s.t, "admin", http.MethodDelete, "/api/v1/namespaces/"+s.namespace+"/secrets/"+s.secretRef().Name, nil)
	case 1:
		s.note("the record is deleted")
		s.kube.Do(s.t, "admin", http.MethodDelete, "/api/v1/namespaces/"+s.namespace+"/configmaps/svm-record-p1", nil)
	case 2:
		s.note("a rotation")
		s.want.Rotate = s.unwanted()
	case 3:
		s.note("the pair is in use")
		if secret.Active.Generation > 0 {
			s.setPair(func(o *seed.Secret) { o.InUseGeneration = o.Active.Generation })
		}
	case 4:
		if slices.Contains(s.told, "the record is deleted") {
			return // an interface that no record names is left alone: nothing shows that we made it
		}
		s.note("one interface less, and a limit")
		s.want = s.wish(func(o *spec.StorageVM) { o.Spec.DataLIFs, o.Spec.StorageLimit = o.Spec.DataLIFs[:1], "2Ti" })
	case 5:
		s.note("the account is deleted")
		if there {
			_ = client.DeleteAccount(s.t.Context(), v.UUID, "prod") // it may not be there
		}
	case 6:
		s.note("somebody locks the account")
		yes := true
		if there {
			_ = client.ChangeAccount(s.t.Context(), v.UUID, "prod", ontap.AccountChange{Locked: &yes})
		}
	case 7:
		s.note("days go by")
		s.clock.advance(72 * time.Hour)
	}
}

// settle comes to rest without faults, and checks what must be so.
func (s *schedule) settle() {
	r := s.controller(nil)
	for range 40 {
		res := r.Reconcile(s.t.Context(), s.want)
		s.honest(res)
		if res.AtRest && !res.Acted {
			break
		}
		s.clock.advance(max(res.Again.Sub(s.clock.Now()), time.Second))
		r.RetryNow("p1")
	}
	s.toRest(r, s.want)
	if s.want.Gone {
		s.nothingLeft()
	} else {
		s.oneWhole()
	}
	s.staysAtRest(s.controller(nil), s.want)
	s.noSecrets()
}

// oneWhole is holds, once whoever uses the pair has said so after each rotation
// and the accounts before it are gone.
func (s *schedule) oneWhole() {
	s.t.Helper()
	for range 4 {
		v, _ := s.sim.Dump().Find("p1")
		if len(v.Accounts) <= 2 { // vsadmin, and that of the active pair
			break
		}
		s.clock.advance(48 * time.Hour)
		s.setPair(func(o *seed.Secret) { o.InUseGeneration = o.Active.Generation })
		s.toRest(s.controller(nil), s.want)
	}
	s.holds(s.want)
}

func playSchedules(t *testing.T, from, count uint64, doubts func(*rand.Rand) sim.Doubts) {
	t.Helper()
	began := time.Now()
	t.Run("seeds", func(t *testing.T) {
		for n := from; n < from+count; n++ {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				rnd := rand.New(rand.NewPCG(4, n))
				w := newWorld(t, func(o *sim.Options) { o.Doubts = doubts(rnd) })
				s := &schedule{world: w, rnd: rnd, want: w.wish()}
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("seed %d:\n  %s", n, strings.Join(s.told, "\n  "))
					}
				})
				s.live()
			})
		}
	})
	t.Logf("NOTE: %d random schedules from seed %d on, in %s", count, from, time.Since(began).Round(time.Second))
}

// TestKthRandomSchedules: several faults in one life.
func TestKthRandomSchedules(t *testing.T) {
	count := uint64(300)
	if raceDetector {
		count = 20
	}
	playSchedules(t, 1, count, func(*rand.Rand) sim.Doubts { return sim.Doubts{} })
}

// aDoubt is one of the simulator's doubts turned, or none.
func aDoubt(rnd *rand.Rand) sim.Doubts {
	all := sim.EachDoubt()
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	if i := rnd.IntN(len(names) + 1); i < len(names) {
		return all[names[i]]
	}
	return sim.Doubts{}
}
