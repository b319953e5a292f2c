package testenv

import (
	"bytes"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestS3KeepsDataOverARestart(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *S3Server{"versitygw": S3, "minio": MinIO} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			bucket := s.Bucket(t)
			put(t, s, bucket, "a/b", "kept")
			endpoint := s.Endpoint

			s.Stop()
			if reachable(s.Endpoint) {
				t.Fatal("a stopped server answers")
			}
			s.Stop() // a second stop is harmless

			s.Start()
			if s.Endpoint != endpoint {
				t.Errorf("endpoint after the restart is %s, before it was %s", s.Endpoint, endpoint)
			}
			if got := get(t, s, bucket, "a/b"); got != "kept" {
				t.Errorf("after a restart the object holds %q", got)
			}
		})
	}
}

func TestBucketsAreFresh(t *testing.T) {
	s := S3(t)
	if a, b := s.Bucket(t), s.Bucket(t); a == b {
		t.Errorf("two buckets have the same name %s", a)
	}
}

func TestURL(t *testing.T) {
	s := &S3Server{Endpoint: "http://127.0.0.1:20001", Region: "us-east-1"}
	const query = "?endpoint=http%3A%2F%2F127.0.0.1%3A20001&path-style=true&region=us-east-1"
	for prefix, want := range map[string]string{
		"":        "s3://b" + query,
		"x/y":     "s3://b/x/y" + query,
		"/x/y z/": "s3://b/x/y%20z" + query,
	} {
		if got := s.URL("b", prefix); got != want {
			t.Errorf("URL of prefix %q is %s, want %s", prefix, got, want)
		}
	}
}

func TestTheServerEndsWithItsTest(t *testing.T) {
	var endpoint string
	t.Run("inner", func(t *testing.T) { endpoint = S3(t).Endpoint })
	if reachable(endpoint) {
		t.Fatal("the server outlives the test that started it")
	}
}

func put(t *testing.T, s *S3Server, bucket, key, content string) {
	t.Helper()
	_, err := s.Client().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte(content)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *S3Server, bucket, key string) string {
	t.Helper()
	out, err := s.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
