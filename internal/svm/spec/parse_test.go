package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const examples = "../../../docs/svm/examples/"

// object is a small object that is right, with one line more at the end of its
// spec, or another line in place of one that begins alike.
func object(change ...string) string {
	text := `apiVersion: seedproof.dev/v1alpha1
kind: StorageVM
metadata:
  name: a
spec:
  garden: prod
  project: a
  dataLIFs: [{address: 10.0.0.11, netmask: 24, homeNode: n1}]
  managementLIF: {address: 10.0.0.10, netmask: 24, homeNode: n1}
  credentials: [{shoot: web, secretName: web, secretNamespace: kube-system}]
`
	for _, line := range change {
		head, _, _ := strings.Cut(line, ":")
		at := strings.Index(text, head+":")
		if at < 0 {
			text += line + "\n"
			continue
		}
		_, rest, _ := strings.Cut(text[at:], "\n")
		text = text[:at] + line + "\n" + rest
	}
	return text
}

func mustParse(t *testing.T, text string) []StorageVM {
	t.Helper()
	all, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every example is right, says so without a warning that is not meant, and
// comes back the same when it is written and read again.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(examples + "*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		if filepath.Base(file) == "arrays.yaml" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range mustParse(t, string(text)) {
				if err := s.Validate(); err != nil {
					t.Error(err)
				}
				again, err := yaml.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				if back := mustParse(t, string(again)); !reflect.DeepEqual(back, []StorageVM{s}) {
					t.Errorf("written and read again it is\n%+v\nnot\n%+v", back[0], s)
				}
			}
		})
	}
}

