package ontap

import (
	"net/http"
	"slices"
	"sync"
	"testing"
)

// volumes is section 9 as far as it can be read.
func (s *suite) volumes(t *testing.T) {
	a := s.ok(t, "9", "volumes with the standard fields", get("/storage/volumes?fields=*&max_records=20"))
	for _, r := range a.records() {
		s.check(t, "9", "state is of the enumeration", a, oneOf(text(r, "state"), "online", "offline", "restricted", "mixed", "error"))
		s.check(t, "9", "type is of the enumeration", a, oneOf(text(r, "type"), "rw", "dp", "ls"))
		s.check(t, "9", "a volume has an SVM", a, isUUID(text(r, "svm.uuid")))
		s.check(t, "9", "is_svm_root is expensive: not in the standard set", a, !has(r, "is_svm_root"))
	}
	a = s.ok(t, "9", "volumes without fields", get("/storage/volumes?max_records=20"))
	for _, r := range a.records() {
		s.check(t, "9", "is_svm_root is not in the default", a, !has(r, "is_svm_root"))
	}
	for _, fields := range []string{"is_svm_root", "**"} {
		a = s.ok(t, "9", "is_svm_root is asked for", get("/storage/volumes?max_records=20&fields="+fields))
		for _, r := range a.records() {
			_, isBool := boolean(r, "is_svm_root")
			s.check(t, "9", "is_svm_root is a boolean", a, isBool)
		}
	}
	if !s.target.Writable {
		return
	}
	s.emptyOfData(t, s.main)
	// Without a match nothing is deleted, so that it can be asked of any array.
	a = s.expect(t, "1.2", "deletion by query, without a match", remove("/storage/volumes?continue_on_failure=true&serial_records=true&name="+q(s.prefix+"nosuchvolume")), http.StatusOK, http.StatusAccepted)
	n, whole := integer(a.body, "num_records")
	s.check(t, "1.2", "a deletion by query counts: none", a, whole && n == 0 && len(list(a.body, "jobs")) == 0)
}

// emptyOfData is the question whether an SVM is empty.
func (s *suite) emptyOfData(t *testing.T, svm svmRef) {
	t.Helper()
	path := "/storage/volumes?is_svm_root=false&is_constituent=false&return_records=false&svm.uuid=" + svm.uuid
	a := s.ok(t, "9", "is the SVM empty", get(path))
	n, whole := integer(a.body, "num_records")
	s.check(t, "9", "num_records is 0, without records", a, whole && n == 0 && len(a.records()) == 0)
}

// load is section 11: as many requests at once as Trident sends.
func (s *suite) load(t *testing.T) {
	const parallel = 20
	answers := make([]answer, parallel)
	errs := make([]error, parallel)
	var all sync.WaitGroup
	for i := range parallel {
		all.Go(func() { answers[i], errs[i] = s.try(t.Context(), get("/cluster")) })
	}
	all.Wait()
	for i, a := range answers {
		if errs[i] != nil {
			t.Errorf("section 11: 20 requests at once are answered: %s", s.mask(errs[i].Error()))
			continue
		}
		s.check(t, "11", "an answer, or 429 or 503", a, slices.Contains([]int{200, 429, 503}, a.status))
		if a.status == http.StatusTooManyRequests {
			s.check(t, "1.6", "429 bears Retry-After and code 262160", a, a.header.Get("Retry-After") != "" && a.code() == "262160")
		}
	}
}
