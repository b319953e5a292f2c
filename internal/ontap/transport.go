package ontap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/fault/httpfault"
)

// DialContext opens a connection, as net.Dialer.DialContext does.
type DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

// WithFaults makes every request through rt one crossing of the transport
// "ontap": the method is the call's name, the path its target. It is for tests;
// a nil injector strikes nothing.
func WithFaults(rt http.RoundTripper, in *fault.Injector) http.RoundTripper {
	return httpfault.Wrap(rt, in, "ontap")
}

// basicAuth puts the password into the request at the last moment, so that
// nothing outside of it can dump one.
type basicAuth struct {
	next     http.RoundTripper
	user     string
	password Secret
}

func (b *basicAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.user, b.password.Reveal())
	return b.next.RoundTrip(r)
}

// wire is a connection to one end as one user. It is used by RoundTrip and not
// through http.Client: no redirect is ever followed, no cookie kept.
type wire struct {
	rt   http.RoundTripper
	idle func() // closes what is idle
}

// wireConfig is what a wire needs. Once is set where no request may be sent a
// second time, not even by net/http on a connection that was closed: a login
// that fails counts.
type wireConfig struct {
	trust    Trust
	dial     DialContext
	user     string
	password Secret
	faults   *fault.Injector
	parallel int
	once     bool
}

func newWire(c wireConfig) (*wire, error) {
	conf, err := c.trust.config()
	if err != nil {
		return nil, err
	}
	dial := c.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	t := &http.Transport{ // Proxy is nil: an array is spoken to directly
		DialContext:            dial,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    c.parallel,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      c.once,
		DisableCompression:     true, // so that the bound on a body is one on what is received
	}
	rt := http.RoundTripper(&basicAuth{t, c.user, c.password})
	return &wire{rt: WithFaults(rt, c.faults), idle: t.CloseIdleConnections}, nil
}

// reply is an answer that was wholly read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

var errTooLarge = errors.New("the answer is larger than allowed")

// exchange sends one request and reads the whole answer, at most limit bytes.
// An answer that was not wholly read is no answer.
func (w *wire) exchange(r *http.Request, limit int64) (reply, error) {
	resp, err := w.rt.RoundTrip(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return reply{}, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return reply{}, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return reply{resp.StatusCode, resp.Header, body}, nil
}
