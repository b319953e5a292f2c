//go:build array

package ontap

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// TestArray runs the suite against the array that the environment names; the
// package's comment says how.
func TestArray(t *testing.T) {
	target := Target{URL: need(t, "ONTAP_URL"), User: need(t, "ONTAP_USER"), Writable: os.Getenv("ONTAP_WRITABLE") == "yes", Subnet: os.Getenv("ONTAP_SUBNET")}
	password, err := os.ReadFile(need(t, "ONTAP_PASSWORD_FILE"))
	if err != nil {
		t.Fatalf("read the password: %v", err)
	}
	target.Password = strings.TrimRight(string(password), "\r\n")
	if target.Writable {
		target.Addresses, err = netip.ParsePrefix(need(t, "ONTAP_ADDRESSES"))
		if err != nil || target.Addresses.Bits() > target.Addresses.Addr().BitLen()-5 {
			t.Fatalf("ONTAP_ADDRESSES must be a subnet of at least 32 addresses, such as 10.1.2.0/27: %v", err)
		}
	}
	target.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: trust(t)}}
	Conform(t, target)
}

func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; go doc ./test/ontap says what is needed", name)
	}
	return value
}

// trust takes a bundle, or one certificate by its SHA-256 fingerprint.
func trust(t *testing.T) *tls.Config {
	t.Helper()
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := os.Getenv("ONTAP_CA_FILE"); file != "" {
		bundle, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("read the bundle: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(bundle) {
			t.Fatalf("%s holds no certificate", file)
		}
		return config
	}
	want, err := hex.DecodeString(strings.ReplaceAll(need(t, "ONTAP_FINGERPRINT"), ":", ""))
	if err != nil || len(want) != 32 {
		t.Fatalf("ONTAP_FINGERPRINT must be the SHA-256 of the certificate, in hex: %v", err)
	}
	config.InsecureSkipVerify = true // replaced by the comparison below
	config.VerifyConnection = func(state tls.ConnectionState) error {
		got, err := hex.DecodeString(fingerprint(state.PeerCertificates[0].Raw))
		if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
			return errors.New("the certificate has another fingerprint")
		}
		return nil
	}
	return config
}
