package ontap

import "testing"

// refusedWrites is section 1.6: requests that must change nothing.
func (s *suite) refusedWrites(t *testing.T) {
	svm := "/svm/svms/" + s.main.uuid
	withBody := remove("/security/accounts/" + s.main.uuid + "/" + s.name("none"))
	withBody.body = object{"name": "x"}
	s.refusals(t, []refusal{
		{section: "1.1", reason: "a filter on POST", codes: []string{"262211"}, request: post("/network/ip/routes?metric=20",
			object{"gateway": s.gateway(t), "svm": object{"uuid": s.other.uuid}})},
		{section: "1.1", reason: "a body on DELETE", request: withBody, codes: []string{"262198"}},
		{section: "1.6", reason: "no JSON", request: post("/svm/svms", "this is not JSON"), status: 400, codes: badJSON},
		{section: "1.6", reason: "half a JSON object", request: post("/svm/svms", `{"name":"`+s.name("half")), status: 400, codes: badJSON},
		{section: "1.6", reason: "nothing to change", request: patch(svm, object{}), status: 400, codes: []string{"262190"}},
		{section: "1.6", reason: "an unknown field in PATCH", request: patch(svm, object{"nosuchfield": 1}), status: 400, codes: []string{"262179"}},
		{section: "1.6", reason: "an unknown field in POST", request: post("/svm/svms", object{"name": s.name("field"), "nosuchfield": 1}), status: 400, codes: []string{"262179"}},
		{section: "2.2", reason: "subtype is set at creation only", request: patch(svm, object{"subtype": "dp_destination"}), status: 400, codes: notThisField},
		{section: "2.2", reason: "ipspace is set at creation only", request: patch(svm, object{"ipspace": object{"name": "Default"}}), status: 400, codes: notThisField},
		{section: "2.2", reason: "aggregates_delegated is read only", request: patch(svm, object{"aggregates_delegated": true}), status: 400, codes: notThisField},
		{section: "1.6", reason: "an array where none belongs", request: patch(svm, object{"comment": []string{"x"}}), status: 400, codes: append([]string{"262255"}, invalidValue...)},
		{section: "1.6", reason: "no array where one belongs", request: patch(svm, object{"aggregates": object{"name": s.array.aggregates[0].name}}), status: 400, codes: append([]string{"262254"}, invalidValue...)},
		{section: "1.6", reason: "a value outside its enumeration", request: patch(svm, object{"state": "sleeping"}), status: 400, codes: invalidValue},
		{section: "1.6", reason: "a text that is no boolean", request: patch(svm, object{"nvme": object{"allowed": "perhaps"}}), status: 400, codes: invalidValue},
		{section: "1.6", reason: "UUID and name of two SVMs", status: 400, codes: []string{"2621706"}, request: post("/network/ip/routes",
			object{"gateway": s.gateway(t), "svm": object{"uuid": s.main.uuid, "name": s.other.name}})},
		{section: "2.4", reason: "an unknown SVM", request: patch("/svm/svms/"+noUUID, object{"comment": "x"}), status: 404, codes: missing},
		{section: "2.5", reason: "an unknown SVM", request: remove("/svm/svms/" + noUUID), status: 404, codes: missing},
		{section: "5.2", reason: "an unknown interface", request: patch("/network/ip/interfaces/"+noUUID, object{"enabled": false}), status: 404, codes: missing},
		{section: "5.2", reason: "an unknown interface", request: remove("/network/ip/interfaces/" + noUUID), status: 404, codes: missing},
		{section: "5.3", reason: "an unknown route", request: remove("/network/ip/routes/" + noUUID), status: 404, codes: missing},
		{section: "6.2", reason: "an unknown account", request: remove("/security/accounts/" + s.main.uuid + "/" + s.name("none")), status: 404, codes: missing},
	})
	s.refuse(t, refusal{section: "5.3", reason: "routes have no PATCH", request: patch("/network/ip/routes/"+noUUID, object{"metric": 30}), status: 405, codes: []string{"3"}})
	t.Run("nothing has changed", func(t *testing.T) {
		a := s.readSVM(t, s.main)
		s.check(t, "1.6", "what is refused changes nothing", a, text(a.body, "comment") == s.comment("main") && text(a.body, "state") == "running")
	})
}
