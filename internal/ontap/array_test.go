package ontap_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seedproof/seedproof/internal/ontap"
)

const (
	svmUUID     = "11111111-2222-3333-4444-555555555555"
	otherUUID   = "99999999-2222-3333-4444-555555555555"
	jobUUID     = "aaaaaaaa-2222-3333-4444-555555555555"
	adminPass   = "s3cr\"et<&>+/ adm1n"
	accountPass = "p4ss:word\\of/the account"
)

// fake is an array whose answers a test writes. It remembers what it was asked.
type fake struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

type asked struct{ method, path, query, body string }

func (a asked) String() string { return a.method + " " + a.path }

// newFake answers with what answer returns; n counts the requests from 1.
func newFake(t *testing.T, answer func(n int, r *http.Request) (status int, body string)) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.asked = append(f.asked, asked{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body)})
		n := len(f.asked)
		f.mu.Unlock()
		status, text := answer(n, r)
		for strings.HasPrefix(text, "@") { // "@Header: value\n" before the body
			header, rest, _ := strings.Cut(text, "\n")
			name, value, _ := strings.Cut(header[1:], ": ")
			w.Header().Set(name, value)
			text = rest
		}
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/hal+json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) requests() []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]asked(nil), f.asked...)
}

func (f *fake) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
}

func (f *fake) pin() ontap.Fingerprint { return ontap.FingerprintOf(f.Certificate()) }

// client is a client of the fake, with changes to its options.
func (f *fake) client(t *testing.T, change ...func(*ontap.Options)) *ontap.Client {
	t.Helper()
	o := ontap.Options{Name: "a1", URL: f.URL, User: "admin", Password: ontap.NewSecret(adminPass), Trust: ontap.Trust{CA: f.ca()}}
	for _, c := range change {
		c(&o)
	}
	c, err := ontap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// always gives one answer to everything.
func always(status int, body string) func(int, *http.Request) (int, string) {
	return func(int, *http.Request) (int, string) { return status, body }
}

// errorText is an error object as ONTAP gives it.
func errorText(code, message string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return string(b)
}

// records is a whole listing.
func records(of ...string) string {
	return fmt.Sprintf(`{"records":[%s],"num_records":%d}`, strings.Join(of, ","), len(of))
}

func svmText(uuid, name string) string {
	return fmt.Sprintf(`{"uuid":%q,"name":%q,"state":"running"}`, uuid, name)
}
