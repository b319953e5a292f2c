package query

import "strings"

// Selection is the set of fields that an answer shows.
type Selection struct {
	paths map[string]bool
	named map[string]bool
}

// Asked says whether a field was asked for by its own name.
func (sel Selection) Asked(path string) bool { return sel.named[path] }

// selection reads the value of the parameter fields. An empty one means the
// default: the keys in a collection, the standard set in an instance.
func (s *Schema) selection(value string, instance, ignoreUnknown bool, release int) (Selection, *Error) {
	names, err := expand(value)
	if err != nil {
		return Selection{}, err
	}
	sel := Selection{paths: map[string]bool{}, named: map[string]bool{}}
	if len(names) == 0 && instance {
		names = []string{"*"}
	}
	sel.add(s, release, func(f *Field) bool { return f.Class == Key })
	var without []string
	for _, name := range names {
		if bare, ok := strings.CutPrefix(name, "!"); ok {
			without = append(without, bare)
			name = bare
		}
		if bad := s.nameable(name, release); bad != nil && !ignoreUnknown {
			return Selection{}, bad
		}
	}
	for _, name := range names {
		s.choose(&sel, name, release)
	}
	for _, name := range without {
		for path := range sel.paths {
			if under(path, name) {
				delete(sel.paths, path)
			}
		}
	}
	return sel, nil
}

// nameable says whether a name may stand in the list of fields.
func (s *Schema) nameable(name string, release int) *Error {
	switch {
	case name == "*", name == "**", name == "_links", s.find(name, release) != nil, s.isObject(name, release):
		return nil
	case s.byPath[name] != nil, s.inner[name]:
		return refuse(262179, "fields", "Unexpected argument %q.", name) // a later release has it
	}
	return refuse(262197, "fields", "The value %q is invalid for field \"fields\" (<field,...>)", name)
}

func (s *Schema) choose(sel *Selection, name string, release int) {
	switch {
	case strings.HasPrefix(name, "!"):
	case name == "*":
		sel.add(s, release, func(f *Field) bool { return f.Class <= Standard })
	case name == "**":
		sel.add(s, release, func(f *Field) bool { return f.Class <= Expensive })
	default:
		if to, ok := s.aliases[name]; ok {
			name = to
		}
		sel.add(s, release, func(f *Field) bool {
			if !under(f.Path, name) {
				return false
			}
			sel.named[f.Path] = true
			return true
		})
	}
}

func (sel Selection) add(s *Schema, release int, want func(*Field) bool) {
	for _, f := range s.Fields {
		if f.Since <= release && !f.WriteOnly && want(f) {
			sel.paths[f.Path] = true
		}
	}
}

func under(path, name string) bool {
	return path == name || strings.HasPrefix(path, name+".")
}

// Apply gives the part of a record that is shown.
func (sel Selection) Apply(r Record) Record {
	out, _ := sel.prune(r, "").(Record)
	if out == nil {
		out = Record{}
	}
	return out
}

func (sel Selection) prune(v any, path string) any {
	switch v := v.(type) {
	case Record:
		return sel.pruneObject(v, path)
	case []any:
		return sel.pruneList(v, path)
	}
	if sel.paths[path] {
		return v
	}
	return nil
}

func (sel Selection) pruneObject(v Record, path string) any {
	var out Record
	for name, inner := range v {
		at := name
		if path != "" {
			at = path + "." + name
		}
		kept := sel.prune(inner, at)
		if kept == nil {
			continue
		}
		if out == nil {
			out = Record{}
		}
		out[name] = kept
	}
	if out == nil {
		return nil
	}
	return out
}

func (sel Selection) pruneList(v []any, path string) any {
	if len(v) == 0 {
		if sel.paths[path] {
			return v
		}
		return nil
	}
	out := make([]any, 0, len(v))
	for _, e := range v {
		if _, isObject := e.(Record); !isObject {
			if sel.paths[path] {
				return v
			}
			return nil
		}
		if kept := sel.prune(e, path); kept != nil {
			out = append(out, kept)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// maxFields bounds what a list of fields may expand to.
const maxFields = 2000

// expand splits "a,b.{c,d},!e" into its names.
func expand(value string) ([]string, *Error) {
	var out []string
	parts, ok := split(value, ',')
	if !ok {
		return nil, refuse(262286, "fields", "The braces in \"fields\" are not balanced")
	}
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		before, rest, braced := strings.Cut(part, "{")
		if !braced {
			out = append(out, part)
			continue
		}
		end := strings.LastIndexByte(rest, '}')
		if end < 0 {
			return nil, refuse(262286, "fields", "The braces in \"fields\" are not balanced")
		}
		inner, err := expand(rest[:end])
		if err != nil {
			return nil, err
		}
		for _, name := range inner {
			out = append(out, before+name+rest[end+1:])
		}
		if len(out) > maxFields {
			return nil, refuse(262197, "fields", "too many fields")
		}
	}
	return out, nil
}

// split cuts at a separator that is outside quotes and braces; false: the
// braces are not balanced.
func split(s string, sep byte) ([]string, bool) {
	var parts []string
	depth, start, quoted := 0, 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			depth--
			if depth < 0 {
				return nil, false
			}
		case c == sep && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:]), depth == 0
}
