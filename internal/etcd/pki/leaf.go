package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
)

// Usage is what a leaf may be used for.
type Usage uint8

const (
	Both Usage = iota // server and client: etcd members and agents need both
	Server
	Client
)

func (u Usage) extended() []x509.ExtKeyUsage {
	switch u {
	case Server:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case Client:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
}

// Request describes a leaf.
type Request struct {
	Name  string        // common name and base name of the files
	Hosts []string      // DNS names and IP addresses
	Usage Usage         // Both when left out
	Life  time.Duration // LeafLife when zero; never longer than the authority's
}

func (r Request) validate() error {
	if r.Name == "" || strings.ContainsAny(r.Name, "/\x00") || strings.HasPrefix(r.Name, ".") {
		return fmt.Errorf("certificate name %q cannot be a file name", r.Name)
	}
	if slices.Contains(r.Hosts, "") {
		return fmt.Errorf("certificate %s: an empty host name", r.Name)
	}
	if r.Usage != Client && len(r.Hosts) == 0 {
		return fmt.Errorf("certificate %s: a server's certificate needs a host", r.Name)
	}
	if r.Life < 0 {
		return fmt.Errorf("certificate %s: negative life", r.Name)
	}
	return nil
}

// Issue signs a new leaf with a new key.
func Issue(ca *Authority, req Request, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key for %s: %w", req.Name, err)
	}
	certPEM, err = issueFor(ca, req, key.Public(), now)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err = encodeKey(key)
	if err != nil {
		return nil, nil, err
	}
	return certPEM, keyPEM, nil
}

func issueFor(ca *Authority, req Request, public crypto.PublicKey, now time.Time) ([]byte, error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	if !now.Before(ca.Cert.NotAfter) {
		return nil, fmt.Errorf("issue certificate %s: the authority %s expired on %s", req.Name, ca.Name, day(ca.Cert.NotAfter))
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	life := req.Life
	if life == 0 {
		life = LeafLife
	}
	until := now.Add(life)
	if until.After(ca.Cert.NotAfter) {
		until = ca.Cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: req.Name},
		NotBefore:             now.Add(-backdate),
		NotAfter:              until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           req.Usage.extended(),
		BasicConstraintsValid: true,
	}
	for _, host := range req.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Cert, public, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %s: %w", req.Name, err)
	}
	return encodeCert(der), nil
}

// Leaf is where a certificate lies and whether it was just made.
type Leaf struct {
	CertFile, KeyFile string
	Issued            bool
	Reason            string // why it was issued; empty when it was not
}

// EnsureLeaf keeps NAME.crt and NAME.key of dir good for req: it issues the
// leaf when there is none, or when what is there does not do any more. The key
// is kept when it can be read, so that a renewal changes one file, at once. A
// file that is there and cannot be read is an error.
func EnsureLeaf(dir string, ca *Authority, req Request, clock func() time.Time) (Leaf, error) {
	if err := req.validate(); err != nil {
		return Leaf{}, err
	}
	now := clock()
	certPath, keyPath := paths(dir, req.Name)
	leaf := Leaf{CertFile: certPath, KeyFile: keyPath}
	certPEM, err := readIfThere(certPath)
	if err != nil {
		return leaf, err
	}
	keyPEM, err := readIfThere(keyPath)
	if err != nil {
		return leaf, err
	}
	leaf.Reason = whyReissue(certPEM, keyPEM, ca, req, now)
	if leaf.Reason == "" {
		return leaf, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return leaf, fmt.Errorf("create directory %s: %w", dir, err)
	}
	public, err := ensureKey(keyPath, keyPEM)
	if err != nil {
		return leaf, err
	}
	certPEM, err = issueFor(ca, req, public, now)
	if err != nil {
		return leaf, err
	}
	if err := atomicfile.Write(certPath, certPEM, 0o644); err != nil {
		return leaf, err
	}
	leaf.Issued = true
	return leaf, nil
}

// ensureKey returns the public half of the key in keyPEM, or of a new key that
// it writes.
func ensureKey(keyPath string, keyPEM []byte) (crypto.PublicKey, error) {
	if key, err := parseKey(keyPEM); err == nil {
		return key.Public(), nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key %s: %w", keyPath, err)
	}
	keyPEM, err = encodeKey(key)
	if err != nil {
		return nil, err
	}
	return key.Public(), atomicfile.Write(keyPath, keyPEM, 0o600)
}

func readIfThere(path string) ([]byte, error) {
	content, err := atomicfile.Read(path, maxPEM)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return content, nil
}

// whyReissue is the rule of renewal: the reason, or nothing when the pair does.
func whyReissue(certPEM, keyPEM []byte, ca *Authority, req Request, now time.Time) string {
	if certPEM == nil || keyPEM == nil {
		return "missing"
	}
	cert, err := ParseCertificate(certPEM)
	if err != nil {
		return "the certificate cannot be parsed"
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return "the key cannot be parsed"
	}
	life, left := cert.NotAfter.Sub(cert.NotBefore), cert.NotAfter.Sub(now)
	switch {
	case !samePublic(cert.PublicKey, key.Public()):
		return "the key is not the certificate's"
	case cert.CheckSignatureFrom(ca.Cert) != nil:
		return "signed by another authority"
	case now.Before(cert.NotBefore):
		return "not valid yet"
	// One that ends with its authority cannot be made to live longer.
	case left < life/3 && cert.NotAfter.Before(ca.Cert.NotAfter):
		return "less than a third of its life is left"
	case left <= 0:
		return "expired"
	case cert.Subject.CommonName != req.Name:
		return "made for another name"
	case !sameHosts(cert, req.Hosts):
		return "made for other hosts"
	case !slices.Equal(cert.ExtKeyUsage, req.Usage.extended()):
		return "made for another use"
	}
	return ""
}

func sameHosts(cert *x509.Certificate, hosts []string) bool {
	have := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		have = append(have, ip.String())
	}
	var want []string
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			host = ip.String()
		}
		want = append(want, host)
	}
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(slices.Compact(have), slices.Compact(want))
}
