package azblob

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const standInAccount = "seedprooftest"

// blobServer is a server for the tests: the stand-in, or Azurite.
type blobServer struct {
	endpoint, account, key string
}

// standIn is as much of Azure Blob Storage as the driver uses, in memory, so
// that the tests run where no npm is. It is written from Azure's REST
// reference; what holds it to Azure is that the same tests pass on Azurite.
type standIn struct {
	mu         sync.Mutex
	containers map[string]map[string]*standInBlob
	changes    int
}

type standInBlob struct {
	content  []byte
	sum      string // x-ms-blob-content-md5
	etag     string // "" while nothing is committed
	modified time.Time
	blocks   map[string][]byte // staged and not committed
}

func newStandIn(t *testing.T) blobServer {
	t.Helper()
	server := httptest.NewServer(&standIn{containers: map[string]map[string]*standInBlob{}})
	t.Cleanup(server.Close)
	return blobServer{server.URL + "/" + standInAccount, standInAccount, base64.StdEncoding.EncodeToString([]byte("key"))}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(status)
}

// ServeHTTP implements http.Handler.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // a request that was cut has no effect
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("x-ms-request-id", "1")
	parts := append(strings.SplitN(r.URL.Path[1:], "/", 3), "", "")
	name, key, query := parts[1], parts[2], r.URL.Query()
	if query.Get("restype") == "container" && r.Method == http.MethodPut {
		s.containers[name] = map[string]*standInBlob{}
		w.WriteHeader(http.StatusCreated)
		return
	}
	blobs, ok := s.containers[name]
	if !ok {
		refuse(w, http.StatusNotFound, "ContainerNotFound")
		return
	}
	if query.Get("comp") == "list" {
		list(w, name, blobs, query.Get("prefix"), query.Get("marker"), query.Get("maxresults"))
		return
	}
	b := blobs[key]
	if b == nil {
		b = &standInBlob{blocks: map[string][]byte{}}
	}
	switch {
	case r.Method == http.MethodPut && query.Get("comp") == "block":
		b.stage(w, query.Get("blockid"), body)
		blobs[key] = b
	case r.Method == http.MethodPut:
		s.write(w, r, b, body)
		if b.etag != "" {
			blobs[key] = b
		}
	case b.etag == "":
		refuse(w, http.StatusNotFound, "BlobNotFound")
	case r.Method == http.MethodDelete && r.Header.Get("If-Match") != b.etag:
		refuse(w, http.StatusPreconditionFailed, "ConditionNotMet")
	case r.Method == http.MethodDelete:
		delete(blobs, key)
		w.WriteHeader(http.StatusAccepted)
	default:
		b.read(w, r)
	}
}

func (b *standInBlob) stage(w http.ResponseWriter, id string, body []byte) {
	for other := range b.blocks {
		if len(other) != len(id) {
			refuse(w, http.StatusBadRequest, "InvalidBlobOrBlock")
			return
		}
	}
	b.blocks[id] = body
	w.WriteHeader(http.StatusCreated)
}

// write makes a blob of a body or of blocks. Either drops all staged blocks.
func (s *standIn) write(w http.ResponseWriter, r *http.Request, b *standInBlob, body []byte) {
	match := r.Header.Get("If-Match")
	switch {
	case r.Header.Get("If-None-Match") == "*" && b.etag != "":
		refuse(w, http.StatusConflict, "BlobAlreadyExists")
		return
	case match != "" && match != b.etag:
		refuse(w, http.StatusPreconditionFailed, "ConditionNotMet")
		return
	}
	b.sum = r.Header.Get("x-ms-blob-content-md5")
	if r.URL.Query().Get("comp") == "blocklist" {
		var ids struct{ Latest []string }
		if err := xml.Unmarshal(body, &ids); err != nil {
			refuse(w, http.StatusBadRequest, "InvalidXmlDocument")
			return
		}
		var all []byte
		for _, id := range ids.Latest {
			block, ok := b.blocks[id]
			if !ok {
				refuse(w, http.StatusBadRequest, "InvalidBlockList")
				return
			}
			all = append(all, block...)
		}
		body = all
	} else {
		sum := md5.Sum(body)
		b.sum = base64.StdEncoding.EncodeToString(sum[:])
	}
	s.changes++
	b.content, b.etag, b.modified = body, fmt.Sprintf(`"0x8DE%012X"`, s.changes), time.Now()
	b.blocks = map[string][]byte{}
	w.Header().Set("ETag", b.etag)
	w.Header().Set("Last-Modified", b.modified.UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
}

func (b *standInBlob) read(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", b.etag)
	w.Header().Set("x-ms-blob-content-md5", b.sum)
	r.Header.Set("Range", r.Header.Get("x-ms-range"))
	if r.Header.Get("Range") != "" {
		var first int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first)
		if first >= len(b.content) {
			w.Header().Del("ETag")
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
	} else {
		r.Header.Del("Range")
		w.Header().Set("Content-MD5", b.sum)
	}
	w.Header().Set("Content-Type", contentType)
	http.ServeContent(w, r, "", b.modified, bytes.NewReader(b.content))
}

// list answers pages of at most three, so that every listing of the suite has
// several.
func list(w http.ResponseWriter, container string, blobs map[string]*standInBlob, prefix, marker, size string) {
	type entry struct {
		Name     string
		Modified string `xml:"Properties>Last-Modified"`
		ETag     string `xml:"Properties>Etag"`
		Length   int    `xml:"Properties>Content-Length"`
	}
	page := struct {
		XMLName    xml.Name `xml:"EnumerationResults"`
		Container  string   `xml:"ContainerName,attr"`
		Blobs      []entry  `xml:"Blobs>Blob"`
		NextMarker string
	}{Container: container}
	if n, err := strconv.Atoi(size); err != nil || n < 1 {
		refuse(w, http.StatusBadRequest, "OutOfRangeQueryParameterValue")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(blobs)) {
		b := blobs[key]
		if b.etag == "" || !strings.HasPrefix(key, prefix) || key < marker {
			continue
		}
		if len(page.Blobs) == 3 {
			page.NextMarker = key
			break
		}
		page.Blobs = append(page.Blobs, entry{key, b.modified.UTC().Format(http.TimeFormat), strings.Trim(b.etag, `"`), len(b.content)})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(page)
}
