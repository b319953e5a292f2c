package ontap

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const lifs = "/network/ip/interfaces"

// lif is an interface of the suite's.
type lif struct{ name, uuid, address string }

// lifBody is an interface that would be accepted.
func (s *suite) lifBody(t *testing.T, svm svmRef, name, policy string) object {
	t.Helper()
	return object{
		"name": name, "svm": object{"uuid": svm.uuid},
		"ip": object{"address": s.address(t), "netmask": s.netmask()},
		"location": object{"home_node": object{"name": s.array.port.node},
			"broadcast_domain": object{"name": s.array.domain.name}},
		"service_policy": object{"name": policy},
	}
}

func (s *suite) makeLIF(t *testing.T, svm svmRef, name, policy string) lif {
	t.Helper()
	return s.postLIF(t, s.lifBody(t, svm, name, policy))
}

func (s *suite) postLIF(t *testing.T, body object) lif {
	t.Helper()
	a := s.expect(t, "5.2", "an interface is made, synchronously", post(lifs+"?return_records=true", body), http.StatusCreated)
	s.check(t, "5.2", "return_records=true gives the record", a, len(a.records()) == 1)
	s.check(t, "5.2", "Location is the interface", a, strings.HasPrefix(a.header.Get("Location"), "/api"+lifs+"/"))
	made := lif{name: text(body, "name"), uuid: text(a.only(), "uuid"), address: text(body, "ip.address")}
	if !isUUID(made.uuid) {
		made.uuid = strings.TrimPrefix(a.header.Get("Location"), "/api"+lifs+"/")
	}
	return made
}

// dropLIF takes the safe order: disable, then delete.
func (s *suite) dropLIF(t *testing.T, l lif) {
	t.Helper()
	s.ok(t, "5.2", "an interface is disabled", patch(lifs+"/"+l.uuid, object{"enabled": false}))
	s.ok(t, "5.2", "a disabled interface is deleted", remove(lifs+"/"+l.uuid))
	s.refuse(t, refusal{section: "5.2", reason: "a deleted interface is not there", request: get(lifs + "/" + l.uuid), status: http.StatusNotFound, codes: missing})
}

// interfaces is the making and reading of section 5.2. The management interface
// of main stays: logins go to it.
func (s *suite) interfaces(t *testing.T) {
	management := s.makeLIF(t, s.main, "managementlif", "default-management")
	s.management = management.address
	s.lifDefaults(t, management)
	s.replicated(t, management.address)
	s.lifForms(t)
	if s.array.nvmeLicence {
		t.Run("NVMe", s.nvmeLIFs)
	}
	s.lifFilters(t, management)
}

func (s *suite) lifDefaults(t *testing.T, l lif) {
	var a answer
	up := await(t.Context(), 2*time.Minute, func() bool {
		a = s.ok(t, "5.2", "an interface", get(lifs+"/"+l.uuid))
		return text(a.body, "state") == "up"
	})
	s.check(t, "5.2", "a new interface comes up", a, up)
	s.check(t, "5.2", "name, address and SVM are those given", a, text(a.body, "name") == l.name && text(a.body, "ip.address") == l.address &&
		text(a.body, "svm.uuid") == s.main.uuid)
	s.check(t, "5.2", "the netmask is a length, as a string", a, text(a.body, "ip.netmask") == s.netmask())
	s.check(t, "5.2", "the family is ipv4", a, text(a.body, "ip.family") == "ipv4")
	for path, want := range map[string]bool{"enabled": true, "vip": false, "location.auto_revert": true, "location.is_home": true} {
		got, there := boolean(a.body, path)
		s.check(t, "5.2", path+" has its default", a, there && got == want)
	}
	s.check(t, "5.2", "home node and node are the one given, home port and port are shown", a, text(a.body, "location.home_node.name") == s.array.port.node &&
		text(a.body, "location.node.name") == s.array.port.node && text(a.body, "location.home_port.name") != "" && text(a.body, "location.port.name") != "")
	s.check(t, "5.2", "broadcast_domain is not returned", a, !has(a.body, "location.broadcast_domain"))
	services := list(a.body, "services")
	for _, want := range policyServices["default-management"] {
		s.check(t, "5.2", "the policy gives service "+want, a, slices.Contains(services, any(want)))
	}
	s.check(t, "5.2", "scope is svm, policy and IPspace are named", a, text(a.body, "scope") == "svm" &&
		text(a.body, "service_policy.name") == "default-management" && text(a.body, "ipspace.name") == "Default")
}

