package ontapgo

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-openapi/runtime"
	httptransport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/models"
)

// hal is the type of an array's answers, for which the generated client has no
// consumer of its own.
const hal = "application/hal+json"

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 8 << 20

// strictJSON reads an answer into the generated type, and refuses what the
// specification does not have: an unknown field, another type, a format or an
// enumeration that is not kept. An empty body is io.EOF, as the generated code
// expects.
func strictJSON() runtime.Consumer {
	return runtime.ConsumerFunc(func(r io.Reader, into any) error {
		raw, err := io.ReadAll(io.LimitReader(r, maxAnswer))
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			return io.EOF
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			return fmt.Errorf("an answer that is not of the specification: %w\n%s", err, raw)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return fmt.Errorf("more than one JSON value in an answer: %s", raw)
		}
		v, ok := into.(interface{ Validate(strfmt.Registry) error })
		if !ok {
			return nil
		}
		if err := v.Validate(strfmt.Default); err != nil {
			return fmt.Errorf("an answer that is not of the specification: %w\n%s", err, raw)
		}
		return nil
	})
}

// asked is what all clients of all tests have asked.
var asked recorder

// recorder notes each call as "METHOD path", with the id of its operation.
type recorder struct {
	mu    sync.Mutex
	calls map[string]string
	count int
}

func (r *recorder) note(op *runtime.ClientOperation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[string]string{}
	}
	r.calls[op.Method+" "+withoutNames(op.PathPattern)] = op.ID
	r.count++
}

// recording is the client's transport, with a note of each call.
type recording struct{ runtime.ClientTransport }

func (r recording) Submit(op *runtime.ClientOperation) (any, error) {
	asked.note(op)
	return r.ClientTransport.Submit(op)
}

// connect makes a generated client for a user at an address.
func connect(t *testing.T, host, user, password string, trust *x509.CertPool, name string) *client.Ontap {
	t.Helper()
	plain := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: name, MinVersion: tls.VersionTLS12}}
	t.Cleanup(plain.CloseIdleConnections)
	transport := httptransport.NewWithClient(host, client.DefaultBasePath, client.DefaultSchemes, &http.Client{Transport: plain})
	transport.Consumers[hal] = strictJSON()
	transport.DefaultAuthentication = httptransport.BasicAuth(user, password)
	return client.New(recording{transport}, strfmt.Default)
}

// cluster is the administrator's client of one cluster, counted from 0.
func (a *array) cluster(t *testing.T, i int) *client.Ontap {
	t.Helper()
	return connect(t, a.hosts[i], "admin", a.password, a.roots, "")
}

// atSVM is a user's client at a management interface of an SVM, whose
// certificate the cluster has shown.
func (a *array) atSVM(t *testing.T, address, user, password, certificate string) *client.Ontap {
	t.Helper()
	trust := x509.NewCertPool()
	if !trust.AppendCertsFromPEM([]byte(certificate)) {
		t.Fatal("the SVM's certificate is no PEM")
	}
	return connect(t, net.JoinHostPort(address, a.management), user, password, trust, nameIn(t, certificate))
}

// with sends what the generated parameters have no place for.
func with(header http.Header, query url.Values) func(*runtime.ClientOperation) {
	return func(op *runtime.ClientOperation) {
		params := op.Params
		op.Params = runtime.ClientRequestWriterFunc(func(r runtime.ClientRequest, formats strfmt.Registry) error {
			if err := params.WriteToRequest(r, formats); err != nil {
				return err
			}
			for k, v := range header {
				if err := r.SetHeaderParam(k, v...); err != nil {
					return err
				}
			}
			for k, v := range query {
				if err := r.SetQueryParam(k, v...); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// must gives the result of a call that may not fail.
func must[T any](result T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatalf("got %T: %v", err, err)
		}
		return result
	}
}

// refusal is what every generated error of an array offers.
type refusal interface {
	error
	Code() int
	GetPayload() *models.ErrorResponse
}

// refused holds an error to a status and to a code of the array.
func refused(t *testing.T, what string, err error, status int, codes ...string) {
	t.Helper()
	var no refusal
	if !errors.As(err, &no) {
		t.Fatalf("%s: got %T %v, expected a refusal with code %s", what, err, err, strings.Join(codes, " or "))
	}
	said := no.GetPayload()
	if said == nil || said.Error == nil || said.Error.Code == nil || said.Error.Message == nil || *said.Error.Message == "" {
		t.Fatalf("%s: a refusal without code or message: %v", what, err)
	}
	if no.Code() != status {
		t.Errorf("%s: status %d, expected %d", what, no.Code(), status)
	}
	for _, code := range codes {
		if *said.Error.Code == code {
			return
		}
	}
	t.Errorf("%s: code %s (%s), expected %s", what, *said.Error.Code, *said.Error.Message, strings.Join(codes, " or "))
}

// same compares what the client read with what the simulator was told.
func same[T comparable](t *testing.T, what string, got *T, want T) {
	t.Helper()
	switch {
	case got == nil:
		t.Errorf("%s is missing, expected %v", what, want)
	case *got != want:
		t.Errorf("%s is %v, expected %v", what, *got, want)
	}
}

// one gives the only record of a list.
func one[T any](t *testing.T, what string, records []*T) *T {
	t.Helper()
	if len(records) != 1 {
		t.Fatalf("%s: %d records, expected 1", what, len(records))
	}
	return records[0]
}

// nameIn gives the name that a certificate is for.
func nameIn(t *testing.T, certificate string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(certificate))
	if block == nil {
		t.Fatal("the SVM's certificate is no PEM")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatalf("read the SVM's certificate: %v", err)
	}
	if len(parsed.DNSNames) == 0 {
		t.Fatal("the SVM's certificate is for no name")
	}
	return parsed.DNSNames[0]
}
