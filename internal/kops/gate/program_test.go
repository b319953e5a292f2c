package gate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindProgram(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(target, name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self := file("self/seedproof", "\x7fELF us", 0o755)
	kops := file("real/kops", "\x7fELF kops", 0o755)
	file("wrapper/kops", "#!/bin/sh\nexec /usr/bin/seedproof kops run -- \"$@\"\n", 0o755)
	file("script/kops", "#!/bin/sh\nexec /opt/kops \"$@\"\n", 0o755)
	file("data/kops", "not a program", 0o644)
	named := file("other/kops-1.30", "\x7fELF kops", 0o755)
	link(self, "link/kops")
	link(filepath.Join(dir, "link/kops"), "links/kops")
	link(filepath.Join(dir, "loop/kops"), "loop/kops")
	link(kops, "linked/kops")
	if err := os.MkdirAll(filepath.Join(dir, "folder/kops"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason, explicit, path string
		want, arg0             string // "" for an error
		says                   string
	}{
		{"the first on the path", "", "none:real:script", kops, "kops", ""},
		{"what is no program is passed over", "", "data:folder:loop:real", kops, "kops", ""},
		{"a link to it", "", "linked", filepath.Join(dir, "linked/kops"), "kops", ""},
		{"a script of somebody else", "", "script", filepath.Join(dir, "script/kops"), "kops", ""},
		{"we ourselves are passed over", "", "link:links:real", kops, "kops", ""},
		{"so is a script that calls us", "", "wrapper:real", kops, "kops", ""},
		{"only ourselves", "", "links", "", "", "leads back to seedproof"},
		{"none", "", "none", "", "", "there is none"},
		{"explicit", filepath.Join(dir, "other/kops-1.30"), "real", named, named, ""},
		{"explicit, by its name", "kops-1.30", "real:other", named, "kops-1.30", ""},
		{"explicit, and it is us", filepath.Join(dir, "link/kops"), "real", "", "", "leads back to seedproof"},
		{"explicit, and it calls us", filepath.Join(dir, "wrapper/kops"), "real", "", "", "leads back to seedproof"},
		{"explicit, and not there", filepath.Join(dir, "none/kops"), "real", "", "", "no such file"},
		{"explicit, and no program", filepath.Join(dir, "data/kops"), "real", "", "", "no program"},
	} {
		var path []string
		for name := range strings.SplitSeq(c.path, ":") {
			path = append(path, filepath.Join(dir, name))
		}
		got, err := FindProgram(c.explicit, strings.Join(path, ":"), self)
		if got.Path != c.want || got.Arg0 != c.arg0 || (err == nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v", c.reason, got, err)
		}
	}
	t.Chdir(filepath.Join(dir, "real"))
	if got, err := FindProgram("", ":/nowhere", self); err == nil {
		t.Errorf("out of the directory one happens to be in: %+v", got)
	}
}

// TestExecFails: a program that cannot be started is said, and a run that was
// stopped starts none.
func TestExecFails(t *testing.T) {
	err := Program{Path: filepath.Join(t.TempDir(), "gone"), Arg0: "kops"}.Exec(t.Context(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Program{Path: "/bin/true"}).Exec(ctx, nil, nil); err == nil {
		t.Error("started")
	}
}
