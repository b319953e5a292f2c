package ontap

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// routes is section 5.3. Routes need an interface in the gateway's subnet.
func (s *suite) routes(t *testing.T) {
	const path = "/network/ip/routes"
	l := s.makeLIF(t, s.other, "routed", "default-management")
	owner := object{"uuid": s.other.uuid}
	a := s.expect(t, "5.3", "a route is made, synchronously", post(path+"?return_records=true", object{"gateway": s.gateway(t), "svm": owner}), http.StatusCreated)
	s.check(t, "5.3", "Location is the route", a, strings.HasPrefix(a.header.Get("Location"), "/api"+path+"/"))
	route := strings.TrimPrefix(a.header.Get("Location"), "/api")
	one := s.ok(t, "5.3", "the route", get(route))
	metric, whole := integer(one.body, "metric")
	s.check(t, "5.3", "the default is all destinations, metric 20", one, text(one.body, "destination.address") == "0.0.0.0" &&
		text(one.body, "destination.netmask") == "0" && whole && metric == 20)
	s.check(t, "5.3", "gateway and SVM are those given", one, text(one.body, "gateway") == s.gateway(t) && text(one.body, "svm.uuid") == s.other.uuid)
	s.check(t, "5.3", "interfaces is expensive: not in the standard set", one, !has(one.body, "interfaces"))
	found := s.ok(t, "5.3", "routes of an SVM", get(path+"?svm.uuid="+s.other.uuid+"&gateway="+s.gateway(t)))
	s.check(t, "5.3", "the route is found", found, len(found.records()) == 1)
	with := func(body object) request { return post(path, body) }
	s.refusals(t, []refusal{
		{section: "13", reason: "a route that is there", request: with(object{"gateway": s.gateway(t), "svm": owner}), codes: []string{"1966345"}},
		{section: "5.3", reason: "no gateway", request: with(object{"svm": owner}), codes: missingValue},
		{section: "5.3", reason: "not an address", request: with(object{"gateway": "nowhere", "svm": owner}), status: 400},
		{section: "5.3", reason: "gateway and destination of two families", codes: []string{"1966265", "458753"},
			request: with(object{"gateway": s.gateway(t), "svm": owner, "destination": object{"address": "2001:db8::", "netmask": "64"}})},
		{section: "5.3", reason: "the gateway is an interface", request: with(object{"gateway": l.address, "svm": owner, "metric": 30}), codes: []string{"1966505", "1966138"}},
		{section: "5.3", reason: "a destination without its address", request: with(object{"gateway": s.gateway(t), "svm": owner, "destination": object{"netmask": "24"}}), codes: []string{"1967080", "53282375"}},
		{section: "5.3", reason: "a destination that is no address", codes: append([]string{"53282375"}, invalidValue...),
			request: with(object{"gateway": s.gateway(t), "svm": owner, "destination": object{"address": "nowhere", "netmask": "24"}})},
		{section: "5.3", reason: "the SVM is not in that IPspace", codes: []string{"1967081", "1967082"}, request: with(object{"gateway": s.gateway(t), "svm": owner, "ipspace": object{"name": "Cluster"},
			"destination": object{"address": "203.0.113.128", "netmask": "26"}})},
		{section: "5.3", reason: "an SVM by a name that is none", request: with(object{"gateway": s.gateway(t), "svm": object{"name": s.name("none")}}), codes: []string{"2621462", "1967146"}},
		{section: "5.3", reason: "an SVM by a UUID that is none", request: with(object{"gateway": s.gateway(t), "svm": object{"uuid": noUUID}}), codes: []string{"2621462", "1967147"}},
	})
	t.Run("a route to a network", func(t *testing.T) { s.networkRoute(t, path) })
	t.Run("deletion by query", func(t *testing.T) { s.routesByQuery(t, path) })
	s.ok(t, "5.3", "a route is deleted, synchronously", remove(route))
	s.refuse(t, refusal{section: "5.3", reason: "a deleted route is not there", request: get(route), status: http.StatusNotFound, codes: missing})
	s.dropLIF(t, l)
}

func (s *suite) networkRoute(t *testing.T, path string) {
	a := s.expect(t, "5.3", "a route to a network", post(path, object{"gateway": s.gateway(t), "svm": object{"name": s.other.name},
		"destination": object{"address": "203.0.113.0", "netmask": "24"}, "metric": 30}), http.StatusCreated)
	route := strings.TrimPrefix(a.header.Get("Location"), "/api")
	one := s.ok(t, "5.3", "the route", get(route))
	metric, _ := integer(one.body, "metric")
	s.check(t, "5.3", "destination and metric are those given", one, text(one.body, "destination.address") == "203.0.113.0" &&
		text(one.body, "destination.netmask") == "24" && metric == 30)
	s.ok(t, "5.3", "a route is deleted", remove(route))
}

// routesByQuery deletes routes of a metric that only they have, one by one.
func (s *suite) routesByQuery(t *testing.T, path string) {
	for _, network := range []string{"203.0.113.0", "203.0.113.64"} {
		s.expect(t, "5.3", "a route to a network", post(path, object{"gateway": s.gateway(t), "svm": object{"uuid": s.other.uuid},
			"destination": object{"address": network, "netmask": "26"}, "metric": 77}), http.StatusCreated)
	}
	ours := path + "?svm.uuid=" + s.other.uuid + "&metric=77"
	for left := 2; left > 0; left-- {
		a := s.ok(t, "5.3", "routes of that metric", get(ours))
		s.check(t, "1.1", fmt.Sprintf("%d are left", left), a, len(a.records()) == left)
		a = s.expect(t, "1.2", "a deletion by query", remove(ours+"&max_records=1"), http.StatusOK, http.StatusAccepted)
		n, whole := integer(a.body, "num_records")
		s.check(t, "1.1", "max_records bounds a deletion by query", a, whole && n == 1)
	}
	a := s.ok(t, "5.3", "routes of that metric", get(ours))
	s.check(t, "1.2", "none is left", a, len(a.records()) == 0)
}
