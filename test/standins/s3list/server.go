// Package s3list is a stand-in for one bucket of an S3 server, for listings of
// millions of keys: what the bucket holds is made up key by key while it is
// listed, and nothing of it is kept.
//
// It is written from the S3 API reference (ListObjectsV2, GetObject,
// HeadObject, and the questions about a bucket that has no settings), and a
// test holds it to real servers. It must never answer what it does not know: a
// parameter, header or method that it was not written for is refused (501), so
// that nobody takes its answer for that of S3. It checks no signatures.
package s3list

import (
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Object is one object as a listing shows it.
type Object struct {
	Key      string
	Size     int64  // bytes
	ETag     string // without quotes
	Modified time.Time
}

// Content is what a bucket holds.
type Content interface {
	// From yields the objects whose keys are not below key, in byte order.
	From(key string) iter.Seq[Object]
	// Get gives one object and its bytes; false if it is not there.
	Get(key string) (Object, []byte, bool)
}

// Server answers for one bucket, addressed by path. It is safe for concurrent
// use if its content is.
type Server struct {
	Bucket  string
	Content Content
	// Seen is called before each request is answered; may be nil.
	Seen func(r *http.Request)

	Listings, Reads, Others atomic.Int64 // requests so far
}

// fault is an error as S3 says it.
type fault struct {
	status int
	code   string
}

var (
	noSuchBucket = fault{http.StatusNotFound, "NoSuchBucket"}
	noSuchKey    = fault{http.StatusNotFound, "NoSuchKey"}
	badArgument  = fault{http.StatusBadRequest, "InvalidArgument"}
	unknown      = fault{http.StatusNotImplemented, "NotImplemented"}
)

func (f fault) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintf(w, "%s<Error><Code>%s</Code><Message>%s</Message><Resource>%s</Resource></Error>", head, f.code, f.code, escaped(r.URL.Path))
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Seen != nil {
		s.Seen(r)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	query.Del("x-id") // the SDK's own note of the call
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		s.Others.Add(1)
		unknown.write(w, r)
	case bucket != s.Bucket:
		s.Others.Add(1)
		noSuchBucket.write(w, r)
	case key == "" && query.Get("list-type") == "2":
		s.Listings.Add(1)
		s.list(w, r, query)
	case key == "":
		s.Others.Add(1)
		s.question(w, r, query)
	default:
		s.Reads.Add(1)
		s.get(w, r, key, len(query))
	}
}

// get answers GetObject and HeadObject.
func (s *Server) get(w http.ResponseWriter, r *http.Request, key string, parameters int) {
	for _, header := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header.Get(header) != "" {
			parameters++
		}
	}
	if parameters > 0 {
		unknown.write(w, r)
		return
	}
	o, body, found := s.Content.Get(key)
	if !found {
		noSuchKey.write(w, r)
		return
	}
	h := w.Header()
	h.Set("ETag", `"`+o.ETag+`"`)
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Type", "binary/octet-stream")
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // who asked notices
	}
}

// nothingSet is what S3 answers of a bucket that was made and left as it was.
var nothingSet = map[string]fault{
	"lifecycle":         {http.StatusNotFound, "NoSuchLifecycleConfiguration"},
	"object-lock":       {http.StatusNotFound, "ObjectLockConfigurationNotFoundError"},
	"publicAccessBlock": {http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration"},
	"policyStatus":      {http.StatusNotFound, "NoSuchBucketPolicy"},
}

// question answers one about the bucket itself.
func (s *Server) question(w http.ResponseWriter, r *http.Request, query map[string][]string) {
	if len(query) == 1 && r.Method == http.MethodGet {
		for name := range query {
			if said, known := nothingSet[name]; known {
				said.write(w, r)
				return
			}
		}
		if _, asked := query["versioning"]; asked {
			w.Header().Set("Content-Type", "application/xml")
			_, _ = w.Write([]byte(head + `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`))
			return
		}
	}
	unknown.write(w, r)
}
