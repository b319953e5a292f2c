package gcsinspect

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/gcs"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/testenv"
)

func inspector(t *testing.T, url string) (*Inspector, *gcs.Store) {
	t.Helper()
	s, err := gcs.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return New(s), s
}

// standIn answers by the book of the test, for a store below state/.
func standIn(t *testing.T, answer http.HandlerFunc) *Inspector {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	i, _ := inspector(t, "gs://bucket/state?endpoint="+server.URL)
	return i
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestInspect(t *testing.T) {
	asked := ""
	i := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path
		fmt.Fprint(w, `{"kind":"storage#bucket","name":"bucket","versioning":{"enabled":true},
			"iamConfiguration":{"publicAccessPrevention":"enforced"},"retentionPolicy":{"retentionPeriod":"86400"},
			"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"age":30,"matchesPrefix":["state/a/backups/"]}}]}}`)
	})
	said := i.Inspect(t.Context())
	if asked != "GET /storage/v1/b/bucket" {
		t.Errorf("it asked %q", asked)
	}
	if said.Versioning.Value != lifecycle.VersioningEnabled || said.ObjectLock.Value.For != 24*time.Hour ||
		said.PublicPolicy.State != lifecycle.Present || said.PublicPolicy.Value {
		t.Errorf("%+v", said)
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for key, deleted := range map[string]bool{"a/backups/etcd/main/control/etcd-cluster-created": true, "a/config": false} {
		fate := said.Fate(lifecycle.Object{Key: i.Key(key), Size: 30, Modified: made, TagsKnown: true})
		if fate.Deletes != deleted || deleted && fate.When.Before(made.AddDate(0, 0, 30)) {
			t.Errorf("%s: %+v", key, fate)
		}
	}
}

func TestWhatSaysNothingIsNoAbsence(t *testing.T) {
	const denied = `{"error":{"code":403,"message":"does not have storage.buckets.get access","errors":[{"reason":"forbidden"}]}}`
	for name, test := range map[string]struct {
		answer     http.HandlerFunc
		permission string
		is         error
	}{
		"denied":           {says(http.StatusForbidden, denied), "storage.buckets.get", store.ErrDenied},
		"no such bucket":   {says(http.StatusNotFound, `{"error":{"code":404,"message":"The specified bucket does not exist."}}`), "", store.ErrNoPlace},
		"a bare 404":       {says(http.StatusNotFound, ""), "", nil},
		"an error":         {says(http.StatusInternalServerError, `{}`), "", nil},
		"a page":           {says(http.StatusOK, "<html>welcome</html>"), "", nil},
		"another resource": {says(http.StatusOK, `{"kind":"storage#objects"}`), "", nil},
		"nothing":          {says(http.StatusOK, ""), "", nil},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4000")
			fmt.Fprint(w, `{"kind":"storage#bucket","name":"bucket"}`)
		}, "", nil},
		"huge": {says(http.StatusOK, `{"kind":"storage#bucket","name":"bucket","x":"`+strings.Repeat("x", 2<<20)+`"}`), "", store.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			said := standIn(t, test.answer).Inspect(t.Context())
			for what, state := range map[string]lifecycle.State{
				"rules": said.Lifecycle.State, "versioning": said.Versioning.State, "lock": said.ObjectLock.State, "public": said.PublicPolicy.State,
			} {
				if state != lifecycle.Unknown {
					t.Errorf("%s are %s", what, state)
				}
			}
			if said.Lifecycle.Permission != test.permission || said.Lifecycle.Err == nil {
				t.Errorf("permission %q, %v", said.Lifecycle.Permission, said.Lifecycle.Err)
			}
			if test.is != nil && !errors.Is(said.Lifecycle.Err, test.is) {
				t.Errorf("%v; want %v", said.Lifecycle.Err, test.is)
			}
		})
	}
}

