package sim

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

// TestFaultStrikesTheKth: calls before and after the k-th are as ever.
func TestFaultStrikesTheKth(t *testing.T) {
	a := newArray(t, nil)
	struck, err := a.Inject(Fault{Kind: Overloaded, Method: "GET", Path: "/api/svm/svms", Kth: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{200, 200, 503, 200} {
		a.must(200, "GET", "/cluster", "") // does not count
		if r := a.must(want, "GET", "/svm/svms", ""); want == 503 && r.header.Get("Retry-After") == "" {
			t.Errorf("call %d: no Retry-After", i+1)
		}
	}
	if struck() != 1 {
		t.Errorf("it struck %d times", struck())
	}
}

func TestFaultsThatAnswer(t *testing.T) {
	for _, c := range []struct {
		reason string
		fault  Fault
		status int
		code   string
	}{
		{"too many requests", Fault{Kind: TooMany, Delay: 7 * time.Second}, 429, "262160"},
		{"out of quorum", Fault{Kind: OutOfQuorum}, 500, "393271"},
		{"any code", Fault{Kind: Refuse, Status: 400, Code: 1260882}, 400, "1260882"},
		{"a proxy's page", Fault{Kind: WrongAnswer}, 502, ""},
		{"nothing at all", Fault{Kind: EmptyAnswer}, 500, ""},
	} {
		a := newArray(t, nil)
		if _, err := a.Inject(c.fault); err != nil {
			t.Fatal(err)
		}
		r := a.do("POST", "/svm/svms", `{"name":"p1"}`)
		if r.status != c.status || r.code() != c.code {
			t.Errorf("%s: status %d code %q, expected %d %q", c.reason, r.status, r.code(), c.status, c.code)
		}
		if c.fault.Kind == TooMany && r.header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After %q, expected 7", r.header.Get("Retry-After"))
		}
		if _, there := a.Dump().Find("p1"); there {
			t.Errorf("%s: it was done nevertheless", c.reason)
		}
	}
}

// TestBrokenConnections: without effect before, with all of it after.
func TestBrokenConnections(t *testing.T) {
	for _, c := range []struct {
		kind FaultKind
		done bool
	}{{ResetBefore, false}, {ResetAfter, true}, {TruncatedReply, true}} {
		a := newArray(t, nil)
		if _, err := a.Inject(Fault{Kind: c.kind, Method: "POST", Kth: 1}); err != nil {
			t.Fatal(err)
		}
		user, password := a.Cluster(0).Credentials()
		if _, err := a.try(a.http, a.Cluster(0).URL(), user, password, "POST", "/svm/svms", `{"name":"p1"}`); err == nil {
			t.Errorf("%s: an answer came", c.kind)
		}
		if _, there := a.Dump().Find("p1"); there != c.done {
			t.Errorf("%s: done is %v, expected %v", c.kind, there, c.done)
		}
	}
}

func TestHangUntilTheClientGoes(t *testing.T) {
	for _, c := range []struct {
		kind FaultKind
		done bool
	}{{Hang, false}, {HangAfter, true}} {
		a := newArray(t, nil)
		struck, err := a.Inject(Fault{Kind: c.kind, Method: "DELETE", Kth: 1})
		if err != nil {
			t.Fatal(err)
		}
		uuid := a.svm("p1")
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete, a.Cluster(0).URL()+"/api/svm/svms/"+uuid, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(a.Cluster(0).Credentials())
		ended := make(chan error, 1)
		go func() {
			resp, err := a.http.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			ended <- err
		}()
		poll(t, func() bool { _, there := a.Dump().Find("p1"); return struck() == 1 && there != c.done })
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
}

// TestCloseEndsWhatHangs: nobody waits for a simulator that is closed, and
// nothing is at work when Close has come back.
func TestCloseEndsWhatHangs(t *testing.T) {
	a := newArray(t, nil)
	struck, err := a.Inject(Fault{Kind: Hang})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	user, admin := a.Cluster(0).Credentials()
	go func() {
		_, err := a.try(a.http, a.Cluster(0).URL(), user, admin, "GET", "/cluster", "")
		ended <- err
	}()
	poll(t, func() bool { return struck() == 1 })
	a.Close()
	if err := <-ended; err == nil {
		t.Error("an answer came")
	}
	a.Close() // twice does no harm
}

// poll waits for a condition, with a generous limit.
func poll(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it never came to that")
		}
	}
}

