package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"

	"github.com/seedproof/seedproof/internal/atomicfile"
)

// Files are what one side of a mutual TLS connection needs: its own pair, and
// the authority of the other side.
type Files struct {
	Cert, Key, CA string
}

// ServerTLS serves with mutual TLS 1.3: who has no certificate of the
// authority is refused. The pair is read again when its files change, so that
// a renewal needs no restart; the authority is read once.
func ServerTLS(files Files) (*tls.Config, error) {
	pair, pool, err := open(files)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		ClientAuth:     tls.RequireAndVerifyClientCert,
		ClientCAs:      pool,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.current() },
		// A resumed session would outlive the certificate it was opened with.
		SessionTicketsDisabled: true,
	}, nil
}

// ClientTLS is the other side. serverName is what the server's certificate
// must bear; empty means the host that is dialled.
func ClientTLS(files Files, serverName string) (*tls.Config, error) {
	pair, pool, err := open(files)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		RootCAs:              pool,
		ServerName:           serverName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.current() },
	}, nil
}

func open(files Files) (*reloader, *x509.CertPool, error) {
	ca, err := atomicfile.Read(files.CA, maxPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("read authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, nil, fmt.Errorf("read authority %s: no certificate in it", files.CA)
	}
	pair := &reloader{files: files}
	if _, err := pair.current(); err != nil {
		return nil, nil, err
	}
	return pair, pool, nil
}

// reloader holds a pair as long as its files stay the same.
type reloader struct {
	files Files

	mu   sync.Mutex
	pair *tls.Certificate
	cert os.FileInfo
	key  os.FileInfo
}

// current is the pair on disk. While the files are missing or do not fit each
// other, as between the two writes of a renewal, it is the last good one.
func (r *reloader) current() (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pair, err := r.refresh()
	if err != nil && r.pair == nil {
		return nil, err
	}
	if err == nil {
		r.pair = pair
	}
	return r.pair, nil
}

func (r *reloader) refresh() (*tls.Certificate, error) {
	cert, err := os.Stat(r.files.Cert)
	if err != nil {
		return nil, fmt.Errorf("look at certificate: %w", err)
	}
	key, err := os.Stat(r.files.Key)
	if err != nil {
		return nil, fmt.Errorf("look at key: %w", err)
	}
	if r.pair != nil && unchanged(r.cert, cert) && unchanged(r.key, key) {
		return r.pair, nil
	}
	certPEM, err := atomicfile.Read(r.files.Cert, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	keyPEM, err := atomicfile.Read(r.files.Key, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("load certificate %s with its key: %w", r.files.Cert, err)
	}
	r.cert, r.key = cert, key
	return &pair, nil
}

func unchanged(before, now os.FileInfo) bool {
	return before != nil && os.SameFile(before, now) && before.ModTime().Equal(now.ModTime()) && before.Size() == now.Size()
}
