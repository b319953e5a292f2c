package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
)

const arraysHead = "apiVersion: seedproof.dev/v1alpha1\nkind: Arrays\narrays:\n"

// array is an array that is right, in YAML, with fields changed by name; one
// that is changed to "" is left out.
func array(change ...string) string {
	fields := []string{"name: m1", "url: https://10.0.0.1", "user: admin", "passwordFile: p", "insecure: " + ontap.SkipWord}
	for _, line := range change {
		name, value, _ := strings.Cut(line, ": ")
		kept := fields[:0:0]
		for _, field := range fields {
			if !strings.HasPrefix(field, name+":") {
				kept = append(kept, field)
			}
		}
		if fields = kept; value != "" {
			fields = append(fields, line)
		}
	}
	return "- {" + strings.Join(fields, ", ") + "}\n"
}

func TestArraysRefused(t *testing.T) {
	const (
		urlWords = "arrays[0].url: want https://HOST or https://HOST:PORT of the cluster management LIF, with no user, password or path"
		unique   = " is the same; each array needs its own, since each is asked as a witness of its own"
		uuid     = "3c5a2f1e-9d52-11ee-8f2b-00a0b8f1c001"
	)
	for _, c := range []struct{ reason, text, want string }{
		{"no array is not an empty set of witnesses", "", "arrays: missing; want at least one"},
		{"a password is not given, and not repeated", array("password: hunter2"),
			"arrays[0].password: there is no such field; known are caFile, clusterUUID, fingerprints, insecure, name, passwordFile, serverName, url, user"},
		{"no name", array("name: "), `arrays[0].name "": ` + arrayWords},
		{"not encrypted", array("url: http://10.0.0.1"), urlWords},
		{"a password in the URL is not repeated", array("url: https://admin:hunter2@10.0.0.1"), urlWords},
		{"no URL", array("url: '://'"), urlWords},
		{"a path", array("url: https://10.0.0.1/api"), urlWords},
		{"a port that is none", array("url: https://10.0.0.1:70000"), urlWords},
		{"no host", array("url: https://:443"), urlWords},
		{"no user", array("user: "), `arrays[0].user "": want the name of an account of the array's administrator`},
		{"no password", array("passwordFile: "), "arrays[0].passwordFile: missing; want the path of a file that holds the password, with mode 0600"},
		{"no trust", array("insecure: "), "arrays[0]: want exactly one of caFile, fingerprints and insecure, by which the array is known; it has 0"},
		{"two ways of trust", array("caFile: ca.pem"), "arrays[0]: want exactly one of caFile, fingerprints and insecure, by which the array is known; it has 2"},
		{"not the word", array(`insecure: "yes"`), `arrays[0].insecure "yes": whoever answers is then given the password; if that is meant, the word is "insecure-skip-tls-verify"`},
		{"no fingerprint", array("insecure: ", "fingerprints: ['abc']"), "arrays[0].fingerprints[0] \"abc\": want the 64 hex digits of a SHA-256, as `openssl x509 -noout -fingerprint -sha256` prints them"},
		{"a name without a bundle", array("serverName: x"), `arrays[0].serverName "x": it is of use with caFile only`},
		{"no UUID", array("clusterUUID: x"), "arrays[0].clusterUUID \"x\": want a UUID, as `cluster identity show -fields uuid` shows it"},
		{"a name twice", array() + array("url: https://10.0.0.2"), "arrays[1].name: arrays[0].name" + unique},
		{"a URL twice, in other words", array("url: 'https://[2001:db8::1]'") + array("name: m2", "url: 'https://[2001:DB8:0::1]:443/'"), "arrays[1].url: arrays[0].url" + unique},
		{"a cluster twice, in other words", array("clusterUUID: "+uuid) + array("name: m2", "url: https://10.0.0.2", "clusterUUID: "+strings.ToUpper(uuid)), "arrays[1].clusterUUID: arrays[0].clusterUUID" + unique},
	} {
		t.Run(c.reason, func(t *testing.T) {
			all, err := ParseArrays(strings.NewReader(arraysHead + c.text))
			if err == nil || all != nil {
				t.Fatalf("taken: %+v", all)
			}
			if err.Error() != c.want {
				t.Errorf("it says\n%s\nwanted\n%s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("a password is shown")
			}
		})
	}
}

func TestArraysAreOneDocument(t *testing.T) {
	text := arraysHead + array()
	if _, err := ParseArrays(strings.NewReader(text + "---\n" + text)); err == nil || err.Error() != "document 2 (line 5): want one document alone" {
		t.Errorf("it says %v", err)
	}
}

func TestLoadArraysExample(t *testing.T) {
	all, err := LoadArrays(examples + "arrays.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].PasswordFile != filepath.Join(examples, "muc1.password") || all[1].PasswordFile != "/etc/seedproof/muc2.password" || all[0].CAFile != "" {
		t.Errorf("read as %+v", all)
	}
	if _, err := LoadArrays(examples + "none.yaml"); err == nil {
		t.Error("a file that is not there is taken for no arrays")
	}
}

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the mask of the process has no say
		t.Fatal(err)
	}
	return path
}

