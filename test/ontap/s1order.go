package ontap

import (
	"slices"
	"strings"
	"testing"
)

// order is order_by, offset and the other parameters that are valid everywhere.
func (s *suite) order(t *testing.T) {
	const path = "/network/ethernet/ports?fields=mtu&order_by="
	up := s.names(t, "order_by without a direction", path+"uuid")
	if !slices.IsSorted(up) {
		t.Errorf("section 1.1: order_by sorts the whole: %v", up)
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	for _, c := range []struct {
		reason, query string
		want          []string
	}{
		{"ascending, plus for the space", path + "uuid+asc", up},
		{"descending, plus for the space", path + "uuid+desc", down},
		{"descending, the space escaped", path + "uuid%20desc", down},
		{"the other name of order_by", "/network/ethernet/ports?%24orderBy=uuid+desc", down},
		{"an offset leaves out the first", path + "uuid&offset=1", up[min(1, len(up)):]},
		{"pretty changes nothing", path + "uuid&pretty=true", up},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if got := s.names(t, c.reason, c.query); !slices.Equal(got, c.want) {
				t.Errorf("section 1.1: %s\nrequest:  GET %s\nexpected: %v\ngot:      %v", c.reason, c.query, c.want, got)
			}
		})
	}
	t.Run("by two fields", func(t *testing.T) {
		a := s.ok(t, "1.1", "two fields", get("/network/ethernet/ports?fields=node.name,name&order_by=node.name,name+desc"))
		s.check(t, "1.1", "sorted by the first, then by the second downwards", a, slices.IsSortedFunc(a.records(), func(x, y any) int {
			if c := strings.Compare(text(x, "node.name"), text(y, "node.name")); c != 0 {
				return c
			}
			return strings.Compare(text(y, "name"), text(x, "name"))
		}))
	})
	t.Run("a raw space", func(t *testing.T) {
		a := s.send(t, get(path+"uuid desc"))
		s.check(t, "1.1", "a raw space in the URL is status 400", a, a.status == 400)
	})
	s.onlyCount(t)
}

func (s *suite) names(t *testing.T, reason, path string) []string {
	t.Helper()
	return texts(s.ok(t, "1.1", reason, get(path)).records(), "uuid")
}

// onlyCount is return_records, and the times that a GET may wait.
func (s *suite) onlyCount(t *testing.T) {
	all := s.ok(t, "1.1", "all nodes", get("/cluster/nodes"))
	want, _ := integer(all.body, "num_records")
	a := s.ok(t, "1.1", "return_records=false", get("/cluster/nodes?return_records=false"))
	n, whole := integer(a.body, "num_records")
	s.check(t, "1.1", "num_records alone, and the right one", a, whole && n == want && len(a.records()) == 0)
	for _, seconds := range []string{"0", "1", "15", "120"} {
		s.ok(t, "1.1", "return_timeout from 0 to 120", get("/cluster?return_timeout="+seconds))
	}
}
