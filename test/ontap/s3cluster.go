package ontap

import (
	"testing"
)

// cluster is section 3.
func (s *suite) cluster(t *testing.T) {
	a := s.ok(t, "3", "the cluster", get("/cluster"))
	s.check(t, "3", "a single object, no records", a, !has(a.body, "records") && !has(a.body, "num_records"))
	s.check(t, "3", "name and UUID", a, text(a.body, "name") != "" && isUUID(text(a.body, "uuid")))
	for _, path := range []string{"version.generation", "version.major", "version.minor"} {
		_, whole := integer(a.body, path)
		s.check(t, "3", path+" is an integer", a, whole)
	}
	s.check(t, "3", "version.full is a text", a, text(a.body, "version.full") != "")
	a = s.ok(t, "3", "the cluster, all fields", get("/cluster?fields=**"))
	for _, path := range []string{"name", "version.full", "management_interfaces", "timezone.name", "certificate", "peering_policy"} {
		s.check(t, "3", "has "+path, a, has(a.body, path))
	}
	a = s.ok(t, "3", "one field", get("/cluster?fields=version"))
	s.check(t, "3", "fields chooses here too", a, has(a.body, "version.major") && !has(a.body, "timezone"))
	a = s.ok(t, "3", "platform", get("/cluster?fields=san_optimized,disaggregated&ignore_unknown_fields=true"))
	if s.array.since(16) {
		_, isBool := boolean(a.body, "san_optimized")
		s.check(t, "12.1", "san_optimized is a boolean from 9.16.1", a, isBool)
	}
	s.nodes(t)
	s.licences(t)
}

func (s *suite) nodes(t *testing.T) {
	a := s.ok(t, "3", "nodes", get("/cluster/nodes?fields=*"))
	for _, r := range a.records() {
		s.check(t, "3", "a node has name, UUID, serial number and model", a, text(r, "name") != "" && isUUID(text(r, "uuid")) &&
			text(r, "serial_number") != "" && text(r, "model") != "")
		s.check(t, "3", "state is of the enumeration", a, oneOf(text(r, "state"), "up", "booting", "down", "taken_over", "waiting_for_giveback", "degraded", "unknown"))
		s.check(t, "3", "membership is of the enumeration", a, oneOf(text(r, "membership"), "available", "joining", "member"))
		if enabled, _ := boolean(r, "ha.enabled"); enabled {
			s.check(t, "3", "a node with a partner names it", a, len(list(r, "ha.partners")) > 0)
			s.check(t, "3", "takeover state is of the enumeration", a, !has(r, "ha.takeover.state") ||
				oneOf(text(r, "ha.takeover.state"), "not_possible", "not_attempted", "in_takeover", "in_progress", "failed"))
			s.check(t, "3", "giveback state is of the enumeration", a, !has(r, "ha.giveback.state") ||
				oneOf(text(r, "ha.giveback.state"), "nothing_to_giveback", "not_attempted", "in_progress", "failed"))
		}
	}
	n := s.array.nodes[0]
	one := s.ok(t, "3", "one node", get("/cluster/nodes/"+n.uuid))
	s.check(t, "3", "the node that was asked for", one, text(one.body, "name") == n.name)
	s.ok(t, "12.1", "serial numbers as Trident asks", get("/cluster/nodes?fields=serial_number&name=*"))
}

func (s *suite) licences(t *testing.T) {
	a := s.ok(t, "3", "licences", get("/cluster/licensing/licenses?fields=state"))
	for _, r := range a.records() {
		s.check(t, "3", "without a filter no unlicensed package is listed", a, text(r, "name") != "" && text(r, "state") != "unlicensed")
	}
	a = s.ok(t, "3", "unlicensed packages", get("/cluster/licensing/licenses?state=unlicensed&fields=state"))
	for _, r := range a.records() {
		s.check(t, "3", "with the filter only unlicensed ones are", a, text(r, "state") == "unlicensed")
	}
}
