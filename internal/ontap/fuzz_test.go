package ontap

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// Whatever an array answers: no answer is Done that has no success status, none
// is Refused without a code that is known (or a 401), texts stay in bounds, and
// an absence is never read from anything but 404 with code 4.
func FuzzJudge(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `{"error":{"code":"4","message":"entry doesn't exist"}}`, `{"error":{"code":4}}`, `{"error":null}`, `{"error":"x"}`, `{"error":{"code":null}}`,
		`{"error":{"code":"2","message":"\u0000\n","target":"name","arguments":[{"code":"1","message":"m"}]}}`, `[{"error":{}}]`, `{"error":{"code":"6691623"}}`,
		`{"job":{"uuid":"aaaaaaaa-2222-3333-4444-555555555555"}}`, `{"approval_request":{}}`, "<html>", `{"error":{"code":"4"}}{`, "{\"a\":\"\xff\"}",
	} {
		for _, status := range []int{200, 202, 400, 401, 404, 500, 503} {
			f.Add(status, "application/hal+json", body, "7", "DELETE")
		}
	}
	f.Add(404, "text/html", `{"error":{"code":"4"}}`, "soon", "GET")
	f.Add(201, "application/json; charset=utf-8", "{}", "99999999999999999999", "POST")
	f.Fuzz(func(t *testing.T, status int, kind, body, after, method string) {
		got := reply{status: status, header: http.Header{"Content-Type": {kind}, "Retry-After": {after}}, body: []byte(body)}
		r := request{name: "try", kind: KindSVM, own: true, method: method}
		e := judge(r, got, nil, time.Unix(0, 0), newEraser("admin", NewSecret("hunter2")))
		if e == nil {
			if status < 200 || status > 202 {
				t.Fatalf("status %d is taken for a success", status)
			}
			return
		}
		if e.Outcome == flow.Done {
			t.Fatal("an error that is done")
		}
		if _, known := refusals[e.Code]; e.Outcome == flow.Refused && !known && status != http.StatusUnauthorized {
			t.Fatalf("refused by code %q and status %d", e.Code, status)
		}
		if status >= 200 && status < 300 && e.Outcome != flow.Unknown {
			t.Fatalf("status %d is refused", status)
		}
		if IsAbsent(e, KindSVM) && (status != 404 || e.Code != "4") {
			t.Fatalf("absent by status %d and code %q", status, e.Code)
		}
		if s := e.Error(); len(s) > 4096 || strings.ContainsAny(s, "\n\r\x00") || strings.Contains(s, "hunter2") {
			t.Fatalf("its text: %.200q", s)
		}
		if e.RetryAfter < 0 {
			t.Fatalf("retry after %s", e.RetryAfter)
		}
	})
}

// A next link that is followed stays on the array and in its collection.
func FuzzNextLink(f *testing.F) {
	for _, href := range []string{
		"/api/svm/svms?start.uuid=%22x%22&max_records=2", "/api/svm/svms", "//evil/api/svm/svms?a", "https://evil/api/svm/svms?a", "/api/svm/svms/../svms?a",
		"/api/svm%2Fsvms?a", "/api/svm/svms?a#b", "\\\\evil\\api?a", "/api/svm/svms?a\r\nHost: evil", "http:/api/svm/svms?a", "/api/svm/svms?%zz", "?a", "", "@evil:1/api/svm/svms?a",
	} {
		f.Add(href)
	}
	base, err := arrayURL("https://array.example.org:8443")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, href string) {
		r := get("list", KindSVM, at("svm/svms"))
		if r.checkNext(href, nil) != nil {
			return
		}
		if !strings.HasPrefix(href, "/api/svm/svms?") {
			t.Fatalf("%q is followed", href)
		}
		r.raw = href
		req, err := r.http(t.Context(), base, nil)
		if err != nil {
			return
		}
		if req.URL.Host != base.Host || req.URL.Scheme != "https" || req.URL.EscapedPath() != "/api/svm/svms" || req.URL.User != nil {
			t.Fatalf("%q leads to %s", href, req.URL)
		}
	})
}

