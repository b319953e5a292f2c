package ontap_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
)

func jobText(state, more string) string {
	return fmt.Sprintf(`{"uuid":%q,"state":%q%s}`, jobUUID, state, more)
}

func TestHowAJobEnds(t *testing.T) {
	const gone = "404 code 4"
	accepted := `{"job":{"uuid":"` + jobUUID + `","_links":{"self":{"href":"/api/cluster/jobs/` + jobUUID + `"}}}}`
	ok := func(states ...string) (all []string) {
		for _, s := range states {
			all = append(all, jobText(s, ""))
		}
		return all
	}
	cases := []struct {
		reason  string
		jobs    []string // answers in turn, the last one for ever
		outcome flow.Outcome
		code    string
		class   flow.Class
		says    string
		slept   []time.Duration // nil: not looked at
	}{
		{"it ends well", ok("queued", "running", "paused", "success"), flow.Done, "", 0, "", []time.Duration{time.Second, 1414 * time.Millisecond, 1999 * time.Millisecond}},
		{"it ended well before we asked", ok("success"), flow.Done, "", 0, "", nil},
		{"its error object says why", []string{jobText("failure", `,"code":0,"error":{"code":"13434908","message":"in use"}`)}, flow.Refused, "13434908", flow.Permanent, "in use", nil},
		{"its integer code says why", []string{jobText("failure", `,"code":13434908,"message":"in use"`)}, flow.Refused, "13434908", flow.Permanent, "in use", nil},
		{"the prose calls a failure an error", []string{jobText("error", `,"code":13434908,"message":"in use"`)}, flow.Refused, "13434908", flow.Permanent, "in use", nil},
		{"no aggregate: in a job it may leave an SVM half made", []string{jobText("failure", `,"code":13434909,"message":"no aggregate"`)}, flow.Unknown, "13434909", flow.NeedsPerson, "no aggregate", nil},
		{"a failure that is not understood", []string{jobText("failure", `,"code":4242,"message":"?"`)}, flow.Unknown, "4242", flow.Transient, "?", nil},
		{"a failure without a word", ok("failure"), flow.Unknown, "", flow.Transient, "", nil},
		{"it vanished: how it ended is not known", []string{jobText("running", ""), gone}, flow.Unknown, "", flow.Transient, "vanished", nil},
		{"it never ends", ok("running"), flow.Unknown, "", flow.Transient, "it is running", nil},
		{"a state that nobody documented is no end", ok("perplexed"), flow.Unknown, "", flow.Transient, "it is perplexed", nil},
		{"another job's answer is none", []string{`{"uuid":"` + otherUUID + `","state":"success"}`}, flow.Unknown, "", flow.Transient, "could not be followed", nil},
		{"an empty answer is none", []string{`{}`}, flow.Unknown, "", flow.Transient, "could not be followed", nil},
		{"the array stutters, then tells", []string{"502", jobText("running", ""), "503", "403 code 6", jobText("success", "")}, flow.Done, "", 0, "", nil},
		{"our password is refused meanwhile", []string{"401"}, flow.Unknown, "", flow.NeedsPerson, "does not accept", nil},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			f := newFake(t, func(n int, r *http.Request) (int, string) {
				if r.Method == http.MethodPost {
					return 202, "@Location: /api/svm/svms/" + svmUUID + "\n" + accepted
				}
				answer := c.jobs[min(n-2, len(c.jobs)-1)]
				switch answer {
				case gone:
					return 404, errorText("4", "entry doesn't exist")
				case "403 code 6":
					return 403, errorText("6", "not authorized")
				case "401", "502", "503":
					status, _ := strconv.Atoi(answer)
					return status, ""
				}
				return 200, answer
			})
			clock := newWaiter()
			made, err := f.client(t, func(o *ontap.Options) { o.Clock = clock }).CreateSVM(t.Context(), ontap.NewSVM{Name: "p1"})
			if got := flow.OutcomeOf(err); got != c.outcome {
				t.Fatalf("outcome %s: %v", got, err)
			}
			if made.Job != jobUUID || made.UUID != svmUUID {
				t.Errorf("made %+v", made)
			}
			if c.slept != nil && !slices.Equal(clock.slept, c.slept) {
				t.Errorf("waited %v", clock.slept)
			}
			if c.outcome == flow.Done {
				return
			}
			e := asError(t, err)
			if e.Job != jobUUID || e.Code != c.code || flow.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) || e.Call != "create SVM" {
				t.Errorf("job %q, code %q, class %s: %v", e.Job, e.Code, flow.ClassOf(err), err)
			}
			if ontap.IsAbsent(err, ontap.KindSVM) || ontap.IsAbsent(err, ontap.KindJob) {
				t.Errorf("an absence of something: %v", err)
			}
			if posts := len(f.requests()); f.requests()[0].method != http.MethodPost || slices.ContainsFunc(f.requests()[1:posts], func(a asked) bool { return a.method != http.MethodGet }) {
				t.Errorf("asked more than once for the SVM: %v", f.requests())
			}
		})
	}
}

func TestFollowingEndsWithTheCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(n int, r *http.Request) (int, string) {
		if r.Method == http.MethodDelete {
			return 202, `{"job":{"uuid":"` + jobUUID + `"}}`
		}
		if n > 3 {
			cancel()
		}
		return 200, jobText("running", "")
	})
	err := f.client(t, func(o *ontap.Options) { o.Clock = newWaiter() }).DeleteSVM(ctx, svmUUID)
	if e := asError(t, err); !errors.Is(err, context.Canceled) || e.Outcome != flow.Unknown || e.Job != jobUUID {
		t.Errorf("%v", err)
	}
}

func TestAJobThatIsNoneIsNotFollowed(t *testing.T) {
	for _, body := range []string{`{"job":{"uuid":"../svm/svms"}}`, `{"job":{}}`, `{"job":"x"}`, ``} {
		f := newFake(t, always(202, body))
		if err := f.client(t).DeleteSVM(t.Context(), svmUUID); flow.OutcomeOf(err) != flow.Unknown || len(f.requests()) != 1 {
			t.Errorf("%q: %v, %v", body, err, f.requests())
		}
	}
}

func TestASynchronousCallThatBecameAJobIsFollowed(t *testing.T) {
	f := newFake(t, func(n int, r *http.Request) (int, string) {
		if r.Method == http.MethodDelete {
			return 202, `{"job":{"uuid":"` + jobUUID + `"}}`
		}
		return 200, jobText("success", "")
	})
	if err := f.client(t).DeleteInterface(t.Context(), svmUUID); err != nil || len(f.requests()) != 2 {
		t.Errorf("%v, %v", err, f.requests())
	}
}

func TestTheArrayHoldsAnAnswerForLessThanWeWait(t *testing.T) {
	cases := []struct {
		reason                  string
		request, hold           time.Duration
		change, listing, refuse string
	}{
		{"by default", 0, 0, "5", "15", ""},
		{"a short timeout", 4 * time.Second, 0, "2", "2", ""},
		{"half of it is less than a second", 1900 * time.Millisecond, 0, "0", "", ""},
		{"not at all", 0, -1, "0", "15", ""},
		{"as told", 60 * time.Second, 45 * time.Second, "45", "15", ""},
		{"as long as we wait", 30 * time.Second, 30 * time.Second, "", "", "less than the request timeout"},
		{"longer than ONTAP allows", 300 * time.Second, 121 * time.Second, "", "", "at most 120"},
		{"half a second", 0, 500 * time.Millisecond, "", "", "whole seconds"},
	}
	for _, c := range cases {
		f := newFake(t, func(_ int, r *http.Request) (int, string) {
			if r.Method == http.MethodGet {
				return 200, records()
			}
			return 200, ""
		})
		o := ontap.Options{URL: f.URL, User: "admin", Password: ontap.NewSecret("x"), Trust: ontap.Trust{CA: f.ca()}, RequestTimeout: c.request, ReturnTimeout: c.hold}
		cl, err := ontap.New(o)
		if c.refuse != "" {
			if err == nil || !strings.Contains(err.Error(), c.refuse) {
				t.Errorf("%s: %v", c.reason, err)
			}
			continue
		}
		if err == nil {
			_, err = ontap.All(cl.Nodes(t.Context()))
		}
		if err == nil {
			err = cl.DeleteSVM(t.Context(), svmUUID)
		}
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		for i, want := range []string{c.listing, c.change} {
			q, _ := url.ParseQuery(f.requests()[i].query)
			if got := q.Get("return_timeout"); got != want {
				t.Errorf("%s: %s is held for %q, want %q", c.reason, f.requests()[i], got, want)
			}
		}
	}
}
