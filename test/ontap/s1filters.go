package ontap

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// filters are the queries of section 1.1, on aggregates and nodes, which every
// array has, and on SVMs where there are ours.
func (s *suite) filters(t *testing.T) {
	s.filterCases(t, "/storage/aggregates", s.array.aggregates[0].name, s.otherAggregate())
	if s.target.Writable {
		s.filterCases(t, "/svm/svms", s.main.name, s.other.name)
		s.svmFilters(t)
	}
	s.ranges(t)
	t.Run("query over fields", func(t *testing.T) {
		name := s.array.aggregates[0].name
		a := s.ok(t, "1.1", "query with query_fields", get("/storage/aggregates?query="+q(name)+"&query_fields=name"))
		s.check(t, "1.1", "finds "+name, a, slices.Contains(texts(a.records(), "name"), name))
	})
}

func (s *suite) otherAggregate() string {
	if len(s.array.aggregates) < 2 {
		return ""
	}
	return s.array.aggregates[1].name
}

// filterCases asks a collection for one of two things by name.
func (s *suite) filterCases(t *testing.T, path, name, other string) {
	for _, c := range []struct {
		reason, filter string
		one, two       bool // is the first, the second found
	}{
		{"an exact name", "name=" + q(name), true, false},
		{"all", "name=*", true, true},
		{"a wildcard at the end", "name=" + q(name[:len(name)-1]+"*"), true, strings.HasPrefix(other, name[:len(name)-1])},
		{"a wildcard at the start", "name=" + q("*"+name[1:]), true, strings.HasSuffix(other, name[1:])},
		{"a list of names", "name=" + q(name+"|"+other), true, true},
		{"a negation", "name=" + q("!"+name), false, true},
		{"a value in quotes is literal", "name=" + q(`"`+name+`"`), true, false},
		{"a value in braces is literal", "name=" + q("{"+name+"}"), true, false},
		{"no match is an empty list, not 404", "name=" + q(s.prefix+"none"), false, false},
		{"a wildcard in quotes is literal", "name=" + q(`"*"`), false, false},
	} {
		t.Run(path+" "+c.reason, func(t *testing.T) {
			a := s.ok(t, "1.1", c.reason, get(path+"?"+c.filter))
			found := texts(a.records(), "name")
			s.check(t, "1.1", fmt.Sprintf("%s is found: %v", name, c.one), a, slices.Contains(found, name) == c.one)
			if other != "" {
				s.check(t, "1.1", fmt.Sprintf("%s is found: %v", other, c.two), a, slices.Contains(found, other) == c.two)
			}
			n, whole := integer(a.body, "num_records")
			s.check(t, "1.2", "num_records counts the records", a, whole && int(n) == len(found))
		})
	}
}

// ranges compares sizes.
func (s *suite) ranges(t *testing.T) {
	const field = "space.block_storage.size"
	name := s.array.aggregates[0].name
	all := s.ok(t, "5.1", "sizes are shown", get("/storage/aggregates?fields="+field+"&name="+q(name)))
	size, whole := integer(all.only(), field)
	s.check(t, "1", "a size is an integer, in bytes", all, whole && size > 1<<20)
	for _, c := range []struct {
		reason, value string
		found         bool
	}{
		{"more than zero", ">0", true},
		{"less than a byte", "<1", false},
		{"at least itself", fmt.Sprintf(">=%d", size), true},
		{"more than itself", fmt.Sprintf(">%d", size), false},
		{"at most itself", fmt.Sprintf("<=%d", size), true},
		{"less than itself", fmt.Sprintf("<%d", size), false},
		{"in a range", fmt.Sprintf("1..%d", size), true},
		{"above a range", fmt.Sprintf("1..%d", size-1), false},
		{"a suffix", ">1MB", true},
		{"a suffix of 1024 powers", fmt.Sprintf(">=%dKB", size>>10), true},
		{"above, with a suffix", fmt.Sprintf(">=%dKB", size>>10+1), false},
	} {
		t.Run("size "+c.reason, func(t *testing.T) {
			a := s.ok(t, "1.1", c.reason, get("/storage/aggregates?name="+q(name)+"&"+field+"="+q(c.value)))
			s.check(t, "1.1", fmt.Sprintf("found: %v", c.found), a, (len(a.records()) == 1) == c.found)
		})
	}
}

// svmFilters are the filters of section 2.1, each with a value that main has and
// one that it has not.
func (s *suite) svmFilters(t *testing.T) {
	aggregate := s.array.aggregates[0]
	type filter struct{ field, match, miss string }
	table := []filter{
		{"uuid", s.main.uuid, noUUID},
		{"state", "running", "stopped"},
		{"state", "running|stopped", "stopped|deleting"},
		{"subtype", s.array.defaultSubtype(), "dp_destination"},
		{"comment", "*" + s.prefix + "*", s.prefix + "none"},
		{"ipspace.name", "Default", "Cluster"},
		{"aggregates.name", aggregate.name, s.prefix + "none"},
		{"aggregates.uuid", aggregate.uuid, noUUID},
		{"nvme.allowed", "true", "false"},
	}
	if s.array.nvmeLicence {
		table = append(table, filter{"nvme.enabled", "true", "false"})
	}
	if s.array.since(9) {
		table = append(table, filter{"max_volumes", "unlimited", "17"})
	}
	for _, f := range table {
		t.Run("SVM by "+f.field+" "+f.match, func(t *testing.T) {
			a := s.ok(t, "2.1", f.field+" is a filter", get("/svm/svms?name="+q(s.main.name)+"&"+f.field+"="+q(f.match)))
			s.check(t, "2.1", "the value that it has finds it", a, len(a.records()) == 1)
			a = s.ok(t, "2.1", f.field+" is a filter", get("/svm/svms?name="+q(s.main.name)+"&"+f.field+"="+q(f.miss)))
			s.check(t, "2.1", "a value that it has not does not", a, len(a.records()) == 0)
		})
	}
	for _, field := range []string{"certificate.uuid", "storage.limit"} {
		if field == "storage.limit" && !s.array.since(13) {
			continue
		}
		s.ok(t, "2.1", field+" is a filter", get("/svm/svms?"+field+"=*"))
	}
}
