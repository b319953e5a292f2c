package ontap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// segments are a path below /api, not escaped yet.
type segments []string

// at is a path whose last segments come from outside.
func at(collection string, more ...string) segments {
	return append(strings.Split(collection, "/"), more...)
}

// check refuses the segments by which a call would reach another resource than
// the one meant: an empty one is the whole collection, dots lead upwards.
func (p segments) check() error {
	for _, s := range p {
		if s == "" || s == "." || s == ".." {
			return fmt.Errorf("%q cannot be a part of a path", s)
		}
	}
	return nil
}

func (p segments) escaped() string {
	var b strings.Builder
	b.WriteString("/api")
	for _, s := range p {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// request is one call before it is sent.
type request struct {
	name    string // "create SVM"
	kind    Kind
	method  string
	path    segments
	own     bool // path is that of one thing
	query   url.Values
	raw     string   // the whole path and query, verbatim: a next link
	body    any      // nil: none
	secrets []Secret // in the body, to be erased from the answer
	repeat  bool     // not a GET, but saying it twice is saying it once
	invalid error    // why it must not be sent
}

func (r request) encode() ([]byte, error) {
	if err := errors.Join(r.invalid, r.path.check()); err != nil {
		return nil, err
	}
	if r.body == nil {
		return nil, nil
	}
	return json.Marshal(r.body)
}

func (r request) http(ctx context.Context, base *url.URL, body []byte) (*http.Request, error) {
	target := r.raw
	if target == "" {
		target = r.path.escaped()
		if len(r.query) > 0 {
			target += "?" + r.query.Encode()
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, base.String()+target, nil)
	if err != nil {
		return nil, errors.New("make the request: its URL is not valid")
	}
	if body != nil {
		req.Body = readCloser{bytes.NewReader(body)} // no GetBody: net/http cannot send it twice
		req.ContentLength = int64(len(body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/hal+json") // with plain JSON there are no next links
	req.Header.Set("User-Agent", "seedproof")
	req.Header.Set("X-Dot-Client-App", clientApp(ctx))
	return req, nil
}

// clientApp names us, and the pass that a request belongs to, in the array's
// audit log.
func clientApp(ctx context.Context) string {
	if id := flow.PassID(ctx); id != "" {
		return "seedproof/" + id
	}
	return "seedproof"
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// get is a GET of a collection or a single object.
func get(name string, k Kind, p segments, fields ...string) request {
	q := url.Values{}
	if len(fields) > 0 {
		q.Set("fields", strings.Join(fields, ","))
	}
	return request{name: name, kind: k, method: http.MethodGet, path: p, query: q}
}

// getOne is a GET of one thing on its own path.
func getOne(name string, k Kind, p segments, fields ...string) request {
	r := get(name, k, p, fields...)
	r.own = true
	return r
}

// filter asks for exact values of a field, any of them. No values: no filter.
func (r *request) filter(field string, values ...string) {
	var quoted []string
	for _, v := range values {
		q, err := literal(v)
		r.invalid = errors.Join(r.invalid, err)
		quoted = append(quoted, q)
	}
	if len(quoted) > 0 {
		r.query.Set(field, strings.Join(quoted, "|"))
	}
}

// literal is a value in the query language, where many characters are
// operators. A quote cannot be quoted.
func literal(v string) (string, error) {
	switch {
	case v == "" || strings.ContainsAny(v, "\"\\") || strings.ContainsFunc(v, isControl):
		return "", fmt.Errorf("%q cannot be asked for", tidy(v))
	case strings.ContainsFunc(v, isOperator) || strings.Contains(v, ".."):
		return `"` + v + `"`, nil
	}
	return v, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func isOperator(r rune) bool {
	plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:+/", r)
	return !plain
}

// isUUID reports whether s has the form in which ONTAP names things.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
		if dash != (r == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

// needUUID makes a request invalid unless each of them is a UUID. An empty one
// in a path would reach the whole collection.
func (r request) needUUID(uuids ...string) request {
	for _, u := range uuids {
		if !isUUID(u) {
			r.invalid = errors.Join(r.invalid, fmt.Errorf("%q is not a UUID", tidy(u)))
		}
	}
	return r
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
