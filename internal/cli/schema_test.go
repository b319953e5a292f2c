package cli

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
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

// The schema of the report names the very fields that the report has, and asks
// for those that are always there.
func TestReportSchema(t *testing.T) {
	text, err := os.ReadFile("../../api/schemas/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	compare(t, "report", &root, reflect.TypeFor[clusterStatus](), root.Defs)
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
