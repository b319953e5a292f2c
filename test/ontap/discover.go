package ontap

import (
	"fmt"
	"strings"
	"testing"
)

// arrayFacts is what the suite must know of an array before it can ask more.
type arrayFacts struct {
	cluster      string
	uuid         string
	major        int64 // 16 of 9.16.1
	generation   int64
	sanOnly      bool // ASA r2: NVMe is always on
	metrocluster bool
	nodes        []node // those that are up
	aggregates   []svmRef
	ipspace      svmRef
	domain       svmRef
	port         port
	bgp          bool
	nvmeLicence  bool
}

type node struct{ name, uuid string }

type port struct{ name, uuid, node string }

// since says whether the array's release is at least 9.major.
func (f arrayFacts) since(major int64) bool { return f.generation > 9 || f.major >= major }

// defaultSubtype is that of an SVM made without one (section 2.2).
func (f arrayFacts) defaultSubtype() string {
	if f.metrocluster {
		return "sync_source"
	}
	return "default"
}

// maxName is the longest name of an SVM (section 2.2).
func (f arrayFacts) maxName() int {
	if f.metrocluster {
		return 41
	}
	return 47
}

func (s *suite) discover(t *testing.T) {
	a := s.ok(t, "3", "the cluster is read", get("/cluster?fields=**"))
	s.array.cluster, s.array.uuid = text(a.body, "name"), text(a.body, "uuid")
	s.array.generation, _ = integer(a.body, "version.generation")
	s.array.major, _ = integer(a.body, "version.major")
	if asa := s.send(t, get("/cluster?fields=san_optimized,disaggregated&ignore_unknown_fields=true")); asa.good() {
		s.array.sanOnly, _ = boolean(asa.body, "disaggregated")
	}
	if mc := s.send(t, get("/cluster/metrocluster?fields=*")); mc.good() {
		s.array.metrocluster = text(mc.body, "local.configuration_state") == "configured"
	}
	for _, r := range s.ok(t, "3", "nodes are listed", get("/cluster/nodes?fields=name,state&state=up")).records() {
		s.array.nodes = append(s.array.nodes, node{name: text(r, "name"), uuid: text(r, "uuid")})
	}
	for _, r := range s.ok(t, "5.1", "aggregates are listed", get("/storage/aggregates?fields=name,state&state=online")).records() {
		if strings.HasPrefix(text(r, "name"), "aggr0") {
			continue // of a node's root volume (section 5.1)
		}
		s.array.aggregates = append(s.array.aggregates, svmRef{name: text(r, "name"), uuid: text(r, "uuid")})
	}
	if r := s.ok(t, "5.5", "the IPspace Default is built in", get("/network/ipspaces?name=Default")).only(); r != nil {
		s.array.ipspace = svmRef{name: text(r, "name"), uuid: text(r, "uuid")}
	}
	s.discoverDomain(t)
	bgp := s.ok(t, "5.4", "peer groups are listed", get("/network/ip/bgp/peer-groups"))
	s.array.bgp = len(bgp.records()) > 0
	licences := s.ok(t, "3", "licences are listed", get("/cluster/licensing/licenses?name=*nvme*"))
	s.array.nvmeLicence = len(licences.records()) > 0
	if s.array.cluster == "" || len(s.array.nodes) == 0 || len(s.array.aggregates) == 0 || s.array.ipspace.uuid == "" {
		t.Fatalf("not enough to go on with: %+v", s.array)
	}
	t.Logf("%s, release %d.%d, MetroCluster %v, %d nodes, %d aggregates, broadcast domain %s", s.array.cluster, s.array.generation,
		s.array.major, s.array.metrocluster, len(s.array.nodes), len(s.array.aggregates), s.array.domain.name)
}

// discoverDomain looks for a broadcast domain of the IPspace Default with a port
// on a node that is up.
func (s *suite) discoverDomain(t *testing.T) {
	up := map[string]bool{}
	for _, n := range s.array.nodes {
		up[n.name] = true
	}
	domains := s.ok(t, "5.5", "broadcast domains are listed", get("/network/ethernet/broadcast-domains?ipspace.name=Default&fields=name,ports"))
	for _, d := range domains.records() {
		for _, p := range list(d, "ports") {
			if n := text(p, "node.name"); up[n] {
				s.array.domain = svmRef{name: text(d, "name"), uuid: text(d, "uuid")}
				s.array.port = port{name: text(p, "name"), uuid: text(p, "uuid"), node: n}
				return
			}
		}
	}
	t.Fatalf("no broadcast domain of the IPspace Default has a port on a node that is up: %s", s.showAnswer(domains))
}

// makeStage makes the two SVMs that most cases stand on.
func (s *suite) makeStage(t *testing.T) {
	body := object{
		"comment":    s.comment("main"),
		"aggregates": []object{{"name": s.array.aggregates[0].name}},
	}
	if !s.array.sanOnly && s.array.nvmeLicence {
		body["nvme"] = object{"enabled": true}
	}
	s.main = s.makeSVM(t, s.name("main"), body)
	s.other = s.makeSVM(t, s.name("other"), object{"comment": s.comment("other")})
}

// comment is a mark that only this run bears.
func (s *suite) comment(role string) string { return fmt.Sprintf("conformance %s %s", s.prefix, role) }
