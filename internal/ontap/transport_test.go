package ontap

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What wraps the transport from outside may dump a request: the login is not in
// it yet.
func TestADumpBearsNoLogin(t *testing.T) {
	const password = "hunter2hunter2"
	var inside, outside bytes.Buffer
	dump := func(to *bytes.Buffer, next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			head, err := httputil.DumpRequestOut(r, false)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(to, "%s %+v %#v", head, r.Header, r)
			return next.RoundTrip(r)
		})
	}
	server := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})
	rt := dump(&outside, WithFaults(&basicAuth{dump(&inside, server), "admin", NewSecret(password)}, nil))
	body, err := request{body: accountBody{Name: "shoot", Password: plain{NewSecret(password)}}}.encode()
	if err != nil || !strings.Contains(string(body), password) {
		t.Fatalf("the body is %s, %v", body, err)
	}
	base, err := arrayURL("https://array.example.org")
	if err != nil {
		t.Fatal(err)
	}
	req, err := request{method: "POST", path: at("security/accounts")}.http(t.Context(), base, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if !strings.Contains(inside.String(), "Authorization: Basic") {
		t.Errorf("nobody logged in: %s", &inside)
	}
	if s := outside.String(); strings.Contains(s, "Authorization") || strings.Contains(s, password) {
		t.Errorf("dumped: %s", s)
	}
}
