package gcs

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seedproof/seedproof/internal/store"
)

// standIn is a store on a server that answers by the book of the test.
func standIn(t *testing.T, answer http.HandlerFunc) *Store {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return open(t, "gs://bucket/p?endpoint="+server.URL)
}

// TestStrangersProveNothing: whoever answers without being Cloud Storage must
// not be believed that anything is absent, empty, written or deleted.
func TestStrangersProveNothing(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"404 with a page": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<html>\n"+strings.Repeat("not found\n", 1000)+"</html>")
		},
		"404 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"412 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPreconditionFailed) },
		"200 with a page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>welcome</html>") },
		"200 without a body": func(http.ResponseWriter, *http.Request) {},
		"200 with any JSON":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) },
		"204":                func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"404 on objects, another thing listed": func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/o") || r.Method != http.MethodGet {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			fmt.Fprint(w, `{"kind":"storage#buckets"}`)
		},
		"404 on an object that is listed": func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/o") || r.Method != http.MethodGet {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			fmt.Fprint(w, `{"kind":"storage#objects","items":[{"name":"p/k"}]}`)
		},
		"redirect to somebody who has it": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" {
				http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
				return
			}
			if r.URL.Query().Get("alt") == "media" {
				sendObject(w, []byte("x"), 1, crc32.Checksum([]byte("x"), castagnoli))
				return
			}
			fmt.Fprint(w, `{"kind":"storage#objects","name":"p/k","size":"1","generation":"1234","timeCreated":"2026-01-01T00:00:00Z"}`)
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) { wantOutcomes(t, standIn(t, answer), every("unknown")) })
	}
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		status       int
		reason, want string
	}{
		"no right":               {http.StatusForbidden, "forbidden", "denied"},
		"no or stale token":      {http.StatusUnauthorized, "authError", "denied"},
		"too many requests":      {http.StatusForbidden, "rateLimitExceeded", "unknown"},
		"a name too often":       {http.StatusTooManyRequests, "rateLimitExceeded", "unknown"},
		"under a retention lock": {http.StatusForbidden, "retentionPolicyNotMet", "denied"},
		"no such bucket":         {http.StatusNotFound, "notFound", "no place"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := standIn(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, test.status, test.reason) })
			wantOutcomes(t, s, every(test.want))
		})
	}
}

// TestAnUploadThatEndsEarly: a server that calls a part of an upload the whole
// has not stored what was sent.
func TestAnUploadThatEndsEarly(t *testing.T) {
	s := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if !r.URL.Query().Has("upload_id") {
			w.Header().Set("Location", "http://"+r.Host+"/upload?upload_id=1")
		}
		fmt.Fprintf(w, `{"name":"p/k","generation":"1","size":"%d","timeCreated":"2026-01-01T00:00:00Z"}`, chunkSize)
	})
	if _, err := s.Put(t.Context(), "k", io.LimitReader(zeros{}, 3*chunkSize), store.IfAbsent()); outcome(err) != "unknown" {
		t.Errorf("%v", err)
	}
}