// The examples that the reference shows are the files.
func TestReferenceShowsTheExamples(t *testing.T) {
	reference, err := os.ReadFile("../../../docs/svm/storagevm.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"full", "arrays"} {
		text, err := os.ReadFile(examples + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("<!-- parsed: %s -->\n```yaml\n%s```\n", name, text)
		if !strings.Contains(string(reference), want) {
			t.Errorf("docs/svm/storagevm.md does not show examples/%s.yaml as it is", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	many := strings.Repeat("---\na: 1\n", maxDocuments+1)
	for _, c := range []struct{ reason, text, want string }{
		{"a field that is mistyped would be left out silently", object("  dataLIFs: [{adr: 10.0.0.11}]"),
			`document 1 (line 1): spec.dataLIFs[0].adr: there is no such field; known are address, broadcastDomain, homeNode, name, netmask, servicePolicy, subnet, vip`},
		{"JSON of the standard library does not mind the case; two spellings would hide one another", object("  Garden: prod"),
			`document 1 (line 1): spec.Garden: there is no such field; known are aggregates, array, arrays, credentials, dataLIFs, deletionPolicy, garden, ipspace, managementLIF, maxVolumes, project, protocols, routes, snapshotPolicy, storageLimit, svmName`},
		{"a field that is there twice", object() + "  garden: other\n",
			"document 1 (line 1): read it as YAML: yaml: unmarshal errors:\n  line 11: key \"garden\" already set in map"},
		{"YAML reads yes as true", object("  project: yes"),
			`document 1 (line 1): spec.project: want a text, not true; put it in quotes`},
		{"YAML reads 007 as 7", object("  project: 007"),
			`document 1 (line 1): spec.project: want a text, not the number 7; put it in quotes`},
		{"a fraction of bytes", object("  storageLimit: 1.5"),
			`document 1 (line 1): spec.storageLimit: want a text, not the number 1.5; put it in quotes`},
		{"a number has no unit", object("  credentials: [{shoot: web, rotation: {every: 720}}]"),
			`document 1 (line 1): spec.credentials[0].rotation.every: want a duration with its unit as "720h", "90m" or "30s", not the number 720`},
		{"there is no unit for days", object("  credentials: [{shoot: web, rotation: {every: 30d}}]"),
			`document 1 (line 1): spec.credentials[0].rotation.every "30d": want a duration with its unit as "720h", "90m" or "30s"`},
		{"no address", object("  managementLIF: {address: 10.0.0.10/24}"),
			`document 1 (line 1): spec.managementLIF.address "10.0.0.10/24": want an IP address as "10.0.0.5"`},
		{"no network", object("  routes: [{gateway: 10.0.0.1, destination: 10.1.0.0}]"),
			`document 1 (line 1): spec.routes[0].destination "10.1.0.0": want a network as "10.0.0.0/24"`},
		{"a dotted netmask", object("  managementLIF: {netmask: 255.255.255.0}"),
			`document 1 (line 1): spec.managementLIF.netmask: want a whole number, not the text "255.255.255.0"`},
		{"a fraction", object("  managementLIF: {netmask: 24.5}"),
			`document 1 (line 1): spec.managementLIF.netmask: want a whole number, not the number 24.5`},
		{"a text for a yes or no", object(`  managementLIF: {vip: "true"}`),
			`document 1 (line 1): spec.managementLIF.vip: want true or false, not the text "true"`},
		{"one interface in place of a list", object("  dataLIFs: {address: 10.0.0.11}"),
			`document 1 (line 1): spec.dataLIFs: want a list, not an object`},
		{"a list in place of an interface", object("  managementLIF: []"),
			`document 1 (line 1): spec.managementLIF: want an object, not a list`},
		{"an item that is empty", object("  protocols: [null]"),
			`document 1 (line 1): spec.protocols[0]: it is empty`},
		{"another kind: its fields are not ours to judge", "apiVersion: v1\nkind: Secret\ndata: {}\n",
			"document 1 (line 1): apiVersion \"v1\": want \"seedproof.dev/v1alpha1\"\ndocument 1 (line 1): kind \"Secret\": want \"StorageVM\""},
		{"no head", "spec: {}\n", "document 1 (line 1): apiVersion: missing; want \"seedproof.dev/v1alpha1\"\ndocument 1 (line 1): kind: missing; want \"StorageVM\""},
		{"no object", "- 1\n", "document 1 (line 1): it is no object; want one with apiVersion: seedproof.dev/v1alpha1, kind: StorageVM"},
		{"the document is named", object() + "---\n# nothing\n---\n" + object("  protocols: nvme"),
			`document 2 (line 13): spec.protocols: want a list, not the text "nvme"`},
		{"a document behind the end of another is not overlooked", object() + "...\nkind: StorageVM\n",
			`document 2 (line 11): apiVersion: missing; want "seedproof.dev/v1alpha1"`},
		{"no YAML", "a: [\n", "document 1 (line 1): read it as YAML: yaml: line 2: did not find expected node content"},
		{"an empty file is not a wish for nothing", "", "read the file: there is nothing in it"},
		{"comments alone", "---\n# nothing\n---\n", "read the file: there is nothing in it"},
		{"bounded", strings.Repeat("#", maxBytes+1), "read the file: it has more than 1048576 bytes"},
		{"bounded in number", many, "read the file: it has 1001 documents; 1000 are allowed"},
		{"UTF-16 hides its document markers", "\xff\xfea\x00", "read the file: it is not UTF-8"},
		{"YAML takes a lone carriage return for the end of a line", object() + "#\r---\rkind: x\n", "read the file: its lines must end with a line feed, and with nothing else"},
		{"and a line separator", object() + "#\u2028---\n", "read the file: its lines must end with a line feed, and with nothing else"},
		{"two objects of one name", object() + "---\n" + object("  project: b", "  dataLIFs: [{address: 10.0.1.11}]", "  managementLIF: {address: 10.0.1.10}", "  credentials: []"),
			`document 2 (line 11): metadata.name "a": document 1 (line 1) has it, too; each StorageVM needs its own`},
		{"two projects whose SVM has one name", object("  project: a-b") + "---\n" + object("  name: b", "  project: ab", "  dataLIFs: []", "  managementLIF: {}", "  credentials: []"),
			`document 2 (line 11): spec.svmName "pab": document 1 (line 1) has it, too; each StorageVM needs its own`},
		{"an address and a Secret of another SVM", object() + "---\n" + object("  name: b", "  project: b", "  ipspace: Default", "  dataLIFs: [{address: 10.0.1.11}]"),
			"document 2 (line 11): spec.managementLIF.address \"10.0.0.10\": document 1 (line 1) has it, too; each StorageVM needs its own\n" +
				"document 2 (line 11): spec.credentials[0].secretName \"kube-system/web\": document 1 (line 1) has it, too; each StorageVM needs its own"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			all, err := Parse(strings.NewReader(c.text))
			if err == nil || all != nil {
				t.Fatalf("taken: %+v", all)
			}
			if err.Error() != c.want {
				t.Errorf("it says\n%s\nwanted\n%s", err, c.want)
			}
		})
	}
}

func TestParseTakes(t *testing.T) {
	for _, c := range []struct {
		reason, text string
		want         func(s StorageVM) bool
	}{
		{"a number of volumes without quotes", object("  maxVolumes: 500"), func(s StorageVM) bool { return s.Spec.MaxVolumes == "500" }},
		{"bytes without quotes", object("  storageLimit: 1099511627776"), func(s StorageVM) bool { return s.Spec.StorageLimit == "1099511627776" }},
		{"lines of Windows, with a byte order mark", "\ufeff" + strings.ReplaceAll(object(), "\n", "\r\n"), func(s StorageVM) bool { return s.Spec.Garden == "prod" }},
		{"a marker before the first document", "--- # first\n" + object(), func(s StorageVM) bool { return s.Spec.Garden == "prod" }},
		{"null is left out", object("  protocols: null"), func(s StorageVM) bool { return s.Spec.Protocols[0] == NVMe }},
		{"JSON is YAML", `{"apiVersion":"seedproof.dev/v1alpha1","kind":"StorageVM","spec":{"garden":"g"}}`, func(s StorageVM) bool { return s.Spec.Garden == "g" }},
		{"an empty list of shoots stays one", object("  credentials: []"), func(s StorageVM) bool { return s.Spec.Credentials != nil }},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if all := mustParse(t, c.text); len(all) != 1 || !c.want(all[0]) {
				t.Errorf("read as %+v", all)
			}
		})
	}
}

// In another IPspace an address is another address.
func TestAddressesOfIPspaces(t *testing.T) {
	mustParse(t, object()+"---\n"+object("  name: b", "  project: b", "  ipspace: tenants", "  credentials: []"))
}

// A file full of mistakes is answered with a bounded error.
func TestProblemsAreBounded(t *testing.T) {
	text := object()
	for i := range 5000 {
		text += fmt.Sprintf("  x%d: 1\n", i)
	}
	_, err := Parse(strings.NewReader(text))
	if err == nil || !strings.HasSuffix(err.Error(), "and 4900 more") || len(err.Error()) > 50_000 {
		t.Errorf("it says %.300v", err)
	}
}
