package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shape holds a tree of JSON against a Go type, so that each problem names its
// path, as a decoder of the standard library cannot.
type shape struct {
	numeric []string
	found   *problems
}

var wholeNumber = regexp.MustCompile(`^[0-9]{1,19}$`)

// wanted says of the types that are written as text how they look.
var wanted = map[reflect.Type]string{
	reflect.TypeFor[netip.Addr]():   `want an IP address as "10.0.0.5"`,
	reflect.TypeFor[netip.Prefix](): `want a network as "10.0.0.0/24"`,
	reflect.TypeFor[Duration]():     `want a duration with its unit as "720h", "90m" or "30s"`,
}

// fit checks the tree. What is null counts as left out.
func (s shape) fit(path string, tree any, typ reflect.Type) {
	if tree == nil {
		return
	}
	if words, is := wanted[typ]; is {
		s.text(path, tree, typ, words)
		return
	}
	switch typ.Kind() {
	case reflect.Struct:
		s.object(path, tree, typ)
	case reflect.Slice:
		s.list(path, tree, typ)
	case reflect.String:
		if _, is := tree.(string); !is {
			s.found.field(path, "want a text, not %s%s", show(tree), quoteHint(tree))
		}
	case reflect.Int:
		number, is := tree.(json.Number)
		if _, err := strconv.ParseInt(string(number), 10, 32); !is || err != nil {
			s.found.field(path, "want a whole number, not %s", show(tree))
		}
	case reflect.Bool:
		if _, is := tree.(bool); !is {
			s.found.field(path, "want true or false, not %s", show(tree))
		}
	}
}

func (s shape) text(path string, tree any, typ reflect.Type, words string) {
	raw, is := tree.(string)
	if !is {
		s.found.field(path, "%s, not %s", words, show(tree))
		return
	}
	quoted, _ := json.Marshal(raw) // a string always marshals
	if json.Unmarshal(quoted, reflect.New(typ).Interface()) != nil {
		s.found.value(path, raw, "%s", words)
	}
}

func (s shape) object(path string, tree any, typ reflect.Type) {
	object, is := tree.(map[string]any)
	if !is {
		s.found.field(path, "want an object, not %s", show(tree))
		return
	}
	fields := fieldsOf(typ)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		field, known := fields[name]
		if !known {
			// Its value is not shown: it may be a password.
			s.found.add(fmt.Errorf("%.200s: there is no such field; known are %s", at, strings.Join(slices.Sorted(maps.Keys(fields)), ", ")))
			continue
		}
		if number, is := object[name].(json.Number); is && slices.Contains(s.numeric, at) && wholeNumber.MatchString(string(number)) {
			object[name] = string(number)
		}
		s.fit(at, object[name], field)
	}
}

func (s shape) list(path string, tree any, typ reflect.Type) {
	list, is := tree.([]any)
	if !is {
		s.found.field(path, "want a list, not %s", show(tree))
		return
	}
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if item == nil {
			s.found.field(at, "it is empty")
			continue
		}
		s.fit(at, item, typ.Elem())
	}
}

// fieldsOf are the fields of a struct by their names in JSON.
func fieldsOf(typ reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = field.Type
	}
	return fields
}

// show is a value in an error: a short one as it is, else what it is.
func show(tree any) string {
	switch v := tree.(type) {
	case string:
		return fmt.Sprintf("the text %.60q", v)
	case json.Number:
		return "the number " + string(v)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	}
	return "an object"
}

func quoteHint(tree any) string {
	switch tree.(type) {
	case bool, json.Number:
		return "; put it in quotes"
	}
	return ""
}
