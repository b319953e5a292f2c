package sim

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// handClock moves when it is told to.
type handClock struct {
	mu sync.Mutex
	at time.Time
}

func newHandClock() *handClock {
	return &handClock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// array is a simulator with a client of its administrator.
type array struct {
	*Simulator
	t     *testing.T
	clock *handClock
	http  *http.Client
}

// newArray starts a simulator on a clock that stands still.
func newArray(t *testing.T, change func(*Options)) *array {
	t.Helper()
	clock := newHandClock()
	o := Options{Clock: clock, Times: AtOnce()}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	a := &array{Simulator: s, t: t, clock: clock, http: clientOf(t, s)}
	t.Cleanup(s.Close)
	return a
}

func clientOf(t *testing.T, s *Simulator) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	for i := range s.Clusters() {
		if !pool.AppendCertsFromPEM(s.Cluster(i).CA()) {
			t.Fatal("no certificate in CA()")
		}
	}
	tr := &http.Transport{DialContext: s.DialContext, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// reply is an answer as a test looks at it.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) code() string {
	e, _ := r.body["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

func (r reply) records() []map[string]any {
	list, _ := r.body["records"].([]any)
	var out []map[string]any
	for _, e := range list {
		if rec, ok := e.(map[string]any); ok {
			out = append(out, rec)
		}
	}
	return out
}

func (r reply) text(path string) string {
	var v any = r.body
	for part := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	s, _ := v.(string)
	return s
}

// try makes a call as a user of a server; err is that of the transport.
func (a *array) try(client *http.Client, base, user, password, method, path, body string) (reply, error) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var in io.Reader
	if body != "" {
		in = bytes.NewBufferString(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+"/api"+path, in)
	if err != nil {
		a.t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	out := reply{status: resp.StatusCode, header: resp.Header, raw: string(data)}
	_ = json.Unmarshal(data, &out.body) // some answers are no JSON, on purpose
	return out, nil
}

// on makes a call as the administrator of cluster i.
func (a *array) on(i int, method, path, body string) reply {
	a.t.Helper()
	user, password := a.Cluster(i).Credentials()
	r, err := a.try(a.http, a.Cluster(i).URL(), user, password, method, path, body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (a *array) do(method, path, body string) reply {
	a.t.Helper()
	return a.on(0, method, path, body)
}

// must makes a call that ends with the status.
func (a *array) must(status int, method, path, body string) reply {
	a.t.Helper()
	return a.mustOn(0, status, method, path, body)
}

func (a *array) mustOn(i, status int, method, path, body string) reply {
	a.t.Helper()
	r := a.on(i, method, path, body)
	if r.status != status {
		a.t.Fatalf("%s %s: status %d, expected %d: %s", method, path, r.status, status, r.raw)
	}
	return r
}

// svm makes an SVM with NVMe and gives its uuid.
func (a *array) svm(name string) string {
	a.t.Helper()
	a.must(201, "POST", "/svm/svms?return_timeout=10", `{"name":"`+name+`","nvme":{"enabled":true}}`)
	v, ok := a.Dump().Find(name)
	if !ok {
		a.t.Fatalf("SVM %s is not there", name)
	}
	return v.UUID
}

// manage gives an SVM a management LIF and an account.
func (a *array) manage(name, address, user, password string) {
	a.t.Helper()
	a.must(201, "POST", "/network/ip/interfaces", `{"name":"mgmt","svm":{"name":"`+name+`"},"ip":{"address":"`+address+
		`","netmask":"24"},"location":{"broadcast_domain":{"name":"Default"}},"service_policy":{"name":"default-management"}}`)
	a.must(201, "POST", "/security/accounts", `{"name":"`+user+`","owner":{"name":"`+name+`"},"password":"`+password+
		`","role":{"name":"vsadmin"},"applications":[{"application":"http","authentication_methods":["password"]}]}`)
}

// as makes a call as a user of an SVM, at the SVM's address. The certificate of
// the SVM is not the subject.
func (a *array) as(address, user, password, method, path, body string) (reply, error) {
	tr := &http.Transport{DialContext: a.DialContext, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
	return a.try(&http.Client{Transport: tr}, "https://"+address, user, password, method, path, body)
}

func contextWithTimeout(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// safeBuffer is a log that several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
