package s3list_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/seedproof/seedproof/internal/testenv"
	"github.com/seedproof/seedproof/test/standins/s3list"
)

// contents are keys as a state store has them, and such as are hard to list.
func contents() map[string]string {
	all := map[string]string{
		"a/config": "kind: Cluster", "a.b/config": "kind: Cluster\n", "a-b/config": "x", "a&b<c>/it's \"one\"": "x",
		"ü/config": "x", "z/deep/er/still": "x", "z/deep/empty": "", "plus+and space": "x",
	}
	for i := range 37 {
		folder := fmt.Sprintf("a/backups/etcd/main/2026-11-21T10:%02d:00Z-%06d", i, i+1)
		all[folder+"/etcd.backup.gz"] = strings.Repeat("x", i)
		all[folder+"/_etcd_backup.meta"] = "{}"
	}
	return all
}

const bucket = "held-to-the-real-one"

// client asks the server at url.
func client(url string) *s3.Client {
	return s3.New(s3.Options{BaseEndpoint: &url, Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("seedproof-test", "seedproof-test-secret", "")})
}

// standIn serves contents on loopback.
func standIn(t *testing.T) *s3.Client {
	t.Helper()
	server := httptest.NewServer(&s3list.Server{Bucket: bucket, Content: s3list.NewKeys(contents(), time.Now())})
	t.Cleanup(server.Close)
	return client(server.URL)
}

// realServers hold the same contents.
func realServers(t *testing.T) map[string]*s3.Client {
	t.Helper()
	real := map[string]*s3.Client{}
	for _, server := range []*testenv.S3Server{testenv.S3(t), testenv.MinIO(t)} {
		c := server.Client()
		if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			t.Fatal(err)
		}
		for key, content := range contents() {
			if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(content)}); err != nil {
				t.Fatal(err)
			}
		}
		real[server.Name] = c
	}
	return real
}

// code is what a server said is wrong, with the status.
func code(err error) string {
	if err == nil {
		return "none"
	}
	var said smithy.APIError
	var status interface{ HTTPStatusCode() int }
	if !errors.As(err, &said) || !errors.As(err, &status) {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", status.HTTPStatusCode(), said.ErrorCode())
}

// pages lists to the end and tells all that came, page by page.
func pages(t *testing.T, c *s3.Client, in s3.ListObjectsV2Input) []string {
	t.Helper()
	var told []string
	for range 200 {
		out, err := c.ListObjectsV2(t.Context(), &in)
		if err != nil {
			return append(told, code(err))
		}
		told = append(told, fmt.Sprintf("name %s prefix %q max %d count %d more %t",
			aws.ToString(out.Name), aws.ToString(out.Prefix), aws.ToInt32(out.MaxKeys), aws.ToInt32(out.KeyCount), aws.ToBool(out.IsTruncated)))
		for _, o := range out.Contents {
			told = append(told, fmt.Sprintf("%q %d bytes, %s, of a time %t", *o.Key, *o.Size, *o.ETag, !o.LastModified.IsZero()))
		}
		if !aws.ToBool(out.IsTruncated) {
			return told
		}
		in.ContinuationToken = out.NextContinuationToken
	}
	t.Fatal("the listing does not end")
	return nil
}

// TestListingsAreThoseOfRealServers: every listing that the stand-in answers is
// answered so by two real servers, error by error and page by page.
func TestListingsAreThoseOfRealServers(t *testing.T) {
	imitation := standIn(t)
	in := func(prefix, after string, maxKeys int32) s3.ListObjectsV2Input {
		given := s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &prefix}
		if after != "" {
			given.StartAfter = &after
		}
		if maxKeys != 0 {
			given.MaxKeys = &maxKeys
		}
		return given
	}
	stranger := in("", "", 0)
	stranger.Bucket = aws.String("no-such-bucket")
	cases := map[string]s3.ListObjectsV2Input{
		"all in one page":            in("", "", 1000),
		"the default is a page":      in("", "", 0),
		"pages of seven":             in("", "", 7),
		"pages that end exactly":     in("a/backups/", "", 37),
		"one key a page":             in("z/", "", 1),
		"a prefix":                   in("a/backups/etcd/main/", "", 10),
		"a prefix inside a name":     in("a/backups/etcd/main/2026-11-21T10:1", "", 3),
		"a prefix of nothing":        in("nothing/", "", 1000),
		"after a key":                in("", "a/config", 1000),
		"after what is no key":       in("", "a/backups/etcd/main/2026-11-21T10:20", 9),
		"after a key, in a prefix":   in("a/backups/", "a/backups/etcd/main/2026-11-21T10:30:00Z-000031/_etcd_backup.meta", 2),
		"before the prefix":          in("a/", "a", 1000),
		"behind the prefix":          in("a/", "b", 1000),
		"behind everything":          in("", "\U0010FFFF", 1000),
		"a bucket that is not there": stranger,
	}
	for name, server := range realServers(t) {
		for reason, input := range cases {
			want, have := pages(t, server, input), pages(t, imitation, input)
			if !slices.Equal(want, have) {
				t.Errorf("%s: %s", reason, difference(name, want, have))
			}
		}
	}
}

