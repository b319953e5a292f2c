package ontap

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
)

// errorBody is ONTAP's error object. Both fields may be missing.
type errorBody struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Target    string `json:"target"`
	Arguments []struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
	} `json:"arguments"`
}

// Code is an error code as it is read: a string in bodies, a number in jobs.
type Code string

// UnmarshalJSON takes either form.
func (t *Code) UnmarshalJSON(b []byte) error {
	var n json.Number
	if json.Unmarshal(b, &n) == nil {
		*t = Code(n)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = Code(s)
	return nil
}

// judge is the one place that says how a request ended: nil when it is Done,
// Refused only by a code that we know (or a 401), else Unknown.
func judge(r request, got reply, sending error, now time.Time, erase eraser) *Error {
	e := &Error{Call: r.name, Kind: r.kind, Status: got.status, own: r.own}
	if sending != nil {
		return e.unanswered(sending, erase)
	}
	said, isError := readError(got)
	success := got.status >= 200 && got.status < 300
	if success && (!isError || r.method == http.MethodGet || got.status == http.StatusAccepted) {
		// A job that was read has an error of its own, and so has a request for approval.
		e.Message = tidy(erase.text(said.Message))
		return e.accepted(r, got)
	}
	e.Code = tidy(string(said.Code))
	e.Message, e.Target = tidy(erase.text(said.Message)), tidy(erase.text(said.Target))
	e.RetryAfter = retryAfter(got.header.Get("Retry-After"), now)
	if success {
		return e // and an error at once
	}
	e.classify()
	return e
}

// unanswered is a request without a whole answer. An injected refusal stands
// for an answer.
func (e *Error) unanswered(cause error, erase eraser) *Error {
	e.cause = cause
	if said := cause.Error(); erase.text(said) != said {
		e.cause = errors.New(erase.text(said))
	}
	var refused *fault.RefusedError
	switch {
	case errors.As(cause, &refused):
		e.Outcome = flow.Refused
	case isCertificate(cause):
		e.class = flow.NeedsPerson
	}
	return e
}

// accepted judges a 2xx without an error in it. 202 is for the caller to
// follow; here it only has to be understood.
func (e *Error) accepted(r request, got reply) *Error {
	switch {
	case got.status == http.StatusOK, got.status == http.StatusCreated && r.method == http.MethodPost:
		if isJSON(got) || r.method != http.MethodGet && len(bytes.TrimSpace(got.body)) == 0 {
			return nil
		}
		e.Message = "the answer is not a JSON object"
	case got.status == http.StatusAccepted && r.method != http.MethodGet:
		if jobOf(got.body) != "" {
			return nil
		}
		if isJSON(got) {
			e.NeedsPerson, e.class = true, flow.NeedsPerson
		}
	}
	return e
}

// classify sets outcome and class by the code. One status speaks for itself:
// what stands in the body of a 401 is not documented, so that any code but one
// that says something else is taken.
func (e *Error) classify() {
	m, known := refusals[e.Code]
	switch {
	case e.Code == CodeNotAuthorized, e.Status == http.StatusUnauthorized && !known:
		e.Outcome, e.class, e.cause = flow.Refused, flow.NeedsPerson, ErrCredentials
	case known && e.Status != http.StatusUnauthorized:
		e.Outcome, e.class = flow.Refused, m.class
	}
}

// readError finds an error object in an answer. An answer that is not JSON has
// none; one whose error cannot be read has an empty one.
func readError(got reply) (errorBody, bool) {
	if !isJSON(got) {
		return errorBody{}, false
	}
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(got.body, &body) != nil || body.Error == nil {
		return errorBody{}, false
	}
	var said errorBody
	if json.Unmarshal(body.Error, &said) != nil {
		return errorBody{}, true
	}
	if len(said.Arguments) > 0 && said.Message == "" {
		said.Message = said.Arguments[0].Message
	}
	return said, true
}

// isJSON reports whether an answer is one JSON object by what it says of itself
// and by what it holds.
func isJSON(got reply) bool {
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind != "application/hal+json" && kind != "application/json" {
		return false
	}
	return bytes.HasPrefix(bytes.TrimSpace(got.body), []byte("{")) && json.Valid(got.body)
}

// retryAfter reads the header: seconds, or a date. Zero if it says nothing.
func retryAfter(s string, now time.Time) time.Duration {
	if s == "" {
		return 0
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}
