package ontap

import (
	"testing"
)

// svmStates and the other enumerations are of section 2.2.
var (
	svmStates   = []string{"starting", "running", "stopping", "stopped", "deleting", "initializing"}
	svmSubtypes = []string{"default", "dp_destination", "sync_source", "sync_destination"}
)

// readSVMs is section 2.1: the form of each SVM that is there.
func (s *suite) readSVMs(t *testing.T) {
	path := "/svm/svms?max_records=20&fields=*"
	if s.target.Writable {
		path += "&name=" + q(s.prefix+"*")
	}
	a := s.ok(t, "2.1", "SVMs with the standard fields", get(path))
	for _, r := range a.records() {
		s.check(t, "2.2", "state is of the enumeration", a, oneOf(text(r, "state"), svmStates...))
		s.check(t, "2.2", "subtype is of the enumeration", a, oneOf(text(r, "subtype"), svmSubtypes...))
		s.check(t, "2.2", "ipspace has name and UUID", a, text(r, "ipspace.name") != "" && isUUID(text(r, "ipspace.uuid")))
		_, isBool := boolean(r, "aggregates_delegated")
		s.check(t, "2.2", "aggregates_delegated is a boolean", a, isBool || !has(r, "aggregates_delegated"))
		for _, g := range list(r, "aggregates") {
			s.check(t, "2.2", "aggregates have name and UUID", a, text(g, "name") != "" && isUUID(text(g, "uuid")))
		}
		s.check(t, "2.2", "max_volumes is a string", a, !has(r, "max_volumes") || text(r, "max_volumes") != "")
	}
	svm, there := s.sample(t)
	if !there {
		return
	}
	one := s.readSVM(t, svm)
	for _, path := range []string{"uuid", "name", "state", "subtype", "nvme"} {
		s.check(t, "2.1", "an instance has "+path, one, has(one.body, path))
	}
	s.check(t, "2.1", "an instance without fields lacks the expensive ones", one, !has(one.body, "snapmirror"))
}

// svmDefaults is the table of section 2.2, on an SVM made with a comment alone.
func (s *suite) svmDefaults(t *testing.T) {
	a := s.ok(t, "2.2", "all fields", get("/svm/svms/"+s.other.uuid+"?fields=**"))
	for path, want := range map[string]string{
		"subtype": s.array.defaultSubtype(), "state": "running", "ipspace.name": "Default", "language": "c.utf_8",
		"snapshot_policy.name": "default", "comment": s.comment("other"), "max_volumes": "unlimited",
		"anti_ransomware_default_volume_state": "disabled",
	} {
		s.check(t, "2.2", path+" is "+want, a, text(a.body, path) == want)
	}
	flags := map[string]bool{
		"nfs.allowed": true, "cifs.allowed": true, "iscsi.allowed": true, "fcp.allowed": true, "nvme.allowed": true,
		"s3.allowed": true, "ndmp.allowed": true, "is_space_reporting_logical": false, "is_space_enforcement_logical": false,
		"nfs.enabled": false, "cifs.enabled": false, "s3.enabled": false,
	}
	if !s.array.sanOnly {
		flags["nvme.enabled"], flags["iscsi.enabled"], flags["fcp.enabled"] = false, false, false
	}
	for path, want := range flags {
		got, there := boolean(a.body, path)
		s.check(t, "2.2", path+" is a boolean with its default", a, there && got == want)
	}
	if s.array.since(13) {
		alert, whole := integer(a.body, "storage.limit_threshold_alert")
		s.check(t, "2.2", "storage.limit_threshold_alert is 90", a, whole && alert == 90)
	}
	for _, path := range []string{"number_of_volumes_in_recovery_queue", "total_volume_size_in_recovery_queue"} {
		if !has(a.body, path) {
			s.noteSection(t, "2.2", "has no %s", path)
			continue
		}
		n, whole := integer(a.body, path)
		s.check(t, "2.2", path+" is 0", a, whole && n == 0)
	}
	main := s.readSVM(t, s.main)
	given := list(main.body, "aggregates")
	s.check(t, "2.2", "aggregates are those that were given", main, len(given) == 1 && text(given[0], "uuid") == s.array.aggregates[0].uuid)
	s.rootVolume(t, s.other)
}

// rootVolume looks for the volume that ONTAP makes with an SVM.
func (s *suite) rootVolume(t *testing.T, svm svmRef) {
	a := s.ok(t, "2.2", "the root volume", get("/storage/volumes?is_svm_root=true&fields=size,name,state,type&svm.uuid="+svm.uuid))
	s.check(t, "2.2", "one root volume, online, of type rw", a, len(a.records()) == 1 &&
		text(a.only(), "state") == "online" && text(a.only(), "type") == "rw")
	size, _ := integer(a.only(), "size")
	s.check(t, "2.2", "the root volume has 1 GB", a, size == 1<<30)
	if name := text(a.only(), "name"); name != svm.name+"_root" {
		s.noteSection(t, "2.2", "names the root volume %s, not <svm>_root", name)
	}
}
