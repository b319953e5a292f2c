package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
)

// approve has a person approve a command, and gives the file.
func (s *stage) approve(line string) string {
	s.t.Helper()
	s.who = &person{answers: []string{prod}}
	defer func() { s.who = nil }()
	path := filepath.Join(s.home, "approval.json")
	if err := s.gate().Approve(s.t.Context(), s.request(line), "Ada", path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func TestApprovalIsUsedOnce(t *testing.T) {
	s := incident(t)
	path := s.approve(updateYes)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	if err := s.runWith(path, updateYes); err != nil || len(s.started) != 1 {
		t.Fatalf("%v\n%s", err, &s.out)
	}
	if !strings.Contains(s.out.String(), "Approved by Ada") || !strings.Contains(s.out.String(), "on this machine and in the state store") {
		t.Error(&s.out)
	}
	err := s.runWith(path, updateYes)
	if codeOf(err) != 3 || !errors.Is(err, ErrUsed) || len(s.started) != 1 {
		t.Errorf("used again: %v", err)
	}
	// On another machine the state store knows.
	s.home = t.TempDir()
	if err := s.runWith(path, updateYes); codeOf(err) != 3 || !errors.Is(err, ErrUsed) || len(s.started) != 1 {
		t.Errorf("used again elsewhere: %v", err)
	}
}

// TestApprovalRace: of many runs at once, one uses it.
func TestApprovalRace(t *testing.T) {
	s := incident(t)
	content, err := os.ReadFile(s.approve(updateYes))
	if err != nil {
		t.Fatal(err)
	}
	a, err := decodeApproval(content)
	if err != nil {
		t.Fatal(err)
	}
	const runs = 16
	won := make(chan error, runs)
	for i := range runs {
		go func() {
			used := Used{Dir: filepath.Join(s.home, "used", string(rune('a'+i%2))), Open: s.gate().Used.Open}
			_, err := used.Consume(t.Context(), a, now)
			won <- err
		}()
	}
	winners := 0
	for range runs {
		if err := <-won; err == nil {
			winners++
		} else if !errors.Is(err, ErrUsed) {
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d runs used it", winners)
	}
}

// TestApprovalIsVoid: for anything else than what it was given for.
func TestApprovalIsVoid(t *testing.T) {
	edit := func(change func(a map[string]any)) func(t *testing.T, s *stage, path string) {
		return func(t *testing.T, _ *stage, path string) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var a map[string]any
			if err := json.Unmarshal(content, &a); err != nil {
				t.Fatal(err)
			}
			change(a)
			put(t, path, a)
		}
	}
	nothing := func(*testing.T, *stage, string) {}
	content := func(text string) func(t *testing.T, s *stage, path string) {
		return func(t *testing.T, _ *stage, path string) { write(t, path, text) }
	}
	for _, c := range []struct {
		reason, line string
		change       func(t *testing.T, s *stage, path string)
		says         string
	}{
		{"other arguments", updateYes + " --prune", nothing, "it is for `kops update cluster prod.example.com --yes`"},
		{"another command", "reconcile cluster " + prod + " --yes", nothing, "it is for `kops update"},
		{"the evidence changed", updateYes, func(t *testing.T, s *stage, _ string) { kopstest.Put(t, s.store, spec, "{}") }, "what was found has changed"},
		{"a leaving is gone", updateYes, func(t *testing.T, s *stage, _ string) { kopstest.Delete(t, s.store, prod+"/kops-version.txt") }, "what was found has changed"},
		{"another restore is queued", updateYes, func(t *testing.T, s *stage, _ string) {
			kopstest.Put(t, s.store, prod+"/backups/etcd/main/control/2026-11-01T02:00:00Z-000000/_command.json", "{}")
		}, "what was found has changed"},
		{"it cannot be asked any more", updateYes, func(_ *testing.T, s *stage, _ string) { s.store = denied{s.store, marker} }, "what was found has changed"},
		{"no backup is opened now", updateYes, func(_ *testing.T, s *stage, _ string) { s.skipVerify = true }, "given without --skip-verify"},
		{"it expired", updateYes, func(_ *testing.T, s *stage, _ string) { s.now = now.Add(approvalLife + time.Minute) }, "it expired on 2026-11-02 03:00"},
		{"it comes from the future", updateYes, func(_ *testing.T, s *stage, _ string) { s.now = now.Add(-time.Hour) }, "yet to come"},
		{"edited: it lives longer", updateYes, edit(func(a map[string]any) { a["expires"] = "2036-11-02T03:00:00Z" }), "it was edited"},
		{"edited: another nonce", updateYes, edit(func(a map[string]any) { a["nonce"] = strings.Repeat("0", 32) }), "it was edited"},
		{"edited: no nonce", updateYes, edit(func(a map[string]any) { delete(a, "nonce") }), "no nonce"},
		{"a nonce that is a path", updateYes, edit(func(a map[string]any) { a["nonce"] = "../../../../../../../tmp/x00000000" }), "no nonce"},
		{"an unknown field", updateYes, edit(func(a map[string]any) { a["x"] = 1 }), "not the JSON of an approval"},
		{"a newer format", updateYes, edit(func(a map[string]any) { a["format"] = 2 }), "format 2"},
		{"another kind of file", updateYes, edit(func(a map[string]any) { a["kind"] = "record" }), `it is a "record"`},
		{"empty", updateYes, content(""), "not the JSON"},
		{"not JSON", updateYes, content("approved!"), "not the JSON"},
		{"cut", updateYes, func(t *testing.T, _ *stage, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		}, "not the JSON"},
		{"huge", updateYes, content(strings.Repeat(" ", MaxApproval+1)), "more than 65536 bytes"},
		{"something behind it", updateYes, func(t *testing.T, _ *stage, path string) {
			old, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, string(old)+"{}")
		}, "not the JSON"},
		{"not there", updateYes, func(t *testing.T, _ *stage, path string) { remove(t, path) }, "is not there"},
		{"a directory", updateYes, func(t *testing.T, _ *stage, path string) {
			remove(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is no file"},
		{"a pipe that nobody writes into", updateYes, func(t *testing.T, _ *stage, path string) {
			remove(t, path)
			if err := unix.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is no file"},
		{"others can write it", updateYes, func(t *testing.T, _ *stage, path string) {
			if err := os.Chmod(path, 0o620); err != nil {
				t.Fatal(err)
			}
		}, "chmod go-w"},
	} {
		s := incident(t)
		path := s.approve(updateYes)
		c.change(t, s, path)
		s.who = &person{answers: []string{prod}} // a void approval is not made up for
		err := s.runWith(path, c.line)
		if codeOf(err) != 3 || len(s.started) != 0 || len(s.who.asked) != 0 || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; asked %q", c.reason, err, s.who.asked)
		}
		if _, err := os.Stat(filepath.Join(s.home, "used")); err == nil {
			t.Errorf("%s: it is used up", c.reason)
		}
	}
}

func put(t *testing.T, path string, v any) {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(content))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestApprovalOfAnotherCluster: the same incident in another cluster, by the
// same arguments (the name comes from a variable).
func TestApprovalOfAnotherCluster(t *testing.T) {
	const other = "test.example.com"
	s := incident(t)
	kopstest.Healthy(other, 3, now).Write(t, s.store)
	for _, key := range []string{marker, spec} {
		kopstest.Delete(t, s.store, strings.Replace(key, prod, other, 1))
	}
	path := s.approve("update cluster --yes --name " + prod)
	r := s.request("update cluster --yes --name " + prod)
	r.Command.Cluster, r.Approval = other, path
	if err := s.gate().Run(t.Context(), r); codeOf(err) != 3 || len(s.started) != 0 || !strings.Contains(err.Error(), "for the cluster "+prod) {
		t.Error(err)
	}
	r = s.request("update cluster --yes --name " + prod)
	r.Approval = path
	s.store = renamed{s.store, "s3://other"}
	if err := s.gate().Run(t.Context(), r); codeOf(err) != 3 || len(s.started) != 0 || !strings.Contains(err.Error(), "for the state store s3://state") {
		t.Error(err)
	}
}

// TestApprovalChangedAtTheLastMoment: between the look and the start.
func TestApprovalChangedAtTheLastMoment(t *testing.T) {
	s := incident(t)
	path := s.approve(updateYes)
	s.looks = 0
	s.looked = func(n int) {
		if n == 2 {
			kopstest.Put(t, s.store, spec, "{}")
		}
	}
	if err := s.runWith(path, updateYes); codeOf(err) != 3 || len(s.started) != 0 || !strings.Contains(err.Error(), "last moment") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(s.home, "used")); err == nil {
		t.Error("it is used up")
	}
}

// TestApprovalWithoutBackups: one that was given with no backup opened is not
// for a run that opens them, where they may say more.
func TestApprovalWithoutBackups(t *testing.T) {
	s := incident(t)
	s.skipVerify = true
	path := s.approve(updateYes)
	s.skipVerify = false
	if err := s.runWith(path, updateYes); codeOf(err) != 3 || len(s.started) != 0 || !strings.Contains(err.Error(), "given with --skip-verify") {
		t.Error(err)
	}
	s.skipVerify = true
	if err := s.runWith(path, updateYes); err != nil || len(s.started) != 1 {
		t.Error(err)
	}
}

// TestApprovalNotNeeded: it is kept for when it is.
func TestApprovalNotNeeded(t *testing.T) {
	s := newStage(t, healthy())
	if err := s.runWith("/not/there", updateYes); err != nil || len(s.started) != 1 || !strings.Contains(s.out.String(), "not needed") {
		t.Errorf("%v: %s", err, &s.out)
	}
	path := filepath.Join(s.home, "approval.json")
	if err := s.gate().Approve(t.Context(), s.request(updateYes), "Ada", path); err != nil || !strings.Contains(s.out.String(), "Nothing has to be approved") {
		t.Errorf("%v: %s", err, &s.out)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file for nothing")
	}
}

// TestApproveAsks: it is a person's word, or none.
func TestApproveAsks(t *testing.T) {
	for _, c := range []struct {
		reason string
		who    *person
		change func(s *stage)
		code   int
	}{
		{"nobody there", nil, nil, 3},
		{"y is not enough", &person{answers: []string{"y"}}, nil, 3},
		{"the end of the input", &person{}, nil, 1},
		{"no such cluster", &person{answers: []string{prod}}, func(s *stage) { kopstest.DeleteAll(t, s.store, prod) }, 1},
	} {
		s := incident(t)
		kopstest.Healthy("other.example.com", 1, now).Write(t, s.store)
		if s.who = c.who; c.change != nil {
			c.change(s)
		}
		path := filepath.Join(s.home, "approval.json")
		if err := s.gate().Approve(t.Context(), s.request(updateYes), "Ada", path); codeOf(err) != c.code {
			t.Errorf("%s: %v", c.reason, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: it is approved", c.reason)
		}
	}
}

// TestUsedIsNoted: what is said about where, and what stops it.
func TestUsedIsNoted(t *testing.T) {
	a := newApproval(Bound{State: "s3://state", Cluster: prod}, "Ada", now)
	for _, c := range []struct {
		reason string
		store  func(s store.Store) store.Store
		says   string
	}{
		{"both", func(s store.Store) store.Store { return s }, "and in the state store"},
		{"only reading is allowed", func(s store.Store) store.Store { return readOnly{s, store.ErrDenied} }, "on this machine only: the state store may not be written"},
		{"the answer is lost", func(s store.Store) store.Store { return readOnly{s, errors.New("connection reset")} }, "on this machine only: whether"},
	} {
		s := newStage(t)
		used := Used{Dir: filepath.Join(t.TempDir(), "used"), Open: func(context.Context, string) (store.Store, error) { return c.store(s.store), nil }}
		note, err := used.Consume(t.Context(), a, now)
		if err != nil || !strings.Contains(note, c.says) {
			t.Errorf("%s: %q, %v", c.reason, note, err)
		}
		files, err := os.ReadDir(used.Dir)
		if err != nil || len(files) != 1 {
			t.Errorf("%s: %v, %v", c.reason, files, err)
		}
		if _, err := used.Consume(t.Context(), a, now); !errors.Is(err, ErrUsed) {
			t.Errorf("%s: used again: %v", c.reason, err)
		}
	}
	used := Used{Dir: filepath.Join(t.TempDir(), "used"), Open: func(context.Context, string) (store.Store, error) { return nil, errors.New("no such driver") }}
	if note, err := used.Consume(t.Context(), a, now); err != nil || !strings.Contains(note, "could not be opened") {
		t.Errorf("no driver: %q, %v", note, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if _, err := (Used{Dir: file}).Consume(t.Context(), a, now); err == nil || errors.Is(err, ErrUsed) {
		t.Errorf("no directory: %v", err)
	}
	// Those notes are no cluster, and no trace of one.
	s := newStage(t, healthy())
	kopstest.Put(t, s.store, usedPrefix+"x.json", "{}")
	if err := s.run(updateYes); err != nil {
		t.Error(err)
	}
}

type readOnly struct {
	store.Store
	err error
}

func (r readOnly) Put(context.Context, string, bodyIn, store.Condition) (store.Info, error) {
	return store.Info{}, r.err
}

func FuzzDecodeApproval(f *testing.F) {
	a := newApproval(Bound{State: "s3://state", Cluster: prod, Arguments: []string{"update", "cluster"}, Evidence: "abc"}, "Ada", now)
	f.Add(a.encode())
	f.Add([]byte(`{"kind":"kops-approval","format":1,"nonce":"../x"}`))
	f.Add(bytes.Repeat([]byte("["), 100))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := decodeApproval(content)
		if err != nil {
			return
		}
		if got.Nonce == "" || strings.ContainsAny(got.Nonce, "/.") || got.Sum != got.sum() {
			t.Fatalf("%+v", got)
		}
		if again, err := decodeApproval(got.encode()); err != nil || again.Sum != got.Sum {
			t.Fatalf("written again: %v", err)
		}
	})
}
