package seed

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
)

// judge is the one place that says how a request ended: nil when it is Done.
// It is Refused only when the answer is a Status of the API server with a
// status that says that nothing took effect; else Unknown.
func judge(r request, got reply, sending error, now time.Time) *Error {
	e := &Error{Verb: r.verb, Object: r.key.String(), Status: got.status}
	if sending != nil {
		return e.unanswered(sending, r.hidden)
	}
	said, isStatus := readStatus(got)
	if got.status == http.StatusOK || got.status == http.StatusCreated && r.verb == "create" || got.status == http.StatusAccepted && r.verb == "delete" {
		if isJSON(got) && (!isStatus || r.verb == "delete" && said.Status == metav1.StatusSuccess) {
			return nil
		}
		e.Message = "the answer is not what was asked for"
		return e
	}
	e.RetryAfter = retryAfter(got, now)
	if !isStatus || said.Status != metav1.StatusFailure || said.Code != 0 && int(said.Code) != got.status {
		e.Message = "answered, and not as an API server does"
		return e
	}
	e.Reason, e.Message = tidy(string(said.Reason)), tidy(erase(said.Message, r.hidden))
	e.classify(r.key, said)
	return e
}

// unanswered is a request without a whole answer. An injected refusal stands
// for an answer.
func (e *Error) unanswered(cause error, hidden []string) *Error {
	e.cause = cause
	if said := cause.Error(); erase(said, hidden) != said {
		e.cause = errors.New(erase(said, hidden))
	}
	var refused *fault.RefusedError
	if errors.As(cause, &refused) {
		e.Outcome = flow.Refused
	}
	return e
}

// classify sets outcome and class by the status: those that the API server
// gives before it changes anything. What an admission denied is tried again, as
// it may be allowed a moment later: a webhook chooses the status of its denial.
func (e *Error) classify(k key, said metav1.Status) {
	switch e.Status {
	case http.StatusUnauthorized:
		e.Outcome, e.class = flow.Refused, flow.NeedsPerson
	case http.StatusForbidden:
		e.Outcome, e.class, e.advice = flow.Refused, flow.Transient, askOf(k, said)
		if isRightMissing(said) {
			e.class, e.advice = flow.NeedsPerson, e.mayI(k)
		}
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		e.Outcome, e.class = flow.Refused, flow.Permanent
		if isDenied(said) {
			e.class, e.advice = flow.Transient, askOf(k, said)
		}
	case http.StatusConflict, http.StatusTooManyRequests, http.StatusGone:
		e.Outcome = flow.Refused
	case http.StatusNotFound:
		e.absent = absentBy(k, said)
		if e.absent == noNamespace {
			e.class, e.advice = flow.NeedsPerson, "kubectl get namespace "+k.namespace
		}
		if e.absent != notAbsent {
			e.Outcome = flow.Refused
		}
	}
}

func (e *Error) mayI(k key) string {
	if k.namespace == "" {
		return ""
	}
	return "kubectl auth can-i " + e.Verb + " " + k.resource + " --namespace " + k.namespace
}

// absentBy reads what is not there. A 404 also comes of a wrong path, a proxy,
// or a resource that the server does not know.
func absentBy(k key, said metav1.Status) absence {
	d := said.Details
	switch {
	case said.Reason != metav1.StatusReasonNotFound || d == nil || d.Group != "" || d.Name == "":
		return notAbsent
	case d.Kind == k.resource && d.Name == k.name:
		return isAbsent
	case d.Kind == namespaces && d.Name == k.namespace:
		return noNamespace
	}
	return notAbsent
}

// readStatus finds a Status object in an answer.
func readStatus(got reply) (metav1.Status, bool) {
	var said metav1.Status
	if !isJSON(got) {
		return said, false
	}
	var head metav1.TypeMeta
	if json.Unmarshal(got.body, &head) != nil || head.Kind != "Status" || head.APIVersion != "v1" {
		return said, false
	}
	if json.Unmarshal(got.body, &said) != nil {
		return metav1.Status{}, true // a Status that says nothing
	}
	return said, true
}

func isJSON(got reply) bool {
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json") && json.Valid(got.body)
}

// retryAfter is how long to wait before the same is asked again: only where
// the server asks for it.
func retryAfter(got reply, now time.Time) time.Duration {
	if got.status != http.StatusTooManyRequests && got.status != http.StatusServiceUnavailable {
		return 0
	}
	said := strings.TrimSpace(got.header.Get("Retry-After"))
	if n, err := strconv.ParseUint(said, 10, 31); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(said); err == nil {
		return max(t.Sub(now), 0)
	}
	if got.status == http.StatusTooManyRequests {
		return time.Second
	}
	return 0
}

// erase takes passwords out of a text, also as they are written in JSON.
func erase(text string, hidden []string) string {
	for _, h := range hidden {
		if h == "" {
			continue
		}
		quoted := fmt.Sprintf("%q", h)
		quoted = quoted[1 : len(quoted)-1]
		for _, form := range []string{h, base64.StdEncoding.EncodeToString([]byte(h)), quoted} {
			text = strings.ReplaceAll(text, form, "[hidden]")
		}
	}
	return text
}
