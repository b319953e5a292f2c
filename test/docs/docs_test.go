package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// documents are held to what they say.
var documents = []string{"docs/kops.md", "docs/incidents/kops-16416.md", "docs/svm/commands.md", "docs/incidents/seed-secret.md"}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestEveryCommandOfTheDocuments types them.
func TestEveryCommandOfTheDocuments(t *testing.T) {
	for _, document := range documents {
		blocks, err := parse(read(t, document))
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}
		worlds, ran := map[string]*world{}, 0
		for i, b := range blocks {
			if !b.runs() || testing.Short() && b.slow() {
				continue
			}
			ran++
			w := worlds[b.in]
			if w == nil && strings.Contains(b.in, "#") { // it outlives the first of its blocks
				w = newWorld(t, b)
				worlds[b.in] = w
			}
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(document), b.line), func(t *testing.T) {
				if w == nil {
					w = newWorld(t, b)
				}
				printed, code := w.run(t, b)
				if code != b.exit || !strings.Contains(printed, b.says) {
					t.Fatalf("exit code %d; want %d, and %q in:\n%s", code, b.exit, b.says, printed)
				}
				if i+1 < len(blocks) && blocks[i+1].prints {
					compare(t, blocks[i+1], printed)
				}
			})
		}
		for _, w := range worlds {
			w.end()
		}
		if ran == 0 {
			t.Errorf("%s: nothing was run", document)
		}
	}
}

var (
	spaces = regexp.MustCompile(`\s+`)
	ages   = regexp.MustCompile(`\d+[smhd] ago`)
)

// compare looks for each line of what a document says that is printed. … is
// anything, ages differ from run to run, and spaces do not count.
func compare(t *testing.T, said block, printed string) {
	t.Helper()
	settle := func(text string) string { return ages.ReplaceAllString(spaces.ReplaceAllString(text, " "), "AGE") }
	printed = settle(printed)
	for _, line := range strings.Split(strings.TrimSpace(said.text), "\n") {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(settle(line))), "…", ".*")
		if !regexp.MustCompile(pattern).MatchString(printed) {
			t.Errorf("line %d on: it does not print %q, but:\n%s", said.line+1, line, printed)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)

// TestLinks: what a document points at is there, headings too.
func TestLinks(t *testing.T) {
	for _, document := range documents {
		for _, found := range link.FindAllStringSubmatch(read(t, document), -1) {
			target := document
			if found[1] != "" {
				target = filepath.Join(filepath.Dir(document), found[1])
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %v", document, err)
			} else if found[2] != "" && !strings.Contains(headings(read(t, target)), " "+found[2]+" ") {
				t.Errorf("%s: %s has no heading #%s", document, target, found[2])
			}
		}
	}
}

// headings are those of a document as links name them, with a space around each.
func headings(document string) string {
	all := " "
	for line := range strings.Lines(document) {
		if title, found := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); found && line[0] == '#' {
			kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			all += strings.ReplaceAll(kept, " ", "-") + " "
		}
	}
	return all
}

// TestAlertsAreThere: an alert that a document names is one.
func TestAlertsAreThere(t *testing.T) {
	rules := read(t, "deploy/alerts/seedproof-etcd.rules.yaml") + read(t, "deploy/alerts/seedproof-kops.rules.yaml") + read(t, "deploy/alerts/seedproof-svm.rules.yaml")
	for _, document := range documents {
		for _, name := range regexp.MustCompile("`(Seedproof[A-Za-z]+)`").FindAllStringSubmatch(read(t, document), -1) {
			if !strings.Contains(rules, "alert: "+name[1]+"\n") {
				t.Errorf("%s: there is no alert %s", document, name[1])
			}
		}
	}
}
