package ontap

import (
	"net/http"
	"testing"
)

// deleteSVM is section 2.5: an SVM with an interface, a route and an account.
func (s *suite) deleteSVM(t *testing.T) {
	svm := s.makeSVM(t, s.name("delete"), nil)
	l := s.makeLIF(t, svm, "left", "default-management")
	s.expect(t, "5.3", "a route", post("/network/ip/routes", object{"gateway": s.gateway(t), "svm": object{"uuid": svm.uuid}}), http.StatusCreated)
	body := s.accountBody(s.prefix+"left", s.password(t))
	body["owner"] = object{"uuid": svm.uuid}
	s.expect(t, "6.2", "an account", post(accountsPath, body), http.StatusCreated)
	o := s.deleteTwice(t, svm)
	s.note(t, 6, "answers the deletion of an SVM with an interface, a route and an account with %s", o.brief())
	if !o.done {
		s.dropSVM(t, svm)
	}
	s.refuse(t, refusal{section: "13", reason: "a deleted SVM is not there", request: get("/svm/svms/" + svm.uuid), status: http.StatusNotFound, codes: missing})
	for _, path := range []string{"/network/ip/interfaces?svm.uuid=" + svm.uuid, "/network/ip/interfaces?uuid=" + l.uuid, "/network/ip/routes?svm.uuid=" + svm.uuid,
		"/security/accounts?owner.uuid=" + svm.uuid, "/storage/volumes?svm.uuid=" + svm.uuid, "/protocols/nvme/services?svm.uuid=" + svm.uuid} {
		a := s.ok(t, "2.5", "what belonged to a deleted SVM", get(path))
		s.check(t, "2.5", "nothing of a deleted SVM is left", a, len(a.records()) == 0)
	}
	a := s.ok(t, "2.5", "the list of SVMs", get("/svm/svms?name="+q(svm.name)))
	s.check(t, "2.5", "the SVM is not listed any more", a, len(a.records()) == 0)
	s.inside(t, svm)
	again := s.makeSVM(t, svm.name, nil)
	if again.uuid == svm.uuid {
		t.Errorf("section 2.5: an SVM that is made again has another UUID; got %s twice", svm.uuid)
	}
	s.dropSVM(t, again)
}

// inside is an SVM that is gone, seen from other calls: 400, not 404.
func (s *suite) inside(t *testing.T, gone svmRef) {
	codes := []string{"2621462", "1967146", "1967147", "1260882"}
	owner := object{"uuid": gone.uuid}
	s.refusals(t, []refusal{
		{section: "13", reason: "an interface for an SVM that is gone", status: 400, codes: codes, request: s.badLIF(t, object{"svm": owner})},
		{section: "13", reason: "a route for an SVM that is gone", status: 400, codes: codes, request: post("/network/ip/routes", object{"gateway": s.gateway(t), "svm": owner})},
	})
}

// volumesFirst is section 2.5: an SVM with a data volume is not deleted. The
// facts do not describe the making of volumes; where this array does not let us,
// that is noted.
func (s *suite) volumesFirst(t *testing.T) {
	svm := s.makeSVM(t, s.name("volumes"), object{"aggregates": []object{{"name": s.array.aggregates[0].name}}})
	defer s.dropSVM(t, svm)
	o := s.settle(t, post("/storage/volumes", object{"name": s.prefix + "_volume", "svm": object{"uuid": svm.uuid},
		"aggregates": []object{{"name": s.array.aggregates[0].name}}, "size": 20 << 20}))
	if !o.done {
		s.noteSection(t, "2.5", "made no volume (%s): an SVM with volumes was not looked at", o.brief())
		return
	}
	a := s.ok(t, "9", "data volumes", get("/storage/volumes?is_svm_root=false&svm.uuid="+svm.uuid))
	volume := text(a.only(), "uuid")
	s.check(t, "9", "the one data volume is counted, the root is not", a, isUUID(volume))
	a = s.ok(t, "9", "counted without records", get("/storage/volumes?is_svm_root=false&return_records=false&svm.uuid="+svm.uuid))
	n, whole := integer(a.body, "num_records")
	s.check(t, "9", "num_records is 1, without records", a, whole && n == 1 && len(a.records()) == 0)
	refused := s.settle(t, remove("/svm/svms/"+svm.uuid))
	s.note(t, 6, "answers the deletion of an SVM with a data volume with %s", refused.brief())
	s.check(t, "2.5", "an SVM with a data volume is not deleted", refused.answer, !refused.done)
	s.ok(t, "2.5", "the SVM is still there", get("/svm/svms/"+svm.uuid))
	s.succeed(t, "2.5", "the volume is taken offline", patch("/storage/volumes/"+volume, object{"state": "offline"}))
	by := s.succeed(t, "1.2", "the volume is deleted, by query", remove("/storage/volumes?svm.uuid="+svm.uuid+"&name="+q(s.prefix+"_volume")))
	n, whole = integer(by.answer.body, "num_records")
	s.check(t, "1.2", "a deletion by query answers with num_records and jobs", by.answer, whole && n == 1 && len(list(by.answer.body, "jobs")) == 1)
	s.emptyOfData(t, svm)
	s.recoveryQueue(t, svm)
}

// recoveryQueue is where a deleted volume lingers, on releases that show it.
func (s *suite) recoveryQueue(t *testing.T, svm svmRef) {
	const field = "number_of_volumes_in_recovery_queue"
	a := s.ok(t, "9", "the recovery queue", get("/svm/svms/"+svm.uuid+"?ignore_unknown_fields=true&fields="+field))
	n, shown := integer(a.body, field)
	if !shown {
		s.noteSection(t, "9", "has no %s", field)
		return
	}
	s.check(t, "9", "a deleted volume is counted in the recovery queue", a, n == 1)
	s.note(t, 12, "shows %d volumes in the recovery queue", n)
	o := s.settle(t, remove("/svm/svms/"+svm.uuid))
	s.note(t, 12, "answers the deletion of an SVM with a volume in its recovery queue with %s", o.brief())
}

// deleteTwice asks a second time while the first job may be at work.
func (s *suite) deleteTwice(t *testing.T, svm svmRef) outcome {
	t.Helper()
	first := s.send(t, remove("/svm/svms/"+svm.uuid))
	if first.status != http.StatusAccepted {
		return outcome{answer: first, done: first.good(), code: first.code()}
	}
	again := s.settle(t, remove("/svm/svms/"+svm.uuid))
	s.check(t, "2.3", "a second deletion at once is refused, or finds nothing", again.answer, again.done || oneOf(again.code, "4", "13434915", "13434916"))
	job, err := s.follow(t.Context(), first.job())
	if err != nil {
		t.Fatal(s.mask(err.Error()))
	}
	return outcome{answer: first, inJob: true, job: job, done: text(job, "state") == "success", code: jobCode(job)}
}