// difference is the first line in which two answers differ.
func difference(server string, want, have []string) string {
	for i := range min(len(want), len(have)) {
		if want[i] != have[i] {
			return fmt.Sprintf("line %d: %s says\n  %s\nand the stand-in\n  %s", i, server, want[i], have[i])
		}
	}
	return fmt.Sprintf("%s says %d lines, the stand-in %d", server, len(want), len(have))
}

// TestReadsAreThoseOfRealServers: so are whole reads, and those of nothing.
func TestReadsAreThoseOfRealServers(t *testing.T) {
	imitation := standIn(t)
	read := func(c *s3.Client, name, key string) string {
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
		if err != nil {
			return code(err)
		}
		defer func() { _ = out.Body.Close() }()
		body, err := io.ReadAll(out.Body)
		return fmt.Sprintf("%q %v %d %s %t", body, err, *out.ContentLength, *out.ETag, out.LastModified.IsZero())
	}
	head := func(c *s3.Client, name, key string) string {
		out, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: &key})
		if err != nil {
			return code(err)
		}
		return fmt.Sprintf("%d %s %t", *out.ContentLength, *out.ETag, out.LastModified.IsZero())
	}
	for name, server := range realServers(t) {
		for _, place := range [][2]string{
			{bucket, "a/config"}, {bucket, "z/deep/empty"}, {bucket, "plus+and space"}, {bucket, "a&b<c>/it's \"one\""}, {bucket, "ü/config"},
			{bucket, "a/nothing"}, {bucket, "a/confi"}, {"no-such-bucket", "a/config"},
		} {
			if want, have := read(server, place[0], place[1]), read(imitation, place[0], place[1]); want != have {
				t.Errorf("get %q: %s says %s, the stand-in %s", place, name, want, have)
			}
			if want, have := head(server, place[0], place[1]), head(imitation, place[0], place[1]); want != have {
				t.Errorf("head %q: %s says %s, the stand-in %s", place, name, want, have)
			}
		}
	}
}

// TestWhatItDoesNotKnowIsRefused: no answer of the stand-in is made up.
func TestWhatItDoesNotKnowIsRefused(t *testing.T) {
	server := &s3list.Server{Bucket: bucket, Content: s3list.NewKeys(contents(), time.Now())}
	for _, ask := range []struct {
		method, path, header string
		status               int
	}{
		{"GET", "/" + bucket + "?list-type=2&delimiter=/", "", 501},
		{"GET", "/" + bucket + "?list-type=2&encoding-type=url", "", 501},
		{"GET", "/" + bucket + "?list-type=2&max-keys=many", "", 400},
		{"GET", "/" + bucket + "?list-type=2&max-keys=-1", "", 400},
		{"GET", "/" + bucket + "?list-type=2&continuation-token=", "", 400},
		{"GET", "/" + bucket + "?list-type=2&continuation-token=!", "", 400},
		{"GET", "/" + bucket, "", 501},
		{"GET", "/" + bucket + "?versions=", "", 501},
		{"GET", "/" + bucket + "?acl=", "", 501},
		{"GET", "/" + bucket + "?lifecycle=", "", 404},
		{"GET", "/" + bucket + "?versioning=", "", 200},
		{"GET", "/" + bucket + "/a/config", "", 200},
		{"GET", "/" + bucket + "/a/config", "Range", 501},
		{"GET", "/" + bucket + "/a/config", "If-Match", 501},
		{"GET", "/" + bucket + "/a/config?tagging=", "", 501},
		{"PUT", "/" + bucket + "/a/config", "", 501},
		{"DELETE", "/" + bucket + "/a/config", "", 501},
	} {
		r := httptest.NewRequestWithContext(t.Context(), ask.method, ask.path, http.NoBody)
		if ask.header != "" {
			r.Header.Set(ask.header, "x")
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != ask.status {
			t.Errorf("%s %s %s: %d, want %d", ask.method, ask.path, ask.header, w.Code, ask.status)
		}
	}
}
