package gcs

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"google.golang.org/api/option"
	api "google.golang.org/api/storage/v1"
	htransport "google.golang.org/api/transport/http"
)

// signer finds credentials at the first request and signs all with them. A
// search that fails is made again at the next request: a metadata server that
// is silent while a node boots must not keep a store from being opened.
type signer struct {
	base http.RoundTripper
	find func(base http.RoundTripper) (http.RoundTripper, error)

	mu    sync.Mutex
	found http.RoundTripper
}

func findCredentials(base http.RoundTripper) (http.RoundTripper, error) {
	// The search outlives the request that began it, and tokens are renewed
	// in its context.
	signed, err := htransport.NewTransport(context.Background(), base, option.WithScopes(api.DevstorageReadWriteScope))
	if err != nil {
		return nil, fmt.Errorf("find Google's default credentials (set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run where a service account is attached): %w", err)
	}
	return signed, nil
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	signed, err := s.signed(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return signed.RoundTrip(r)
}

// signed waits for the search no longer than ctx.
func (s *signer) signed(ctx context.Context) (http.RoundTripper, error) {
	type result struct {
		signed http.RoundTripper
		err    error
	}
	done := make(chan result, 1)
	go func() {
		signed, err := s.search()
		done <- result{signed, err}
	}()
	select {
	case r := <-done:
		return r.signed, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *signer) search() (http.RoundTripper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found != nil {
		return s.found, nil
	}
	found, err := s.find(s.base)
	if err != nil {
		return nil, err
	}
	s.found = found
	return found, nil
}
