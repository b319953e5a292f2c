package s3

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	tests := []struct {
		reason, raw, want string
	}{
		{"a bucket is enough", "s3://bucket", "s3://bucket"},
		{"slashes at the ends mean nothing", "s3://bucket//a/b/", "s3://bucket/a/b"},
		{"the order of parameters means nothing", "s3://b-1/p?region=eu-1&endpoint=http://h:1&path-style=1",
			"s3://b-1/p?endpoint=http%3A%2F%2Fh%3A1&path-style=true&region=eu-1"},
		{"escapes are kept", "s3://bucket/a%20b%2Fc", "s3://bucket/a%20b/c"},
		{"a slash after the endpoint means nothing", "s3://bucket?endpoint=https://h/", "s3://bucket?endpoint=https%3A%2F%2Fh"},
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
		{"another scheme", "gs://bucket/p", "scheme"},
		{"credentials", "s3://id:hunter2@bucket/p", "AWS_SECRET_ACCESS_KEY"},
		{"credentials that do not parse", "s3://id:hunter2@bucket:x y/p", "not a URL"},
		{"credentials in the endpoint", "s3://bucket?endpoint=http://id:hunter2@h", "endpoint"},
		{"a parameter in the endpoint", "s3://bucket?endpoint=http://h?key=hunter2", "endpoint"},
		{"a secret as a parameter", "s3://bucket?secret=hunter2", `unknown parameter "secret"`},
		{"a misspelt parameter", "s3://bucket?pathstyle=true", `unknown parameter "pathstyle"`},
		{"a parameter given twice", "s3://bucket?region=a&region=b", `"region" is given 2 times`},
		{"no bucket", "s3:///p", "bucket"},
		{"a port", "s3://bucket:80/p", "bucket"},
		{"an opaque URL", "s3:bucket", "bucket"},
		{"a prefix that climbs", "s3://bucket/a/../b", "prefix"},
		{"an empty element", "s3://bucket/a//b", "prefix"},
		{"a fragment", "s3://bucket/a#b", "fragment"},
		{"an endpoint without a scheme", "s3://bucket?endpoint=h:80", "endpoint"},
		{"another scheme in the endpoint", "s3://bucket?endpoint=ftp://h", "endpoint"},
		{"a path style that is none", "s3://bucket?path-style=maybe", "path-style"},
		{"an empty region", "s3://bucket?region=", "region"},
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
		"s3://bucket", "s3://bucket/a/b?region=r&endpoint=http://h:1/x&path-style=false",
		"s3://id:secret@bucket", "s3://bucket/%2e%2e", "s3://bucket?endpoint=http://%41:1", "s3://b?=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseURL(raw)
		if err != nil {
			return
		}
		again, err := parseURL(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is %s, which is %s, %v", raw, p, again, err)
		}
		if again.bucket != p.bucket || again.prefix != p.prefix || again.endpoint != p.endpoint {
			t.Errorf("%q: %+v became %+v", raw, p, again)
		}
	})
}

func TestVariablesFillWhatTheURLLeavesOpen(t *testing.T) {
	env := map[string]string{"S3_ENDPOINT": "http://h:1", "S3_REGION": "r"}
	getenv := func(name string) string { return env[name] }
	for raw, want := range map[string]string{
		"s3://bucket": "s3://bucket?endpoint=http%3A%2F%2Fh%3A1&region=r",
		"s3://bucket?endpoint=http://own&region=mine": "s3://bucket?endpoint=http%3A%2F%2Fown&region=mine",
	} {
		p, err := parseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.complete(getenv); err != nil || p.String() != want {
			t.Errorf("%s became %s, %v; want %s", raw, p, err, want)
		}
	}
	env["S3_ENDPOINT"] = "http://id:hunter2@h"
	p := place{bucket: "bucket"}
	if err := p.complete(getenv); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a bad S3_ENDPOINT gave %v", err)
	}
}

func TestOwnCredentials(t *testing.T) {
	own := place{endpoint: "http://h"}
	tests := []struct {
		reason     string
		place      place
		id, secret string
		want       string // access key, "" for the SDK's chain, "error"
	}{
		{"neither is set", own, "", "", ""},
		{"both are set", own, "id", "s", "id"},
		{"they are not Amazon's", place{}, "id", "s", ""},
		{"half a pair", own, "id", "", "error"},
		{"the other half", own, "", "s", "error"},
	}
	for _, test := range tests {
		env := map[string]string{"S3_ACCESS_KEY_ID": test.id, "S3_SECRET_ACCESS_KEY": test.secret}
		got := ""
		provider, err := ownCredentials(test.place, func(name string) string { return env[name] })
		if err != nil {
			got = "error"
		}
		if provider != nil {
			c, err := provider.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = c.AccessKeyID
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.reason, got, test.want)
		}
	}
}
