package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/svm/spec"
)

// anotherObject wants nothing that svmObject wants, but for what is replaced.
func anotherObject(replace ...string) string {
	text := strings.NewReplacer("name: team", "name: crew", "project: team", "project: crew", "shoot--team", "shoot--crew", "team-prod", "crew-prod",
		"192.0.2.10", "192.0.2.110", "192.0.2.20", "192.0.2.120", "192.0.2.21", "192.0.2.121").Replace(svmObject)
	return strings.NewReplacer(replace...).Replace(text)
}

// writeFiles writes files of these contents, and gives their paths.
func writeFiles(t *testing.T, contents ...string) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, text := range contents {
		path := filepath.Join(dir, string(rune('a'+i))+".yaml")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "NAMESPACE", "default")), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// No two objects of one command may be one SVM, or want one thing: each would
// undo what is done for the other.
func TestSVMFilesThatContend(t *testing.T) {
	for _, c := range []struct {
		reason string
		files  []string
		wrong  []string // what the error says; none: they may stand together
	}{
		{"two SVMs of two projects", []string{svmObject, anotherObject()}, nil},
		{"two documents of one file that are one SVM", []string{svmObject + "---\n" + anotherObject("project: crew", "project: team")},
			[]string{"a.yaml", `document 2 (line 16): spec.svmName "pteam": document 1 (line 1) has it, too`}},
		{"two files that are one SVM", []string{svmObject, anotherObject("project: crew", "project: team")},
			[]string{"StorageVM team in DIR/a.yaml and StorageVM crew in DIR/b.yaml both want SVM pteam; each StorageVM needs its own"}},
		{"two owners and one SVM", []string{svmObject, anotherObject("garden: garden", "garden: other\n  svmName: pteam")},
			[]string{"DIR/a.yaml and StorageVM crew in DIR/b.yaml both want SVM pteam"}},
		{"one name of two objects", []string{svmObject, anotherObject("name: crew", "name: team")}, []string{"DIR/b.yaml both want the name team"}},
		{"one address", []string{svmObject, anotherObject("192.0.2.110", "192.0.2.21")}, []string{"both want address 192.0.2.21 in IPspace Default"}},
		{"one address in two IPspaces", []string{svmObject, anotherObject("192.0.2.110", "192.0.2.21", "project: crew", "project: crew\n  ipspace: tenants")}, nil},
		{"one Secret", []string{svmObject, anotherObject("crew-prod", "team-prod")}, []string{"both want Secret default/team-prod"}},
		{"the third is the first again", []string{svmObject, anotherObject(), svmObject}, []string{"StorageVM team in DIR/a.yaml and StorageVM team in DIR/c.yaml both want SVM pteam"}},
	} {
		paths := writeFiles(t, c.files...)
		all, err := readStorageVMs(paths)
		if len(c.wrong) == 0 && (err != nil || len(all) != len(c.files)) {
			t.Errorf("%s: %d objects, %v", c.reason, len(all), err)
		}
		if len(c.wrong) > 0 && exitCode(err) != exitUsage {
			t.Errorf("%s: exit code %d: %v", c.reason, exitCode(err), err)
			continue
		}
		for _, part := range c.wrong {
			if part = strings.ReplaceAll(part, "DIR", filepath.Dir(paths[0])); strings.Count(err.Error(), part) != 1 {
				t.Errorf("%s: %v\ndoes not say once %q", c.reason, err, part)
			}
		}
	}
}

// Every command of the group refuses them, before anybody is asked.
func TestSVMCommandsRefuseOneSVMTwice(t *testing.T) {
	files := writeFiles(t, svmObject, anotherObject("project: crew", "project: team"), "")
	for _, command := range [][]string{
		{"plan"}, {"apply"}, {"status"}, {"explain"}, {"rotate", "pteam"}, {"delete", "pteam"},
		{"approve", "recreate", "pteam"}, {"approve", "destroy", "pteam"}, {"approve", "fail-claim", "pteam", "--attempt", "1"}, {"attest", "lost", "array/a1", "pteam"},
	} {
		args := slices.Concat([]string{"svm"}, command, []string{"-f", files[0], "-f", files[1], "--arrays", files[2], "--kubeconfig", files[2]})
		code, stdout, stderr := runCommand(t, args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, files[0]) || !strings.Contains(stderr, files[1]) || !strings.Contains(stderr, "both want SVM pteam") {
			t.Errorf("%v: exit code %d: %s%s", command, code, stdout, stderr)
		}
	}
}

// A name is that of an SVM or of an object, and never of two.
func TestChooseSVMs(t *testing.T) {
	object := func(name, svm string) storageVM {
		return storageVM{spec.StorageVM{Metadata: spec.Metadata{Name: name}, Spec: spec.Spec{SVMName: svm}}, name + ".yaml"}
	}
	a, b := object("a", "pa"), object("b", "pb")
	crossed := object("c", "b") // the SVM is called as another's object
	for _, c := range []struct {
		reason string
		all    []storageVM
		names  []string
		single bool
		want   string // their SVMs
		wrong  string
	}{
		{"none is named: all are meant", []storageVM{a, b}, nil, false, "pa pb", ""},
		{"one alone can be meant, and there is one", []storageVM{a}, nil, true, "pa", ""},
		{"one alone can be meant, and there are two", []storageVM{a, b}, nil, true, "", "a.yaml and b.yaml hold 2 SVMs; say which is meant: pa, pb"},
		{"one alone can be meant, and two are named", []storageVM{a, b}, []string{"a", "b"}, true, "", "say which is meant"},
		{"by the name of the SVM", []storageVM{a, b}, []string{"pb"}, true, "pb", ""},
		{"by the name of the object", []storageVM{a, b}, []string{"b"}, false, "pb", ""},
		{"by both: it is one, and is meant once", []storageVM{a, b}, []string{"pb", "b", "pb"}, true, "pb", ""},
		{"in the order in which they are named", []storageVM{a, b}, []string{"b", "a"}, false, "pb pa", ""},
		{"nobody is called so", []storageVM{a, b}, []string{"x"}, false, "", `no SVM "x"`},
		{"a name of two: the wrong one could be deleted", []storageVM{b, crossed}, []string{"b"}, true, "", "StorageVM b in b.yaml is SVM pb, StorageVM c in c.yaml is SVM b"},
		{"the other names of those two", []storageVM{b, crossed}, []string{"c", "pb"}, false, "b pb", ""},
	} {
		chosen, err := chooseSVMs(c.all, []string{"a.yaml", "b.yaml"}, svmOptions{names: c.names, single: c.single})
		var got []string
		for _, v := range chosen {
			got = append(got, v.Spec.SVMName)
		}
		if strings.Join(got, " ") != c.want || (err != nil) != (c.wrong != "") || err != nil && (exitCode(err) != exitUsage || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, %v", c.reason, got, err)
		}
	}
}

// Commands that are printed find the same files.
func TestSVMTargetAgain(t *testing.T) {
	target := svmTarget{files: []string{"a b.yaml", "c.yaml"}, arrays: "x.yaml", context: "seed", namespace: svmNamespace}
	if got, want := target.again(), " -f 'a b.yaml' -f c.yaml --arrays x.yaml --context seed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
