package ontap

import (
	"slices"
	"testing"
)

// networkLists are sections 5.4 and 5.5, and service policies of 5.2.
func (s *suite) networkLists(t *testing.T) {
	a := s.ok(t, "5.5", "IPspaces", get("/network/ipspaces"))
	names := texts(a.records(), "name")
	s.check(t, "5.5", "Default and Cluster are built in", a, slices.Contains(names, "Default") && slices.Contains(names, "Cluster"))
	a = s.ok(t, "5.5", "broadcast domains", get("/network/ethernet/broadcast-domains?fields=*"))
	for _, r := range a.records() {
		mtu, whole := integer(r, "mtu")
		s.check(t, "5.5", "an MTU of at least 68", a, whole && mtu >= 68)
		s.check(t, "5.5", "a broadcast domain belongs to an IPspace", a, text(r, "ipspace.name") != "")
		for _, p := range list(r, "ports") {
			s.check(t, "5.5", "a port has UUID, name and node", a, isUUID(text(p, "uuid")) && text(p, "name") != "" && text(p, "node.name") != "")
		}
	}
	a = s.ok(t, "5.5", "one broadcast domain", get("/network/ethernet/broadcast-domains/"+s.array.domain.uuid))
	s.check(t, "5.5", "the one that was asked for", a, text(a.body, "name") == s.array.domain.name)
	a = s.ok(t, "5.4", "peer groups", get("/network/ip/bgp/peer-groups?fields=*"))
	for _, r := range a.records() {
		s.check(t, "5.4", "a peer group has name, IPspace, peer and state", a, text(r, "name") != "" && has(r, "ipspace") &&
			text(r, "peer.address") != "" && oneOf(text(r, "state"), "up", "down"))
	}
	for _, r := range s.ok(t, "5.2", "service policies", get("/network/ip/service-policies?fields=name,services&scope=svm")).records() {
		s.servicePolicy(t, r)
	}
}

// policyServices are the services of the policies of a data SVM (section 5.2).
var policyServices = map[string][]string{
	"default-management":    {"data_core", "management_https", "management_http", "management_ssh"},
	"default-data-nvme-tcp": {"data_core", "data_nvme_tcp"},
}

func (s *suite) servicePolicy(t *testing.T, r any) {
	for _, want := range policyServices[text(r, "name")] {
		if l := list(r, "services"); l != nil && !slices.Contains(l, any(want)) {
			t.Errorf("section 5.2: policy %s has service %s; got %v", text(r, "name"), want, l)
		}
	}
}

// aggregates is section 5.1.
func (s *suite) aggregates(t *testing.T) {
	a := s.ok(t, "5.1", "aggregates with the standard fields", get("/storage/aggregates?fields=*"))
	for _, r := range a.records() {
		s.check(t, "5.1", "name, UUID, node and home node", a, text(r, "name") != "" && isUUID(text(r, "uuid")) &&
			text(r, "node.name") != "" && text(r, "home_node.name") != "")
		s.check(t, "5.1", "state is of the enumeration", a, oneOf(text(r, "state"), "online", "onlining", "offline", "offlining",
			"relocating", "restricted", "inconsistent", "failed", "unmounted", "unknown"))
		size, ok1 := integer(r, "space.block_storage.size")
		free, ok2 := integer(r, "space.block_storage.available")
		used, ok3 := integer(r, "space.block_storage.used")
		s.check(t, "5.1", "size, available and used are integers that fit", a, ok1 && ok2 && ok3 && free <= size && used <= size)
		for _, expensive := range []string{"metric", "statistics", "is_spare_low", "space.footprint"} {
			s.check(t, "5.1", expensive+" is not in the standard set", a, !has(r, expensive))
		}
	}
	one := s.ok(t, "5.1", "one aggregate", get("/storage/aggregates/"+s.array.aggregates[0].uuid))
	s.check(t, "5.1", "the one that was asked for", one, text(one.body, "name") == s.array.aggregates[0].name)
	up := s.ok(t, "5.1", "state is a filter", get("/storage/aggregates?state=online&fields=state"))
	s.check(t, "5.1", "only those online", up, !slices.ContainsFunc(up.records(), func(r any) bool { return text(r, "state") != "online" }))
	for _, name := range texts(a.records(), "name") {
		if len(name) >= 5 && name[:5] == "aggr0" {
			s.noteSection(t, "5.1", "lists the root aggregate %s", name)
		}
	}
}
