package ontap

import (
	"net/http"
	"strings"
	"testing"
)

// transport is section 1 as far as it can be read.
func (s *suite) transport(t *testing.T) {
	t.Run("media types", s.mediaTypes)
	t.Run("methods", s.methods)
	t.Run("authentication", s.authentication)
	t.Run("foreign headers", func(t *testing.T) {
		s.ok(t, "1", "unknown headers are ignored", get("/cluster").with("X-Dot-Client-App", "conformance"))
	})
	t.Run("dot segments", func(t *testing.T) {
		a := s.ok(t, "1", "dot segments are resolved", get("/svm/../cluster"))
		s.check(t, "1", "GET /svm/../cluster is GET /cluster", a, text(a.body, "uuid") == s.array.uuid)
	})
	t.Run("UUIDs", s.wellFormed)
	t.Run("cluster is no SVM", func(t *testing.T) {
		a := s.ok(t, "1", "only data SVMs are shown", get("/svm/svms?name="+q(s.array.cluster)))
		s.check(t, "1", "the cluster's own SVM is not listed", a, len(a.records()) == 0)
		a = s.ok(t, "1", "accounts of the cluster", get("/security/accounts?scope=cluster&fields=owner.uuid&max_records=1"))
		owners := texts(a.records(), "owner.uuid")
		s.check(t, "1", "the cluster's UUID owns its accounts", a, len(owners) == 1 && owners[0] == s.array.uuid)
	})
}

func (s *suite) mediaTypes(t *testing.T) {
	a := s.ok(t, "1", "asked for hal+json", get("/cluster/nodes"))
	s.check(t, "1", "Content-Type is "+hal, a, strings.HasPrefix(a.header.Get("Content-Type"), hal))
	s.check(t, "1", "_links come with Accept: "+hal, a, has(a.body, "_links.self.href"))
	for _, r := range a.records() {
		s.check(t, "1", "each record has _links.self", a, strings.HasPrefix(text(r, "_links.self.href"), "/api/cluster/nodes/"))
	}
	a = s.ok(t, "1", "asked for json", get("/cluster/nodes").with("Accept", "application/json"))
	for _, r := range a.records() {
		s.check(t, "1", "records come without _links with Accept: application/json", a, !has(r, "_links"))
	}
}

func (s *suite) methods(t *testing.T) {
	for path, allowed := range map[string][]string{
		"/cluster":                 {"GET"},
		"/svm/svms":                {"GET", "POST"},
		"/network/ip/interfaces":   {"GET", "POST"},
		"/network/ip/routes":       {"GET", "POST"},
		"/security/accounts":       {"GET", "POST"},
		"/storage/aggregates":      {"GET"},
		"/protocols/nvme/services": {"GET", "POST"},
	} {
		a := s.ok(t, "1", "OPTIONS works everywhere", request{method: http.MethodOptions, path: path})
		for _, m := range allowed {
			s.check(t, "1", "Allow names "+m, a, strings.Contains(a.header.Get("Allow"), m))
		}
		a = s.ok(t, "1", "HEAD works where GET does", request{method: http.MethodHead, path: path})
		s.check(t, "1", "HEAD has no body", a, len(a.raw) == 0)
	}
	if s.target.Writable {
		s.refuse(t, refusal{section: "1.6", reason: "a method that is not offered", request: request{method: http.MethodPut, path: "/svm/svms"}, status: 405})
	}
	a := s.send(t, get("/no/such/thing"))
	s.check(t, "1.5", "an unknown path is an error", a, a.status == 404 || a.status == 405 || a.status == 400)
	s.errorShape(t, a)
}

func (s *suite) authentication(t *testing.T) {
	for reason, u := range map[string]*user{
		"without credentials": {nobody: true},
		"unknown user":        {name: s.name("nobody"), password: s.password(t)},
	} {
		r := get("/cluster").by(u)
		a := s.expect(t, "7", reason, r, http.StatusUnauthorized)
		s.note(t, 2, "answers %q with code %q, message %q, WWW-Authenticate %q", reason, a.code(), text(a.body, "error.message"), a.header.Get("WWW-Authenticate"))
	}
}

func (s *suite) wellFormed(t *testing.T) {
	for _, path := range []string{"/svm/svms", "/network/ip/interfaces", "/storage/aggregates", "/cluster/nodes", "/network/ipspaces",
		"/network/ethernet/broadcast-domains", "/network/ip/routes", "/cluster/jobs"} {
		a := s.ok(t, "1", "a collection", get(path+"?max_records=20"))
		for _, uuid := range texts(a.records(), "uuid") {
			s.check(t, "1", "identities are well-formed UUIDs", a, isUUID(uuid))
		}
	}
}

// tunnel is the scoping of a call to one SVM by a header.
func (s *suite) tunnel(t *testing.T) {
	for header, value := range map[string]string{"X-Dot-SVM-Name": s.main.name, "X-Dot-SVM-UUID": s.main.uuid} {
		a := s.ok(t, "1", "scoped by "+header, get("/svm/svms").with(header, value))
		s.check(t, "1", "only the SVM of the header is shown", a, text(a.only(), "uuid") == s.main.uuid)
		a = s.ok(t, "1", "scoped by "+header, get("/network/ip/interfaces?fields=svm.uuid").with(header, value))
		for _, uuid := range texts(a.records(), "svm.uuid") {
			s.check(t, "1", "only interfaces of the SVM of the header are shown", a, uuid == s.main.uuid)
		}
	}
	scoped := func(r request) request { return r.with("X-Dot-SVM-Name", s.main.name) }
	s.refusals(t, []refusal{
		{section: "1", reason: "another SVM in the query than in the header", status: 400,
			request: scoped(get("/network/ip/interfaces?svm.name=" + q(s.other.name)))},
		{section: "1", reason: "another SVM in the body than in the header", status: 400,
			request: scoped(post("/network/ip/routes", object{"gateway": s.gateway(t), "svm": object{"name": s.other.name}}))},
		{section: "1", reason: "a header with an SVM that does not exist", request: get("/svm/svms").with("X-Dot-SVM-Name", s.name("none"))},
	})
}
