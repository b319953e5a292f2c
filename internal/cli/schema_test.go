package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
)

// schema is as much of a JSON schema as ours uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Enum       []string           `json:"enum"`
	Defs       map[string]*schema `json:"$defs"`
}

// readSchema reads one, as ours are and as any.
func readSchema(t *testing.T, name string) (root *schema, raw map[string]any) {
	t.Helper()
	text, err := os.ReadFile("../../api/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for _, into := range []any{&root, &raw} {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return root, raw
}

// The schema of the report names the very fields that the report has, and asks
// for those that are always there.
func TestReportSchema(t *testing.T) {
	root, _ := readSchema(t, "report.schema.json")
	compare(t, "report", root, reflect.TypeFor[clusterStatus](), root.Defs)
	for i, s := range proof.States() {
		if states := root.Defs["verdict"].Properties["state"].Enum; len(states) != len(proof.States()) || states[i] != s.String() {
			t.Errorf("the states are %v", states)
		}
	}
}

func compare(t *testing.T, at string, s *schema, typ reflect.Type, defs map[string]*schema) {
	t.Helper()
	for name, found := strings.CutPrefix(s.Ref, "#/$defs/"); found; name, found = strings.CutPrefix(s.Ref, "#/$defs/") {
		if s = defs[name]; s == nil {
			t.Fatalf("%s: no definition of %s", at, name)
		}
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ.Kind() == reflect.Slice && s.Items != nil:
		compare(t, at+"[]", s.Items, typ.Elem(), defs)
	case typ.Kind() == reflect.Slice:
		t.Errorf("%s: the schema says nothing of its items", at)
	case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[time.Time]() && typ != reflect.TypeFor[record.Duration]():
		fields, always := fieldsOf(typ)
		if got, want := slices.Sorted(maps.Keys(s.Properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the type %v", at, got, want)
			return
		}
		for _, name := range s.Required {
			if !slices.Contains(always, name) {
				t.Errorf("%s.%s is required, and may be left out", at, name)
			}
		}
		for name, field := range fields {
			compare(t, at+"."+name, s.Properties[name], field, defs)
		}
	}
}

// fieldsOf are the fields of a struct by their JSON names, and those that are
// never left out.
func fieldsOf(typ reflect.Type) (fields map[string]reflect.Type, always []string) {
	fields = map[string]reflect.Type{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			inner, innerAlways := fieldsOf(f.Type)
			maps.Copy(fields, inner)
			always = append(always, innerAlways...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		fields[name] = f.Type
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
	}
	return fields, always
}

// violations holds a value to a schema: types, required fields, one of several
// sets of them, enumerations, patterns, and no field that the schema does not
// know.
func violations(at string, s map[string]any, value any, root map[string]any) []string {
	if ref, found := s["$ref"].(string); found {
		defs, _ := root["$defs"].(map[string]any)
		target, _ := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		return violations(at, target, value, root)
	}
	var wrong []string
	if !hasType(s["type"], value) {
		return []string{fmt.Sprintf("%s: %v is no %v", at, value, s["type"])}
	}
	if enum, found := s["enum"].([]any); found && !slices.Contains(enum, value) {
		wrong = append(wrong, fmt.Sprintf("%s: %v is none of %v", at, value, enum))
	}
	switch v := value.(type) {
	case string:
		if form, found := s["pattern"].(string); found && !regexp.MustCompile(form).MatchString(v) {
			wrong = append(wrong, fmt.Sprintf("%s: %q is not of the form %s", at, v, form))
		}
	case []any:
		if least, found := s["minItems"].(float64); found && len(v) < int(least) {
			wrong = append(wrong, fmt.Sprintf("%s has %d items", at, len(v)))
		}
		items, _ := s["items"].(map[string]any)
		for i, item := range v {
			wrong = append(wrong, violations(fmt.Sprintf("%s[%d]", at, i), items, item, root)...)
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for _, name := range missing(s, v) {
			wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, name))
		}
		if ways, found := s["oneOf"].([]any); found {
			fit := slices.DeleteFunc(slices.Clone(ways), func(way any) bool { return len(missing(way.(map[string]any), v)) > 0 })
			if len(fit) != 1 {
				wrong = append(wrong, fmt.Sprintf("%s fits %d of %v", at, len(fit), ways))
			}
		}
		for name, field := range v {
			of, known := properties[name].(map[string]any)
			if !known {
				wrong = append(wrong, fmt.Sprintf("%s.%s is not in the schema", at, name))
				continue
			}
			wrong = append(wrong, violations(at+"."+name, of, field, root)...)
		}
	}
	return wrong
}

// missing are the required fields that an object does not have.
func missing(s, object map[string]any) (names []string) {
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, there := object[name.(string)]; !there {
			names = append(names, name.(string))
		}
	}
	return names
}

func hasType(types, value any) bool {
	names, several := types.([]any)
	if !several {
		names = []any{types}
	}
	is := map[string]bool{"null": value == nil}
	switch v := value.(type) {
	case string:
		is["string"] = true
	case bool:
		is["boolean"] = true
	case float64:
		is["number"], is["integer"] = true, v == float64(int64(v))
	case []any:
		is["array"] = true
	case map[string]any:
		is["object"] = true
	}
	return slices.ContainsFunc(names, func(name any) bool { return is[name.(string)] })
}
