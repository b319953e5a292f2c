package ontap

import (
	"maps"
	"net/http"
	"testing"
)

// makeSVM makes an SVM and waits until it runs.
func (s *suite) makeSVM(t *testing.T, name string, more object) svmRef {
	t.Helper()
	body := object{"name": name}
	maps.Copy(body, more)
	s.succeed(t, "2.3", "an SVM is made", post("/svm/svms", body))
	return s.awaitSVM(t, name, body)
}

// awaitSVM waits until an SVM runs, with NVMe where it was asked for, and notes
// in which order the two came.
func (s *suite) awaitSVM(t *testing.T, name string, body object) svmRef {
	t.Helper()
	wantNVMe, _ := boolean(body, "nvme.enabled")
	var ref svmRef
	var last answer
	var seen []string
	ready := await(t.Context(), jobLimit, func() bool {
		last = s.send(t, get("/svm/svms?name="+q(name)+"&fields=state,nvme.enabled"))
		r := last.only()
		running := text(r, "state") == "running"
		nvme, _ := boolean(r, "nvme.enabled")
		ref = svmRef{name: name, uuid: text(r, "uuid")}
		seen = order(seen, "running", running)
		if wantNVMe {
			seen = order(seen, "NVMe", nvme)
		}
		return running && (nvme || !wantNVMe)
	})
	if !ready || !isUUID(ref.uuid) {
		s.complain(t, "2.2", "a new SVM comes to run", last.request, "state running", s.showAnswer(last))
		t.FailNow()
	}
	if wantNVMe {
		s.note(t, 10, "shows after the end of the job, in this order: %v", seen)
	}
	return ref
}

func order(seen []string, what string, now bool) []string {
	if !now || oneOf(what, seen...) {
		return seen
	}
	return append(seen, what)
}

// readSVM gives an SVM with its standard fields.
func (s *suite) readSVM(t *testing.T, ref svmRef) answer {
	t.Helper()
	return s.ok(t, "2.1", "an SVM is read", get("/svm/svms/"+ref.uuid))
}

// dropSVM deletes an SVM and all in it, and proves that it has gone. What else
// hinders it is noted, and taken away where that can be done.
func (s *suite) dropSVM(t *testing.T, ref svmRef) {
	t.Helper()
	s.empty(t, ref.uuid)
	s.cases++
	var o outcome
	gone := await(t.Context(), jobLimit, func() bool {
		o = s.settle(t, remove("/svm/svms/"+ref.uuid))
		if o.done || o.answer.status == http.StatusNotFound {
			return true
		}
		s.note(t, 6, "refuses the deletion of an SVM without volumes, interfaces and routes with %s", o.brief())
		s.emptyMore(t.Context(), t, ref.uuid)
		return false
	})
	if !gone {
		s.complain(t, "2.5", "an empty SVM is deleted", o.answer.request, "success, in the end", o.show(s))
		t.FailNow()
	}
	s.refuse(t, refusal{section: "13", reason: "a deleted SVM is not there", request: get("/svm/svms/" + ref.uuid), status: http.StatusNotFound, codes: missing})
}