// lifForms are other ways to ask for an interface.
func (s *suite) lifForms(t *testing.T) {
	for _, c := range []struct {
		reason string
		change object
		want   map[string]string
	}{
		{"a broadcast domain alone", object{"location": object{"broadcast_domain": object{"name": s.array.domain.name}}}, nil},
		{"a broadcast domain by UUID", object{"location": object{"broadcast_domain": object{"uuid": s.array.domain.uuid}}}, nil},
		{"a home node alone", object{"location": object{"home_node": object{"uuid": s.array.nodes[0].uuid}}},
			map[string]string{"location.home_node.name": s.array.nodes[0].name}},
		{"a home port by UUID", object{"location": object{"home_port": object{"uuid": s.array.port.uuid}}},
			map[string]string{"location.home_port.uuid": s.array.port.uuid}},
		{"a home port by name and node", object{"location": object{"home_port": object{"name": s.array.port.name, "node": object{"name": s.array.port.node}}}},
			map[string]string{"location.home_port.name": s.array.port.name, "location.home_node.name": s.array.port.node}},
		{"the SVM by name", object{"svm": object{"name": s.other.name}}, map[string]string{"svm.uuid": s.other.uuid}},
		{"a boolean as a text", object{"enabled": "false"}, map[string]string{"state": "down"}},
		{"no policy", object{"service_policy": nil}, map[string]string{"service_policy.name": "default-data-files"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			body := s.lifBody(t, s.other, "form", "default-management")
			maps.Copy(body, c.change)
			maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
			made := s.postLIF(t, body)
			a := s.ok(t, "5.2", c.reason, get(lifs+"/"+made.uuid))
			for path, want := range c.want {
				s.check(t, "5.2", path+" is "+want, a, text(a.body, path) == want)
			}
			s.dropLIF(t, made)
		})
	}
	t.Run("a dotted netmask", func(t *testing.T) {
		body := s.lifBody(t, s.other, "dotted", "default-management")
		body["ip"] = object{"address": s.address(t), "netmask": "255.255.255.0"}
		made := s.postLIF(t, body)
		a := s.ok(t, "5.2", "a dotted netmask", get(lifs+"/"+made.uuid))
		s.check(t, "5.2", "out the netmask is a length", a, text(a.body, "ip.netmask") == "24")
		s.dropLIF(t, made)
	})
	t.Run("a plus sign in the name", s.plus)
	if s.target.Subnet != "" {
		t.Run("from a subnet", s.fromSubnet)
	}
}

// fromSubnet lets the array choose the address. A default route may come along.
func (s *suite) fromSubnet(t *testing.T) {
	body := s.lifBody(t, s.other, "subnet", "default-management")
	delete(body, "ip")
	body["subnet"] = object{"name": s.target.Subnet}
	made := s.postLIF(t, body)
	a := s.ok(t, "5.2", "an interface from a subnet", get(lifs+"/"+made.uuid))
	s.check(t, "5.2", "the subnet gave address and netmask", a, text(a.body, "ip.address") != "" && text(a.body, "ip.netmask") != "")
	routes := s.ok(t, "5.3", "routes of the SVM", get("/network/ip/routes?svm.uuid="+s.other.uuid))
	s.noteSection(t, "5.3", "made %d default routes with an interface from a subnet", len(routes.records()))
	for _, uuid := range texts(routes.records(), "uuid") {
		s.ok(t, "5.3", "a route is deleted", remove("/network/ip/routes/"+uuid))
	}
	s.dropLIF(t, made)
}

