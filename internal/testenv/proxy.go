package testenv

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Mode is what a FaultProxy does with requests.
type Mode struct {
	kind  modeKind
	code  int
	delay time.Duration
}

type modeKind uint8

const (
	passing modeKind = iota
	answering
	delaying
	blackHole
	refusing
	losing
)

// Pass hands requests on.
func Pass() Mode { return Mode{} }

// Status answers every request with an S3 error of that HTTP status; the
// server is not asked.
func Status(code int) Mode { return Mode{kind: answering, code: code} }

// Slow waits before it hands a request on.
func Slow(d time.Duration) Mode { return Mode{kind: delaying, delay: d} }

// BlackHole takes requests and never answers, until the client gives up or the
// proxy leaves this mode.
func BlackHole() Mode { return Mode{kind: blackHole} }

// Refuse closes the listener and every connection.
func Refuse() Mode { return Mode{kind: refusing} }

// LoseReply hands requests on and breaks the connection instead of answering.
func LoseReply() Mode { return Mode{kind: losing} }

// FaultProxy stands before an HTTP server and misbehaves on command. It keeps
// the Host header, so that signed requests stay valid.
type FaultProxy struct {
	Endpoint string // http://127.0.0.1:port

	t       testing.TB
	address string
	forward http.Handler

	mu     sync.Mutex
	mode   Mode
	left   chan struct{} // closed when the mode is left
	counts map[string]int
	server *http.Server // nil while refusing
	accept net.Listener
}

// FaultyHTTP starts a proxy before target, an http:// URL. It passes
// everything until told otherwise and ends with its test.
func FaultyHTTP(t testing.TB, target string) *FaultProxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatalf("testenv: proxy to %q: %v", target, err)
	}
	address := loopback(FreePorts(t, 1)[0])
	p := &FaultProxy{
		Endpoint: "http://" + address,
		t:        t,
		address:  address,
		forward:  forwardTo(to),
		left:     make(chan struct{}),
		counts:   map[string]int{},
	}
	p.Set(Pass())
	t.Cleanup(func() { p.Set(Refuse()) })
	return p
}

func forwardTo(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		Transport:    &http.Transport{DisableCompression: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// Set changes the mode for all requests from now on. Those caught in a black
// hole lose their connection.
func (p *FaultProxy) Set(m Mode) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.left)
	p.mode, p.left = m, make(chan struct{})
	if m.kind == refusing {
		p.hangUp()
		return
	}
	if p.server == nil {
		p.listen()
	}
}

// listen opens the listener, again on the same port after Refuse.
func (p *FaultProxy) listen() {
	l, err := net.Listen("tcp4", p.address)
	if err != nil {
		p.t.Fatalf("testenv: proxy: %v", err)
	}
	server := &http.Server{Handler: p}
	p.server, p.accept = server, l
	go func() { _ = server.Serve(l) }()
}

// hangUp closes the listener and all connections. The server may not know its
// listener yet, so that is closed here.
func (p *FaultProxy) hangUp() {
	if p.server == nil {
		return
	}
	_ = p.accept.Close()
	_ = p.server.Close()
	p.server = nil
}

// Requests counts what came in since the start, by HTTP method. What was
// refused never came in.
func (p *FaultProxy) Requests() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Total is the sum of Requests.
func (p *FaultProxy) Total() int {
	sum := 0
	for _, n := range p.Requests() {
		sum += n
	}
	return sum
}

// S3URL is S3Server.URL through this proxy.
func (p *FaultProxy) S3URL(bucket, prefix string) string {
	return s3URL(p.Endpoint, s3Region, bucket, prefix)
}

// ServeHTTP treats one request by the mode that stood when it came in.
func (p *FaultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	mode, left := p.mode, p.left
	p.counts[r.Method]++
	p.mu.Unlock()

	switch mode.kind {
	case passing:
		p.forward.ServeHTTP(w, r)
	case delaying:
		if pause(r.Context(), mode.delay) {
			p.forward.ServeHTTP(w, r)
		}
	case answering:
		answerError(w, r, mode.code)
	case losing:
		p.forward.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case blackHole:
		// net/http notices that the client left only once the body is read.
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-left:
		}
		panic(http.ErrAbortHandler)
	case refusing:
		panic(http.ErrAbortHandler)
	}
}

// pause waits and reports whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var s3Codes = map[int]string{
	http.StatusForbidden:           "AccessDenied",
	http.StatusNotFound:            "NotFound",
	http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable:  "SlowDown",
}

func answerError(w http.ResponseWriter, r *http.Request, code int) {
	_, _ = io.Copy(io.Discard, r.Body)
	name, ok := s3Codes[code]
	if !ok {
		name = http.StatusText(code)
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>by the faulty proxy</Message></Error>", name)
	}
}

// discard takes a server's answer and shows it to nobody.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
