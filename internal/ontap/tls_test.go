package ontap_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/ontap"
)

func TestWhoIsOnTheOtherEnd(t *testing.T) {
	stranger := ontap.FingerprintOf(&x509.Certificate{Raw: []byte("another")})
	cases := []struct {
		reason string
		trust  func(*fake) ontap.Trust
		ok     bool
	}{
		{"a bundle that signed it", func(f *fake) ontap.Trust { return ontap.Trust{CA: f.ca()} }, true},
		{"a bundle, and a name that it bears", func(f *fake) ontap.Trust { return ontap.Trust{CA: f.ca(), ServerName: "example.com"} }, true},
		{"a bundle, and a name that it does not bear", func(f *fake) ontap.Trust { return ontap.Trust{CA: f.ca(), ServerName: "array.example.org"} }, false},
		{"a bundle that did not sign it", func(*fake) ontap.Trust { return ontap.Trust{CA: selfSigned(t).pem} }, false},
		{"its own fingerprint", func(f *fake) ontap.Trust { return ontap.Trust{Pins: []ontap.Fingerprint{f.pin()}} }, true},
		{"its fingerprint among others, as a twin's", func(f *fake) ontap.Trust { return ontap.Trust{Pins: []ontap.Fingerprint{stranger, f.pin()}} }, true},
		{"another fingerprint", func(*fake) ontap.Trust { return ontap.Trust{Pins: []ontap.Fingerprint{stranger}} }, false},
		{"the word", func(*fake) ontap.Trust { return ontap.Trust{Skip: ontap.SkipWord} }, true},
	}
	for _, c := range cases {
		f := newFake(t, always(200, clusterText))
		f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		cl := f.client(t, func(o *ontap.Options) { o.Trust = c.trust(f) })
		for range 2 { // the second time on a connection that is there
			_, err := cl.Cluster(t.Context())
			if (err == nil) != c.ok {
				t.Errorf("%s: %v", c.reason, err)
			}
			if err != nil && (flow.OutcomeOf(err) != flow.Unknown || flow.ClassOf(err) != flow.NeedsPerson || strings.Contains(err.Error(), adminPass)) {
				t.Errorf("%s: outcome %s, class %s: %v", c.reason, flow.OutcomeOf(err), flow.ClassOf(err), err)
			}
		}
		if n := len(f.requests()); (n > 0) != c.ok {
			t.Errorf("%s: the other end was sent %d requests", c.reason, n)
		}
	}
}

func TestAPinNamesWhatWasPresented(t *testing.T) {
	f := newFake(t, always(200, clusterText))
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	c := f.client(t, func(o *ontap.Options) { o.Trust = ontap.Trust{Pins: []ontap.Fingerprint{{1}}} })
	_, err := c.Cluster(t.Context())
	var pin *ontap.PinError
	if !errors.As(err, &pin) || pin.Presented != f.pin() || !strings.Contains(err.Error(), f.pin().String()) {
		t.Errorf("%v", err)
	}
}

func TestSkippingNeedsTheWordAndWarns(t *testing.T) {
	f := newFake(t, always(200, clusterText))
	bad := map[string]ontap.Trust{
		"nothing":                    {},
		"another word":               {Skip: "true"},
		"the word and a bundle":      {Skip: ontap.SkipWord, CA: f.ca()},
		"a bundle and pins":          {CA: f.ca(), Pins: []ontap.Fingerprint{f.pin()}},
		"a bundle without any":       {CA: []byte("no certificate")},
		"pins and a name":            {Pins: []ontap.Fingerprint{f.pin()}, ServerName: "x"},
		"the word in capitals":       {Skip: strings.ToUpper(ontap.SkipWord)},
		"a name, and nothing else":   {ServerName: "x"},
		"the word and fingerprints.": {Skip: ontap.SkipWord, Pins: []ontap.Fingerprint{f.pin()}},
	}
	for reason, trust := range bad {
		if _, err := ontap.New(ontap.Options{URL: f.URL, User: "a", Password: ontap.NewSecret("b"), Trust: trust}); err == nil {
			t.Errorf("%s is taken", reason)
		}
	}
	var log bytes.Buffer
	f.client(t, func(o *ontap.Options) {
		o.Trust, o.Log = ontap.Trust{Skip: ontap.SkipWord}, slog.New(slog.NewTextHandler(&log, nil))
	})
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "not verified") {
		t.Errorf("no warning: %s", &log)
	}
}

