package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// switchStep is a flow of one step that fails, or acts once.
type switchStep struct {
	err  error
	done map[string]bool
}

func (s *switchStep) flow(subject string) flow.Flow {
	if s.done == nil {
		s.done = map[string]bool{}
	}
	return flow.Flow{Name: "heal", Subject: subject, Steps: []flow.Step{{
		Name: "record",
		Look: func(context.Context) (flow.Sight, error) { return flow.Sight{Done: s.done[subject]}, s.err },
		Act:  func(context.Context) error { s.done[subject] = true; return nil },
	}}}
}

// report is a status as a program would have one.
type report struct {
	Verdict     string            `json:"verdict"`
	Escalations []flow.Escalation `json:"escalations"`
}

func (r report) Page() telemetry.Page {
	return telemetry.Page{
		Title: "etcd cluster c", Summary: "Verdict: " + r.Verdict, Escalations: r.Escalations,
		Sections: []telemetry.Section{{Title: "Witnesses", Columns: []string{"witness", "finding"}, Rows: [][]string{{"record", "<script>"}}}},
	}
}

func get(t *testing.T, e telemetry.Endpoints, method, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", accept)
	telemetry.Handler(e).ServeHTTP(w, r)
	return w
}

func TestEndpoints(t *testing.T) {
	bad := telemetry.Endpoints{
		Healthy: func() error { return errors.New("disk full") },
		Ready:   func() error { return errors.New("no quorum") },
		Status:  func() any { return func() {} },
	}
	cases := []struct {
		reason       string
		e            telemetry.Endpoints
		method, path string
		code         int
		body         string
	}{
		{"healthy unless something says otherwise", telemetry.Endpoints{}, "GET", "/healthz", 200, "ok\n"},
		{"ready unless something says otherwise", telemetry.Endpoints{}, "GET", "/readyz", 200, "ok\n"},
		{"not healthy, with the reason", bad, "GET", "/healthz", 503, "disk full\n"},
		{"not ready, with the reason", bad, "GET", "/readyz", 503, "no quorum\n"},
		{"probes may use HEAD", telemetry.Endpoints{}, "HEAD", "/healthz", 200, "ok\n"},
		{"nothing is changed over this port", telemetry.Endpoints{}, "POST", "/healthz", 405, "Method Not Allowed\n"},
		{"no status was given", telemetry.Endpoints{}, "GET", "/status", 404, "404 page not found\n"},
		{"no metrics were given", telemetry.Endpoints{}, "GET", "/metrics", 404, "404 page not found\n"},
		{"a status that cannot be written is an error", bad, "GET", "/status", 500, "write the status: json: unsupported type: func()\n"},
	}
	for _, c := range cases {
		if w := get(t, c.e, c.method, c.path, ""); w.Code != c.code || w.Body.String() != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.reason, w.Code, w.Body, c.code, c.body)
		}
	}
}

func TestStatusAsJSONAndAsAPage(t *testing.T) {
	r := report{Verdict: "Conflicting", Escalations: []flow.Escalation{{
		Flow: "heal", Subject: "c", Step: "record", Why: "names <b>another</b> cluster",
		Advice: "seedproof etcd approve adopt", Since: time.Unix(0, 0), Attempts: 3}}}
	e := telemetry.Endpoints{Status: func() any { return r }}
	w := get(t, e, "GET", "/status", "*/*")
	var back report
	if err := json.Unmarshal(w.Body.Bytes(), &back); err != nil || back.Escalations[0].Advice != r.Escalations[0].Advice {
		t.Errorf("JSON: %v, %s", err, w.Body)
	}
	w = get(t, e, "GET", "/status", "text/html,application/xhtml+xml,*/*;q=0.8")
	page := w.Body.String()
	if kind := w.Header().Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("content type %q", kind)
	}
	order := []string{"etcd cluster c", "seedproof etcd approve adopt", "Verdict: Conflicting", "Witnesses"}
	for at, i := 0, 0; i < len(order); i++ {
		next := strings.Index(page[at:], order[i])
		if next < 0 {
			t.Fatalf("%q is missing, or not in its place:\n%s", order[i], page)
		}
		at += next
	}
	for _, raw := range []string{"<b>another", "<script>"} {
		if strings.Contains(page, raw) {
			t.Errorf("%q was not escaped", raw)
		}
	}
	calm := telemetry.Endpoints{Status: func() any { return report{Verdict: "Intact"} }}
	if page := get(t, calm, "GET", "/status", "text/html").Body.String(); !strings.Contains(page, "Nothing waits for a person") {
		t.Errorf("the page of a calm cluster: %s", page)
	}
	plain := telemetry.Endpoints{Status: func() any { return map[string]int{"members": 3} }}
	if page := get(t, plain, "GET", "/status", "text/html").Body.String(); !strings.Contains(page, "&#34;members&#34;: 3") {
		t.Errorf("a status without a page: %s", page)
	}
}

func TestServeUntilTheContextEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- telemetry.ServeListener(ctx, ln, telemetry.Endpoints{}) }()
	resp, err := http.Get("http://" + ln.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || string(body) != "ok\n" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := telemetry.Serve(t.Context(), ln.Addr().String(), telemetry.Endpoints{}); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("a port in use: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the end of the context is an error: %v", err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if err := telemetry.ServeListener(t.Context(), closed, telemetry.Endpoints{}); err == nil {
		t.Error("a listener that failed is no error")
	}
}
