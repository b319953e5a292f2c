package trouble_test

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/svm/trouble"
)

// TestTheDocumentHolds: its example can be configured, and every kind of
// trouble and every threshold has a place in it.
func TestTheDocumentHolds(t *testing.T) {
	b, err := os.ReadFile("../../../docs/alerts-svm.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	var th trouble.Thresholds
	if err := yaml.UnmarshalStrict([]byte(example), &th); err != nil || !found || th == (trouble.Thresholds{}) {
		t.Fatalf("the example reads as %+v: %v", th, err)
	}
	if err := th.Validate(); err != nil {
		t.Error(err)
	}
	for _, kind := range trouble.Types() {
		if !strings.Contains(string(b), "| `"+string(kind)+"` |") {
			t.Errorf("%s is not documented", kind)
		}
	}
	full, err := yaml.Marshal(th.Filled())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(full)) {
		if name, _, _ := strings.Cut(line, ":"); !strings.HasPrefix(name, " ") && !strings.Contains(string(b), name) {
			t.Errorf("%s is not documented", name)
		}
	}
}
