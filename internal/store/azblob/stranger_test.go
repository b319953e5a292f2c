package azblob

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/store"
)

// byTheBook is a store on a server that answers by the book of the test.
func byTheBook(t *testing.T, answer http.HandlerFunc) *Store {
	t.Helper()
	t.Setenv("AZURE_STORAGE_KEY", "a2V5")
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return open(t, "azblob://bucket/p?account=acct&endpoint="+server.URL)
}

// TestStrangersProveNothing: whoever answers without being Azure must not be
// believed that anything is absent, empty, written or deleted.
func TestStrangersProveNothing(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"404 with a page": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<html>not found</html>")
		},
		"404 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"409 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) },
		"200 with a page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>welcome</html>") },
		"200 without a body": func(http.ResponseWriter, *http.Request) {},
		"201 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
		"202 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
		"204":                func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"another container listed": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<EnumerationResults ContainerName="another"><Blobs/><NextMarker/></EnumerationResults>`)
		},
		"redirect to somebody who has it": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" {
				http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
				return
			}
			if r.URL.Query().Get("comp") == "list" {
				fmt.Fprint(w, page("", ""))
				return
			}
			sendBlob(w, []byte("x"), 1, nil)
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) { wantOutcomes(t, byTheBook(t, answer), every("unknown")) })
	}
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		status     int
		code, want string
	}{
		"no right":                      {http.StatusForbidden, "AuthorizationPermissionMismatch", "denied"},
		"another key":                   {http.StatusForbidden, "AuthenticationFailed", "denied"},
		"no token":                      {http.StatusUnauthorized, "NoAuthenticationInformation", "denied"},
		"no such container":             {http.StatusNotFound, "ContainerNotFound", "no place"},
		"some other thing is not there": {http.StatusNotFound, "ResourceNotFound", "unknown"},
		"a container on its way out":    {http.StatusConflict, "ContainerBeingDeleted", "unknown"},
		"somebody holds a lease":        {http.StatusPreconditionFailed, "LeaseIdMissing", "unknown"},
		"an immutable blob":             {http.StatusConflict, "BlobImmutableDueToPolicy", "unknown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, test.status, test.code) })
			wantOutcomes(t, s, every(test.want))
		})
	}
}

// TestARefusedDeleteIsLookedAt: the code of a delete's failed condition does not
// tell gone from changed.
func TestARefusedDeleteIsLookedAt(t *testing.T) {
	for stands, want := range map[string]string{"": "not found", `"0xOTHER"`: "condition failed", `"0x8DE"`: "unknown"} {
		s := byTheBook(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodDelete:
				refuse(w, http.StatusPreconditionFailed, "ConditionNotMet")
			case stands == "":
				refuse(w, http.StatusNotFound, "BlobNotFound")
			default:
				w.Header().Set("ETag", stands)
				w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
				w.Header().Set("Content-Length", "1")
			}
		})
		if err := s.Delete(t.Context(), "k", "0x8DE"); outcome(err) != want {
			t.Errorf("%q stands: %s, want %s: %v", stands, outcome(err), want, err)
		}
	}
}

// TestFoldersAreNotObjects: accounts with a hierarchical namespace show folders
// as empty blobs.
func TestFoldersAreNotObjects(t *testing.T) {
	s := byTheBook(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("comp") == "list" {
			fmt.Fprint(w, page(entry("p/a", "<ResourceType>directory</ResourceType>")+entry("p/b/", "")+entry("p/c", "<ResourceType>file</ResourceType>"), ""))
			return
		}
		w.Header().Set("ETag", `"0x8DE"`)
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		w.Header().Set("Content-Length", "0")
		w.Header().Set("x-ms-meta-hdi_isfolder", "true")
	})
	for _, name := range []string{"stat", "open"} {
		if err := calls[name](t.Context(), s); outcome(err) != "not found" {
			t.Errorf("%s of a folder: %v", name, err)
		}
	}
	var got []string
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Key)
	}
	if strings.Join(got, " ") != "c" {
		t.Errorf("listed %q, want the one object", got)
	}
}

func entry(name, more string) string {
	return "<Blob><Name>" + name + "</Name><Properties><Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified>" +
		"<Etag>0x8DE</Etag><Content-Length>0</Content-Length>" + more + "</Properties></Blob>"
}

func page(entries, next string) string {
	return `<EnumerationResults ContainerName="bucket"><Blobs>` + entries + "</Blobs><NextMarker>" + next + "</NextMarker></EnumerationResults>"
}

func TestListingsThatCannotBeTrusted(t *testing.T) {
	tests := map[string]string{
		"cut in an entry":                        `<EnumerationResults ContainerName="bucket"><Blobs><Blob><Name>p/a</Name>`,
		"an entry outside of what was asked for": page(entry("q/a", ""), ""),
		"an entry without properties":            page("<Blob><Name>p/a</Name></Blob>", ""),
		"an entry without a version":             page("<Blob><Name>p/a</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>", ""),
		"the same page for ever":                 page("", "more"),
		"another order than by bytes":            page(entry("p/a/b", "")+entry("p/a-b", ""), ""),
		"the same name twice":                    page(entry("p/a", "")+entry("p/a", ""), ""),
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
			var last error
			for _, last = range s.List(t.Context(), "", "") {
			}
			if outcome(last) != "unknown" {
				t.Errorf("the listing ended with %v", last)
			}
		})
	}
}

// sendBlob answers a GET with content, of which only sent bytes come.
func sendBlob(w http.ResponseWriter, content []byte, sent int, sum []byte) {
	w.Header().Set("ETag", `"0x8DE"`)
	w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.Header().Set("Content-MD5", base64.StdEncoding.EncodeToString(sum))
	_, _ = w.Write(content[:sent])
}

func TestBodiesAreWhole(t *testing.T) {
	content := bytes.Repeat([]byte("whole "), 10_000)
	sum, another := md5.Sum(content), md5.Sum([]byte("another"))
	tests := map[string]struct {
		sent int
		sum  []byte
		is   error // nil: any error
	}{
		"cut in the middle": {sent: len(content) / 2, sum: sum[:], is: io.ErrUnexpectedEOF},
		"cut at the start":  {sent: 0, sum: sum[:], is: io.ErrUnexpectedEOF},
		"altered":           {sent: len(content), sum: another[:]},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) { sendBlob(w, content, test.sent, test.sum) })
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
	for name, sum := range map[string][]byte{"whole": sum[:], "whole, no checksum is kept": nil} {
		t.Run(name, func(t *testing.T) {
			s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) { sendBlob(w, content, len(content), sum) })
			if got, _, err := store.Read(t.Context(), s, "k", 1<<20); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// TestPackedBlobsComeAsTheyAreStored: Go's client unpacks what it asked for
// packed, and then nobody knows the size.
func TestPackedBlobsComeAsTheyAreStored(t *testing.T) {
	packed := []byte("\x1f\x8b packed")
	s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		sendBlob(w, packed, len(packed), nil)
	})
	if got, _, err := store.Read(t.Context(), s, "k", 100); err != nil || !bytes.Equal(got, packed) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnotherPartThanAskedFor(t *testing.T) {
	s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-3/10")
		w.Header().Set("ETag", `"0x8DE"`)
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "0123")
	})
	if _, _, err := s.Open(t.Context(), "k", store.Range{Offset: 4, Length: 4}); outcome(err) != "unknown" {
		t.Errorf("another part: %v", err)
	}
	whole := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) { sendBlob(w, []byte("0123456789"), 10, nil) })
	if _, _, err := whole.Open(t.Context(), "k", store.Range{Offset: 4, Length: 4}); outcome(err) != "unknown" {
		t.Errorf("the whole object for a part: %v", err)
	}
}

func TestBlocksHoldTwoTerabytes(t *testing.T) {
	var sum int64
	for n := range maxBlocks {
		size := blockSize(n)
		if size > 4000<<20 {
			t.Fatalf("block %d has %d bytes, more than Azure takes", n, size)
		}
		sum += int64(size)
	}
	if sum < 2<<40 {
		t.Errorf("all blocks together hold %d bytes", sum)
	}
}

func TestKeysThatAzureWouldRename(t *testing.T) {
	s := byTheBook(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	for _, key := range []string{"a.", "a./b", "a/b..."} {
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, store.ErrBadKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestCredentials(t *testing.T) {
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AZURE_STORAGE_KEY", "not base64 !hunter2")
	if _, err := Open(t.Context(), "azblob://backups?account=acct"); err == nil || strings.Contains(err.Error(), "hunter2") ||
		!strings.Contains(err.Error(), "azblob://backups?account=acct") {
		t.Errorf("a bad key gave %v", err)
	}
	t.Setenv("AZURE_STORAGE_KEY", "")
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
	t.Setenv("AZURE_TENANT_ID", "tenant")
	t.Setenv("AZURE_CLIENT_ID", "client")
	t.Setenv("AZURE_CLIENT_SECRET", "hunter2")
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was sent unencrypted", r.Method, r.URL)
	}))
	defer server.Close()
	wantOutcomes(t, open(t, "azblob://backups?account=acct&endpoint="+server.URL), every("unknown"))
}

// TestASwapOfWhatIsGone: some versions of the API say "not found" where the
// version to be replaced is not there.
func TestASwapOfWhatIsGone(t *testing.T) {
	s := byTheBook(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "BlobNotFound") })
	if err := calls["swap"](t.Context(), s); outcome(err) != "condition failed" {
		t.Errorf("%s: %v", outcome(err), err)
	}
}

// TestABlobIsMadeOnce: blocks may be sent again, the request that makes a blob
// of them may not.
func TestABlobIsMadeOnce(t *testing.T) {
	blocks, made := 0, 0
	s := byTheBook(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("comp") {
		case "block":
			if blocks++; blocks > 1 {
				w.WriteHeader(http.StatusCreated)
				return
			}
		case "blocklist":
			made++
		}
		refuse(w, http.StatusInternalServerError, "InternalError")
	})
	if err := calls["long create"](t.Context(), s); outcome(err) != "unknown" || blocks != 2 || made != 1 {
		t.Errorf("%d blocks and %d blobs were sent: %v; want 2 and 1", blocks, made, err)
	}
}
