package ontap

import (
	"encoding/pem"
	"net/http"
	"testing"
)

// certificates is section 8: each SVM presents a certificate of its own, which
// the cluster can show over its own, verified connection.
func (s *suite) certificates(t *testing.T) {
	u := s.makeAccount(t, "tls")
	s.ok(t, "7", "a login, for its certificate", probe(u))
	first := s.leaf(s.management)
	a := s.ok(t, "7", "a second login", probe(u))
	s.check(t, "8", "the certificate is the same each time", a, s.leaf(s.management) == first)
	cluster := s.clusterLeaf(t)
	s.check(t, "8", "it is not the cluster's", a, cluster != first)
	web := s.ok(t, "8", "the SVM's web service", get("/svm/svms/"+s.main.uuid+"/web"))
	uuid := text(web.body, "certificate.uuid")
	s.check(t, "8", "the web service names its certificate", web, isUUID(uuid))
	found := s.ok(t, "8", "the certificate itself", get("/security/certificates/"+uuid+"?fields=public_certificate"))
	block, _ := pem.Decode([]byte(text(found.body, "public_certificate")))
	if block == nil {
		s.noteSection(t, "8", "shows no public_certificate of an SVM")
	} else {
		s.check(t, "8", "it is the one that the SVM presents", found, fingerprint(block.Bytes) == first)
	}
	s.dropAccount(t, u)
}

func (s *suite) leaf(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaves[address]
}

// clusterLeaf gives the certificate that the cluster presents.
func (s *suite) clusterLeaf(t *testing.T) string {
	t.Helper()
	req, err := s.build(t.Context(), get("/cluster"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatalf("ask the cluster: %s", s.mask(err.Error()))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		t.Fatalf("section 8: the cluster speaks TLS; got %d", resp.StatusCode)
	}
	return fingerprint(resp.TLS.PeerCertificates[0].Raw)
}
