package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

// schema is as much of a JSON schema as ours uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a word, or a list of them
	Properties map[string]*schema `json:"properties"`
	Additional *bool              `json:"additionalProperties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	MinItems   int                `json:"minItems"`
	Unique     bool               `json:"uniqueItems"`
	Enum       []string           `json:"enum"`
	Pattern    string             `json:"pattern"`
	MaxLength  int                `json:"maxLength"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	Text       string             `json:"description"`
	Defs       map[string]*schema `json:"$defs"`

	// Of no consequence here.
	Schema string `json:"$schema"`
	Title  string `json:"title"`
}

func readSchema(t *testing.T) *schema {
	t.Helper()
	text, err := os.ReadFile("../../../api/schemas/storagevm.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields() // a word that is not checked here would say nothing
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	return &root
}

func (s *schema) resolve(defs map[string]*schema) *schema {
	if name, is := strings.CutPrefix(s.Ref, "#/$defs/"); is {
		return defs[name]
	}
	return s
}

// The schema has the very fields of the types, in their types, each with a text,
// and takes no others.
func TestSchemaHasTheFields(t *testing.T) {
	root := readSchema(t)
	compare(t, "object", root, reflect.TypeFor[StorageVM](), root.Defs)
}

var schemaTypes = map[reflect.Kind]string{
	reflect.Struct: "object", reflect.Slice: "array", reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean",
}

func compare(t *testing.T, at string, s *schema, typ reflect.Type, defs map[string]*schema) {
	t.Helper()
	if s = s.resolve(defs); s == nil {
		t.Errorf("%s: no such definition", at)
		return
	}
	want := schemaTypes[typ.Kind()]
	if _, text := wanted[typ]; text {
		want = "string"
	}
	if got := fmt.Sprint(s.Type); got != want && got != "[string integer]" {
		t.Errorf("%s: the schema has %s, the type %s", at, got, want)
	}
	if s.Text == "" {
		t.Errorf("%s: the schema does not describe it", at)
	}
	switch want {
	case "array":
		compare(t, at+"[]", s.Items, typ.Elem(), defs)
	case "object":
		if s.Additional == nil || *s.Additional {
			t.Errorf("%s: the schema takes other fields", at)
		}
		fields := fieldsOf(typ)
		if got, want := slices.Sorted(maps.Keys(s.Properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
			t.Fatalf("%s: the schema has %v, the type %v", at, got, want)
		}
		for name, field := range fields {
			compare(t, at+"."+name, s.Properties[name], field, defs)
		}
	}
}

// What the schema demands and forbids is what Validate does.
func TestSchemaHasTheRules(t *testing.T) {
	root := readSchema(t)
	spec, lif := root.Defs["spec"].Properties, root.Defs["interface"].Properties
	for field, got := range map[string][2]string{
		"svmName":    {spec["svmName"].Pattern, svmNameForm.String()},
		"ipspace":    {spec["ipspace"].Pattern, arrayObject.String()},
		"array":      {spec["array"].Pattern, arrayName.String()},
		"lif name":   {lif["name"].Pattern, lifNameForm.String()},
		"namespace":  {root.Defs["credentials"].Properties["secretNamespace"].Pattern, kubeLabel.String()},
		"policies":   {fmt.Sprint(spec["deletionPolicy"].Enum), fmt.Sprint([]string{string(decide.Retain), string(decide.Delete)})},
		"apiVersion": {fmt.Sprint(root.Properties["apiVersion"].Enum), fmt.Sprint([]string{APIVersion})},
		"length":     {fmt.Sprint(spec["svmName"].MaxLength), fmt.Sprint(svmNameMax)},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: the schema has %s, the code %s", field, got[0], got[1])
		}
	}
	words := spec["protocols"].Items.Enum
	if slices.Sort(words); !slices.Equal(words, slices.Sorted(maps.Keys(protocolOf))) {
		t.Errorf("the protocols are %v", words)
	}
	// The mark's rules are not to be had as patterns: they are tried.
	for name, pattern := range map[string]string{"garden": spec["garden"].Pattern, "shoot": root.Defs["credentials"].Properties["shoot"].Pattern} {
		form := regexp.MustCompile(pattern)
		for _, text := range []string{"", "a", "-a", ".a", "a.-_A9", "a/b", "a b", "a]", strings.Repeat("x", 30), strings.Repeat("x", 31), strings.Repeat("x", 40), strings.Repeat("x", 41)} {
			allowed := markable(decide.Owner{Garden: text, Project: "p"}, "")
			if name == "shoot" {
				allowed = text != "" && markable(decide.Owner{Garden: "g", Project: "p"}, text)
			}
			if form.MatchString(text) != allowed {
				t.Errorf("%s %q: the mark says %v, the schema otherwise", name, text, allowed)
			}
		}
	}
}

// The schema takes every example, and each object that is right as it is
// written.
func TestSchemaTakesTheExamples(t *testing.T) {
	root := readSchema(t)
	files, _ := filepath.Glob(examples + "*.yaml")
	checked := 0
	for _, file := range files {
		if filepath.Base(file) == "arrays.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range split(string(text)) {
			checked++
			for _, wrong := range root.hold(file, tree(t, []byte(d.text)), root.Defs) {
				t.Error(wrong)
			}
		}
	}
	if checked < 4 {
		t.Errorf("%d examples were checked", checked)
	}
	s := right()
	text, err := yaml.Marshal(s.Default())
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range root.hold("written", tree(t, text), root.Defs) {
		t.Error(wrong)
	}
}

