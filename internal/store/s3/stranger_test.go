package s3

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
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
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return open(t, "s3://bucket/p?endpoint="+server.URL)
}

// TestStrangersProveNothing: whoever answers without being an S3 server must
// not be believed that anything is absent, empty or written.
func TestStrangersProveNothing(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"404 with a page": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<html>not found</html>")
		},
		"404 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"200 with a page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>welcome</html>") },
		"200 without a body": func(http.ResponseWriter, *http.Request) {},
		"204":                func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"404 on objects, another bucket listed": func(w http.ResponseWriter, r *http.Request) {
			if !r.URL.Query().Has("list-type") {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			fmt.Fprint(w, "<ListBucketResult><Name>another</Name><IsTruncated>false</IsTruncated></ListBucketResult>")
		},
		"redirect to somebody who has it": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
				return
			}
			w.Header().Set("ETag", `"0123"`)
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) { wantOutcomes(t, standIn(t, answer), every("unknown")) })
	}
}

func TestListingsThatStopHalfway(t *testing.T) {
	tests := map[string]string{
		"more, and not where": "<IsTruncated>true</IsTruncated>",
		"perhaps more":        "<Contents><Key>p/a</Key><ETag>&quot;1&quot;</ETag><Size>1</Size></Contents>",
		"cut in an entry":     "<IsTruncated>false</IsTruncated><Contents><Key>p/a</Key>",
		"an entry outside of what was asked for": "<IsTruncated>false</IsTruncated><Contents><Key>q/a</Key>" +
			"<ETag>&quot;1&quot;</ETag><Size>1</Size></Contents>",
		"the same page for ever": "<IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken>",
	}
	for name, inner := range tests {
		t.Run(name, func(t *testing.T) {
			s := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, "<ListBucketResult><Name>bucket</Name>"+inner)
				if !strings.HasPrefix(name, "cut") {
					fmt.Fprint(w, "</ListBucketResult>")
				}
			})
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
		pages++
		query := r.URL.Query()
		if after := query.Get("start-after"); after != "p/last seen" {
			t.Errorf("asked for what comes after %q", after)
		}
		more, next := pages < 3, ""
		if more {
			next = fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", pages)
		}
		if pages > 1 && query.Get("continuation-token") != fmt.Sprintf("t%d", pages-1) {
			t.Errorf("page %d was asked for with token %q", pages, query.Get("continuation-token"))
		}
		fmt.Fprintf(w, `<ListBucketResult><Name>bucket</Name><IsTruncated>%v</IsTruncated>%s<Contents><Key>p/m%d</Key>`+
			`<ETag>&quot;e%d&quot;</ETag><Size>1</Size></Contents></ListBucketResult>`, more, next, pages, pages)
	})
	var got []string
	for info, err := range s.List(t.Context(), "m", "last seen") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s=%s", info.Key, info.Version))
	}
	if want := "m1=e1 m2=e2 m3=e3"; strings.Join(got, " ") != want {
		t.Errorf("listed %v, want %s", got, want)
	}
}

// sendObject answers a GET with content, of which only sent bytes come.
func sendObject(w http.ResponseWriter, content []byte, sent int, checksum string) {
	w.Header().Set("ETag", `"0123"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.Header().Set("x-amz-checksum-crc32c", checksum)
	w.Header().Set("x-amz-checksum-type", "FULL_OBJECT")
	_, _ = w.Write(content[:sent])
}

func crc32c(content []byte) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
	return base64.StdEncoding.EncodeToString(sum)
}

func TestBodiesAreWhole(t *testing.T) {
	content := bytes.Repeat([]byte("whole "), 10_000)
	tests := map[string]struct {
		sent     int
		checksum string
		is       error // nil: any error
	}{
		"cut in the middle": {sent: len(content) / 2, checksum: crc32c(content), is: io.ErrUnexpectedEOF},
		"cut at the start":  {sent: 0, checksum: crc32c(content), is: io.ErrUnexpectedEOF},
		"altered":           {sent: len(content), checksum: crc32c([]byte("another"))},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := standIn(t, func(w http.ResponseWriter, _ *http.Request) { sendObject(w, content, test.sent, test.checksum) })
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
		s := standIn(t, func(w http.ResponseWriter, _ *http.Request) { sendObject(w, content, len(content), crc32c(content)) })
		if got, _, err := store.Read(t.Context(), s, "k", 1<<20); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestBodyHoldsTheServerToItsWord(t *testing.T) {
	read := func(stated int64, r io.Reader) (string, error) {
		got, err := io.ReadAll(&body{io.NopCloser(r), stated})
		return string(got), err
	}
	if got, err := read(3, iotest.DataErrReader(strings.NewReader("abc"))); got != "abc" || err != nil {
		t.Errorf("as stated: %q, %v", got, err)
	}
	if _, err := read(4, strings.NewReader("abc")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("less than stated: %v", err)
	}
	if _, err := read(2, strings.NewReader("abc")); err == nil {
		t.Error("more than stated: no error")
	}
}

func TestAnotherPartThanAskedFor(t *testing.T) {
	s := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-3/10")
		w.Header().Set("ETag", `"0123"`)
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "0123")
	})
	if _, _, err := s.Open(t.Context(), "k", store.Range{Offset: 4, Length: 4}); outcome(err) != "unknown" {
		t.Errorf("another part: %v", err)
	}
	whole := standIn(t, func(w http.ResponseWriter, _ *http.Request) { sendObject(w, []byte("0123456789"), 10, "") })
	if _, _, err := whole.Open(t.Context(), "k", store.Range{Offset: 4, Length: 4}); outcome(err) != "unknown" {
		t.Errorf("the whole object for a part: %v", err)
	}
}
