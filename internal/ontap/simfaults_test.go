package ontap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/ontap/sim"
)

func TestTheSimulatorsFaults(t *testing.T) {
	cases := []struct {
		fault   sim.Fault
		outcome flow.Outcome
		made    bool // the SVM is there, or half there, afterwards
	}{
		{sim.Fault{Kind: sim.OutOfQuorum, Method: "POST"}, flow.Unknown, false},
		{sim.Fault{Kind: sim.TooMany, Method: "POST"}, flow.Refused, false},
		{sim.Fault{Kind: sim.Overloaded, Method: "POST"}, flow.Refused, false}, // its code says so
		{sim.Fault{Kind: sim.ResetBefore, Method: "POST"}, flow.Unknown, false},
		{sim.Fault{Kind: sim.ResetAfter, Method: "POST"}, flow.Unknown, true},
		{sim.Fault{Kind: sim.Hang, Method: "POST"}, flow.Unknown, false},
		{sim.Fault{Kind: sim.HangAfter, Method: "POST"}, flow.Unknown, true},
		{sim.Fault{Kind: sim.JobFails, Method: "POST", Code: 13434914}, flow.Unknown, false},
		{sim.Fault{Kind: sim.JobLost, Method: "POST"}, flow.Unknown, true},
		{sim.Fault{Kind: sim.JobLostUndone, Method: "POST"}, flow.Unknown, false},
		{sim.Fault{Kind: sim.SVMStuck, Method: "POST"}, flow.Unknown, true},
		{sim.Fault{Kind: sim.WrongAnswer, Method: "POST"}, flow.Unknown, false},
		{sim.Fault{Kind: sim.EmptyAnswer, Method: "GET", Path: "/api/cluster/jobs/*", Count: 3}, flow.Done, true},
		{sim.Fault{Kind: sim.TooMany, Method: "GET", Count: 3}, flow.Done, true},
		{sim.Fault{Kind: sim.TruncatedReply, Method: "POST"}, flow.Unknown, true},
	}
	for _, c := range cases {
		t.Run(string(c.fault.Kind)+" "+c.fault.Method, func(t *testing.T) {
			s := newArray(t)
			cl := clientOf(t, s, 0, func(o *ontap.Options) {
				if c.fault.Kind == sim.Hang || c.fault.Kind == sim.HangAfter {
					o.RequestTimeout = 2 * time.Second
				}
			})
			struck, err := s.Inject(c.fault)
			must(t, "inject", err)
			_, err = cl.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
			if flow.OutcomeOf(err) != c.outcome || struck() == 0 {
				t.Errorf("outcome %s after %d faults: %v", flow.OutcomeOf(err), struck(), err)
			}
			s.ClearFaults()
			found, err := ontap.All(cl.SVMs(t.Context(), ontap.SVMQuery{Names: []string{"p1"}}))
			if err != nil || (len(found) == 1) != c.made {
				t.Errorf("found %+v, %v", found, err)
			}
		})
	}
}

func TestAnApprovalAtTheSimulator(t *testing.T) {
	s := newArray(t)
	c := clientOf(t, s, 0)
	uuid := newSVM(t, c, "p1")
	_, err := s.Inject(sim.Fault{Kind: sim.NeedsApproval, Method: "DELETE"})
	must(t, "inject", err)
	if e := asError(t, c.DeleteSVM(t.Context(), uuid)); !e.NeedsPerson || e.Outcome != flow.Unknown {
		t.Errorf("%v", e)
	}
	if _, err := c.SVM(t.Context(), uuid); err != nil {
		t.Errorf("it was deleted all the same: %v", err)
	}
}

// A job that takes its time, on one clock for both sides that moves when the
// client waits.
func TestAJobOnTheInjectedClock(t *testing.T) {
	clock := newWaiter()
	s := newArray(t, func(o *sim.Options) { o.Clock, o.Times = clock.FakeClock, sim.Times{Job: 30 * time.Second} })
	c := clientOf(t, s, 0, func(o *ontap.Options) { o.Clock = clock })
	began := clock.Now()
	made, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1", NVMe: true})
	must(t, "create", err)
	if took := clock.Now().Sub(began); took < 30*time.Second || took > 33*time.Second {
		t.Errorf("the end of a job of 30 s was seen after %s", took)
	}
	svm, err := c.SVM(t.Context(), made.UUID)
	must(t, "read", err)
	if svm.Name != "p1" {
		t.Errorf("the job made %+v", svm)
	}
	clock.Advance(10 * time.Minute)
	if _, err := c.Job(t.Context(), made.Job); !ontap.IsAbsent(err, ontap.KindJob) {
		t.Errorf("the job is still there: %v", err)
	}
}

// A creation that nobody followed to its end is found among the jobs.
func TestAnUnfinishedJobIsFound(t *testing.T) {
	clock := newWaiter()
	s := newArray(t, func(o *sim.Options) { o.Clock, o.Times = clock.FakeClock, sim.Times{Job: time.Hour} })
	c := clientOf(t, s, 0, func(o *ontap.Options) { o.Clock, o.FollowFor = clock, 10*time.Second })
	_, err := c.CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
	e := asError(t, err)
	if e.Outcome != flow.Unknown || e.Job == "" {
		t.Fatalf("%v", err)
	}
	jobs, err := ontap.All(c.UnfinishedJobs(t.Context()))
	must(t, "list jobs", err)
	if len(jobs) != 1 || jobs[0].UUID != e.Job || !strings.HasPrefix(jobs[0].Description, "POST /api/svm/svms") || jobs[0].State.Ended() {
		t.Errorf("jobs %+v", jobs)
	}
	clock.Advance(time.Hour)
	jobs, err = ontap.All(c.UnfinishedJobs(t.Context()))
	if err != nil || len(jobs) != 0 {
		t.Errorf("afterwards %+v, %v", jobs, err)
	}
}