func TestListingsThatStopHalfway(t *testing.T) {
	tests := map[string]string{
		"cut in an entry":                        `"items":[{"name":"p/a","gener`,
		"an entry outside of what was asked for": `"items":[{"name":"q/a","generation":"1","timeCreated":"2026-01-01T00:00:00Z"}]}`,
		"an entry without a generation":          `"items":[{"name":"p/a","timeCreated":"2026-01-01T00:00:00Z"}]}`,
		"an entry without a time":                `"items":[{"name":"p/a","generation":"1"}]}`,
		"an entry that is null":                  `"items":[null]}`,
		"the same page for ever":                 `"nextPageToken":"1"}`,
	}
	for name, rest := range tests {
		t.Run(name, func(t *testing.T) {
			s := standIn(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"kind":"storage#objects",`+rest) })
			var last error
			for _, last = range s.List(t.Context(), "", "") {
			}
			if outcome(last) != "unknown" {
				t.Errorf("the listing ended with %v", last)
			}
		})
	}
}

func TestLongListings(t *testing.T) {
	pages := 0
	s := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("startOffset") != "p/m0" || query.Get("prefix") != "p/m" {
			t.Errorf("asked for %v", query)
		}
		want, next := "", fmt.Sprintf(`"nextPageToken":"t%d",`, pages+1)
		if pages > 0 {
			want = fmt.Sprintf("t%d", pages)
		}
		if query.Get("pageToken") != want {
			t.Errorf("page %d was asked for with token %q", pages, query.Get("pageToken"))
		}
		if pages == 2 {
			next = ""
		}
		fmt.Fprintf(w, `{"kind":"storage#objects",%s"items":[{"name":"p/m%d","generation":"%d","size":"1","timeCreated":"2026-01-01T00:00:00Z"}]}`,
			next, pages, pages+10)
		pages++
	})
	var got []string
	for info, err := range s.List(t.Context(), "m", "m0") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s=%s", info.Key, info.Version))
	}
	if want := "m1=11 m2=12"; strings.Join(got, " ") != want { // startOffset gives m0 too
		t.Errorf("listed %v, want %s", got, want)
	}
}

// sendObject answers a GET with content, of which only sent bytes come.
func sendObject(w http.ResponseWriter, content []byte, sent int, sum uint32) {
	w.Header().Set("X-Goog-Generation", "123")
	w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.Header().Add("X-Goog-Hash", "md5=AAAA")
	w.Header().Add("X-Goog-Hash", "crc32c="+encoded(sum))
	_, _ = w.Write(content[:sent])
}

func TestBodiesAreWhole(t *testing.T) {
	content := bytes.Repeat([]byte("whole "), 10_000)
	sum := crc32.Checksum(content, castagnoli)
	tests := map[string]struct {
		sent int
		sum  uint32
		is   error // nil: any error
	}{
		"cut in the middle": {sent: len(content) / 2, sum: sum, is: io.ErrUnexpectedEOF},
		"cut at the start":  {sent: 0, sum: sum, is: io.ErrUnexpectedEOF},
		"altered":           {sent: len(content), sum: sum + 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := standIn(t, func(w http.ResponseWriter, _ *http.Request) { sendObject(w, content, test.sent, test.sum) })
			stream, _, err := s.Open(t.Context(), "k", store.Range{})
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			_, err = io.ReadAll(stream)
			if err == nil || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("reading ended with %v", err)
			}
		})
	}
	t.Run("whole", func(t *testing.T) {
		s := standIn(t, func(w http.ResponseWriter, _ *http.Request) { sendObject(w, content, len(content), sum) })
		if got, _, err := store.Read(t.Context(), s, "k", 1<<20); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestBodyHoldsTheServerToItsWord(t *testing.T) {
	read := func(stated int64, r io.Reader) (string, error) {
		got, err := io.ReadAll(&body{stream: io.NopCloser(r), left: stated})
		return string(got), err
	}
	if got, err := read(3, iotest.DataErrReader(strings.NewReader("abc"))); got != "abc" || err != nil {
		t.Errorf("as stated: %q, %v", got, err)
	}
	if _, err := read(4, strings.NewReader("abc")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("less than stated: %v", err)
	}
}

// TestPackedObjectsComeAsTheyAreStored: Cloud Storage unpacks what is marked as
// gzip for whoever does not ask for gzip.
func TestPackedObjectsComeAsTheyAreStored(t *testing.T) {
	packed := []byte("\x1f\x8b packed")
	s := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("the client accepts %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		sendObject(w, packed, len(packed), crc32.Checksum(packed, castagnoli))
	})
	if got, _, err := store.Read(t.Context(), s, "k", 100); err != nil || !bytes.Equal(got, packed) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnotherPartThanAskedFor(t *testing.T) {
	s := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-3/10")
		w.Header().Set("X-Goog-Generation", "123")
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "0123")
	})
	if _, _, err := s.Open(t.Context(), "k", store.Range{Offset: 4, Length: 4}); outcome(err) != "unknown" {
		t.Errorf("another part: %v", err)
	}
	whole := standIn(t, func(w http.ResponseWriter, _ *http.Request) { sendObject(w, []byte("0123456789"), 10, 0) })
	if _, _, err := whole.Open(t.Context(), "k", store.Range{Offset: 4, Length: 4}); outcome(err) != "unknown" {
		t.Errorf("the whole object for a part: %v", err)
	}
}

// TestAForgottenUpload: a 404 to a write is no missing bucket while the bucket
// can be listed; the server may have lost the upload.
func TestAForgottenUpload(t *testing.T) {
	s := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `{"kind":"storage#objects"}`)
		case r.URL.Query().Has("upload_id"):
			answer(w, http.StatusNotFound, "notFound")
		default:
			w.Header().Set("Location", "http://"+r.Host+"/upload?upload_id=1")
			fmt.Fprint(w, `{}`)
		}
	})
	err := calls["long create"](t.Context(), s)
	if outcome(err) != "unknown" || !strings.Contains(err.Error(), "404") {
		t.Errorf("%s: %v", outcome(err), err)
	}
}

func TestReadsThatLackWhatTheServerAlwaysSends(t *testing.T) {
	tests := map[string]func(h http.Header){
		"no generation":    func(h http.Header) { h.Del("X-Goog-Generation") },
		"generation 0":     func(h http.Header) { h.Set("X-Goog-Generation", "0") },
		"no time":          func(h http.Header) { h.Del("Last-Modified") },
		"no stated length": func(h http.Header) { h.Set("Transfer-Encoding", "chunked"); h.Del("Content-Length") },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			s := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Goog-Generation", "1")
				w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
				w.Header().Set("Content-Length", "1")
				spoil(w.Header())
				_, _ = io.WriteString(w, "x")
			})
			if err := calls["open"](t.Context(), s); outcome(err) != "unknown" {
				t.Errorf("%v", err)
			}
		})
	}
}
