package ontap

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// collections is the envelope of section 1.2.
func (s *suite) collections(t *testing.T) {
	for _, path := range []string{
		"/svm/svms", "/network/ip/interfaces", "/network/ip/routes", "/network/ipspaces", "/network/ethernet/broadcast-domains",
		"/network/ethernet/ports", "/network/ip/subnets", "/network/ip/service-policies", "/network/ip/bgp/peer-groups",
		"/storage/aggregates", "/storage/volumes", "/security/accounts", "/cluster/nodes", "/cluster/jobs",
		"/cluster/licensing/licenses", "/protocols/nvme/services", "/cluster/metrocluster/svms",
	} {
		t.Run(path, func(t *testing.T) {
			a := s.ok(t, "1.2", "a collection", get(path))
			_, isList := a.body["records"].([]any)
			n, whole := integer(a.body, "num_records")
			s.check(t, "1.2", "records is an array, num_records its length", a, isList && whole && int(n) == len(a.records()))
			s.check(t, "1.2", "_links.self.href is a path", a, strings.HasPrefix(text(a.body, "_links.self.href"), "/api"+path))
			if path == "/security/accounts" || path == "/cluster/licensing/licenses" {
				return // no UUID of their own
			}
			if path == "/cluster/metrocluster/svms" || path == "/protocols/nvme/services" {
				return // named by what they belong to
			}
			none := s.ok(t, "1.2", "no match is 200", get(path+"?uuid="+noUUID))
			n, whole = integer(none.body, "num_records")
			s.check(t, "1.2", "no match is an empty array and num_records 0", none, whole && n == 0 && len(none.records()) == 0)
		})
	}
}

// paging walks collections in pages of several sizes.
func (s *suite) paging(t *testing.T) {
	paths := []string{"/storage/aggregates?fields=state", "/cluster/nodes?", "/network/ethernet/ports?", "/network/ip/service-policies?"}
	if s.target.Writable {
		paths = append(paths, "/svm/svms?name="+q(s.prefix+"*"))
	}
	for _, path := range paths {
		all := texts(s.ok(t, "1.2", "the whole", get(path)).records(), "uuid")
		for _, size := range []int{1, 2, len(all) - 1, len(all), len(all) + 1} {
			if size < 1 || len(all)/size > 40 {
				continue
			}
			t.Run(fmt.Sprintf("%s in pages of %d", path, size), func(t *testing.T) { s.walk(t, path, size, all) })
		}
	}
	s.refuse(t, refusal{section: "1.1", reason: "max_records is a number", request: get("/cluster/nodes?max_records=many"), status: 400})
}

// walk follows the next links to the end, verbatim.
func (s *suite) walk(t *testing.T, path string, size int, all []string) {
	var got []string
	empty := 0
	r := get(fmt.Sprintf("%s&max_records=%d", path, size))
	for pages := 0; pages <= len(all)+1; pages++ {
		a := s.ok(t, "1.2", "a page", r)
		page := texts(a.records(), "uuid")
		n, _ := integer(a.body, "num_records")
		s.check(t, "1.2", fmt.Sprintf("at most %d records, counted by num_records", size), a, len(page) <= size && int(n) == len(page))
		got = append(got, page...)
		next := text(a.body, "_links.next.href")
		if len(page) == 0 && pages > 0 {
			empty++
		}
		if next == "" {
			s.check(t, "1.2", "without a next link nothing is left", a, len(got) >= len(all))
			break
		}
		s.check(t, "1.2", "next is a path under /api with max_records", a, strings.HasPrefix(next, "/api/") && strings.Contains(next, "max_records="))
		link := a.header.Get("Link")
		s.check(t, "1.2", "a Link header comes along", a, strings.Contains(link, `rel="next"`) && strings.Contains(link, next))
		r = get(next)
	}
	if empty > 0 {
		s.noteSection(t, "1.2", "gives an empty last page where the one before was full")
	}
	slices.Sort(got)
	want := slices.Clone(all)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("section 1.2: all pages together are the whole, each record once\nrequest:  GET %s in pages of %d\nexpected: %v\ngot:      %v", path, size, want, got)
	}
}

// refusedReads are requests that change nothing, and must be refused.
func (s *suite) refusedReads(t *testing.T) {
	withBody := get("/cluster/nodes")
	withBody.body = object{"name": "x"}
	s.refusals(t, []refusal{
		{section: "1.1", reason: "an unknown name in fields", request: get("/svm/svms?fields=nosuchfield"), status: 400, codes: invalidValue},
		{section: "1.1", reason: "an unknown name in fields of an instance", request: get("/cluster?fields=nosuchfield"), status: 400, codes: invalidValue},
		{section: "1.1", reason: "an unknown filter", request: get("/svm/svms?nosuchfield=x"), status: 400, codes: invalidValue},
		{section: "1.6", reason: "braces not balanced in fields", request: get("/svm/svms?fields=ipspace.%7Bname"), status: 400, codes: []string{"262286"}},
		{section: "1.6", reason: "order by a field that is none", request: get("/svm/svms?order_by=nosuchfield"), status: 400, codes: append([]string{"262268"}, invalidValue...)},
		{section: "1.6", reason: "a field given twice", request: get("/svm/svms?name=a&name=b"), status: 400, codes: []string{"262188"}},
		{section: "1.6", reason: "a secret in the URL", request: get("/security/accounts?password=x"), status: 400, codes: []string{"262202"}},
		{section: "1.1", reason: "return_timeout above 120", request: get("/cluster/nodes?return_timeout=121"), status: 400, codes: invalidValue},
		{section: "1.1", reason: "return_timeout below 0", request: get("/cluster/nodes?return_timeout=-1"), status: 400, codes: invalidValue},
		{section: "1.1", reason: "a body on GET", request: withBody, codes: []string{"262198"}},
		{section: "1.2", reason: "an unknown SVM", request: get("/svm/svms/" + noUUID), status: http.StatusNotFound, codes: missing},
		{section: "1.2", reason: "an unknown interface", request: get("/network/ip/interfaces/" + noUUID), status: http.StatusNotFound, codes: missing},
		{section: "1.2", reason: "an unknown route", request: get("/network/ip/routes/" + noUUID), status: http.StatusNotFound, codes: missing},
		{section: "1.2", reason: "an unknown aggregate", request: get("/storage/aggregates/" + noUUID), status: http.StatusNotFound, codes: missing},
		{section: "1.2", reason: "an unknown node", request: get("/cluster/nodes/" + noUUID), status: http.StatusNotFound, codes: missing},
		{section: "1.4", reason: "an unknown job", request: get("/cluster/jobs/" + noUUID), status: http.StatusNotFound, codes: missing},
		{section: "13", reason: "an unknown account", request: get("/security/accounts/" + s.array.uuid + "/" + s.name("none")), status: http.StatusNotFound, codes: missing},
		{section: "10", reason: "an unknown NVMe service", request: get("/protocols/nvme/services/" + noUUID), status: http.StatusNotFound, codes: missing},
	})
}
