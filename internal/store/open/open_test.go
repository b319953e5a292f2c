package open_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/store/open"
)

func TestOpen(t *testing.T) {
	s, err := open.Open(t.Context(), "file:///var/lib/./backups//etcd/")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.URL(), "file:///var/lib/backups/etcd"; got != want {
		t.Errorf("URL %s; want %s", got, want)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		reason, url string
		says        []string
	}{
		{"an unknown scheme", "ftp://host/path", []string{`"ftp"`, "file://", "s3://", "for example"}},
		{"memory is for tests", "mem://x", []string{`"mem"`}},
		{"a bare path", "/var/lib/backups", []string{"/var/lib/backups", "no URL scheme", "file:///"}},
		{"nothing", "", []string{"no URL scheme"}},
		{"a scheme in capitals is not guessed", "FILE:///x", []string{`"FILE"`}},
		{"a path read as a host", "file://backups/etcd", []string{"backups", "third slash"}},
		{"a relative path", "file://./backups", []string{"third slash"}},
		{"the root directory", "file:///", []string{"root directory"}},
		{"options", "file:///x?region=y", []string{"no options"}},
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
	if _, err := open.Open(t.Context(), "gs://user:hunter2@bucket"); strings.Contains(err.Error(), "hunter2") {
		t.Errorf("shows a credential: %v", err)
	}
}
