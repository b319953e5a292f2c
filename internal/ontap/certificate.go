package ontap

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Certificate is a server certificate of an SVM, read through the cluster.
type Certificate struct {
	UUID      string
	Name      string
	Pin       Fingerprint
	NotBefore time.Time
	NotAfter  time.Time
}

type certificateRecord struct {
	UUID   string `json:"uuid"`
	Name   string `json:"name"`
	SVM    Ref    `json:"svm"`
	Type   string `json:"type"`
	Public string `json:"public_certificate"`
}

// Certificates lists the server certificates of an SVM. It is over a connection
// that was verified that they are worth pinning.
func (c *Client) Certificates(ctx context.Context, svmUUID string) iter.Seq2[Certificate, error] {
	r := get("list certificates", KindCertificate, at("security/certificates"), "uuid", "name", "svm", "type", "public_certificate").needUUID(svmUUID)
	r.filter("svm.uuid", svmUUID)
	r.filter("type", "server")
	check := func(v certificateRecord) error {
		if v.Type != "server" || v.Public == "" {
			return errors.New("a certificate without its text, or of another type")
		}
		return within(svmUUID, v.SVM, nil)
	}
	return func(yield func(Certificate, error) bool) {
		for v, err := range list(ctx, c, r, check) {
			var cert Certificate
			if err == nil {
				if cert, err = v.parse(); err != nil {
					err = c.misread(r, err)
				}
			}
			if !yield(cert, err) || err != nil {
				return
			}
		}
	}
}

func (v certificateRecord) parse() (Certificate, error) {
	block, _ := pem.Decode([]byte(v.Public))
	if block == nil || block.Type != "CERTIFICATE" {
		return Certificate{}, fmt.Errorf("read certificate %s: it is not PEM", tidy(v.UUID))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Certificate{}, fmt.Errorf("read certificate %s: %w", tidy(v.UUID), err)
	}
	return Certificate{UUID: v.UUID, Name: v.Name, Pin: FingerprintOf(cert), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}, nil
}
