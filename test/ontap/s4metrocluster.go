package ontap

import (
	"strings"
	"testing"
	"time"
)

// metrocluster is section 4 as far as it can be read.
func (s *suite) metrocluster(t *testing.T) {
	a := s.send(t, get("/cluster/metrocluster?fields=*"))
	if !a.good() {
		s.errorShape(t, a)
		s.noteSection(t, "4", "answers GET /cluster/metrocluster with %d, code %s", a.status, a.code())
		return
	}
	s.check(t, "4", "a single object, no records", a, !has(a.body, "records"))
	s.check(t, "4", "configuration_type is of the enumeration", a, !has(a.body, "configuration_type") || oneOf(text(a.body, "configuration_type"),
		"invalid", "stretch", "fabric", "two_node_fabric", "ip_fabric", "ip_two_node_fabric", "mixed_fabric"))
	for _, side := range []string{"local", "remote"} {
		if !has(a.body, side) {
			s.check(t, "4", "a MetroCluster shows both sides", a, !s.array.metrocluster)
			continue
		}
		s.check(t, "4", side+".configuration_state is of the enumeration", a, oneOf(text(a.body, side+".configuration_state"),
			"configured", "not_configured", "partially_configured", "configuration_error", "not_reachable", "unknown"))
		s.check(t, "4", side+".mode is of the enumeration", a, !has(a.body, side+".mode") || oneOf(text(a.body, side+".mode"), "normal",
			"not_configured", "not_reachable", "partial_switchback", "partial_switchover", "switchover", "unknown", "waiting_for_switchback"))
	}
	if !s.array.metrocluster {
		return
	}
	s.check(t, "4", "the local cluster is this one", a, text(a.body, "local.cluster.uuid") == s.array.uuid)
	_, isBool := boolean(a.body, "local.partner_cluster_reachable")
	s.check(t, "4", "local.partner_cluster_reachable is a boolean", a, isBool)
	s.ok(t, "4", "nodes of the MetroCluster", get("/cluster/metrocluster/nodes?fields=*"))
	s.ok(t, "4", "operations of the MetroCluster", get("/cluster/metrocluster/operations?fields=*"))
	if !s.array.since(11) {
		return
	}
	pairs := s.ok(t, "4", "pairs of SVMs", get("/cluster/metrocluster/svms?fields=*"))
	for _, r := range pairs.records() {
		s.check(t, "4", "a pair has two UUIDs that differ", pairs, isUUID(text(r, "svm.uuid")) && text(r, "svm.uuid") != text(r, "partner_svm.uuid"))
		s.check(t, "4", "configuration_state is of the enumeration", pairs, oneOf(text(r, "configuration_state"), "healthy", "syncing",
			"degraded", "unhealthy", "pending_setup", "pending_switchback", "replication_paused"))
	}
}

// twinName is the name of the other half of a pair.
func twinName(name string) string {
	if first, rest, found := strings.Cut(name, "."); found {
		return first + "-mc." + rest
	}
	return name + "-mc"
}

// twins looks at the other halves of our SVMs.
func (s *suite) twins(t *testing.T) {
	if !s.array.metrocluster {
		s.refuse(t, refusal{section: "2.3", reason: "sync_source outside of a MetroCluster", codes: []string{"2621634"},
			request: post("/svm/svms", object{"name": s.name("source"), "subtype": "sync_source"})})
		return
	}
	dotted := s.makeSVM(t, s.name("a.b.c"), nil)
	for _, svm := range []svmRef{s.main, dotted} {
		t.Run(svm.name, func(t *testing.T) { s.twin(t, svm) })
	}
	s.dropSVM(t, dotted)
	if p := s.partner(t); p != nil {
		gone := await(t.Context(), jobLimit, func() bool {
			return len(p.ok(t, "2.5", "twins", get("/svm/svms?name="+q(twinName(dotted.name)))).records()) == 0
		})
		if !gone {
			t.Errorf("section 2.5: the twin of %s is still there", dotted.name)
		}
	}
}

func (s *suite) twin(t *testing.T, svm svmRef) {
	a := s.ok(t, "4", "the pair", get("/cluster/metrocluster/svms?fields=*&svm.uuid="+svm.uuid))
	twin := text(a.only(), "partner_svm.uuid")
	s.check(t, "4", "the twin is named "+twinName(svm.name), a, text(a.only(), "partner_svm.name") == twinName(svm.name))
	s.check(t, "4", "the twin has a UUID of its own", a, isUUID(twin) && twin != svm.uuid)
	p := s.partner(t)
	if p == nil {
		return
	}
	b := p.ok(t, "4", "the twin itself", get("/svm/svms/"+twin))
	s.check(t, "4", "the twin's name, state stopped, subtype sync_destination", b, text(b.body, "name") == twinName(svm.name) &&
		text(b.body, "state") == "stopped" && text(b.body, "subtype") == "sync_destination")
	destination := []string{"2621574", "13434906"}
	p.refusals(t, []refusal{
		{section: "4", reason: "a destination cannot be changed", request: patch("/svm/svms/"+twin, object{"comment": "x"}), codes: destination},
		{section: "5.2", reason: "a destination gets no interface", codes: destination, request: post("/network/ip/interfaces",
			object{"name": p.name("lif"), "svm": object{"uuid": twin}, "ip": object{"address": s.address(t), "netmask": s.netmask()},
				"location": object{"home_node": object{"name": p.array.nodes[0].name}}})},
		{section: "5.3", reason: "a destination gets no route", codes: destination,
			request: post("/network/ip/routes", object{"gateway": s.gateway(t), "svm": object{"uuid": twin}})},
	})
}

// replicatedAccount notes whether an account of main is on the twin at once.
func (s *suite) replicatedAccount(t *testing.T, name string) {
	t.Helper()
	p := s.partner(t)
	if p == nil {
		return
	}
	path := accountsPath + "?fields=locked&owner.name=" + q(twinName(s.main.name)) + "&name=" + q(name)
	a := p.ok(t, "4", "accounts of the twin", get(path))
	s.note(t, 5, "shows %d accounts of that name on the twin directly after the creation", len(a.records()))
}

// partner gives a suite for the other cluster, which only reads and is refused.
func (s *suite) partner(t *testing.T) *suite {
	t.Helper()
	if s.target.Partner == nil {
		return nil
	}
	target := *s.target.Partner
	target.Addresses = s.target.Addresses
	p := newSuite(t, target)
	p.prefix = s.prefix
	p.discover(t)
	return p
}

// replicated waits until the partner shows an address on the twin of main.
func (s *suite) replicated(t *testing.T, address string) {
	t.Helper()
	p := s.partner(t)
	if p == nil {
		return
	}
	path := "/network/ip/interfaces?ip.address=" + address + "&svm.name=" + q(twinName(s.main.name))
	if !await(t.Context(), 2*time.Minute, func() bool { return len(p.ok(t, "4", "interfaces of the twin", get(path)).records()) == 1 }) {
		t.Errorf("section 4: data interfaces are replicated to the twin\nrequest:  GET %s\nexpected: one record\ngot:      none", path)
	}
}
