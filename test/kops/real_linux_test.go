package kops

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/testenv"
	"github.com/seedproof/seedproof/test/kops/fleet"
	"github.com/seedproof/seedproof/test/standins/s3list"
)

// lay puts a fleet under a real server, as files of its own form: tens of
// thousands of requests would take minutes. What the server then lists is held
// to the stand-in, object by object.
func lay(t *testing.T, content *fleet.Content, dir string) {
	t.Helper()
	for o := range content.From("") {
		path := filepath.Join(dir, filepath.FromSlash(o.Key))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		_, body, found := content.Get(o.Key)
		if !found || int64(len(body)) != o.Size {
			t.Fatalf("%s is listed with %d bytes, and has %d (%t)", o.Key, o.Size, len(body), found)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Setxattr(path, "user.etag", []byte(`"`+o.ETag+`"`), 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, o.Modified, o.Modified); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is all that a server lists, in its order.
func everything(t *testing.T, c *s3.Client, bucket string) (keys []string, pages int) {
	t.Helper()
	more := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: &bucket})
	for more.HasMorePages() {
		page, err := more.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, o := range page.Contents {
			keys = append(keys, fmt.Sprintf("%s %d %s %s", *o.Key, *o.Size, *o.ETag, o.LastModified.Truncate(time.Second)))
		}
	}
	return keys, pages
}

// front answers at one address for whoever stands behind it, so that nothing in
// a report tells the one from the other: digests are made of the address too.
type front struct{ behind http.Handler }

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.behind.ServeHTTP(w, r) }

// said is what a check at one moment says of the fleet at an endpoint, as JSON.
func said(t *testing.T, endpoint, bucket string, now time.Time) []string {
	t.Helper()
	report, err := kops.Check(t.Context(), kops.Options{
		State: "s3://" + bucket + "?region=us-east-1&endpoint=" + endpoint, Open: open.Open, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// TestARealServerSaysTheSame: the fleet with a hundred backups of each cluster,
// which is a hundredth, on a real server. It
// lists what the stand-in lists, and a check finds the same.
func TestARealServerSaysTheSame(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	content := fleet.Make(t, fleet.Size{Clusters: clusters, Backups: laid, Last: now.Add(-5 * time.Minute)})
	server := testenv.S3(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	lay(t, content, filepath.Join(server.Dir, bucket))
	standIn := &s3list.Server{Bucket: bucket, Content: content}
	imitation := httptest.NewServer(standIn)
	defer imitation.Close()
	there := server.Client()
	here := s3.New(there.Options(), func(o *s3.Options) { o.BaseEndpoint = aws.String(imitation.URL) })
	theirs, pages := everything(t, there, bucket)
	ours, _ := everything(t, here, bucket)
	if len(theirs) != content.Keys() {
		t.Fatalf("the real server lists %d keys, and there are %d", len(theirs), content.Keys())
	}
	same(t, "listed", theirs, ours)

	both := &front{behind: forward(t, server.Endpoint)}
	address := httptest.NewServer(both)
	defer address.Close()
	want := said(t, address.URL, bucket, now)
	both.behind = standIn
	same(t, "reported", want, said(t, address.URL, bucket, now))
	text := strings.Join(want, "\n")
	if n := strings.Count(text, `"seed-over-existing"`) + strings.Count(text, `"seed-imminent"`); n != 2 {
		t.Errorf("%d of the two clusters in danger were found", n)
	}
	t.Logf("NOTE: %d keys on %s (%d pages): listed as by the stand-in, and the same %d lines of a report", len(theirs), server.Name, pages, len(want))
}

// same holds what came from the stand-in to what came from the real server.
func same(t *testing.T, what string, want, have []string) {
	t.Helper()
	for i := range min(len(want), len(have)) {
		if want[i] != have[i] {
			t.Fatalf("%s, line %d: by the real server\n%s\nby the stand-in\n%s", what, i, want[i], have[i])
		}
	}
	if len(want) != len(have) {
		t.Fatalf("%s: %d lines by the real server, %d by the stand-in", what, len(want), len(have))
	}
}
