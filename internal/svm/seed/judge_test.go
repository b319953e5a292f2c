package seed

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

func failure(code, reason, details string) string {
	return `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"said","reason":"` + reason + `","details":{` + details + `},"code":` + code + `}`
}

// Nothing but the API server's own word for it is a refusal or an absence.
func TestHowAnAnswerIsJudged(t *testing.T) {
	const json, mine = "application/json", `"name":"p1","kind":"configmaps"`
	k := key{configMaps, "garden", "p1"}
	tests := []struct {
		reason  string
		verb    string
		status  int
		kind    string
		body    string
		outcome flow.Outcome
		absent  absence
		class   flow.Class
	}{
		{"an object", "get", 200, json, `{"kind":"ConfigMap"}`, flow.Done, notAbsent, 0},
		{"created", "create", 201, json, `{"kind":"ConfigMap"}`, flow.Done, notAbsent, 0},
		{"created, by a read", "get", 201, json, `{"kind":"ConfigMap"}`, flow.Unknown, notAbsent, 0},
		{"a success that is no object", "get", 200, json, failure("200", "", ""), flow.Unknown, notAbsent, 0},
		{"a page of a proxy", "get", 200, "text/html", `<html>`, flow.Unknown, notAbsent, 0},
		{"cut JSON", "get", 200, json, `{"kind":"ConfigMap"`, flow.Unknown, notAbsent, 0},
		{"a redirect", "get", 302, json, `{}`, flow.Unknown, notAbsent, 0},
		{"this very object is not there", "get", 404, json, failure("404", "NotFound", mine), flow.Refused, isAbsent, 0},
		{"its namespace is not there", "create", 404, json, failure("404", "NotFound", `"name":"garden","kind":"namespaces"`), flow.Refused, noNamespace, flow.NeedsPerson},
		{"another object is not there", "get", 404, json, failure("404", "NotFound", `"name":"p2","kind":"configmaps"`), flow.Unknown, notAbsent, 0},
		{"another resource is not there", "get", 404, json, failure("404", "NotFound", `"name":"p1","kind":"secrets"`), flow.Unknown, notAbsent, 0},
		{"another group's", "get", 404, json, failure("404", "NotFound", mine+`,"group":"example.test"`), flow.Unknown, notAbsent, 0},
		{"a path that is not there", "get", 404, json, failure("404", "NotFound", ""), flow.Unknown, notAbsent, 0},
		{"another reason", "get", 404, json, failure("404", "Gone", mine), flow.Unknown, notAbsent, 0},
		{"a status that is not the answer's", "get", 404, json, failure("500", "NotFound", mine), flow.Unknown, notAbsent, 0},
		{"not found, in words", "get", 404, "text/plain", "404 page not found", flow.Unknown, notAbsent, 0},
		{"not found, as a page", "get", 404, json, `{"error":"not found"}`, flow.Unknown, notAbsent, 0},
		{"not found, as text that looks like it", "get", 404, "text/plain", failure("404", "NotFound", mine), flow.Unknown, notAbsent, 0},
		{"exists already", "create", 409, json, failure("409", "AlreadyExists", mine), flow.Refused, notAbsent, 0},
		{"changed meanwhile", "update", 409, json, failure("409", "Conflict", mine), flow.Refused, notAbsent, 0},
		{"a conflict of a proxy", "update", 409, "text/plain", "no", flow.Unknown, notAbsent, 0},
		{"no right to it, or a quota", "create", 403, json, failure("403", "Forbidden", mine), flow.Refused, notAbsent, flow.NeedsPerson},
		{"not logged in", "get", 401, json, failure("401", "Unauthorized", ""), flow.Refused, notAbsent, flow.NeedsPerson},
		{"a proxy's login", "get", 401, "text/html", "login", flow.Unknown, notAbsent, 0},
		{"not valid", "update", 422, json, failure("422", "Invalid", mine), flow.Refused, notAbsent, flow.Permanent},
		{"denied by a webhook", "update", 400, json, failure("400", "", ""), flow.Refused, notAbsent, flow.Permanent},
		{"too busy: it was not begun", "update", 429, json, failure("429", "TooManyRequests", ""), flow.Refused, notAbsent, 0},
		{"broken", "update", 500, json, failure("500", "InternalError", ""), flow.Unknown, notAbsent, 0},
		{"timed out: it may take effect yet", "update", 504, json, failure("504", "Timeout", ""), flow.Unknown, notAbsent, 0},
		{"not available", "update", 503, json, failure("503", "ServiceUnavailable", ""), flow.Unknown, notAbsent, 0},
		{"deleted", "delete", 200, json, `{"kind":"Status","apiVersion":"v1","status":"Success"}`, flow.Done, notAbsent, 0},
		{"a success of nothing", "update", 200, json, `{"kind":"Status","apiVersion":"v1","status":"Success"}`, flow.Unknown, notAbsent, 0},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got := reply{tt.status, http.Header{"Content-Type": {tt.kind}}, []byte(tt.body)}
			e := judge(request{verb: tt.verb, key: k}, got, nil, time.Unix(0, 0))
			if e == nil {
				e = &Error{Outcome: flow.Done}
			}
			if e.Outcome != tt.outcome || e.absent != tt.absent || e.FlowClass() != tt.class {
				t.Errorf("%s, absence %d, %s; expected %s, %d, %s (%v)", e.Outcome, e.absent, e.FlowClass(), tt.outcome, tt.absent, tt.class, e)
			}
		})
	}
}

