package ontap

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// async is section 1.3, on the life of one SVM.
func (s *suite) async(t *testing.T) {
	name := s.name("async")
	r := post("/svm/svms", object{"name": name, "comment": s.comment("async")})
	a := s.expect(t, "1.3", "a creation is accepted, without waiting", r, http.StatusAccepted)
	job := a.job()
	s.check(t, "1.3", "a job with UUID and a link to itself", a, isUUID(job) && text(a.body, "job._links.self.href") == "/api/cluster/jobs/"+job)
	location := a.header.Get("Location")
	s.check(t, "1.3", "Location is the SVM to be", a, strings.HasPrefix(location, "/api/svm/svms/"))
	s.notBefore(t, location, job)
	s.refuse(t, refusal{section: "1.4", reason: "only a paused job can be resumed", request: patch("/cluster/jobs/"+job+"?action=resume", nil),
		codes: []string{"458771", "458776", "458762"}})
	if early := s.settle(t, patch(location, object{"comment": s.comment("early")})); !early.done {
		s.check(t, "2.4", "an SVM that is still being created is not there, or says so", early.answer, oneOf(early.code, "4", "13434916", "13434915"))
	}
	done, err := s.follow(t.Context(), job)
	if err != nil || text(done, "state") != "success" {
		t.Fatalf("section 1.3: the job ends in success; got %v %v", done, err)
	}
	b := s.ok(t, "1.3", "Location after the end of the job", get(location))
	s.check(t, "1.3", "Location is the SVM that was made", b, text(b.body, "name") == name)
	svm := s.awaitSVM(t, name, nil)
	s.patchAsync(t, svm)
	s.deleteWaiting(t, svm)
	s.waited(t)
}

// notBefore looks at the Location of a job that has just been accepted.
func (s *suite) notBefore(t *testing.T, location, job string) {
	t.Helper()
	early := s.send(t, get(location))
	if early.status == http.StatusNotFound {
		s.check(t, "1.3", "404 has code 4", early, early.code() == "4")
		return
	}
	state := s.send(t, get("/cluster/jobs/"+job))
	s.check(t, "1.3", "Location is 404 until the job has ended well; its state was then "+text(state.body, "state"), early, !unfinished(text(state.body, "state")))
}

func (s *suite) patchAsync(t *testing.T, svm svmRef) {
	path := "/svm/svms/" + svm.uuid
	a := s.expect(t, "1.3", "a change is accepted, without waiting", patch(path+"?return_timeout=0", object{"comment": s.comment("one")}), http.StatusAccepted)
	s.check(t, "1.3", "a job with a UUID", a, isUUID(a.job()))
	if _, err := s.follow(t.Context(), a.job()); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "1.3", "a change that is waited for", patch(path+"?return_timeout=120", object{"comment": s.comment("two")}), http.StatusOK)
	b := s.readSVM(t, svm)
	s.check(t, "1.3", "after 200 the change is there", b, text(b.body, "comment") == s.comment("two"))
	s.refuse(t, refusal{section: "1.3", reason: "input errors come at once, not in a job", request: patch(path, object{"state": "bogus"}), status: 400, codes: invalidValue})
	s.refuse(t, refusal{section: "1.1", reason: "return_timeout above 120", request: patch(path+"?return_timeout=121", object{"comment": "x"}), status: 400, codes: invalidValue})
}

// deleteWaiting deletes an SVM and waits for it: 200 when it is done in time, or
// the error itself.
func (s *suite) deleteWaiting(t *testing.T, svm svmRef) {
	s.empty(t, svm.uuid)
	a := s.send(t, remove("/svm/svms/"+svm.uuid+"?return_timeout=120"))
	switch {
	case a.status == http.StatusOK:
		s.refuse(t, refusal{section: "13", reason: "a deleted SVM is not there", request: get("/svm/svms/" + svm.uuid), status: http.StatusNotFound, codes: missing})
		return
	case a.status == http.StatusAccepted:
		s.noteSection(t, "1.3", "needed more than 120 s for a deletion")
		if _, err := s.follow(t.Context(), a.job()); err != nil {
			t.Error(err)
		}
	default:
		s.note(t, 6, "refuses the deletion of an SVM that has nothing but its root volume with code %s", a.code())
	}
	s.dropSVM(t, svm)
}

