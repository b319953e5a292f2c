package ontap

import (
	"maps"
	"net/http"
	"testing"
)

// refusedInterfaces are the rules and codes of section 5.2.
func (s *suite) refusedInterfaces(t *testing.T) {
	taken := s.makeLIF(t, s.other, "taken", "default-management")
	t.Run("names and owners", func(t *testing.T) { s.refusedOwners(t) })
	t.Run("addresses", func(t *testing.T) { s.refusedAddresses(t, taken) })
	t.Run("places", func(t *testing.T) { s.refusedPlaces(t) })
	t.Run("virtual addresses", func(t *testing.T) { s.refusedVIPs(t) })
	t.Run("nothing was made", func(t *testing.T) {
		a := s.ok(t, "5.2", "refused interfaces", get(lifs+"?name=refused&svm.uuid="+s.other.uuid))
		s.check(t, "5.2", "what is refused is not made", a, len(a.records()) == 0)
	})
	s.dropLIF(t, taken)
}

// badLIF is a good interface with some fields put in another way; nil removes.
func (s *suite) badLIF(t *testing.T, change object) request {
	t.Helper()
	body := s.lifBody(t, s.other, "refused", "default-management")
	maps.Copy(body, change)
	maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
	return post(lifs, body)
}

func (s *suite) refusedOwners(t *testing.T) {
	none := object{"name": s.name("none")}
	s.refusals(t, []refusal{
		{section: "13", reason: "a name that is taken in the SVM", request: s.badLIF(t, object{"name": "taken"}), codes: []string{"1966140"}},
		{section: "5.2", reason: "no name", request: s.badLIF(t, object{"name": nil}), codes: missingValue},
		{section: "13", reason: "an SVM by a name that is none", request: s.badLIF(t, object{"svm": none}), codes: []string{"1967146", "2621462"}},
		{section: "13", reason: "an SVM by a UUID that is none", request: s.badLIF(t, object{"svm": object{"uuid": noUUID}}), codes: []string{"1967147", "2621462"}},
		{section: "1.6", reason: "name and UUID of two SVMs", request: s.badLIF(t, object{"svm": object{"uuid": s.other.uuid, "name": s.main.name}}), codes: []string{"2621706"}},
		{section: "5.2", reason: "neither SVM nor IPspace", request: s.badLIF(t, object{"svm": nil}), codes: []string{"1967128", "1967127"}},
		{section: "5.2", reason: "the SVM is not in that IPspace", request: s.badLIF(t, object{"ipspace": object{"name": "Cluster"}}), codes: []string{"1967081"}},
		{section: "5.2", reason: "a service policy that is none", request: s.badLIF(t, object{"service_policy": none}), codes: []string{"1967120", "1967121", "53281065", "53216540"}},
		{section: "5.2", reason: "a service policy by a UUID that is none", request: s.badLIF(t, object{"service_policy": object{"uuid": noUUID}}), codes: []string{"1967121", "53281065", "53216540"}},
		{section: "5.2", reason: "an unknown field", request: s.badLIF(t, object{"nosuchfield": 1}), status: 400, codes: []string{"262179"}},
		{section: "5.2", reason: "state is read only", request: s.badLIF(t, object{"state": "up"}), status: 400, codes: notThisField},
	})
	t.Run("5.2 the same name in another SVM", func(t *testing.T) { s.dropLIF(t, s.makeLIF(t, s.main, "taken", "default-management")) })
}

func (s *suite) refusedAddresses(t *testing.T, taken lif) {
	ip := func(address, netmask string) object {
		return object{"ip": object{"address": address, "netmask": netmask}}
	}
	free := s.address(t)
	table := []refusal{
		{section: "13", reason: "an address that is taken in the SVM", request: s.badLIF(t, ip(taken.address, s.netmask())), codes: []string{"1376963"}},
		{section: "5.2", reason: "no address", request: s.badLIF(t, object{"ip": nil}), codes: append([]string{"1967398", "1967111"}, missingValue...)},
		{section: "5.2", reason: "not an address", request: s.badLIF(t, ip("10.0.0", s.netmask())), status: 400},
		{section: "5.2", reason: "a mask of 0", request: s.badLIF(t, ip(free, "0")), codes: []string{"1966269"}},
		{section: "5.2", reason: "a mask of 33", request: s.badLIF(t, ip(free, "33")), codes: []string{"1966269"}},
		{section: "5.2", reason: "an IPv6 mask of 128", request: s.badLIF(t, ip("2001:db8::7", "128")), codes: []string{"1966267"}},
		{section: "5.2", reason: "the address of the subnet itself", request: s.badLIF(t, ip(s.host(t, 0), s.netmask())), codes: []string{"53281073"}},
		{section: "5.2", reason: "a subnet by a name that is none", codes: []string{"1967397", "1967401"},
			request: s.badLIF(t, object{"ip": nil, "subnet": object{"name": s.name("none")}})},
		{section: "5.2", reason: "a subnet by a UUID that is none", codes: []string{"1967397", "1967401"},
			request: s.badLIF(t, object{"ip": nil, "subnet": object{"uuid": noUUID}})},
		{section: "5.2", reason: "an address and a subnet", codes: []string{"1967398", "1967397", "1967401"}, request: s.badLIF(t, object{"subnet": object{"name": s.name("none")}})},
	}
	if inside := s.subnetAddress(t); inside != "" {
		table = append(table, refusal{section: "5.2", reason: "an address in a named subnet", request: s.badLIF(t, ip(inside, s.netmask())), codes: []string{"1967387"}})
	}
	elsewhere := s.lifBody(t, s.main, "refused", "default-management")
	elsewhere["ip"] = object{"address": taken.address, "netmask": s.netmask()}
	s.refusals(t, append(table, refusal{section: "5.2", reason: "an address that is taken in another SVM", request: post(lifs, elsewhere), codes: []string{"1376963"}}))
}