func TestFaultsOfJobs(t *testing.T) {
	for _, c := range []struct {
		fault Fault
		job   string // state, or 404
		svm   string // state, or ""
	}{
		{Fault{Kind: JobFails, Code: 13434914}, "failure", ""},
		{Fault{Kind: JobFailsDone}, "failure", "running"},
		{Fault{Kind: JobLost}, "404", "running"},
		{Fault{Kind: JobLostUndone}, "404", ""},
		{Fault{Kind: SVMStuck}, "failure", "initializing"},
	} {
		a := newArray(t, nil)
		c.fault.Method, c.fault.Path = "POST", "/api/svm/svms"
		if _, err := a.Inject(c.fault); err != nil {
			t.Fatal(err)
		}
		uuid := a.must(202, "POST", "/svm/svms", `{"name":"p1"}`).text("job.uuid")
		if got := stateOr404(a.do("GET", "/cluster/jobs/"+uuid+"?fields=*", "")); got != c.job {
			t.Errorf("%s: job %s, expected %s", c.fault.Kind, got, c.job)
		}
		a.clock.forward(time.Hour)
		if v, _ := a.Dump().Find("p1"); v.State != c.svm {
			t.Errorf("%s: SVM %q, expected %q", c.fault.Kind, v.State, c.svm)
		}
	}
}

// TestStuckSVMCanBeDeleted: that is the documented cure.
func TestStuckSVMCanBeDeleted(t *testing.T) {
	a := newArray(t, nil)
	if _, err := a.Inject(Fault{Kind: SVMStuck, Method: "POST", Kth: 1}); err != nil {
		t.Fatal(err)
	}
	a.must(202, "POST", "/svm/svms", `{"name":"p1"}`)
	v, _ := a.Dump().Find("p1")
	a.must(200, "DELETE", "/svm/svms/"+v.UUID+"?return_timeout=5", "")
	a.svm("p1")
}

func TestApprovalRequest(t *testing.T) {
	a := newArray(t, nil)
	uuid := a.svm("p1")
	if _, err := a.Inject(Fault{Kind: NeedsApproval, Method: "DELETE"}); err != nil {
		t.Fatal(err)
	}
	r := a.must(202, "DELETE", "/svm/svms/"+uuid, "")
	if r.body["job"] != nil || r.body["approval_request"] == nil {
		t.Errorf("the answer: %s", r.raw)
	}
	if _, there := a.Dump().Find("p1"); !there {
		t.Error("it was deleted without the approval")
	}
}

// TestSlowLIF: the calls at one SVM's address are slow, all others are not.
func TestSlowLIF(t *testing.T) {
	clock := &jumpClock{handClock: newHandClock()}
	a := managed(t, func(o *Options) { o.Clock = clock })
	if _, err := a.Inject(Fault{Kind: Slow, SVM: "p1", Delay: 9 * time.Second}); err != nil {
		t.Fatal(err)
	}
	before := clock.Now()
	a.must(200, "GET", "/cluster", "")
	if clock.Now() != before {
		t.Error("the cluster's address is slow, too")
	}
	if a.login(password) != 200 || clock.Now().Sub(before) != 9*time.Second {
		t.Errorf("the login took %v, expected 9s", clock.Now().Sub(before))
	}
}

// TestReplacedCertificate: what is presented is what the array lists.
func TestReplacedCertificate(t *testing.T) {
	a := managed(t, nil)
	for range 2 {
		shown := a.presented(address)
		r := a.must(200, "GET", "/security/certificates?svm.name=p1&fields=public_certificate", "")
		text, _ := r.records()[0]["public_certificate"].(string)
		listed, err := keyPair{Cert: []byte(text)}.parsed()
		if err != nil || !listed.Equal(shown) {
			t.Errorf("the certificate that is listed is not the one that is presented (%v)", err)
		}
		check(t, a.ReplaceCertificate("p1"))
		if a.presented(address).Equal(shown) {
			t.Error("the certificate is the old one")
		}
	}
}

func TestFaultsThatCannotBe(t *testing.T) {
	a := newArray(t, nil)
	for _, f := range []Fault{{Kind: "nonsense"}, {Kind: Slow, Path: "[a"}} {
		if _, err := a.Inject(f); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}
