package ontap

import (
	"net/http"
	"testing"
)

// nvme is section 10, on an SVM of its own.
func (s *suite) nvme(t *testing.T) {
	if s.array.sanOnly {
		s.refuse(t, refusal{section: "10", reason: "on ASA r2 the service cannot be changed", request: post("/protocols/nvme/services", object{"svm": object{"uuid": s.main.uuid}})})
		return
	}
	if !s.array.nvmeLicence {
		s.refuse(t, refusal{section: "10", reason: "no licence", request: post("/protocols/nvme/services", object{"svm": object{"uuid": s.main.uuid}}), codes: []string{"1115127"}})
		s.refuse(t, refusal{section: "13", reason: "no licence, at the creation of the SVM", request: post("/svm/svms", object{"name": s.name("nolicence"), "nvme": object{"enabled": true}}), codes: []string{"1115127"}})
		return
	}
	a := s.ok(t, "10", "the service made with the SVM", get("/protocols/nvme/services?fields=enabled&svm.uuid="+s.main.uuid))
	enabled, _ := boolean(a.only(), "enabled")
	s.check(t, "2.2", "nvme.enabled at the creation makes the service", a, len(a.records()) == 1 && enabled)
	one := s.ok(t, "10", "one service", get("/protocols/nvme/services/"+s.main.uuid))
	s.check(t, "10", "svm and enabled", one, text(one.body, "svm.name") == s.main.name && has(one.body, "enabled"))
	svm := s.makeSVM(t, s.name("nvme"), object{"aggregates": []object{{"name": s.array.aggregates[0].name}}})
	t.Run("refused", func(t *testing.T) { s.nvmeRefused(t, svm) })
	t.Run("repaired", func(t *testing.T) { s.nvmeRepair(t, svm) })
	s.dropSVM(t, svm)
}

func (s *suite) nvmeRefused(t *testing.T, svm svmRef) {
	service := func(more object) request { return post("/protocols/nvme/services", more) }
	of := func(ref object) object { return object{"svm": ref} }
	s.succeed(t, "10", "NVMe is forbidden", patch("/svm/svms/"+svm.uuid, object{"nvme": object{"allowed": false}}))
	s.refuse(t, refusal{section: "10", reason: "NVMe is not allowed on the SVM", request: service(of(object{"uuid": svm.uuid})), codes: []string{"2621507"}})
	s.succeed(t, "10", "NVMe is allowed", patch("/svm/svms/"+svm.uuid, object{"nvme": object{"allowed": true}}))
	s.succeed(t, "10", "the SVM is stopped", patch("/svm/svms/"+svm.uuid, object{"state": "stopped"}))
	s.refuse(t, refusal{section: "10", reason: "the SVM is stopped", request: service(of(object{"uuid": svm.uuid})), codes: []string{"5374893"}})
	s.succeed(t, "10", "the SVM is started", patch("/svm/svms/"+svm.uuid, object{"state": "running"}))
	s.awaitSVM(t, svm.name, nil)
	s.refusals(t, []refusal{
		{section: "10", reason: "an SVM that is none", request: service(of(object{"uuid": noUUID})), codes: []string{"2621462", "2621707"}},
		{section: "10", reason: "no SVM", request: service(object{"enabled": true}), codes: append([]string{"2621707"}, missingValue...)},
		{section: "10", reason: "name and UUID of two SVMs", request: service(of(object{"uuid": svm.uuid, "name": s.other.name})), status: 400, codes: []string{"2621706"}},
		{section: "10", reason: "a service that is there", request: service(of(object{"uuid": s.main.uuid})), codes: []string{"72089650"}},
		{section: "10", reason: "a change of a service that is not there", request: patch("/protocols/nvme/services/"+svm.uuid, object{"enabled": true}), codes: []string{"4", "72089651"}},
		{section: "10", reason: "a deletion of a service that is not there", request: remove("/protocols/nvme/services/" + svm.uuid), codes: []string{"4", "72089651"}},
		{section: "10", reason: "a deletion of a service that is enabled", request: remove("/protocols/nvme/services/" + s.main.uuid), codes: []string{"72090028"}},
	})
}

// nvmeRepair gives an SVM its service after its creation, and takes it again.
func (s *suite) nvmeRepair(t *testing.T, svm svmRef) {
	path := "/protocols/nvme/services/" + svm.uuid
	s.expect(t, "10", "a service is made, synchronously", post("/protocols/nvme/services", object{"svm": object{"uuid": svm.uuid}}), http.StatusCreated)
	a := s.ok(t, "10", "the service", get(path))
	enabled, _ := boolean(a.body, "enabled")
	s.check(t, "10", "enabled is true by default", a, enabled)
	a = s.readSVM(t, svm)
	enabled, _ = boolean(a.body, "nvme.enabled")
	s.check(t, "10", "the SVM shows it too", a, enabled)
	lif := s.makeLIF(t, svm, "nvmelif", "default-data-nvme-tcp")
	s.expect(t, "10", "a service is disabled, synchronously", patch(path, object{"enabled": false}), http.StatusOK)
	s.refuse(t, refusal{section: "10", reason: "interfaces of the service are there", request: remove(path), codes: []string{"72089654"}})
	s.dropLIF(t, lif)
	s.expect(t, "10", "a service is deleted, synchronously", remove(path), http.StatusOK)
	s.refuse(t, refusal{section: "10", reason: "a deleted service is not there", request: get(path), status: http.StatusNotFound, codes: missing})
}

// dropNVMe takes the service from an SVM of ours.
func (s *suite) dropNVMe(t *testing.T, svm svmRef) {
	t.Helper()
	s.ok(t, "10", "a service is disabled", patch("/protocols/nvme/services/"+svm.uuid, object{"enabled": false}))
	s.ok(t, "10", "a service is deleted", remove("/protocols/nvme/services/"+svm.uuid))
}