// subnetAddress gives an address of somebody's subnet, if there is one; it is
// only asked for where the answer must be no.
func (s *suite) subnetAddress(t *testing.T) string {
	t.Helper()
	for _, r := range s.ok(t, "5.5", "subnets", get("/network/ip/subnets?fields=*&ipspace.name=Default")).records() {
		if ranges := list(r, "ip_ranges"); len(ranges) > 0 {
			return text(ranges[0], "start")
		}
	}
	return ""
}

func (s *suite) refusedPlaces(t *testing.T) {
	placed := func(location object) request { return s.badLIF(t, object{"location": location}) }
	none := object{"name": s.name("none")}
	domain := []string{"1967135", "1967136", "1967137"}
	s.foreignPort(t, placed)
	s.refusals(t, []refusal{
		{section: "5.2", reason: "no place", request: s.badLIF(t, object{"location": nil}), codes: []string{"1967111"}},
		{section: "13", reason: "a broadcast domain by a name that is none", request: placed(object{"broadcast_domain": none}), codes: domain},
		{section: "13", reason: "a broadcast domain by a UUID that is none", request: placed(object{"broadcast_domain": object{"uuid": noUUID}}), codes: domain},
		{section: "5.2", reason: "a broadcast domain by UUID and another name", codes: append([]string{"1967122", "1967123", "1967124"}, domain...),
			request: placed(object{"broadcast_domain": object{"uuid": s.array.domain.uuid, "name": s.name("none")}})},
		{section: "5.2", reason: "a home port by a UUID that is none", request: placed(object{"home_port": object{"uuid": noUUID}}), codes: []string{"1967107", "1967129", "1967130", "1967131", "1966217"}},
		{section: "5.2", reason: "a home port by a name that is none", codes: []string{"1967107", "1967129", "1967130", "1967131", "1966217"},
			request: placed(object{"home_port": object{"name": "none", "node": object{"name": s.array.port.node}}})},
		{section: "5.2", reason: "a home node that is none", request: placed(object{"home_node": none})},
		{section: "5.2", reason: "a failover policy outside its enumeration", codes: append([]string{"1967145"}, invalidValue...),
			request: placed(object{"home_node": object{"name": s.array.port.node}, "failover": "sideways"})},
		{section: "5.2", reason: "a home port without its node", codes: []string{"1967108", "1967109", "1967110", "1967111", "1967112", "1967107", "1967129", "1967130", "1967131"},
			request: placed(object{"home_port": object{"name": s.array.port.name}})},
	})
}

// refusedVIPs: no port, a whole mask, and a home node with live BGP sessions.
func (s *suite) refusedVIPs(t *testing.T) {
	home := object{"home_node": object{"name": s.array.port.node}}
	vip := func(netmask string, location object) request {
		return s.badLIF(t, object{"vip": true, "ip": object{"address": s.address(t), "netmask": netmask}, "location": location})
	}
	table := []refusal{
		{section: "5.2", reason: "a virtual address with a mask of 24", request: vip("24", home), codes: []string{"1967385"}},
		{section: "5.2", reason: "a virtual address with a home port", codes: []string{"1967383"},
			request: vip("32", object{"home_port": object{"uuid": s.array.port.uuid}})},
	}
	if !s.array.bgp {
		table = append(table, refusal{section: "5.2", reason: "a virtual address without BGP sessions", request: vip("32", home), codes: []string{"1967384"}})
	}
	s.refusals(t, table)
	if s.array.bgp {
		body := s.lifBody(t, s.other, "vip", "default-management")
		body["vip"], body["location"] = true, home
		body["ip"] = object{"address": s.address(t), "netmask": "32"}
		s.dropLIF(t, s.postLIF(t, body))
	}
}

