package testenv

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// upstream counts what reaches it.
func upstream(t *testing.T) (*FaultProxy, *atomic.Int64) {
	var reached atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		_, _ = io.WriteString(w, "host "+r.Host)
	}))
	t.Cleanup(server.Close)
	return FaultyHTTP(t, server.URL), &reached
}

func ask(ctx context.Context, method, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader("body"))
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestProxyPassesAndKeepsTheHost(t *testing.T) {
	p, reached := upstream(t)
	code, body, err := ask(t.Context(), http.MethodPut, p.Endpoint)
	if err != nil || code != 200 || body != "host "+strings.TrimPrefix(p.Endpoint, "http://") {
		t.Fatalf("got %d %q, %v", code, body, err)
	}
	if n := reached.Load(); n != 1 {
		t.Errorf("%d requests reached the server", n)
	}
	if got := p.Requests(); got["PUT"] != 1 || p.Total() != 1 {
		t.Errorf("counted %v", got)
	}
}

func TestProxyAnswersWithAStatus(t *testing.T) {
	p, reached := upstream(t)
	for code, name := range map[int]string{403: "AccessDenied", 500: "InternalError"} {
		p.Set(Status(code))
		got, body, err := ask(t.Context(), http.MethodGet, p.Endpoint)
		if err != nil || got != code || !strings.Contains(body, "<Code>"+name+"</Code>") {
			t.Errorf("mode %d: got %d %q, %v", code, got, body, err)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached the server", n)
	}
}

func TestProxySlow(t *testing.T) {
	p, reached := upstream(t)
	p.Set(Slow(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := ask(ctx, http.MethodGet, p.Endpoint); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an hour's delay gave %v", err)
	}
	p.Set(Slow(time.Millisecond))
	if code, _, err := ask(t.Context(), http.MethodGet, p.Endpoint); err != nil || code != 200 {
		t.Errorf("a millisecond's delay gave %d, %v", code, err)
	}
	if n := reached.Load(); n != 1 {
		t.Errorf("%d requests reached the server", n)
	}
}

func TestProxyBlackHole(t *testing.T) {
	p, reached := upstream(t)
	p.Set(BlackHole())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := ask(ctx, http.MethodPut, p.Endpoint); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a black hole gave %v", err)
	}

	caught := make(chan error)
	go func() { _, _, err := ask(t.Context(), http.MethodPut, p.Endpoint); caught <- err }()
	eventually(t, func() bool { return p.Total() == 2 })
	p.Set(Pass())
	if err := <-caught; err == nil {
		t.Error("a request caught in the black hole was answered")
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached the server", n)
	}
}

func TestProxyRefusesAndComesBack(t *testing.T) {
	p, _ := upstream(t)
	p.Set(Refuse())
	if _, _, err := ask(t.Context(), http.MethodGet, p.Endpoint); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a refusing proxy gave %v", err)
	}
	p.Set(Refuse())
	p.Set(Pass())
	if code, _, err := ask(t.Context(), http.MethodGet, p.Endpoint); err != nil || code != 200 {
		t.Errorf("after it came back: %d, %v", code, err)
	}
}

func TestProxyLosesReplies(t *testing.T) {
	p, reached := upstream(t)
	p.Set(LoseReply())
	if _, _, err := ask(t.Context(), http.MethodPut, p.Endpoint); err == nil {
		t.Error("the reply was not lost")
	}
	if n := reached.Load(); n != 1 {
		t.Errorf("%d requests reached the server", n)
	}
}

func TestSignedRequestsPassTheProxy(t *testing.T) {
	s := S3(t)
	bucket := s.Bucket(t)
	p := FaultyHTTP(t, s.Endpoint)
	through := *s
	through.Endpoint = p.Endpoint
	put(t, &through, bucket, "k", "v")
	if got := get(t, s, bucket, "k"); got != "v" {
		t.Errorf("behind the proxy the object holds %q", got)
	}
	p.Set(Status(403))
	if _, err := through.Client().HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket}); err == nil {
		t.Error("no error with status 403")
	}
}

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatal("waited in vain")
		case <-tick.C:
		}
	}
}