func TestOptions(t *testing.T) {
	fingerprint := strings.Repeat("ab", 32)
	ca := write(t, "ca.pem", "a bundle", 0o644)
	for _, text := range []string{"hunter2", "hunter2\n", "hunter2\r\n"} {
		o, err := Array{Name: "m1", URL: "https://10.0.0.1", User: "admin", PasswordFile: write(t, "p", text, 0o400), Fingerprints: []string{fingerprint}}.Options()
		if err != nil || o.Password.Reveal() != "hunter2" {
			t.Errorf("%q: the password was read otherwise, %v", text, err)
		}
		if o.Name != "m1" || o.URL != "https://10.0.0.1" || o.User != "admin" || len(o.Trust.Pins) != 1 || o.Trust.Skip != "" {
			t.Errorf("options %+v", o)
		}
	}
	password := write(t, "p", "hunter2", 0o600)
	o, err := Array{PasswordFile: password, CAFile: ca, ServerName: "x"}.Options()
	if want := (ontap.Trust{CA: []byte("a bundle"), ServerName: "x"}); err != nil || !reflect.DeepEqual(o.Trust, want) {
		t.Errorf("trust %+v, %v", o.Trust, err)
	}
	o, err = Array{PasswordFile: password, Insecure: ontap.SkipWord}.Options()
	if want := (ontap.Trust{Skip: ontap.SkipWord}); err != nil || !reflect.DeepEqual(o.Trust, want) {
		t.Errorf("trust %+v, %v", o.Trust, err)
	}
}

// A client of the array takes what Options gives.
func TestOptionsMakeAClient(t *testing.T) {
	text := arraysHead + array("passwordFile: "+write(t, "p", "hunter2", 0o600))
	all, err := ParseArrays(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := all[0].Options()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ontap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestOptionsRefused(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	fine := write(t, "fine", "hunter2", 0o600)
	open, group := write(t, "open", "hunter2", 0o604), write(t, "group", "hunter2", 0o640)
	empty, line, two, long := write(t, "p", "", 0o600), write(t, "p", "\n", 0o600), write(t, "p", "hunter2\nhunter2", 0o600), write(t, "p", strings.Repeat("hunter2", 1000), 0o600)
	dir := t.TempDir()
	for _, c := range []struct {
		reason string
		array  Array
		want   string
	}{
		{"no file", Array{PasswordFile: none}, fmt.Sprintf("read the password file: stat %s: no such file or directory", none)},
		{"others may read it", Array{PasswordFile: open}, fmt.Sprintf("read the password file: others may use %[1]s (mode 0604); type: chmod 600 %[1]s", open)},
		{"the group may read it", Array{PasswordFile: group}, fmt.Sprintf("read the password file: others may use %[1]s (mode 0640); type: chmod 600 %[1]s", group)},
		{"nothing in it", Array{PasswordFile: empty}, fmt.Sprintf("read the password file: %s is empty", empty)},
		{"an empty line", Array{PasswordFile: line}, fmt.Sprintf("read the password file: %s has an empty line", line)},
		{"two lines", Array{PasswordFile: two}, fmt.Sprintf("read the password file: %s has more than one line", two)},
		{"too long", Array{PasswordFile: long}, fmt.Sprintf("read the password file: %s has more than 4096 bytes", long)},
		{"no file but a directory", Array{PasswordFile: dir}, fmt.Sprintf("read the password file: %s is no regular file", dir)},
		{"no bundle", Array{PasswordFile: fine, CAFile: none}, fmt.Sprintf("read the CA bundle: stat %s: no such file or directory", none)},
		{"a fingerprint that was not checked", Array{PasswordFile: fine, Fingerprints: []string{"x"}}, `read fingerprint "x": want the 64 hex digits of a SHA-256`},
	} {
		c.array.Name = "m1"
		o, err := c.array.Options()
		if err == nil || err.Error() != "array m1: "+c.want {
			t.Errorf("%s: it says %v", c.reason, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || !o.Password.IsEmpty() {
			t.Errorf("%s: a password is shown", c.reason)
		}
	}
}

func TestAmong(t *testing.T) {
	all := []Array{{Name: "m1"}, {Name: "m2"}, {Name: "m3"}}
	for _, c := range []struct {
		reason string
		arrays []string
		array  string
		want   string
	}{
		{"all, where nothing is said", nil, "", "m1 m2 m3"},
		{"the target does not narrow who is asked", nil, "m2", "m1 m2 m3"},
		{"those named, in the order of the configuration", []string{"m3", "m1"}, "m1", "m1 m3"},
		{"an array that would never be asked", []string{"m1", "m9"}, "", `spec.arrays[1] "m9": no such array is configured; there are m1, m2, m3`},
		{"a target that would never be asked", nil, "m9", `spec.array "m9": no such array is configured; there are m1, m2, m3`},
	} {
		got, err := StorageVM{Spec: Spec{Arrays: c.arrays, Array: c.array}}.Among(all)
		text := strings.Join(names(got), " ")
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s: %s", c.reason, text)
		}
	}
	if len(all) != 3 || all[0].Name != "m1" || all[2].Name != "m3" {
		t.Error("the configuration was changed")
	}
}