// plus takes the name that an existing installation has: in a query the sign
// must be escaped, since it reads as a space.
func (s *suite) plus(t *testing.T) {
	a := s.send(t, post(lifs+"?return_records=true", s.lifBody(t, s.other, "datalif+0", "default-management")))
	s.note(t, 9, "answers a plus sign in the name with %d", a.status)
	if !a.good() {
		s.errorShape(t, a)
		return
	}
	found := s.ok(t, "15", "found with the sign escaped", get(lifs+"?svm.uuid="+s.other.uuid+"&name=datalif%2B0"))
	s.check(t, "15", "found with the sign escaped", found, len(found.records()) == 1)
	bare := s.ok(t, "15", "not found with the bare sign", get(lifs+"?svm.uuid="+s.other.uuid+"&name=datalif+0"))
	s.check(t, "15", "not found with the bare sign", bare, len(bare.records()) == 0)
	s.dropLIF(t, lif{uuid: text(a.only(), "uuid")})
}

// nvmeLIFs are data interfaces, found as Trident looks for them.
func (s *suite) nvmeLIFs(t *testing.T) {
	l := s.makeLIF(t, s.main, "nvmelif", "default-data-nvme-tcp")
	a := s.ok(t, "12.1", "as Trident asks", get(lifs+"?services=data_nvme_tcp&svm.uuid="+s.main.uuid+"&fields=ip.address,state"))
	s.check(t, "12.1", "the data interface alone is found", a, text(a.only(), "ip.address") == l.address)
	a = s.ok(t, "5.2", "its services", get(lifs+"/"+l.uuid+"?fields=services"))
	s.check(t, "5.2", "the policy gives data_nvme_tcp, not management_https", a, slices.Contains(list(a.body, "services"), any("data_nvme_tcp")) &&
		!slices.Contains(list(a.body, "services"), any("management_https")))
	if node := s.lastNode(); node != s.array.port.node {
		home := object{"home_node": object{"name": node}, "home_port": object{"name": s.array.port.name, "node": object{"name": node}}}
		s.refuse(t, refusal{section: "5.2", reason: "an active NVMe interface keeps its home", codes: []string{"1966238"},
			request: patch(lifs+"/"+l.uuid, object{"location": home})})
		s.ok(t, "5.2", "it is disabled", patch(lifs+"/"+l.uuid, object{"enabled": false}))
		s.ok(t, "5.2", "disabled, its home can be changed", patch(lifs+"/"+l.uuid, object{"location": home}))
		s.ok(t, "5.2", "it is enabled", patch(lifs+"/"+l.uuid, object{"enabled": true}))
	}
	s.dropLIF(t, l)
}

func (s *suite) lastNode() string { return s.array.nodes[len(s.array.nodes)-1].name }

func (s *suite) lifFilters(t *testing.T, l lif) {
	for field, value := range map[string]string{
		"svm.uuid": s.main.uuid, "svm.name": s.main.name, "name": l.name, "ip.address": l.address, "services": "management_https",
		"service_policy.name": "default-management", "state": "up", "enabled": "true", "vip": "false", "scope": "svm",
		"location.home_node.name": s.array.port.node, "location.node.name": s.array.port.node, "ipspace.name": "Default",
	} {
		t.Run("by "+field, func(t *testing.T) {
			a := s.ok(t, "5.2", field+" is a filter", get(lifs+"?uuid="+l.uuid+"&"+field+"="+q(value)))
			s.check(t, "5.2", "the value that it has finds it", a, len(a.records()) == 1)
			a = s.ok(t, "5.2", field+" is a filter", get(lifs+"?uuid="+l.uuid+"&"+field+"="+q("!"+value)))
			if field != "services" {
				s.check(t, "5.2", "another value does not", a, len(a.records()) == 0)
			}
		})
	}
}