// What cannot be right by its shape alone, the schema refuses as Validate does:
// who edits a file is told at once.
func TestSchemaRefuses(t *testing.T) {
	root := readSchema(t)
	for _, text := range []string{
		object("  svmName: 1a"), object("  garden: a/b"), object("  protocols: [cifs]"), object("  protocols: [nfs, nfs]"),
		object("  deletionPolicy: delete"), object("  dataLIFs: []"), object("  managementLIF: {netmask: 129}"), object("  x: 1"),
		object("  routes: [{}]"), object("  credentials: [{shoot: web}]"), object("  arrays: m1"), object("  maxVolumes: true"),
		object("  svmName: " + strings.Repeat("x", 48)), object("kind: Pod"),
	} {
		if wrong := root.hold("", tree(t, []byte(text)), root.Defs); len(wrong) == 0 {
			t.Errorf("taken:\n%s", text)
		}
		all, err := Parse(strings.NewReader(text))
		if err == nil && all[0].Validate() == nil {
			t.Errorf("Validate takes what the schema refuses:\n%s", text)
		}
	}
}

func tree(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := yaml.UnmarshalStrict(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// hold says where a value departs from the schema.
func (s *schema) hold(at string, value any, defs map[string]*schema) (wrong []string) {
	s = s.resolve(defs)
	no := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	kind := ""
	switch v := value.(type) {
	case map[string]any:
		kind = "object"
		for _, name := range s.Required {
			if _, there := v[name]; !there {
				no("%s is missing", name)
			}
		}
		for name, field := range v {
			if s.Properties[name] == nil {
				no("%s is not known", name)
				continue
			}
			wrong = append(wrong, s.Properties[name].hold(at+"."+name, field, defs)...)
		}
	case []any:
		kind = "array"
		if len(v) < s.MinItems {
			no("too few")
		}
		for i, item := range v {
			if s.Unique && slices.ContainsFunc(v[:i], func(o any) bool { return reflect.DeepEqual(o, item) }) {
				no("there twice")
			}
			if s.Items != nil {
				wrong = append(wrong, s.Items.hold(fmt.Sprintf("%s[%d]", at, i), item, defs)...)
			}
		}
	case string:
		kind = "string"
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) || s.MaxLength > 0 && utf8.RuneCountInString(v) > s.MaxLength || s.Enum != nil && !slices.Contains(s.Enum, v) {
			no("%q", v)
		}
	case float64:
		kind = "integer"
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			no("%v", v)
		}
	case bool:
		kind = "boolean"
	}
	if !slices.Contains(strings.Fields(strings.Trim(fmt.Sprint(s.Type), "[]")), kind) {
		no("it is of type %s, not %v", kind, s.Type)
	}
	return wrong
}
