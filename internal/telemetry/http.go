package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Endpoints is what the HTTP server shows. A nil Healthy or Ready always says
// yes; a nil Status or Metrics is not served. The functions are called at each
// request, from several goroutines, and answer from what is known: they do not
// go out to ask.
type Endpoints struct {
	Metrics prometheus.Gatherer
	Healthy func() error // the program itself works
	Ready   func() error // what it looks after can be used
	Status  func() any   // marshalled as JSON; as a Pager also as HTML. No secrets.
}

const (
	readTimeout     = 10 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = time.Minute
	shutdownTimeout = 5 * time.Second
	maxHeaderBytes  = 16 << 10
)

// Serve listens on addr and serves e until ctx ends, which is no error.
func Serve(ctx context.Context, addr string, e Endpoints) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for metrics and status on %s: %w", addr, err)
	}
	return ServeListener(ctx, ln, e)
}

// ServeListener is Serve on a listener that the caller has opened, so that its
// address is known. It closes the listener.
func ServeListener(ctx context.Context, ln net.Listener, e Endpoints) error {
	srv := &http.Server{
		Handler:           Handler(e),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve metrics and status on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(last); errors.Is(err, context.DeadlineExceeded) {
		return srv.Close() // whoever still reads is cut off
	} else if err != nil {
		return fmt.Errorf("stop serving on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Handler serves /metrics, /healthz, /readyz and /status, for reading only.
func Handler(e Endpoints) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", check(e.Healthy))
	mux.Handle("GET /readyz", check(e.Ready))
	if e.Metrics != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(e.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	}
	if e.Status != nil {
		mux.Handle("GET /status", status(e.Status))
	}
	return mux
}

func check(ok func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if ok != nil {
			if err := ok(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	})
}

func status(now func() any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := now()
		body, err := json.MarshalIndent(s, "", "  ")
		kind := "application/json"
		if err == nil && strings.Contains(r.Header.Get("Accept"), "text/html") {
			kind = "text/html; charset=utf-8"
			body, err = renderPage(s, body)
		}
		if err != nil {
			http.Error(w, "write the status: "+err.Error(), http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Vary", "Accept")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write(append(body, '\n')) // a reader that has gone needs no answer
	})
}