// TestVersionsOnAServer: what was deleted in a bucket with versions is found,
// and can be read by its generation.
func TestVersionsOnAServer(t *testing.T) {
	server := testenv.GCS(t)
	answer, err := http.Post(server.Endpoint+"/storage/v1/b?project=test", "application/json", strings.NewReader(`{"name":"versioned","versioning":{"enabled":true}}`))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
	i, s := inspector(t, server.URL("versioned", "state"))
	for _, content := range []string{"one", "second"} {
		if _, err := s.Put(t.Context(), "a/control", strings.NewReader(content), store.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := s.Stat(t.Context(), "a/control")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a/control", info.Version); err != nil {
		t.Fatal(err)
	}
	var found []lifecycle.Version
	for v, err := range i.Versions(t.Context(), "a/control") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, v)
	}
	if len(found) != 2 || found[0].Size != int64(len("second")) || found[1].Size != int64(len("one")) {
		t.Fatalf("found %+v", found)
	}
	for n, v := range found {
		if v.Key != "state/a/control" || !v.Noncurrent || v.DeleteMarker || v.Newer != lifecycle.Exactly(n) {
			t.Errorf("version %d: %+v", n, v)
		}
	}
	old, err := http.Get(server.Endpoint + "/storage/v1/b/versioned/o/state%2Fa%2Fcontrol?alt=media&generation=" + found[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Body.Close() }()
	if content, err := io.ReadAll(old.Body); err != nil || string(content) != "second" {
		t.Errorf("the newest deleted one reads %q, %v", content, err)
	}
	if said := i.Inspect(t.Context()); said.Versioning.Value != lifecycle.VersioningEnabled {
		t.Errorf("versioning: %+v", said.Versioning)
	}
}

// TestVersionsOverPages: a page may end between two generations of one object.
func TestVersionsOverPages(t *testing.T) {
	const made = `"timeCreated":"2026-01-02T03:04:05Z","size":"3"`
	pages := map[string]string{
		"":  `{"kind":"storage#objects","nextPageToken":"t","items":[{"name":"state/a","generation":"1",` + made + `,"timeDeleted":"2026-01-03T00:00:00Z"}]}`,
		"t": `{"kind":"storage#objects","items":[{"name":"state/a","generation":"2",` + made + `},{"name":"state/b","generation":"7",` + made + `}]}`,
	}
	i := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("versions") != "true" || r.URL.Query().Get("prefix") != "state/" {
			http.Error(w, "asked "+r.URL.RawQuery, http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, pages[r.URL.Query().Get("pageToken")])
	})
	var got []string
	for v, err := range i.Versions(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %v", v.Key, v.ID, v.Noncurrent))
	}
	if want := "[state/a 2 false state/a 1 true state/b 7 false]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestVersionsThatCannotBeListed(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"denied":           {says(http.StatusForbidden, `{"error":{"code":403,"message":"no","errors":[{"reason":"forbidden"}]}}`), "storage.objects.list"},
		"no such bucket":   {says(http.StatusNotFound, `{"error":{"code":404,"message":"no bucket"}}`), "no such place"},
		"another's":        {says(http.StatusOK, `{"kind":"storage#objects","items":[{"name":"other","generation":"1"}]}`), "outside"},
		"without a time":   {says(http.StatusOK, `{"kind":"storage#objects","items":[{"name":"state/a","generation":"1"}]}`), "when it was made"},
		"without an end":   {says(http.StatusOK, `{"kind":"storage#objects","nextPageToken":"t","items":[]}`), "not where"},
		"another resource": {says(http.StatusOK, `{}`), "not one of Cloud Storage"},
	} {
		t.Run(name, func(t *testing.T) {
			var last error
			for v, err := range standIn(t, test.answer).Versions(t.Context(), "a") {
				if last = err; err == nil {
					t.Errorf("it found %+v", v)
				}
			}
			if last == nil || !strings.Contains(last.Error(), test.says) {
				t.Errorf("%v; want %q", last, test.says)
			}
		})
	}
}
