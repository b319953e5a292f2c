package sim

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is one line of the request log. It never holds a body.
type Request struct {
	Time     time.Time // on the simulator's clock
	Cluster  int       // 1 or 2
	SVM      string    // whose management LIF it came in by; "": the cluster's
	Method   string
	Path     string
	Query    string // secrets masked
	User     string // as the client named itself
	Known    bool   // and it was
	Status   int    // 0: no answer was given
	Received int    // bytes of the body
	Sent     int    // bytes of the answer's body
}

// maxLog bounds the request log; the oldest lines go.
const maxLog = 1 << 20

// entry is a request while it is being answered.
type entry struct {
	request Request
	cut     bool // a fault: half of the answer is all that comes
}

// begin notes a request; nil where nothing is at its address. Who has begun must
// call Done on serving.
func (s *Simulator) begin(r *http.Request, conn *lifConn, received int) *entry {
	user, _, _ := r.BasicAuth()
	s.mu.Lock()
	defer s.mu.Unlock()
	st, v, ok := s.reached(conn)
	if !ok || s.isClosed() {
		return nil
	}
	s.serving.Add(1)
	e := &entry{request: Request{
		Time: s.opts.Clock.Now(), Cluster: st.Index + 1, Method: r.Method, Path: r.URL.EscapedPath(),
		Query: maskQuery(r.URL.RawQuery), User: user, Received: received,
	}}
	if v != nil {
		e.request.SVM = v.Name
	}
	return e
}

func (s *Simulator) setEntryUser(e *entry, who principal) {
	e.request.Known = who.account != nil
}

// end writes a request to both logs.
func (s *Simulator) end(e *entry, status, sent int) {
	e.request.Status, e.request.Sent = status, sent
	s.mu.Lock()
	if len(s.log) >= maxLog {
		s.log = append([]Request(nil), s.log[maxLog/2:]...)
	}
	s.log = append(s.log, e.request)
	s.mu.Unlock()
	q := e.request
	s.opts.Log.Debug("request", "cluster", q.Cluster, "svm", q.SVM, "method", q.Method, "path", q.Path, "query", q.Query,
		"user", q.User, "status", status, "sent", sent)
}

// Requests gives the log of requests that have ended, oldest first.
func (s *Simulator) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.log...)
}

// ForgetRequests empties the log.
func (s *Simulator) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

const mask = "***"

// maskQuery hides what should never have been in a URL.
func maskQuery(raw string) string {
	parts := strings.Split(raw, "&")
	for i, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err != nil || strings.Contains(strings.ToLower(plain), "password") {
			parts[i] = name + "=" + mask
		}
	}
	return strings.Join(parts, "&")
}
