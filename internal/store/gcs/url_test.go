package gcs

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	tests := []struct {
		reason, raw, want string
	}{
		{"a bucket is enough", "gs://bucket", "gs://bucket"},
		{"slashes at the ends mean nothing", "gs://bucket//a/b/", "gs://bucket/a/b"},
		{"buckets may bear a domain's name", "gs://back_ups.example.com/p", "gs://back_ups.example.com/p"},
		{"escapes are kept", "gs://bucket/a%20b%2Fc", "gs://bucket/a%20b/c"},
		{"a slash after the endpoint means nothing", "gs://bucket?endpoint=https://h/", "gs://bucket?endpoint=https%3A%2F%2Fh"},
		{"a port", "gs://bucket/p?endpoint=http://127.0.0.1:4443", "gs://bucket/p?endpoint=http%3A%2F%2F127.0.0.1%3A4443"},
	}
	for _, test := range tests {
		p, err := parseURL(test.raw)
		if err != nil || p.String() != test.want {
			t.Errorf("%s: %s gave %s, %v; want %s", test.reason, test.raw, p, err, test.want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	tests := []struct {
		reason, raw, want string
	}{
		{"another scheme", "s3://bucket/p", "gs://BUCKET/PREFIX"},
		{"credentials", "gs://id:hunter2@bucket/p", "GOOGLE_APPLICATION_CREDENTIALS"},
		{"credentials that do not parse", "gs://id:hunter2@bucket:x y/p", "not a URL"},
		{"credentials in the endpoint", "gs://bucket?endpoint=http://id:hunter2@h", "endpoint"},
		{"a parameter in the endpoint", "gs://bucket?endpoint=http://h?key=hunter2", "endpoint"},
		{"a path in the endpoint", "gs://bucket?endpoint=http://h/storage/v1", "endpoint"},
		{"a secret as a parameter", "gs://bucket?key=hunter2", `unknown parameter "key"`},
		{"a parameter of another driver", "gs://bucket?region=eu", `known is endpoint`},
		{"a parameter given twice", "gs://bucket?endpoint=http://a&endpoint=http://b", "2 times"},
		{"a query that cannot be read", "gs://bucket?endpoint=%zz", "after ?"},
		{"no bucket", "gs:///p", "bucket"},
		{"capitals", "gs://Bucket/p", `"Bucket"`},
		{"a port", "gs://bucket:80/p", "bucket"},
		{"an opaque URL", "gs:bucket", "bucket"},
		{"a prefix that climbs", "gs://bucket/a/../b", "prefix"},
		{"an empty element", "gs://bucket/a//b", "prefix"},
		{"a fragment", "gs://bucket/a#b", "fragment"},
		{"an endpoint without a scheme", "gs://bucket?endpoint=h:80", "endpoint"},
		{"another scheme in the endpoint", "gs://bucket?endpoint=ftp://h", "endpoint"},
	}
	for _, test := range tests {
		p, err := parseURL(test.raw)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s gave %s, %v; want an error with %q", test.reason, test.raw, p, err, test.want)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the secret: %v", test.reason, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"gs://bucket", "gs://bucket/a/b?endpoint=http://h:1", "gs://id:secret@bucket", "gs://bucket/%2e%2e",
		"gs://bucket?endpoint=http://%41:1", "gs://b?=", "gs://bucket?endpoint=https://[::1]:80/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseURL(raw)
		if err != nil {
			return
		}
		again, err := parseURL(p.String())
		if err != nil || again != p {
			t.Errorf("%q is %+v, which is %+v, %v", raw, p, again, err)
		}
	})
}

func TestTheVariableFillsWhatTheURLLeavesOpen(t *testing.T) {
	tests := []struct{ reason, raw, variable, want string }{
		{"not set", "gs://bucket", "", "gs://bucket"},
		{"host and port, as Google's tools take it", "gs://bucket", "h:1", "gs://bucket?endpoint=http%3A%2F%2Fh%3A1"},
		{"a URL", "gs://bucket", "https://h", "gs://bucket?endpoint=https%3A%2F%2Fh"},
		{"the URL goes first", "gs://bucket?endpoint=http://own", "h:1", "gs://bucket?endpoint=http%3A%2F%2Fown"},
	}
	for _, test := range tests {
		p, err := parseURL(test.raw)
		if err != nil {
			t.Fatal(err)
		}
		err = p.complete(func(name string) string {
			return map[string]string{"STORAGE_EMULATOR_HOST": test.variable}[name]
		})
		if err != nil || p.String() != test.want {
			t.Errorf("%s: %s, %v; want %s", test.reason, p, err, test.want)
		}
	}
	p := place{bucket: "bucket"}
	if err := p.complete(func(string) string { return "http://id:hunter2@h" }); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a bad variable gave %v", err)
	}
}
