package testenv

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// GCSServer is fake-gcs-server on a loopback port, with its data in memory. It
// ends with its test. It takes everybody for the owner, ignores the condition
// of a delete and answers a read of a missing object in plain text, where
// Google's refuses, compares and speaks JSON.
type GCSServer struct {
	Endpoint string // http://127.0.0.1:port
}

// GCS starts a server for gs:// stores.
func GCS(t testing.TB) *GCSServer {
	t.Helper()
	port := FreePorts(t, 1)[0]
	address := loopback(port)
	p, err := startProcess(filepath.Join(t.TempDir(), "fake-gcs-server.log"), nil, Binary(t, "fake-gcs-server"),
		"-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", strconv.Itoa(port),
		"-public-host", address, "-log-level", "warn")
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(p.stop)
	s := &GCSServer{Endpoint: "http://" + address}
	if err := p.awaitHTTP(s.Endpoint + "/_internal/healthcheck"); err != nil {
		t.Fatalf("testenv: wait for fake-gcs-server: %v", err)
	}
	return s
}

// Bucket makes a bucket with a fresh name.
func (s *GCSServer) Bucket(t testing.TB) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	answer, err := http.Post(s.Endpoint+"/storage/v1/b?project=test", "application/json", strings.NewReader(fmt.Sprintf(`{"name":%q}`, name)))
	if err != nil {
		t.Fatalf("testenv: make a bucket: %v", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("testenv: make a bucket: %s", answer.Status)
	}
	return name
}

// URL is the store URL of a prefix in a bucket of this server. No credentials
// are needed.
func (s *GCSServer) URL(bucket, prefix string) string { return gcsURL(s.Endpoint, bucket, prefix) }

// GCSURL is GCSServer.URL through this proxy.
func (p *FaultProxy) GCSURL(bucket, prefix string) string { return gcsURL(p.Endpoint, bucket, prefix) }

func gcsURL(endpoint, bucket, prefix string) string {
	u := url.URL{Scheme: "gs", Host: bucket, RawQuery: url.Values{"endpoint": {endpoint}}.Encode()}
	if prefix != "" {
		u.Path = "/" + strings.Trim(prefix, "/")
	}
	return u.String()
}
