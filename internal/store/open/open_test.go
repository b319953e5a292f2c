package open_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/store/open"
)

func TestOpen(t *testing.T) {
	for _, name := range []string{"S3_ENDPOINT", "S3_REGION", "STORAGE_EMULATOR_HOST", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"} {
		t.Setenv(name, "")
	}
	for raw, want := range map[string]string{
		"file:///var/lib/./backups//etcd/":                            "file:///var/lib/backups/etcd",
		"s3://bucket/etcd/":                                           "s3://bucket/etcd",
		"gs://bucket//etcd/":                                          "gs://bucket/etcd",
		"gs://bucket/etcd?endpoint=http://127.0.0.1:1/":               "gs://bucket/etcd?endpoint=http%3A%2F%2F127.0.0.1%3A1",
		"azblob://backups/etcd?account=acct":                          "azblob://backups/etcd?account=acct",
		"azureblob://acct/backups/etcd":                               "azblob://backups/etcd?account=acct",
		"azblob://backups?endpoint=http://127.0.0.1:1/a&account=acct": "azblob://backups?account=acct&endpoint=http%3A%2F%2F127.0.0.1%3A1%2Fa",
	} {
		s, err := open.Open(t.Context(), raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got := s.URL(); got != want {
			t.Errorf("%s is %s; want %s", raw, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Setenv("AZURE_STORAGE_ACCOUNT", "")
	for _, test := range []struct {
		reason, url string
		says        []string
	}{
		{"an unknown scheme", "ftp://host/path", []string{`"ftp"`, "file://", "s3://", "gs://", "azblob://", "for example"}},
		{"memory is for tests", "mem://x", []string{`"mem"`}},
		{"a bare path", "/var/lib/backups", []string{"/var/lib/backups", "no URL scheme", "file:///"}},
		{"nothing", "", []string{"no URL scheme"}},
		{"a scheme in capitals is not guessed", "FILE:///x", []string{`"FILE"`}},
		{"a path read as a host", "file://backups/etcd", []string{"backups", "third slash"}},
		{"a relative path", "file://./backups", []string{"third slash"}},
		{"the root directory", "file:///", []string{"root directory"}},
		{"options", "file:///x?region=y", []string{"no options"}},
		{"a bucket that is none", "gs://B/x", []string{`"B"`, "gs://BUCKET/PREFIX"}},
		{"Azure without an account", "azblob://backups/x", []string{"AZURE_STORAGE_ACCOUNT", "account="}},
		{"kops's scheme without an account", "azureblob://state/cl.example.com", []string{"AZURE_STORAGE_ACCOUNT", "account="}},
		{"Azure by its web address", "https://acct.blob.core.windows.net/backups", []string{`"https"`, "azblob://"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			s, err := open.Open(t.Context(), test.url)
			if err == nil || s != nil {
				t.Fatalf("opened %v, %v", s, err)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
	for _, scheme := range []string{"s3", "gs", "azblob", "azureblob", "other"} {
		if _, err := open.Open(t.Context(), scheme+"://user:hunter2@bucket"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: shows a credential: %v", scheme, err)
		}
	}
}
