package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
)

// The base names of the authorities' files; each has a .crt and a .key.
const (
	AgentsCA  = "agents-ca"  // mutual TLS between agents, leader and commands
	PeersCA   = "peers-ca"   // etcd member to etcd member
	ClientsCA = "clients-ca" // etcd clients and etcd's client port
)

// Lives of what is issued.
const (
	AuthorityLife = 10 * 365 * 24 * time.Hour
	LeafLife      = 365 * 24 * time.Hour
)

// backdate allows for clocks of other hosts that run behind.
const backdate = 5 * time.Minute

// Authority is a certificate authority with its key. RSA (as kops makes them)
// and ECDSA keys are accepted; new ones are ECDSA P-256.
type Authority struct {
	Name    string
	Cert    *x509.Certificate
	CertPEM []byte
	key     crypto.Signer
}

// Authorities are the three of one cluster.
type Authorities struct {
	Agents, Peers, Clients *Authority
}

func (a *Authorities) slots() map[string]**Authority {
	return map[string]**Authority{AgentsCA: &a.Agents, PeersCA: &a.Peers, ClientsCA: &a.Clients}
}

// names in the order in which they are made.
var names = []string{AgentsCA, PeersCA, ClientsCA}

// ErrHalfPair: of a certificate and its key only one is there. Nothing was
// written; a person has to put the other half back.
var ErrHalfPair = errors.New("half a pair")

// CreateAuthorities loads the authorities of dir and makes those of which
// neither file exists. All pairs are looked at before anything is written: one
// that is broken, half there or unreadable ends the call with nothing changed.
func CreateAuthorities(dir string, now time.Time) (*Authorities, error) {
	missing, err := missingAuthorities(dir)
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 {
		return LoadAuthorities(dir)
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		err = createWhole(dir, missing, now)
		if err != nil {
			return nil, err
		}
		return LoadAuthorities(dir)
	}
	for _, name := range missing {
		if err := createAuthority(dir, name, now); err != nil {
			return nil, err
		}
	}
	return LoadAuthorities(dir)
}

// createWhole makes the directory with all its authorities under a temporary
// name and publishes it by one rename, so that a crash at first use leaves no
// half pair.
func createWhole(dir string, missing []string, now time.Time) error {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("create directory %s: %w", parent, err)
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".tmp-")
	if err != nil {
		return fmt.Errorf("create a temporary directory beside %s: %w", dir, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	for _, name := range missing {
		if err := createAuthority(tmp, name, now); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	return atomicfile.SyncDir(parent)
}

// LoadAuthorities reads all three; one that is missing or broken is an error.
func LoadAuthorities(dir string) (*Authorities, error) {
	var all Authorities
	for name, slot := range all.slots() {
		a, err := LoadAuthority(dir, name)
		if err != nil {
			return nil, err
		}
		*slot = a
	}
	return &all, nil
}

// LoadAuthority reads NAME.crt and NAME.key of dir.
func LoadAuthority(dir, name string) (*Authority, error) {
	certPath, keyPath := paths(dir, name)
	certPEM, err := atomicfile.Read(certPath, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of authority %s: %w", name, err)
	}
	keyPEM, err := atomicfile.Read(keyPath, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("read the key of authority %s: %w", name, err)
	}
	a, err := ParseAuthority(name, certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("load authority from %s: %w", dir, err)
	}
	return a, nil
}

// ParseAuthority checks that the two belong together and may sign.
func ParseAuthority(name string, certPEM, keyPEM []byte) (*Authority, error) {
	cert, err := ParseCertificate(certPEM)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("authority %s: its certificate is not that of an authority", name)
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	if !samePublic(cert.PublicKey, key.Public()) {
		return nil, fmt.Errorf("authority %s: the key is not the certificate's", name)
	}
	return &Authority{Name: name, Cert: cert, CertPEM: certPEM, key: key}, nil
}

// missingAuthorities names those of which neither file exists, after every
// other has proved to be loadable.
func missingAuthorities(dir string) ([]string, error) {
	var missing []string
	for _, name := range names {
		certPath, keyPath := paths(dir, name)
		haveCert, err := exists(certPath)
		if err != nil {
			return nil, err
		}
		haveKey, err := exists(keyPath)
		if err != nil {
			return nil, err
		}
		switch {
		case !haveCert && !haveKey:
			missing = append(missing, name)
		case !haveCert:
			return nil, fmt.Errorf("authority %s: %s is there and %s is not: %w", name, keyPath, certPath, ErrHalfPair)
		case !haveKey:
			return nil, fmt.Errorf("authority %s: %s is there and %s is not: %w", name, certPath, keyPath, ErrHalfPair)
		default:
			if _, err := LoadAuthority(dir, name); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// exists says no only when the answer is "not there".
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", path, err)
	}
	return true, nil
}

func createAuthority(dir, name string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key for authority %s: %w", name, err)
	}
	serial, err := newSerial()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "seedproof " + name, SerialNumber: serial.Text(16)},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(AuthorityLife),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("sign the certificate of authority %s: %w", name, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	certPath, keyPath := paths(dir, name)
	if err := atomicfile.Write(keyPath, keyPEM, 0o600); err != nil {
		return err
	}
	return atomicfile.Write(certPath, encodeCert(der), 0o644)
}

func paths(dir, name string) (certPath, keyPath string) {
	return filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil // zero is not allowed
}

func samePublic(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *ecdsa.PublicKey:
		return a.Equal(b)
	case *rsa.PublicKey:
		return a.Equal(b)
	}
	return false
}
