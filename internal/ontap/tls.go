package ontap

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SkipWord is the only value of Trust.Skip that skips verification.
const SkipWord = "insecure-skip-tls-verify"

// Fingerprint is the SHA-256 of a whole leaf certificate.
type Fingerprint [sha256.Size]byte

// FingerprintOf is the fingerprint of a certificate.
func FingerprintOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.Raw) }

// ParseFingerprint reads 64 hex digits, with or without colons and with or
// without "sha256:" before them.
func ParseFingerprint(s string) (Fingerprint, error) {
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "sha256:"), ":", "")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != sha256.Size {
		return Fingerprint{}, fmt.Errorf("read fingerprint %.100q: want the 64 hex digits of a SHA-256", s)
	}
	return Fingerprint(raw), nil
}

func (f Fingerprint) String() string { return "sha256:" + hex.EncodeToString(f[:]) }

// Trust says how the other end is known. Exactly one of CA, Pins and Skip is
// given. ONTAP's certificates are self-signed by default and seldom bear an IP
// address, so that pins are the usual choice.
type Trust struct {
	CA         []byte        // PEM bundle; the chain and the name are verified
	ServerName string        // with CA: the name to verify instead of the URL's host
	Pins       []Fingerprint // one of these leaf certificates, whatever its dates and names
	Skip       string        // SkipWord: verify nothing
}

// skips reports whether nothing is verified.
func (t Trust) skips() bool { return t.Skip == SkipWord }

func (t Trust) config() (*tls.Config, error) {
	given := 0
	for _, is := range []bool{len(t.CA) > 0, len(t.Pins) > 0, t.Skip != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, fmt.Errorf("verify the other end: give a CA bundle, fingerprints or %q, and only one of them", SkipWord)
	case t.Skip != "" && !t.skips():
		return nil, fmt.Errorf("verify the other end: verification is skipped only by the word %q", SkipWord)
	case t.ServerName != "" && len(t.CA) == 0:
		return nil, errors.New("verify the other end: a server name is of use with a CA bundle only")
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	switch {
	case len(t.CA) > 0:
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("read the CA bundle: no certificate in it")
		}
	case len(t.Pins) > 0:
		conf.InsecureSkipVerify = true // VerifyConnection below takes its place, and sees every connection
		conf.VerifyConnection = verifyPins(slices.Clone(t.Pins))
	default:
		conf.InsecureSkipVerify = true
	}
	return conf, nil
}

// PinError says that the other end showed a certificate that is none of those
// pinned. Nothing was sent to it.
type PinError struct {
	Presented Fingerprint
	Pinned    []Fingerprint
}

func (e *PinError) Error() string {
	return fmt.Sprintf("the certificate presented (%s) is none of the %d pinned; nothing was sent", e.Presented, len(e.Pinned))
}

func verifyPins(pins []Fingerprint) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the other end presented no certificate")
		}
		if got := FingerprintOf(s.PeerCertificates[0]); !slices.Contains(pins, got) {
			return &PinError{Presented: got, Pinned: pins}
		}
		return nil
	}
}

// isCertificate reports whether an error is the refusal, by us, of the
// certificate that the other end presented.
func isCertificate(err error) bool {
	var pin *PinError
	var verify *tls.CertificateVerificationError
	return errors.As(err, &pin) || errors.As(err, &verify)
}
