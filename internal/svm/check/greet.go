package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// Greet asks an array once who it is. The error says in plain words that it does
// not take our password, or is not who it should be, with what to write into its
// entry. An array that does not answer is no error here: it is a silent witness,
// and the flow says so.
func Greet(ctx context.Context, a look.Array, config spec.Array) error {
	_, err := a.Client.Cluster(ctx)
	var pin *ontap.PinError
	var verify *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ontap.ErrCredentials):
		return fmt.Errorf("array %s does not accept user %q with the password in %s; it was tried once, and is not tried again, since an array locks an account after five failures",
			config.Name, config.User, config.PasswordFile)
	case errors.As(err, &pin):
		return foreignCertificate(config, "is none of its fingerprints", pin.Presented)
	case errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0:
		return foreignCertificate(config, fmt.Sprintf("is not vouched for by its caFile (%v)", verify.Err), ontap.FingerprintOf(verify.UnverifiedCertificates[0]))
	}
	return nil
}

func foreignCertificate(a spec.Array, why string, presented ontap.Fingerprint) error {
	return fmt.Errorf("array %s (%s) presents a certificate that %s; no password was sent to it\n"+
		"  presented: %s\n"+
		"  If that is the array's own, which its console tells (security certificate show -instance -type server),\n"+
		"  put into its entry in the file of the arrays, in place of caFile or insecure:\n"+
		"    fingerprints: [\"%s\"]", a.Name, a.URL, why, presented, presented)
}