// waited makes an SVM with a wait: 201 once it is there.
func (s *suite) waited(t *testing.T) {
	name := s.name("waited")
	a := s.expect(t, "1.3", "a creation that is waited for", post("/svm/svms?return_timeout=120", object{"name": name}), http.StatusCreated, http.StatusAccepted)
	if a.status == http.StatusAccepted {
		s.noteSection(t, "1.3", "needed more than 120 s for a creation")
		if _, err := s.follow(t.Context(), a.job()); err != nil {
			t.Fatal(err)
		}
	} else {
		s.check(t, "1.3", "201 bears Location too", a, strings.HasPrefix(a.header.Get("Location"), "/api/svm/svms/"))
	}
	svm := s.awaitSVM(t, name, nil)
	direct := s.send(t, post("/svm/svms?return_timeout=120", object{"name": name}))
	s.check(t, "1.3", "waited for, the error comes directly, not as a job", direct, direct.status >= 400 && direct.code() == "13434908")
	s.dropSVM(t, svm)
}

// jobObjects is section 1.4.
func (s *suite) jobObjects(t *testing.T) {
	name := s.name("job")
	o := s.succeed(t, "2.3", "an SVM is made", post("/svm/svms", object{"name": name}))
	uuid := o.answer.job()
	a := s.ok(t, "1.4", "a job", get("/cluster/jobs/"+uuid))
	code, whole := integer(a.body, "code")
	s.check(t, "1.4", "code is an integer, 0 after success", a, whole && code == 0)
	s.check(t, "1.4", "a successful job has no error", a, !has(a.body, "error"))
	s.check(t, "1.4", "description is method and path", a, strings.Contains(text(a.body, "description"), "POST /api/svm/svms"))
	start, err1 := time.Parse(time.RFC3339, text(a.body, "start_time"))
	end, err2 := time.Parse(time.RFC3339, text(a.body, "end_time"))
	s.check(t, "1.4", "start and end are ISO-8601 dates in order", a, err1 == nil && err2 == nil && !end.Before(start))
	a = s.ok(t, "1.4", "as Trident asks", get("/cluster/jobs/"+uuid+"?fields=state"))
	s.check(t, "1.4", "fields chooses", a, text(a.body, "state") == "success" && !has(a.body, "description"))
	for _, filter := range []string{"state=success", "state=" + q("success|failure"), "state=" + q("!running"), "description=" + q("POST /api/svm/svms*"), "start_time=" + q(">2001-01-01T00:00:00Z")} {
		a = s.ok(t, "1.4", "the list of jobs filters by "+filter, get("/cluster/jobs?uuid="+uuid+"&"+filter))
		s.check(t, "1.4", filter+" finds the job", a, len(a.records()) == 1)
	}
	a = s.ok(t, "1.4", "the list of jobs filters by SVM", get("/cluster/jobs?fields=description&svm.name="+q(name)))
	s.noteSection(t, "1.4", "shows %d jobs by the name of an SVM that a job has made", len(a.records()))
	terminal := []string{"458762"}
	s.refusals(t, []refusal{
		{section: "1.4", reason: "a job that has ended cannot be cancelled", request: patch("/cluster/jobs/"+uuid+"?action=cancel", nil), codes: terminal},
		{section: "1.4", reason: "a job that has ended cannot be paused", request: patch("/cluster/jobs/"+uuid+"?action=pause", nil), codes: terminal},
		{section: "1.4", reason: "a job that has ended cannot be resumed", request: patch("/cluster/jobs/"+uuid+"?action=resume", nil), codes: terminal},
	})
	s.failedJob(t, name)
	s.dropSVM(t, s.awaitSVM(t, name, nil))
}

// failedJob makes a job fail, where this array refuses a name in the job.
func (s *suite) failedJob(t *testing.T, taken string) {
	o := s.settle(t, post("/svm/svms", object{"name": taken}))
	s.check(t, "13", "a name that is taken is refused", o.answer, !o.done)
	if !o.inJob {
		s.noteSection(t, "1.4", "refuses a taken name at once: no failed job was seen")
		return
	}
	code, whole := integer(o.job, "code")
	if !whole || text(o.job, "state") != "failure" || (code == 0 && text(o.job, "error.code") == "") {
		s.complain(t, "1.4", "a failed job", o.answer.request, "state failure, an integer code, and the code in one of two places", o.show(s))
	}
	if v, ok := at(o.job, "error.code"); ok {
		if _, isText := v.(string); !isText {
			s.complain(t, "1.4", "a failed job", o.answer.request, "error.code is a string", o.show(s))
		}
	}
}

// jobEnds waits until the record of the first job of this run is gone: 300 s
// after its end.
func (s *suite) jobEnds(t *testing.T) {
	if s.lastJob == nil {
		t.Fatal("section 1.4: no job was followed in this run")
	}
	var last answer
	gone := await(t.Context(), 6*time.Minute, func() bool {
		last = s.send(t, get("/cluster/jobs/"+s.lastJob.uuid))
		return last.status == http.StatusNotFound
	})
	s.check(t, "1.4", "a job is deleted 300 s after its end", last, gone)
	if gone {
		s.check(t, "1.4", "then it is 404 with code 4", last, last.code() == "4")
	}
}
