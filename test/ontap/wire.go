package ontap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	requestLimit = 150 * time.Second // above the longest return_timeout, 120 s
	bodyLimit    = 32 << 20
	hal          = "application/hal+json"
)

// object is a JSON object; numbers are json.Number, so that an integer is told
// from a text.
type object = map[string]any

// request is one call, as plain HTTP.
type request struct {
	method string
	path   string // below /api, or a whole path of a link, with its query as it is sent
	body   any    // nil: none; a string: as it is; else: as JSON
	header map[string]string
	as     *user // nil: the cluster's administrator
}

// user logs in somewhere.
type user struct {
	name, password string
	nobody         bool   // sends no credentials at all
	address        string // of an SVM's interface; empty: the cluster
}

func get(path string) request { return request{method: http.MethodGet, path: path} }
func post(path string, body any) request {
	return request{method: http.MethodPost, path: path, body: body}
}
func patch(path string, body any) request {
	return request{method: http.MethodPatch, path: path, body: body}
}
func remove(path string) request           { return request{method: http.MethodDelete, path: path} }
func (r request) by(u *user) request       { r.as = u; return r }
func (r request) with(k, v string) request { r.header = map[string]string{k: v}; return r }

// answer is what came back.
type answer struct {
	request request
	status  int
	header  http.Header
	raw     []byte
	body    object // nil where the body is no JSON object
}

// send does one request; a broken connection fails the test.
func (s *suite) send(t *testing.T, r request) answer {
	t.Helper()
	a, err := s.try(t.Context(), r)
	if err != nil {
		t.Fatalf("request:  %s\nexpected: an answer\ngot:      %s", s.show(r), s.mask(err.Error()))
	}
	return a
}

// try does one request and gives back what became of it.
func (s *suite) try(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	req, err := s.build(ctx, r)
	if err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	resp, err := s.clientFor(r.as).Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return answer{request: r, status: resp.StatusCode, header: resp.Header, raw: raw, body: parse(raw)}, nil
}

func (s *suite) build(ctx context.Context, r request) (*http.Request, error) {
	base, name, password := s.target.URL, s.target.User, s.target.Password
	if r.as != nil {
		name, password = r.as.name, r.as.password
		if r.as.address != "" {
			base = "https://" + r.as.address
		}
	}
	path := r.path
	if !strings.HasPrefix(path, "/api/") {
		path = "/api" + path
	}
	var body io.Reader
	if r.body != nil {
		text, err := encode(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, strings.TrimSuffix(base, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", hal)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if r.as == nil || !r.as.nobody {
		req.SetBasicAuth(name, password)
	}
	return req, nil
}

// clientFor gives the client of a user. That of an SVM's interface takes any
// certificate, since no address stands in it, and remembers which it was.
func (s *suite) clientFor(u *user) *http.Client {
	if u == nil || u.address == "" {
		return s.client
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // self-signed by nature; compared below with what the cluster says
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("no certificate")
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.leaves[u.address] = fingerprint(state.PeerCertificates[0].Raw)
			return nil
		},
	}
	return &http.Client{
		CheckRedirect: s.client.CheckRedirect,
		Transport: &http.Transport{
			DialContext: s.target.DialSVM, TLSClientConfig: config, DisableKeepAlives: true,
			TLSHandshakeTimeout: 30 * time.Second,
		},
	}
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func encode(body any) ([]byte, error) {
	if text, ok := body.(string); ok {
		return []byte(text), nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return text, nil
}

func parse(raw []byte) object {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var o object
	if d.Decode(&o) != nil {
		return nil
	}
	return o
}

// reachable says whether something listens at an interface of an SVM.
func (s *suite) reachable(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := s.target.DialSVM(ctx, "tcp", net.JoinHostPort(address, "443"))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

var passwordField = regexp.MustCompile(`("password"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// mask hides every password that the suite knows, and all that stands in a
// field of that name.
func (s *suite) mask(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return passwordField.ReplaceAllString(text, `$1"***"`)
}

// show gives a request for a message.
func (s *suite) show(r request) string {
	text := r.method + " " + r.path
	if r.as != nil {
		text += " (as " + r.as.name + " at " + r.as.address + ")"
	}
	for k, v := range r.header {
		text += " (" + k + ": " + v + ")"
	}
	if r.body != nil {
		if body, err := encode(r.body); err == nil {
			text += " " + string(body)
		}
	}
	return s.mask(text)
}

// showAnswer gives an answer for a message, cut to a readable length.
func (s *suite) showAnswer(a answer) string {
	text := s.mask(string(a.raw))
	if len(text) > 1500 {
		text = text[:1500] + "..."
	}
	return fmt.Sprintf("%d %s", a.status, text)
}

// q escapes a value for a query.
func q(value string) string { return url.QueryEscape(value) }
