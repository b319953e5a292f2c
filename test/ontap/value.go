package ontap

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// at gives what stands at a dotted path in a JSON value.
func at(v any, path string) (any, bool) {
	for key := range strings.SplitSeq(path, ".") {
		o, ok := v.(object)
		if !ok {
			return nil, false
		}
		if v, ok = o[key]; !ok {
			return nil, false
		}
	}
	return v, true
}

func has(v any, path string) bool {
	_, ok := at(v, path)
	return ok
}

// text gives the string at a path, or "" where there is none.
func text(v any, path string) string {
	found, _ := at(v, path)
	s, _ := found.(string)
	return s
}

// integer gives the integer at a path; a number in quotes is none.
func integer(v any, path string) (int64, bool) {
	found, _ := at(v, path)
	n, ok := found.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

// boolean says whether true stands at a path, and whether a boolean does.
func boolean(v any, path string) (value, ok bool) {
	found, _ := at(v, path)
	value, ok = found.(bool)
	return value, ok
}

// list gives the array at a path, or nil.
func list(v any, path string) []any {
	found, _ := at(v, path)
	l, _ := found.([]any)
	return l
}

// records gives the records of a collection.
func (a answer) records() []any { return list(a.body, "records") }

// only gives the one record of a collection; nil where there is another number.
func (a answer) only() any {
	if r := a.records(); len(r) == 1 {
		return r[0]
	}
	return nil
}

// texts gives the string at a path in each of the values.
func texts(values []any, path string) []string {
	var all []string
	for _, v := range values {
		all = append(all, text(v, path))
	}
	return all
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func isUUID(s string) bool { return uuidForm.MatchString(strings.ToLower(s)) }

func oneOf(s string, allowed ...string) bool { return slices.Contains(allowed, s) }

// keys gives the keys of an object without _links, sorted.
func keys(v any) []string {
	o, _ := v.(object)
	var all []string
	for k := range o {
		if k != "_links" {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

// noUUID is a well-formed UUID that nothing has.
const noUUID = "00000000-dead-4bad-8bad-000000000000"