// patchInterfaces is PATCH and DELETE of section 5.2.
func (s *suite) patchInterfaces(t *testing.T) {
	l := s.makeLIF(t, s.other, "change", "default-management")
	path := lifs + "/" + l.uuid
	moved := s.address(t)
	for _, c := range []struct {
		reason string
		body   object
		field  string
		want   string
	}{
		{"name", object{"name": "changed"}, "name", "changed"},
		{"address", object{"ip": object{"address": moved, "netmask": s.netmask()}}, "ip.address", moved},
		{"disabled", object{"enabled": false}, "state", "down"},
		{"enabled", object{"enabled": true}, "state", "up"},
		{"auto_revert", object{"location": object{"auto_revert": false}}, "location.home_node.name", s.array.port.node},
		{"revert", object{"location": object{"is_home": true}}, "location.node.name", s.array.port.node},
	} {
		t.Run(c.reason, func(t *testing.T) {
			s.expect(t, "5.2", "a change, synchronously: "+c.reason, patch(path, c.body), http.StatusOK)
			var a answer
			took := await(t.Context(), jobLimit/5, func() bool {
				a = s.ok(t, "5.2", "the interface", get(path))
				return text(a.body, c.field) == c.want
			})
			s.check(t, "5.2", c.field+" is "+c.want, a, took)
		})
	}
	if node := s.lastNode(); node != s.array.port.node {
		t.Run("migration", func(t *testing.T) { s.migrate(t, path, node) })
	}
	taken := s.makeLIF(t, s.other, "taken", "default-management")
	s.refusals(t, []refusal{
		{section: "5.2", reason: "the name of another", request: patch(path, object{"name": taken.name}), codes: []string{"1966140"}},
		{section: "5.2", reason: "the address of another", request: patch(path, object{"ip": object{"address": taken.address, "netmask": s.netmask()}}), codes: []string{"1376963"}},
		{section: "5.2", reason: "is_home cannot be set to false", request: patch(path, object{"location": object{"is_home": false}}), codes: []string{"1967389"}},
		{section: "5.2", reason: "broadcast_domain is for creation only", status: 400, codes: notThisField,
			request: patch(path, object{"location": object{"broadcast_domain": object{"name": s.array.domain.name}}})},
		{section: "5.2", reason: "scope is for creation only", request: patch(path, object{"scope": "cluster"}), status: 400, codes: notThisField},
		{section: "5.2", reason: "nothing to change", request: patch(path, object{}), status: 400, codes: []string{"262190"}},
	})
	s.dropLIF(t, taken)
	if !s.array.sanOnly {
		s.refuse(t, refusal{section: "5.2", reason: "an NVMe policy, without NVMe on the SVM", codes: []string{"53281087"},
			request: patch(path, object{"service_policy": object{"name": "default-data-nvme-tcp"}})})
	}
	s.deleteEnabled(t, l)
}

// deleteEnabled deletes an interface as it is: whether that is allowed is a doubt.
func (s *suite) deleteEnabled(t *testing.T, l lif) {
	a := s.send(t, remove(lifs+"/"+l.uuid))
	s.note(t, 7, "answers the deletion of an enabled interface with %d, code %q", a.status, a.code())
	if a.status == http.StatusOK {
		s.refuse(t, refusal{section: "5.2", reason: "a deleted interface is not there", request: get(lifs + "/" + l.uuid), status: http.StatusNotFound, codes: missing})
		return
	}
	s.errorShape(t, a)
	s.dropLIF(t, l)
}

// migrate moves an interface to another node and back, then its home.
func (s *suite) migrate(t *testing.T, path, node string) {
	place := func(n string) object { return object{"name": s.array.port.name, "node": object{"name": n}} }
	for _, c := range []struct {
		reason     string
		location   object
		home, here string
	}{
		{"migrated to another node", object{"node": object{"name": node}, "port": place(node)}, s.array.port.node, node},
		{"reverted", object{"is_home": true}, s.array.port.node, s.array.port.node},
		{"another home", object{"home_node": object{"name": node}, "home_port": place(node)}, node, ""},
		{"its home again", object{"home_node": object{"name": s.array.port.node}, "home_port": place(s.array.port.node)}, s.array.port.node, ""},
	} {
		s.ok(t, "5.2", c.reason, patch(path, object{"location": c.location}))
		a := s.ok(t, "5.2", "the interface", get(path))
		s.check(t, "5.2", "home is "+c.home, a, text(a.body, "location.home_node.name") == c.home)
		if c.here == "" {
			continue
		}
		isHome, _ := boolean(a.body, "location.is_home")
		s.check(t, "5.2", "it is on "+c.here, a, text(a.body, "location.node.name") == c.here && isHome == (c.here == c.home))
	}
}

// foreignPort tries a port of the IPspace Cluster.
func (s *suite) foreignPort(t *testing.T, placed func(object) request) {
	t.Helper()
	for _, d := range s.ok(t, "5.5", "ports of the IPspace Cluster", get("/network/ethernet/broadcast-domains?ipspace.name=Cluster&fields=ports")).records() {
		if ports := list(d, "ports"); len(ports) > 0 {
			s.refuse(t, refusal{section: "5.2", reason: "a home port of another IPspace", codes: []string{"1966373", "1376976"},
				request: placed(object{"home_port": object{"uuid": text(ports[0], "uuid")}})})
			return
		}
	}
}