func TestNoAnswerIsUnknown(t *testing.T) {
	e := judge(request{verb: "update", key: key{secrets, "garden", "p1"}, hidden: []string{"s3cret/\"x"}}, reply{}, errors.New(`dial s3cret/"x: refused`), time.Unix(0, 0))
	if e.Outcome != flow.Unknown || flow.OutcomeOf(e) != flow.Unknown || strings.Contains(e.Error(), "s3cret") {
		t.Errorf("%s: %v", e.Outcome, e)
	}
	refused := judge(request{}, reply{}, &fault.RefusedError{}, time.Unix(0, 0))
	if flow.OutcomeOf(refused) != flow.Refused || refused.absent != notAbsent {
		t.Errorf("an injected refusal: %v", refused)
	}
}

func TestHowLongToWait(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		reason string
		status int
		header string
		want   time.Duration
	}{
		{"too busy", 429, "7", 7 * time.Second},
		{"too busy, without a word", 429, "", time.Second},
		{"not available", 503, "2", 2 * time.Second},
		{"not available, without a word: it is not asked again", 503, "", 0},
		{"a date", 503, "Fri, 02 Jan 2026 03:04:15 GMT", 10 * time.Second},
		{"a date gone by", 503, "Fri, 02 Jan 2026 03:04:00 GMT", 0},
		{"no number", 503, "soon", 0},
		{"less than none", 503, "-1", 0},
		{"another status", 500, "7", 0},
	}
	for _, tt := range tests {
		if got := retryAfter(reply{status: tt.status, header: http.Header{"Retry-After": {tt.header}}}, now); got != tt.want {
			t.Errorf("%s: %s, expected %s", tt.reason, got, tt.want)
		}
	}
}

func TestTextsFromOutsideAreErased(t *testing.T) {
	said := erase(`bad "pa\"ss" cGEicw== pa"ss`, []string{`pa"ss`, "", `pa"s`})
	if strings.Contains(said, "pa") || strings.Contains(said, "cGEi") {
		t.Errorf("got %q", said)
	}
}

// What a write is called once it was looked for and not found.
func TestAWriteThatTheLookDidNotFind(t *testing.T) {
	tests := []struct {
		reason string
		status int
		before flow.Outcome
		look   proof.Finding
		want   flow.Outcome
	}{
		{"a conflict, and another's write stands there", 409, flow.Refused, proof.Present, flow.Refused},
		{"a conflict, and what stands there is damaged", 409, flow.Refused, proof.Unusable, flow.Refused},
		{"a conflict, and it is gone", 409, flow.Refused, proof.Absent, flow.Refused},
		{"a conflict, and the look failed: it may be our own", 409, flow.Refused, proof.Unknown, flow.Unknown},
		{"no answer, and another's write stands there: ours may still arrive", 0, flow.Unknown, proof.Present, flow.Unknown},
		{"no answer, and nothing stands there", 0, flow.Unknown, proof.Absent, flow.Unknown},
		{"no answer, and the look failed", 0, flow.Unknown, proof.Unknown, flow.Unknown},
	}
	for _, tt := range tests {
		e := (&Error{Status: tt.status, Outcome: tt.before}).afterLook(object{finding: tt.look, why: "why"})
		if got := flow.OutcomeOf(e); got != tt.want || flow.ClassOf(e) != flow.Transient {
			t.Errorf("%s: %s, %s", tt.reason, got, flow.ClassOf(e))
		}
	}
}
