package cli

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// svmSchemas are those of the commands that answer, and what they answer with.
var svmSchemas = map[string]reflect.Type{
	"plan": reflect.TypeFor[svmPlan](), "status": reflect.TypeFor[svmStatus](), "explain": reflect.TypeFor[svmExplanation](),
}

// The schemas have the very fields that are printed, and the words in them.
func TestSVMSchemasHaveTheFields(t *testing.T) {
	var verdicts, steps []string
	for _, s := range proof.States() {
		verdicts = append(verdicts, s.String())
	}
	for s := flow.PlanUnknown; s <= flow.PlanFailed; s++ {
		steps = append(steps, s.String())
	}
	steps = append(steps, needsPerson)
	for command, answer := range svmSchemas {
		root, _ := readSchema(t, "svm"+command+".schema.json")
		compare(t, command, root.Properties["svms"].Items, answer, root.Defs)
		if got := root.Defs["verdict"].Properties["state"].Enum; !slices.Equal(got, verdicts) {
			t.Errorf("%s: the verdicts are %v", command, got)
		}
		contradictions := []string{decide.ForeignRecord, decide.ForeignSVM, decide.BothRunning}
		if got := root.Defs["verdict"].Properties["contradictions"].Items.Enum; !slices.Equal(got, contradictions) {
			t.Errorf("%s: the contradictions are %v", command, got)
		}
		if step := root.Defs["step"]; step != nil && !slices.Equal(step.Properties["state"].Enum, steps) {
			t.Errorf("%s: the states of steps are %v", command, step.Properties["state"].Enum)
		}
	}
}

// Real answers keep to them: where there is nothing, where all is well, where a
// person is needed, and where somebody is silent.
func TestSVMSchemasHold(t *testing.T) {
	s := newSVMStage(t)
	var said strings.Builder
	one := func(stands, command, schema string) {
		t.Helper()
		_, raw := readSchema(t, schema)
		_, out := s.svm(command, "-o", "json")
		out = out[max(strings.Index(out, "{\n"), 0):] // before it stands what was done, behind it an error: both on standard error
		said.WriteString(out)
		var value any
		if err := json.NewDecoder(strings.NewReader(out)).Decode(&value); err != nil {
			t.Fatalf("%s, %s: %v", command, stands, err)
		}
		for _, wrong := range violations(command, raw, value, raw) {
			t.Errorf("%s: %s", stands, wrong)
		}
	}
	hold := func(stands string) {
		t.Helper()
		for command := range svmSchemas {
			one(stands, command, "svm"+command+".schema.json")
		}
	}
	hold("nothing is there")
	one("it is made", "apply", "svmstatus.schema.json")
	hold("all is well")
	s.object(svmObject, "192.0.2.21, netmask: 24, broadcastDomain: Default", "192.0.2.22, netmask: 24, broadcastDomain: Tenants")
	hold("an interface has another address")
	s.arrays("caFile: a1.pem", "- {name: a2, url: \"https://192.0.2.200\", user: admin, passwordFile: a1.password, caFile: a1.pem}\n")
	hold("an array is silent")
	for _, field := range []string{"problems", "escalations", "command", "unknown", "uuids", "credentials", "verified", "missing", "next"} {
		if !strings.Contains(said.String(), `"`+field+`": `) {
			t.Errorf("no answer had %q: it was not held to anything", field)
		}
	}
}

// The schema of the arrays takes what is read, and refuses what is refused by its
// shape alone.
func TestArraysSchema(t *testing.T) {
	root, raw := readSchema(t, "arrays.schema.json")
	compare(t, "array", root.Defs["array"], reflect.TypeFor[spec.Array](), root.Defs)
	for field, enums := range map[string][2][]string{
		"insecure":   {root.Defs["array"].Properties["insecure"].Enum, {ontap.SkipWord}},
		"apiVersion": {root.Properties["apiVersion"].Enum, {spec.APIVersion}},
		"kind":       {root.Properties["kind"].Enum, {spec.ArraysKind}},
	} {
		if !slices.Equal(enums[0], enums[1]) {
			t.Errorf("%s: the schema has %v, the code %v", field, enums[0], enums[1])
		}
	}
	example, err := os.ReadFile("../../docs/svm/examples/arrays.yaml")
	if err != nil {
		t.Fatal(err)
	}
	right := "apiVersion: seedproof.dev/v1alpha1\nkind: Arrays\narrays:\n- {name: a1, url: \"https://192.0.2.1\", user: admin, passwordFile: p, caFile: c}\n"
	for _, c := range []struct {
		reason, text string
		taken        bool
	}{
		{"the example", string(example), true},
		{"the least", right, true},
		{"verified by nobody, in the one word for it", strings.Replace(right, "caFile: c", "insecure: "+ontap.SkipWord, 1), true},
		{"verified by nobody, in another word", strings.Replace(right, "caFile: c", "insecure: \"yes\"", 1), false},
		{"known by nothing", strings.Replace(right, ", caFile: c", "", 1), false},
		{"known by two things", strings.Replace(right, "caFile: c", "caFile: c, fingerprints: [\""+strings.Repeat("00", 32)+"\"]", 1), false},
		{"a field that there is not", strings.Replace(right, "caFile: c", "caFile: c, password: p", 1), false},
		{"no user", strings.Replace(right, "user: admin, ", "", 1), false},
		{"no TLS", strings.Replace(right, "https:", "http:", 1), false},
		{"no UUID", strings.Replace(right, "caFile: c", "caFile: c, clusterUUID: a1", 1), false},
		{"no array", "apiVersion: seedproof.dev/v1alpha1\nkind: Arrays\narrays: []\n", false},
		{"another kind", strings.Replace(right, "kind: Arrays", "kind: Pod", 1), false},
	} {
		var value any
		if err := yaml.UnmarshalStrict([]byte(c.text), &value); err != nil {
			t.Fatal(err)
		}
		if wrong := violations("arrays", raw, value, raw); (len(wrong) == 0) != c.taken {
			t.Errorf("%s: the schema says %q", c.reason, wrong)
		}
		if _, err := spec.ParseArrays(strings.NewReader(c.text)); (err == nil) != c.taken {
			t.Errorf("%s: the reader says %v", c.reason, err)
		}
	}
}
