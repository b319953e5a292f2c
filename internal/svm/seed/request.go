package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/seedproof/seedproof/internal/flow"
)

const (
	bodyLimit = 512 << 10 // of one object
	listLimit = 32 << 20  // of a page of them
	maxTries  = 5         // of one read that is asked to wait
)

// request is one call before it is sent.
type request struct {
	verb   string // get, list, create, update, patch, delete
	key    key
	query  url.Values
	body   any      // nil: none
	hidden []string // what no text of an answer may repeat: passwords
}

var methods = map[string]string{
	"get": http.MethodGet, "list": http.MethodGet, "create": http.MethodPost,
	"update": http.MethodPut, "patch": http.MethodPatch, "delete": http.MethodDelete,
}

// reply is an answer that was wholly read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

var errTooLarge = errors.New("the answer is larger than allowed")

// send sends a request once and judges the answer. The body is of no worth
// with an error.
func (s *Store) send(ctx context.Context, r request) ([]byte, *Error) {
	begun := s.o.Clock.Now()
	got, err := s.exchange(ctx, r)
	e := judge(r, got, err, s.o.Clock.Now())
	s.tell(ctx, r, got, e, s.o.Clock.Now().Sub(begun))
	if e != nil {
		return nil, e
	}
	return got.body, nil
}

func (s *Store) exchange(ctx context.Context, r request) (reply, error) {
	req, err := s.build(ctx, r)
	if err != nil {
		return reply{}, err
	}
	resp, err := s.rt.RoundTrip(req) // not through http.Client: no redirect is followed
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	limit := int64(bodyLimit)
	if r.verb == "list" {
		limit = listLimit
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return reply{}, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return reply{}, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return reply{resp.StatusCode, resp.Header, body}, nil
}

func (s *Store) build(ctx context.Context, r request) (*http.Request, error) {
	at := r.key
	if r.verb == "create" {
		at = at.collection()
	}
	target := strings.TrimSuffix(s.base.String(), "/") + at.path()
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, methods[r.verb], target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", s.agent(ctx))
	switch {
	case r.verb == "patch":
		req.Header.Set("Content-Type", "application/merge-patch+json")
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// agent names the pass too: it stands in the audit log of the API server.
func (s *Store) agent(ctx context.Context) string {
	agent := s.o.Config.UserAgent
	if agent == "" {
		agent = rest.DefaultKubernetesUserAgent()
	}
	if id := flow.PassID(ctx); id != "" {
		agent += " pass/" + id
	}
	return agent
}

func (s *Store) tell(ctx context.Context, r request, got reply, e *Error, took time.Duration) {
	c := Call{Verb: r.verb, Resource: r.key.resource, Outcome: flow.Done, Status: got.status, Duration: took}
	if e != nil {
		c.Outcome, c.Reason, c.RetryAfter = e.Outcome, e.Reason, e.RetryAfter
		c.Throttled = e.Status == http.StatusTooManyRequests || e.RetryAfter > 0
	}
	s.o.Observer.Called(c)
	s.o.Log.DebugContext(ctx, "call of the API server", "verb", c.Verb, "object", r.key.String(), "status", c.Status, "reason", c.Reason,
		"outcome", c.Outcome.String(), "duration", took, "pass", flow.PassID(ctx))
}

// read sends a request that changes nothing, and sends it again when the server
// asks to wait and the time allows it.
func (s *Store) read(ctx context.Context, r request) ([]byte, *Error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	for try := 1; ; try++ {
		body, e := s.send(ctx, r)
		if e == nil || e.RetryAfter == 0 || try == maxTries {
			return body, e
		}
		if end, set := ctx.Deadline(); set && time.Until(end) <= e.RetryAfter {
			return nil, e
		}
		if s.o.Clock.Sleep(ctx, e.RetryAfter) != nil {
			return nil, e
		}
	}
}
