package sim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// maxBody bounds what a request may send, in bytes.
const maxBody = 1 << 20

// answer is what a call comes to.
type answer struct {
	status int
	body   any
	raw    []byte // instead of body
	header http.Header

	// pending is the job that the answer may wait for; finished is the answer
	// when it has ended well in time.
	pending  string
	finished int
	patience time.Duration
	delay    time.Duration // before anything is said
}

// ServeHTTP answers one request.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(*lifConn)
	if conn == nil {
		http.Error(w, "a connection of unknown origin", http.StatusInternalServerError)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body is too large or broken", http.StatusRequestEntityTooLarge)
		return
	}
	e := s.begin(r, conn, len(body))
	if e == nil {
		conn.reset()
		return
	}
	defer s.serving.Done()
	fault := s.faultFor(e, r.URL.Path)
	e.cut = fault != nil && fault.Kind == TruncatedReply
	a, goOn := s.before(r.Context(), fault)
	if goOn {
		a = s.handle(r, conn, body, fault, e)
	}
	if a == nil || fault.swallows() {
		s.end(e, 0, 0)
		if fault != nil && fault.Kind == HangAfter {
			s.hang(r.Context())
		}
		conn.reset()
		return
	}
	s.write(w, r, a, e)
	if fault != nil && fault.Kind == TruncatedReply {
		conn.reset()
	}
}

// handle does what is asked. Nothing else happens in the array meanwhile.
func (s *Simulator) handle(r *http.Request, conn *lifConn, body []byte, fault *Fault, e *entry) *answer {
	s.mu.Lock()
	now := s.settle()
	st, at, ok := s.reached(conn)
	if !ok {
		s.mu.Unlock()
		return nil
	}
	a := s.answerTo(r, st, at, body, fault, e, now)
	if s.dirty {
		s.bindLIFs()
	}
	if err := s.save(); err != nil {
		s.opts.Log.Error("the state is not kept", "error", err)
		a = s.refused(refuse(262145, "", "The state cannot be kept."))
	}
	s.mu.Unlock()
	s.opts.wait(r.Context(), a.delay)
	if a.pending != "" && a.patience > 0 {
		a = s.await(r.Context(), st, a)
	}
	return a
}

func (s *Simulator) answerTo(r *http.Request, st *site, at *svm, body []byte, fault *Fault, e *entry, now time.Time) *answer {
	who, known := s.login(r, st, at, now)
	if !known {
		a := s.unauthorized()
		a.delay = s.opts.Times.LoginDelay
		return a
	}
	s.setEntryUser(e, who)
	c := &call{sim: s, site: st, who: who, scope: who.scope, now: now, method: r.Method, body: body, fault: fault, header: r.Header}
	a, no := c.run(r.URL)
	if no != nil {
		return s.refused(no)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.dirty = true
	}
	return a
}

func (s *Simulator) refused(no *refusal) *answer {
	return &answer{status: s.doubt().status(no), body: errorBody(no.code, no.target, no.message)}
}

// await holds an answer back until its job has ended, or patience has.
func (s *Simulator) await(ctx context.Context, st *site, a *answer) *answer {
	until := s.opts.Clock.Now().Add(a.patience)
	for {
		s.mu.Lock()
		now := s.settle()
		j := st.job(a.pending)
		err := s.save()
		s.mu.Unlock()
		switch {
		case err != nil || j == nil:
			return a
		case j.Done && j.Code != 0:
			return s.refused(&refusal{code: j.Code, message: j.Message})
		case j.Done:
			a.status = a.finished
			return a
		case !now.Before(until):
			return a
		}
		before := now
		s.opts.wait(ctx, min(until.Sub(now), max(j.Ends.Sub(now), time.Millisecond)))
		if ctx.Err() != nil || !s.opts.Clock.Now().After(before) {
			return a // the client has gone, or the clock stands
		}
	}
}

// hal says whether the client takes links; it does unless it asks for plain
// JSON only.
func hal(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return accept == "" || strings.Contains(accept, "hal+json") || strings.Contains(accept, "*/*") || !strings.Contains(accept, "application/json")
}

func (s *Simulator) write(w http.ResponseWriter, r *http.Request, a *answer, e *entry) {
	data := a.raw
	if a.body != nil {
		if !hal(r) {
			a.body = withoutLinks(a.body)
		}
		data, _ = json.Marshal(a.body) // records hold nothing that JSON lacks
		data = append(data, '\n')
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/hal+json")
	}
	s.end(e, a.status, len(data))
	if e.cut && len(data) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		data = data[:len(data)/2]
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // a client that has gone is no fault of the array
	}
	if e.cut {
		_ = http.NewResponseController(w).Flush() // likewise
	}
}

func withoutLinks(v any) any {
	switch v := v.(type) {
	case query.Record:
		out := query.Record{}
		for k, inner := range v {
			if k != "_links" {
				out[k] = withoutLinks(inner)
			}
		}
		if next, ok := v["_links"].(query.Record); ok && next["next"] != nil {
			out["_links"] = query.Record{"next": next["next"]} // else nobody could go on
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = withoutLinks(inner)
		}
		return out
	}
	return v
}

// segments cuts a path below /api into its decoded parts. Dot segments that are
// not escaped are resolved first, as RFC 3986 has it.
func segments(u *url.URL) ([]string, bool) {
	var parts []string
	for _, p := range strings.Split(strings.Trim(u.EscapedPath(), "/"), "/") {
		switch p {
		case "", ".":
		case "..":
			if len(parts) > 0 {
				parts = parts[:len(parts)-1]
			}
		default:
			parts = append(parts, p)
		}
	}
	for i, p := range parts {
		text, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		parts[i] = text
	}
	if len(parts) == 0 || parts[0] != "api" {
		return nil, false
	}
	return parts[1:], true
}
