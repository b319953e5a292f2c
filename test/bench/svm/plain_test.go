package svm

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/testenv"
	"github.com/seedproof/seedproof/test/bench/svm/fleet"
)

// plainCost is what the plain way costs for a whole fleet.
type plainCost struct{ calls, bytes, seconds float64 }

// plainly reads each SVM by itself, as a simple controller reconciles it: the
// names of all SVMs on every array to find out where it is, then the SVM, its
// interfaces, its accounts, and its Secret. Of a large fleet it reads some, one
// after the other, and the whole is reckoned from them.
func plainly(b *testing.B, f *fleet.Fleet) plainCost {
	b.Helper()
	var clients []plainClient
	for _, s := range f.Sims {
		clients = append(clients, newPlainClient(b, s))
	}
	n := min(*sampled, len(f.Wishes))
	f.ForgetRequests()
	began := time.Now()
	for i := range n {
		readPlainly(b, f, clients, i*len(f.Wishes)/n)
	}
	took, t := time.Since(began), trafficOf(f.Sims)
	scale := float64(len(f.Wishes)) / float64(n)
	return plainCost{calls: float64(t.calls) * scale, bytes: float64(t.received+t.sent) * scale, seconds: took.Seconds() * scale}
}

func readPlainly(b *testing.B, f *fleet.Fleet, clients []plainClient, n int) {
	b.Helper()
	for _, c := range clients {
		c.get(b, "/api/svm/svms", nil)
	}
	home, uuid := clients[n%len(clients)], fleet.UUID(n)
	home.get(b, "/api/svm/svms/"+uuid, nil)
	home.get(b, "/api/network/ip/interfaces", url.Values{"svm.uuid": {uuid}, "fields": {"ip,state,enabled,services"}})
	home.get(b, "/api/security/accounts", url.Values{"owner.uuid": {uuid}, "fields": {"*"}})
	secret := f.Secret(n)
	path := "/api/v1/namespaces/" + secret.Namespace + "/secrets/" + secret.Name
	if status, answer := f.Kube.Do(b, testenv.KubeAdmin, http.MethodGet, path, nil); status != http.StatusOK {
		b.Fatalf("%s: %d %s", path, status, answer)
	}
}

// plainClient knows nothing of ours.
type plainClient struct {
	http           *http.Client
	url            string
	user, password string
}

func newPlainClient(b *testing.B, s *sim.Simulator) plainClient {
	b.Helper()
	c := s.Cluster(0)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.CA()) {
		b.Fatal("the array's certificate cannot be read")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	b.Cleanup(transport.CloseIdleConnections)
	user, password := c.Credentials()
	return plainClient{http: &http.Client{Transport: transport}, url: c.URL(), user: user, password: password}
}

func (c plainClient) get(b *testing.B, path string, query url.Values) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.url+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth(c.user, c.password)
	resp, err := c.http.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d %v", path, resp.StatusCode, err)
	}
}
