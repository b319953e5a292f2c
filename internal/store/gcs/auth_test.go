package gcs

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// send sends a request through s.
func send(ctx context.Context, s *signer) error {
	answer, err := s.RoundTrip(httptest.NewRequestWithContext(ctx, http.MethodGet, "https://h/", http.NoBody))
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func TestCredentialsAreLookedForUntilFound(t *testing.T) {
	searches, sent := 0, 0
	s := &signer{find: func(http.RoundTripper) (http.RoundTripper, error) {
		searches++
		if searches == 1 {
			return nil, errors.New("the metadata server is silent")
		}
		return roundTrip(func(*http.Request) (*http.Response, error) {
			sent++
			return &http.Response{Body: http.NoBody}, nil
		}), nil
	}}
	if err := send(t.Context(), s); err == nil || sent != 0 {
		t.Errorf("without credentials: %v, %d requests sent", err, sent)
	}
	for range 2 {
		if err := send(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
	if searches != 2 || sent != 2 {
		t.Errorf("%d searches, %d requests; want 2 and 2", searches, sent)
	}
}

func TestASearchThatHangsHoldsNobody(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := &signer{find: func(http.RoundTripper) (http.RoundTripper, error) { <-release; return nil, errors.New("too late") }}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := send(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v; want the deadline", err)
	}
}

func TestACredentialsFileThatIsMissing(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
	s := open(t, "gs://bucket?endpoint=https://127.0.0.1:1")
	wantOutcomes(t, s, every("unknown"))
}

// TestNoTokenGoesOutUnencrypted: with an http:// endpoint credentials are not
// even looked for.
func TestNoTokenGoesOutUnencrypted(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
	s := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a token was sent")
		}
		answer(w, http.StatusNotFound, "notFound")
	})
	wantOutcomes(t, s, every("no place"))
}
