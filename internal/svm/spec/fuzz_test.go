package spec

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func seeds(f *testing.F, more ...string) {
	f.Helper()
	files, err := filepath.Glob(examples + "*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no examples, %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range more {
		f.Add(text)
	}
}

// Whatever the file holds: it is refused, or what was read is the same when it
// is written and read again, and no document of it was overlooked.
func FuzzParse(f *testing.F) {
	seeds(f, "", "---\n...\n", object("  maxVolumes: 5"), object()+"---\n"+object(), object("  dataLIFs: [&a {netmask: 1}, *a]"),
		object("  credentials: [{rotation: {every: 1h}}]"), object("  <<: {garden: x}"), "a: &a [*a]", "? [a]\n: b", "%YAML 1.1\n---\na: b", "--- |\n x\n",
		"\ufeff"+object(), object("  project: !!binary aGk="), object("  project: 2026-11-21"), object("  storageLimit: 0x10"))
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse(strings.NewReader(text))
		if err != nil {
			if len(all) > 0 || len(err.Error()) > 1<<20 {
				t.Fatalf("with an error: %d objects, %d bytes", len(all), len(err.Error()))
			}
			return
		}
		var written []string
		for _, s := range all {
			_, _ = s.Validate(), s.Warnings()
			_, _ = s.StorageLimitBytes()
			_ = s.Paths(nil)
			one, err := yaml.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			written = append(written, string(one))
		}
		again, err := Parse(strings.NewReader(strings.Join(written, "---\n")))
		if err != nil || !reflect.DeepEqual(again, all) {
			t.Fatalf("written and read again: %v\n%+v\nnot\n%+v", err, again, all)
		}
	})
}

func FuzzParseArrays(f *testing.F) {
	seeds(f, "", arraysHead, arraysHead+array(), arraysHead+array()+array("name: m2", "url: https://x"), arraysHead+array("url: 'https://a:b@c'"),
		arraysHead+array("url: https://%41"), arraysHead+array("fingerprints: ['']"))
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseArrays(strings.NewReader(text))
		if err != nil {
			if len(all) > 0 {
				t.Fatal("arrays beside an error")
			}
			return
		}
		urls := map[string]bool{}
		for _, a := range all {
			if p := a.path(); p.Host == "" || p.Port < 1 || p.Port > 65535 {
				t.Fatalf("a path to %q, port %d", p.Host, p.Port)
			}
			if urls[a.URL] || a.Name == "" || a.PasswordFile == "" {
				t.Fatalf("taken: %+v", all)
			}
			urls[a.URL] = true
		}
	})
}