// Records of any shape are read or refused; what is read has an identity.
func FuzzRecords(f *testing.F) {
	const uuid = "11111111-2222-3333-4444-555555555555"
	for _, s := range []string{
		`{"uuid":"` + uuid + `","name":"p1","state":"running","nvme":{"enabled":true},"storage":{"limit":1}}`,
		`{"uuid":"` + uuid + `","name":"lif","ip":{"address":"192.0.2.1","netmask":"255.255.255.0"},"enabled":"true"}`,
		`{"uuid":"` + uuid + `","gateway":"192.0.2.1","destination":{"address":"0.0.0.0","netmask":"0"}}`,
		`{"uuid":"` + uuid + `","state":"failure","code":4,"error":{"code":"4","message":"m"}}`,
		`{"owner":{"uuid":"` + uuid + `"},"name":"shoot","locked":null}`,
		`{"svm":{"uuid":"` + uuid + `"},"partner_svm":{},"failed_reason":{"message":["x"]}}`,
		`{"records":[{}],"num_records":1,"_links":{"next":{"href":"x"}}}`, `{"records":null}`, `{"num_records":1e99}`, `null`, `[]`, `{"uuid":null,"name":{}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s SVM
		if decode(raw, &s, SVM.check) == nil && (!isUUID(s.UUID) || s.Name == "" || s.State == "") {
			t.Fatalf("an SVM without an identity: %+v", s)
		}
		var i Interface
		if decode(raw, &i, Interface.check) == nil && (!isUUID(i.UUID) || i.Name == "" || i.IP.Netmask < 0 || i.IP.Netmask > 128) {
			t.Fatalf("an interface without an identity: %+v", i)
		}
		var r Route
		if decode(raw, &r, Route.check) == nil && !r.Prefix().IsValid() {
			t.Fatalf("a route without a destination: %+v", r)
		}
		var j Job
		if decode(raw, &j, Job.check) == nil && (!isUUID(j.UUID) || j.State == "") {
			t.Fatalf("a job without an identity: %+v", j)
		}
		var a Account
		if decode(raw, &a, Account.check) == nil && (!isUUID(a.Owner.UUID) || a.Name == "") {
			t.Fatalf("an account without an owner: %+v", a)
		}
		var p SVMPair
		_ = decode(raw, &p, func(SVMPair) error { return nil })
		var c certificateRecord
		if json.Unmarshal(raw, &c) == nil {
			_, _ = c.parse()
		}
		for _, records := range []bool{true, false} {
			page, err := readPage(raw, records)
			if err == nil && (page.Num == nil || records && len(*page.Records) != *page.Num) {
				t.Fatalf("a page that does not count: %s", raw)
			}
		}
	})
}

// What is asked for literally comes back as itself from the quotes, or is not
// asked for.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"p1", "datalif+0", "*", "!a", "a|b", `a"b`, "1..2", "", "\x00", "ü", "{a}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := literal(s)
		if err != nil {
			return
		}
		if q != s && q != `"`+s+`"` || q == s && (strings.ContainsAny(s, "*|!<>{}\" ") || strings.Contains(s, "..")) {
			t.Fatalf("%q is asked for as %q", s, q)
		}
	})
}

func TestAPathReachesNothingElse(t *testing.T) {
	for _, bad := range []segments{at("svm/svms", ""), at("svm/svms", ".."), at("svm/svms", "."), at("", "x")} {
		if bad.check() == nil {
			t.Errorf("%q may be sent", bad)
		}
	}
	if got := at("security/accounts", "u", "a/b?c#d").escaped(); got != "/api/security/accounts/u/a%2Fb%3Fc%23d" {
		t.Error(got)
	}
	r := request{invalid: errors.New("not this")}
	if _, err := r.encode(); err == nil {
		t.Error("what is not to be sent is encoded")
	}
}
