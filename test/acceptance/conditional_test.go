package acceptance

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/testenv"
)

// A store that takes conditional writes and does not enforce them is refused
// when the agent starts: the lease, the claim and the record hang on them.
func TestAStoreThatEnforcesNothingIsRefused(t *testing.T) {
	server := testenv.S3(t)
	bucket := server.Bucket(t)
	deaf := httptest.NewServer(&deafProxy{to: server})
	t.Cleanup(deaf.Close)

	f := newFleet(t, 1, 1)
	f.env = server.Env()
	f.control = strings.ReplaceAll(server.URL(bucket, "control/etcd/main"), urlEscaped(server.Endpoint), urlEscaped(deaf.URL))
	f.start("a")
	n := f.nodes["a"]
	select {
	case <-n.exited:
	case <-time.After(limit):
		t.Fatal("the agent does not end")
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	said := f.log("a")
	said = said[max(0, strings.LastIndex(said, "Error: ")):]
	for _, want := range []string{"control-store", "does not enforce conditional writes", "use a store that enforces If-None-Match and If-Match", bucket} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	listed, err := server.Client().ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range listed.Contents {
		t.Errorf("%s was left behind", aws.ToString(o.Key))
	}
	if len(pidsNaming(n.dir+"/")) != 0 {
		t.Error("an etcd runs")
	}
}

func urlEscaped(s string) string { return strings.NewReplacer(":", "%3A", "/", "%2F").Replace(s) }

// deafProxy stands before an S3 server and drops the conditions of writes. It
// signs what is left anew, as the server would refuse it otherwise.
type deafProxy struct{ to *testenv.S3Server }

func (p *deafProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, p.to.Endpoint+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range r.Header {
		switch name {
		case "If-Match", "If-None-Match", "Authorization", "Connection":
		default:
			out.Header[name] = values
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	credentials := aws.Credentials{AccessKeyID: p.to.AccessKey, SecretAccessKey: p.to.SecretKey}
	if err := signer.SignHTTP(r.Context(), credentials, out, r.Header.Get("X-Amz-Content-Sha256"), "s3", p.to.Region, time.Now()); err != nil {
		panic(http.ErrAbortHandler)
	}
	reply, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = reply.Body.Close() }()
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.StatusCode)
	_, _ = io.Copy(w, reply.Body)
}
