package seed

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

func failure(code, reason, details string) string { return says(code, reason, details, "said") }

// says is a Status with the words of the API server.
func says(code, reason, details, message string) string {
	quoted, _ := json.Marshal(message) // a string always marshals
	return `{"kind":"Status","apiVersion":"v1","status":"Failure","message":` + string(quoted) + `,"reason":"` + reason + `","details":{` + details + `},"code":` + code + `}`
}

// Nothing but the API server's own word for it is a refusal or an absence.
func TestHowAnAnswerIsJudged(t *testing.T) {
	const ofJSON, mine = "application/json", `"name":"p1","kind":"configmaps"`
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
		{"an object", "get", 200, ofJSON, `{"kind":"ConfigMap"}`, flow.Done, notAbsent, 0},
		{"created", "create", 201, ofJSON, `{"kind":"ConfigMap"}`, flow.Done, notAbsent, 0},
		{"created, by a read", "get", 201, ofJSON, `{"kind":"ConfigMap"}`, flow.Unknown, notAbsent, 0},
		{"a success that is no object", "get", 200, ofJSON, failure("200", "", ""), flow.Unknown, notAbsent, 0},
		{"a page of a proxy", "get", 200, "text/html", `<html>`, flow.Unknown, notAbsent, 0},
		{"cut JSON", "get", 200, ofJSON, `{"kind":"ConfigMap"`, flow.Unknown, notAbsent, 0},
		{"a redirect", "get", 302, ofJSON, `{}`, flow.Unknown, notAbsent, 0},
		{"this very object is not there", "get", 404, ofJSON, failure("404", "NotFound", mine), flow.Refused, isAbsent, 0},
		{"its namespace is not there", "create", 404, ofJSON, failure("404", "NotFound", `"name":"garden","kind":"namespaces"`), flow.Refused, noNamespace, flow.NeedsPerson},
		{"another object is not there", "get", 404, ofJSON, failure("404", "NotFound", `"name":"p2","kind":"configmaps"`), flow.Unknown, notAbsent, 0},
		{"another resource is not there", "get", 404, ofJSON, failure("404", "NotFound", `"name":"p1","kind":"secrets"`), flow.Unknown, notAbsent, 0},
		{"another group's", "get", 404, ofJSON, failure("404", "NotFound", mine+`,"group":"example.test"`), flow.Unknown, notAbsent, 0},
		{"a path that is not there", "get", 404, ofJSON, failure("404", "NotFound", ""), flow.Unknown, notAbsent, 0},
		{"another reason", "get", 404, ofJSON, failure("404", "Gone", mine), flow.Unknown, notAbsent, 0},
		{"a status that is not the answer's", "get", 404, ofJSON, failure("500", "NotFound", mine), flow.Unknown, notAbsent, 0},
		{"not found, in words", "get", 404, "text/plain", "404 page not found", flow.Unknown, notAbsent, 0},
		{"not found, as a page", "get", 404, ofJSON, `{"error":"not found"}`, flow.Unknown, notAbsent, 0},
		{"not found, as text that looks like it", "get", 404, "text/plain", failure("404", "NotFound", mine), flow.Unknown, notAbsent, 0},
		{"exists already", "create", 409, ofJSON, failure("409", "AlreadyExists", mine), flow.Refused, notAbsent, 0},
		{"changed meanwhile", "update", 409, ofJSON, failure("409", "Conflict", mine), flow.Refused, notAbsent, 0},
		{"a conflict of a proxy", "update", 409, "text/plain", "no", flow.Unknown, notAbsent, 0},
		{"forbidden, and why cannot be told", "create", 403, ofJSON, failure("403", "Forbidden", mine), flow.Refused, notAbsent, flow.Transient},
		{"not logged in", "get", 401, ofJSON, failure("401", "Unauthorized", ""), flow.Refused, notAbsent, flow.NeedsPerson},
		{"a proxy's login", "get", 401, "text/html", "login", flow.Unknown, notAbsent, 0},
		{"not valid", "update", 422, ofJSON, failure("422", "Invalid", mine), flow.Refused, notAbsent, flow.Permanent},
		{"not understood", "update", 400, ofJSON, failure("400", "BadRequest", ""), flow.Refused, notAbsent, flow.Permanent},
		{"too busy: it was not begun", "update", 429, ofJSON, failure("429", "TooManyRequests", ""), flow.Refused, notAbsent, 0},
		{"broken", "update", 500, ofJSON, failure("500", "InternalError", ""), flow.Unknown, notAbsent, 0},
		{"timed out: it may take effect yet", "update", 504, ofJSON, failure("504", "Timeout", ""), flow.Unknown, notAbsent, 0},
		{"not available", "update", 503, ofJSON, failure("503", "ServiceUnavailable", ""), flow.Unknown, notAbsent, 0},
		{"deleted", "delete", 200, ofJSON, `{"kind":"Status","apiVersion":"v1","status":"Success"}`, flow.Done, notAbsent, 0},
		{"a success of nothing", "update", 200, ofJSON, `{"kind":"Status","apiVersion":"v1","status":"Success"}`, flow.Unknown, notAbsent, 0},
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

// A missing right is for a person at once; what an admission denies may be
// allowed a moment later. The words are those of a real API server.
func TestWhoForbids(t *testing.T) {
	const (
		mine = `"name":"p1","kind":"secrets"`
		user = `User "system:serviceaccount:seedproof:svm" cannot create resource "secrets" in API group "" in the namespace "shoot"`
		mayI = "kubectl auth can-i create secrets --namespace shoot"
		web  = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
	)
	for _, c := range []struct {
		reason  string
		status  string
		why     string // the reason in the Status
		message string
		class   flow.Class
		advice  string
	}{
		{"no right, at a collection", "403", "Forbidden", "secrets is forbidden: " + user, flow.NeedsPerson, mayI},
		{"no right, at an object", "403", "Forbidden", `secrets "p1" is forbidden: ` + user, flow.NeedsPerson, mayI},
		{"no right, and an authorizer says why", "403", "Forbidden", `secrets "p1" is forbidden: ` + user + `: RBAC: role.rbac.authorization.k8s.io "x" not found`, flow.NeedsPerson, mayI},
		{"no right, in an API group", "403", "Forbidden", `pods.metrics.k8s.io is forbidden: User "a \"b\" c" cannot list resource "pods" in API group "metrics.k8s.io" at the cluster scope`, flow.NeedsPerson, mayI},
		{"no right to be somebody else", "403", "Forbidden", `users "x" is forbidden: User "y" cannot impersonate resource "users" in API group "" at the cluster scope`, flow.NeedsPerson, mayI},
		{"no right to a path", "403", "Forbidden", `forbidden: User "x" cannot get path "/api"`, flow.NeedsPerson, mayI},
		{"a quota", "403", "Forbidden", `secrets "p1" is forbidden: exceeded quota: none, requested: secrets=1, used: secrets=0, limited: secrets=0`, flow.Transient, "kubectl describe quota --namespace shoot"},
		{"a quota that nobody has counted yet", "403", "Forbidden", `secrets "p1" is forbidden: status unknown for quota: none, resources: secrets`, flow.Transient, "kubectl describe quota --namespace shoot"},
		{"a quota with a name that wants to be something else", "403", "Forbidden", `secrets "p1" is forbidden: exceeded quota: User "x" cannot create resource "y", requested: secrets=1`,
			flow.Transient, "kubectl describe quota --namespace shoot"},
		{"a webhook", "403", "Forbidden", `admission webhook "a.example.test" denied the request: no Secrets today`, flow.Transient, web},
		{"a webhook that speaks of rights", "403", "Forbidden", `admission webhook "a.example.test" denied the request: secrets is forbidden: ` + user, flow.Transient, web},
		{"a webhook that gives no status", "400", "", `admission webhook "a.example.test" denied the request without explanation`, flow.Transient, web},
		{"a webhook that gives its own", "422", "Invalid", `admission webhook "a.example.test" denied the request: no`, flow.Transient, web},
		{"a policy", "422", "Invalid", `secrets "p1" is forbidden: ValidatingAdmissionPolicy 'calm.example.test' with binding 'all' denied request: not at night`, flow.Transient,
			"kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings"},
		{"the namespace is going", "403", "Forbidden", `secrets "p1" is forbidden: unable to create new content in namespace shoot because it is being terminated`, flow.Transient,
			"kubectl get namespace shoot --output yaml"},
		{"an admission that is not ready", "403", "Forbidden", `secrets "p1" is forbidden: not yet ready to handle request`, flow.Transient, "kubectl get namespace shoot --output yaml"},
		{"an object that is not valid stays so", "422", "Invalid", `Secret "p1" is invalid: data[x]: Invalid value`, flow.Permanent, ""},
		{"not logged in", "401", "Unauthorized", "Unauthorized", flow.NeedsPerson, ""},
	} {
		status, err := strconv.Atoi(c.status)
		if err != nil {
			t.Fatal(err)
		}
		got := reply{status, http.Header{"Content-Type": {"application/json"}}, []byte(says(c.status, c.why, mine, c.message))}
		e := judge(request{verb: "create", key: key{secrets, "shoot", "p1"}}, got, nil, time.Unix(0, 0))
		if e == nil || e.Outcome != flow.Refused || e.FlowClass() != c.class || e.FlowAdvice() != c.advice {
			t.Errorf("%s: %v, %s, %q; expected %s, %q", c.reason, e, e.FlowClass(), e.FlowAdvice(), c.class, c.advice)
		}
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
