package gcs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// strict stands before fake-gcs-server and does what Google's server does and
// that one does not: it compares the generation of a conditional delete,
// answers it with 204, refuses a conditional upload when it begins, and speaks
// JSON about a missing object also when its bytes were asked for.
type strict struct {
	to       string
	forward  http.Handler
	endpoint string

	mu      sync.Mutex
	deletes []string // the ifGenerationMatch of each
	behind  func()   // runs once, before the next delete is compared
}

func newStrict(t *testing.T, endpoint string) *strict {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s := &strict{to: endpoint}
	s.forward = &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode == http.StatusNotFound && r.Request.URL.Query().Get("alt") == "media" {
				_ = r.Body.Close()
				r.Body = io.NopCloser(strings.NewReader(`{"error":{"code":404,"message":"No such object"}}`))
				r.Header.Del("Content-Length")
				r.ContentLength = -1
			}
			return nil
		},
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.endpoint = server.URL
	return s
}

func (s *strict) url(bucket, prefix string) string {
	u := url.URL{Scheme: "gs", Host: bucket, Path: "/" + prefix}
	return u.String() + "?endpoint=" + url.QueryEscape(s.endpoint)
}

// ServeHTTP compares and deletes under one lock, as the server must.
func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	match := r.URL.Query().Get("ifGenerationMatch")
	switch {
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deletes = append(s.deletes, match)
		if s.behind != nil {
			s.behind()
			s.behind = nil
		}
		stands := s.generation(r.URL.EscapedPath())
		if stands == "0" {
			answer(w, http.StatusNotFound, "notFound")
			return
		}
		if match != "" && match != stands {
			answer(w, http.StatusPreconditionFailed, "conditionNotMet")
			return
		}
		s.forward.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Get("uploadType") == "resumable" && match != "" && !r.URL.Query().Has("upload_id"):
		if path := strings.TrimPrefix(r.URL.Path, "/upload"); s.named(r, path, match) {
			s.forward.ServeHTTP(w, r)
			return
		}
		answer(w, http.StatusPreconditionFailed, "conditionNotMet")
	case r.Method == http.MethodPost:
		s.mu.Lock() // so that no write comes between the comparing and the deleting
		defer s.mu.Unlock()
		s.forward.ServeHTTP(w, r)
	default:
		s.forward.ServeHTTP(w, r)
	}
}

// named reports whether the object that an upload is about to begin for has
// generation match. It puts the body back that it reads.
func (s *strict) named(r *http.Request, bucketPath, match string) bool {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(strings.NewReader(string(content)))
	var object struct{ Name string }
	_ = json.Unmarshal(content, &object)
	stands := s.generation(bucketPath + "/" + url.PathEscape(object.Name))
	return stands == match
}

// generation is that of the object at path, "0" if it is not there.
func (s *strict) generation(path string) string {
	got, err := http.Get(s.to + path)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer got.Body.Close()
	object := struct{ Generation string }{"0"}
	if got.StatusCode == http.StatusOK {
		_ = json.NewDecoder(got.Body).Decode(&object)
	}
	return object.Generation
}

func answer(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"errors":[{"reason":%q,"message":%q}]}}`, status, reason, reason, reason)
}
