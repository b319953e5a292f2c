package sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// keyPair is a self-signed certificate and its key, both PEM.
type keyPair struct{ Cert, Key []byte }

// newKeyPair makes a certificate that vouches for itself, as an array's does.
// It is valid in wall time, since clients check it so.
func newKeyPair(name string, addresses ...string) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("generate a key for %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return keyPair{}, fmt.Errorf("choose a serial number for %s: %w", name, err)
	}
	cert := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	for _, a := range addresses {
		if ip := net.ParseIP(a); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
			continue
		}
		cert.DNSNames = append(cert.DNSNames, a)
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return keyPair{}, fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyPair{}, fmt.Errorf("encode the key of %s: %w", name, err)
	}
	return keyPair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}

func (k keyPair) parsed() (*x509.Certificate, error) {
	block, _ := pem.Decode(k.Cert)
	if block == nil {
		return nil, fmt.Errorf("no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// certificate is the TLS certificate of the LIF that a connection came in by.
func (s *Simulator) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, ok := hello.Conn.(*lifConn)
	if !ok {
		return nil, fmt.Errorf("a connection of unknown origin")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, v, ok := s.reached(c)
	if !ok {
		return nil, fmt.Errorf("no interface has this address now")
	}
	keys := st.Keys
	if v != nil {
		keys = v.Keys
	}
	return s.parsedPair(keys)
}

func (s *Simulator) parsedPair(keys keyPair) (*tls.Certificate, error) {
	if cert := s.pairs[string(keys.Cert)]; cert != nil {
		return cert, nil
	}
	cert, err := tls.X509KeyPair(keys.Cert, keys.Key)
	if err != nil {
		return nil, fmt.Errorf("read a certificate: %w", err)
	}
	s.pairs[string(keys.Cert)] = &cert
	return &cert, nil
}
