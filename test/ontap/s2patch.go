package ontap

import (
	"strings"
	"testing"
)

// patchSVM is section 2.4, on an SVM of its own.
func (s *suite) patchSVM(t *testing.T) {
	svm := s.makeSVM(t, s.name("patch"), nil)
	path := "/svm/svms/" + svm.uuid
	for _, c := range []struct {
		reason string
		body   object
		field  string
		want   string
	}{
		{"comment", object{"comment": s.comment("changed")}, "comment", s.comment("changed")},
		{"no comment", object{"comment": ""}, "comment", ""},
		{"max_volumes", object{"max_volumes": "7"}, "max_volumes", "7"},
		{"max_volumes back", object{"max_volumes": "unlimited"}, "max_volumes", "unlimited"},
		{"snapshot policy", object{"snapshot_policy": object{"name": "none"}}, "snapshot_policy.name", "none"},
		{"language", object{"language": "de.utf_8"}, "language", "de.utf_8"},
		{"anti-ransomware", object{"anti_ransomware_default_volume_state": "dry_run"}, "anti_ransomware_default_volume_state", "dry_run"},
		{"state stopped", object{"state": "stopped"}, "state", "stopped"},
		{"state running", object{"state": "running"}, "state", "running"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			s.succeed(t, "2.4", c.reason+" is changed", patch(path, c.body))
			var a answer
			took := await(t.Context(), jobLimit, func() bool {
				a = s.readSVM(t, svm)
				return text(a.body, c.field) == c.want
			})
			s.check(t, "2.4", c.field+" is "+c.want, a, took)
		})
	}
	t.Run("by query", func(t *testing.T) {
		o := s.succeed(t, "1.2", "a change by query", patch("/svm/svms?name="+q(svm.name), object{"comment": s.comment("query")}))
		n, whole := integer(o.answer.body, "num_records")
		s.check(t, "1.2", "a change by query answers with num_records and jobs", o.answer, whole && n == 1 && len(list(o.answer.body, "jobs")) == 1)
		a := s.readSVM(t, svm)
		s.check(t, "1.2", "the change took", a, text(a.body, "comment") == s.comment("query"))
	})
	t.Run("aggregates", func(t *testing.T) { s.patchAggregates(t, svm) })
	t.Run("protocols and limits", func(t *testing.T) { s.patchFlags(t, svm) })
	s.refusals(t, []refusal{
		{section: "2.4", reason: "a snapshot policy that is none", request: patch(path, object{"snapshot_policy": object{"name": s.name("none")}}), codes: []string{"13434886"}},
		{section: "2.4", reason: "a language that is not UTF-8", request: patch(path, object{"language": "en_us"}), codes: []string{"13434885"}},
		{section: "2.2", reason: "an anti-ransomware state outside its enumeration", request: patch(path, object{"anti_ransomware_default_volume_state": "bogus"}), codes: invalidValue},
		{section: "2.4", reason: "a certificate that is none", request: patch(path, object{"certificate": object{"uuid": noUUID}}), codes: []string{"12451843"}},
		{section: "2.4", reason: "a comment of 256 characters", request: patch(path, object{"comment": strings.Repeat("c", 256)})},
		{section: "2.4", reason: "the name of another SVM", request: patch(path, object{"name": s.main.name}), codes: []string{"13434908"}},
		{section: "2.4", reason: "a name too long", request: patch(path, object{"name": s.long(s.array.maxName() + 1)}), codes: []string{"13434911", "2621643"}},
	})
	t.Run("rename", func(t *testing.T) { s.rename(t, svm) })
	s.dropSVM(t, svm)
}

func (s *suite) patchAggregates(t *testing.T, svm svmRef) {
	for i := len(s.array.aggregates) - 1; i >= 0; i-- {
		g := s.array.aggregates[i]
		s.succeed(t, "2.4", "the list of aggregates is replaced", patch("/svm/svms/"+svm.uuid, object{"aggregates": []object{{"name": g.name}}}))
		a := s.readSVM(t, svm)
		given := list(a.body, "aggregates")
		s.check(t, "2.2", "PATCH replaces the list: only "+g.name, a, len(given) == 1 && text(given[0], "uuid") == g.uuid)
		if i < len(s.array.aggregates)-2 {
			return
		}
	}
}

func (s *suite) patchFlags(t *testing.T, svm svmRef) {
	path := "/svm/svms/" + svm.uuid
	for _, protocol := range []string{"nvme", "nfs", "iscsi", "cifs"} {
		for _, want := range []bool{false, true} {
			s.succeed(t, "2.4", protocol+".allowed is changed", patch(path, object{protocol: object{"allowed": want}}))
			a := s.readSVM(t, svm)
			got, _ := boolean(a.body, protocol+".allowed")
			s.check(t, "2.4", protocol+".allowed took", a, got == want)
		}
	}
	if s.array.since(13) {
		const limit = 1 << 40
		s.succeed(t, "2.4", "storage.limit is changed", patch(path, object{"storage": object{"limit": limit}}))
		a := s.ok(t, "2.2", "storage.limit", get(path+"?fields=storage"))
		got, whole := integer(a.body, "storage.limit")
		s.check(t, "2.2", "storage.limit is the integer given", a, whole && got == limit)
		s.succeed(t, "2.4", "the threshold is changed", patch(path, object{"storage": object{"limit_threshold_alert": 80}}))
		a = s.ok(t, "2.2", "storage", get(path+"?fields=storage"))
		alert, _ := integer(a.body, "storage.limit_threshold_alert")
		got, _ = integer(a.body, "storage.limit")
		s.check(t, "2.4", "the threshold took, the limit is as it was", a, alert == 80 && got == limit)
	}
	o := s.settle(t, patch(path, object{"nvme": object{"enabled": true}}))
	s.note(t, 11, "answers PATCH of nvme.enabled with %s", o.brief())
	if !o.done && !o.inJob {
		s.errorShape(t, o.answer)
	}
	if o.done {
		s.dropNVMe(t, svm)
	}
}

// rename is done last: with anything else it errs, alone it keeps the UUID.
func (s *suite) rename(t *testing.T, svm svmRef) {
	path := "/svm/svms/" + svm.uuid
	name := s.name("renamed")
	o := s.settle(t, patch(path, object{"name": name, "comment": s.comment("renamed")}))
	s.check(t, "2.4", "renaming together with anything else errs", o.answer, !o.done)
	s.noteSection(t, "2.4", "answers a rename with a comment with %s", o.brief())
	s.succeed(t, "2.4", "an SVM is renamed", patch(path, object{"name": name}))
	a := s.ok(t, "2.4", "the new name", get("/svm/svms?name="+q(name)))
	s.check(t, "1", "a rename does not change the UUID", a, text(a.only(), "uuid") == svm.uuid)
	a = s.ok(t, "2.4", "the old name", get("/svm/svms?name="+q(svm.name)))
	s.check(t, "2.4", "the old name is gone", a, len(a.records()) == 0)
}
