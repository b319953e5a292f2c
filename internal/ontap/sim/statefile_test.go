package sim

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestStateFileRoundTrip: what one simulator left, the next one is.
func TestStateFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	keep := func(o *Options) { o.StateFile, o.Clusters = path, 2 }
	first := newArray(t, keep)
	uuid := first.svm("p1")
	first.manage("p1", address, shoot, password)
	first.fail(5)
	first.opts.Times.Job = time.Hour
	first.must(202, "POST", "/svm/svms", `{"name":"p2"}`)
	want := first.Dump()
	first.Close()

	second := newArray(t, keep)
	if got := second.Dump(); !reflect.DeepEqual(got, want) {
		t.Errorf("the next one holds\n%+v\nexpected\n%+v", got, want)
	}
	if second.Cluster(0).UUID() != first.Cluster(0).UUID() || !bytes.Equal(second.Cluster(0).CA(), first.Cluster(0).CA()) {
		t.Error("the cluster has another identity")
	}
	if !second.Check("p1", shoot, password) || second.login(password) != 401 {
		t.Error("the password or the lock was not kept")
	}
	second.clock.forward(2 * time.Hour)
	if _, there := second.Dump().Find("p2"); !there {
		t.Error("the job that was at work did not go on")
	}
	if v, _ := second.Dump().Find("p1"); v.UUID != uuid {
		t.Error("the SVM has another uuid")
	}
}

// TestStateFileHoldsNoPassword, nor may anybody else read what it holds.
func TestStateFileHoldsNoPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	a := managed(t, func(o *Options) { o.StateFile = path })
	a.opts.Times.Job = time.Hour // a job that is at work holds what it was sent
	batch := a.must(202, "POST", "/security/accounts", `{"records":[{"name":"other","owner":{"name":"p1"},"password":"another123","applications":[{"application":"http"}]}]}`)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, admin := a.Cluster(0).Credentials()
	for _, secret := range []string{password, "another123", admin} {
		if bytes.Contains(data, []byte(secret)) {
			t.Error("a password stands in the state file")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; expected 0600", info.Mode(), err)
	}
	a.Close()
	next := newArray(t, func(o *Options) { o.StateFile = path })
	next.clock.forward(time.Hour)
	if r := next.do("GET", "/cluster/jobs/"+batch.text("job.uuid")+"?fields=**", ""); r.text("state") != "failure" {
		t.Errorf("the job whose passwords were forgotten: %s", r.raw)
	}
}

// TestCrashBeforeTheRename: a half-written temporary file is no state.
func TestCrashBeforeTheRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	keep := func(o *Options) { o.StateFile = path }
	first := newArray(t, keep)
	first.svm("p1")
	first.Close()
	if err := os.WriteFile(path+".tmp", []byte(`{"Version":1,"Sites":[{"Na`), 0o600); err != nil {
		t.Fatal(err)
	}
	second := newArray(t, keep)
	if _, there := second.Dump().Find("p1"); !there {
		t.Error("the SVM is lost")
	}
	second.svm("p2") // the left-over does not hinder the next write
	second.Close()
	if _, there := newArray(t, keep).Dump().Find("p2"); !there {
		t.Error("what came after the crash is lost")
	}
}

func TestStateFilesThatAreNone(t *testing.T) {
	good := filepath.Join(t.TempDir(), "state")
	newArray(t, func(o *Options) { o.StateFile = good }).Close()
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason string
		data   []byte
		want   string
	}{
		{"cut", data[:len(data)/2], "decode"},
		{"empty", nil, "decode"},
		{"of another format", bytes.Replace(data, []byte(`"Version":1`), []byte(`"Version":7`), 1), "format 7"},
		{"of one cluster, where two are wanted", data, "holds 1 clusters"},
	} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{StateFile: path, Clusters: 2}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.reason, err, c.want)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, c.data) {
			t.Errorf("%s: a file that was refused was changed (%v)", c.reason, err)
		}
	}
}

// TestStateThatCannotBeKept: nothing is told as done that a restart would lose.
func TestStateThatCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a := newArray(t, func(o *Options) { o.StateFile = filepath.Join(dir, "state") })
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	a.must(500, "POST", "/svm/svms", `{"name":"p1"}`)
}

// TestDumpHoldsNoSecret, whatever is added to it one day.
func TestDumpHoldsNoSecret(t *testing.T) {
	a := managed(t, nil)
	data, err := json.Marshal(struct {
		D Dump
		R []Request
	}{a.Dump(), a.Requests()})
	if err != nil {
		t.Fatal(err)
	}
	_, admin := a.Cluster(0).Credentials()
	for _, secret := range []string{password, admin, "Hash", "Salt"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%q stands in the dump or in the request log", secret)
		}
	}
}