func TestFingerprints(t *testing.T) {
	hex := strings.Repeat("0a", 32)
	for _, s := range []string{hex, "sha256:" + hex, strings.ToUpper(hex), " " + strings.TrimSuffix(strings.Repeat("0A:", 32), ":") + "\n", "SHA256:" + hex} {
		f, err := ontap.ParseFingerprint(s)
		if err != nil || f.String() != "sha256:"+hex {
			t.Errorf("%q is read as %s, %v", s, f, err)
		}
	}
	for _, s := range []string{"", "0a", hex + "00", "sha1:" + hex, strings.Repeat("zz", 32)} {
		if f, err := ontap.ParseFingerprint(s); err == nil {
			t.Errorf("%q is read as %s", s, f)
		}
	}
}

func TestURLs(t *testing.T) {
	for s, ok := range map[string]bool{
		"https://array.example.org": true, "https://192.0.2.1:8443/": true, "https://[2001:db8::1]": true,
		"http://array.example.org": false, "array.example.org": false, "https://": false, "https://admin:" + adminPass + "@array": false, "https://u:p@array": false,
		"https://array/api": false, "https://array?x=1": false, "https://array#x": false, "": false, "https://array:port": false,
	} {
		_, err := ontap.New(ontap.Options{URL: s, User: "a", Password: ontap.NewSecret("b"), Trust: ontap.Trust{Skip: ontap.SkipWord}})
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), adminPass) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestConnectionsAreMadeByTheGivenDialer(t *testing.T) {
	f := newFake(t, always(200, clusterText))
	var to []string
	c := f.client(t, func(o *ontap.Options) {
		o.URL, o.Trust = "https://array.invalid", ontap.Trust{Pins: []ontap.Fingerprint{f.pin()}}
		o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			to = append(to, addr)
			return (&net.Dialer{}).DialContext(ctx, network, f.Listener.Addr().String())
		}
	})
	if _, err := c.Cluster(t.Context()); err != nil || len(to) != 1 || to[0] != "array.invalid:443" {
		t.Errorf("dialled %v: %v", to, err)
	}
}

type certificate struct {
	pem []byte
	pin ontap.Fingerprint
}

func selfSigned(t *testing.T) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "p1"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), ontap.FingerprintOf(parsed)}
}

func TestAnSVMsCertificatesAreReadThroughTheCluster(t *testing.T) {
	cert := selfSigned(t)
	record := func(kind, svm string, public []byte) string {
		b, _ := json.Marshal(map[string]any{"uuid": uuidOf(1), "name": "p1", "type": kind, "svm": map[string]string{"uuid": svm}, "public_certificate": string(public)})
		return string(b)
	}
	f := newFake(t, always(200, records(record("server", svmUUID, cert.pem), record("server", svmUUID, selfSigned(t).pem))))
	got, err := ontap.All(f.client(t).Certificates(t.Context(), svmUUID))
	if err != nil || len(got) != 2 || got[0].Pin != cert.pin || got[0].NotAfter.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if q := f.requests()[0].query; !strings.Contains(q, "svm.uuid="+svmUUID) || !strings.Contains(q, "type=server") {
		t.Errorf("asked %s", q)
	}
	for reason, body := range map[string]string{
		"another SVM's":  record("server", otherUUID, cert.pem),
		"a client's CA":  record("client_ca", svmUUID, cert.pem),
		"no PEM":         record("server", svmUUID, []byte("x")),
		"a private key":  record("server", svmUUID, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")),
		"no certificate": record("server", svmUUID, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
		"nothing":        record("server", svmUUID, nil),
	} {
		f := newFake(t, always(200, records(record("server", svmUUID, cert.pem), body)))
		if got, err := ontap.All(f.client(t).Certificates(t.Context(), svmUUID)); err == nil || got != nil || flow.OutcomeOf(err) != flow.Unknown {
			t.Errorf("%s: %+v, %v", reason, got, err)
		}
	}
}
