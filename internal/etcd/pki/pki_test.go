package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func authorities(t *testing.T) (*Authorities, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	all, err := CreateAuthorities(dir, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return all, dir
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCreateAuthoritiesOnceWithTightModes(t *testing.T) {
	first, dir := authorities(t)
	again, err := CreateAuthorities(dir, epoch.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Agents.CertPEM, again.Agents.CertPEM) {
		t.Error("a second call replaced the agents' authority")
	}
	if bytes.Equal(first.Agents.CertPEM, first.Peers.CertPEM) {
		t.Error("two authorities are the same")
	}
	modes := map[string]os.FileMode{".": 0o700, "agents-ca.key": 0o600, "peers-ca.key": 0o600, "clients-ca.key": 0o600}
	for name, want := range modes {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
	if siblings, _ := os.ReadDir(filepath.Dir(dir)); len(siblings) != 1 {
		t.Errorf("something temporary was left behind: %v", siblings)
	}
}

func TestCreateAuthoritiesAddsAWholeMissingPair(t *testing.T) {
	before, dir := authorities(t)
	for _, end := range []string{".crt", ".key"} {
		if err := os.Remove(filepath.Join(dir, PeersCA+end)); err != nil {
			t.Fatal(err)
		}
	}
	after, err := CreateAuthorities(dir, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(before.Peers.CertPEM, after.Peers.CertPEM) {
		t.Error("the removed pair came back as it was")
	}
	if !bytes.Equal(before.Clients.CertPEM, after.Clients.CertPEM) {
		t.Error("a pair that was there was replaced")
	}
}

func TestBrokenAuthoritiesAreRefusedAndUntouched(t *testing.T) {
	garbage := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("not PEM"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	cases := map[string]struct {
		reason string
		spoil  func(*testing.T, string)
		half   bool
	}{
		"key gone":    {"a crt alone may be the one every peer trusts", func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "peers-ca.key")) }, true},
		"crt gone":    {"a key alone may be the one in use", func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "peers-ca.crt")) }, true},
		"crt damaged": {"damage is not absence", garbage("peers-ca.crt"), false},
		"key damaged": {"damage is not absence", garbage("peers-ca.key"), false},
		"crt unreadable": {"an I/O error is not absence", func(t *testing.T, dir string) {
			_ = os.Remove(filepath.Join(dir, "peers-ca.crt"))
			_ = os.Mkdir(filepath.Join(dir, "peers-ca.crt"), 0o700)
		}, false},
		"foreign key": {"the two must belong together", func(t *testing.T, dir string) {
			key := read(t, filepath.Join(dir, "agents-ca.key"))
			_ = os.WriteFile(filepath.Join(dir, "peers-ca.key"), key, 0o600)
		}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, dir := authorities(t)
			// One whole pair is missing besides: it must not be made either.
			_ = os.Remove(filepath.Join(dir, "agents-ca.crt"))
			c.spoil(t, dir)
			_ = os.Remove(filepath.Join(dir, "agents-ca.key"))
			before := listing(t, dir)
			_, err := CreateAuthorities(dir, epoch)
			if err == nil {
				t.Fatalf("accepted; %s", c.reason)
			}
			if errors.Is(err, ErrHalfPair) != c.half {
				t.Errorf("half pair is said to be %v, want %v: %v", !c.half, c.half, err)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("changed the directory:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

func TestAuthoritiesUnderAFileAreAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateAuthorities(filepath.Join(file, "pki"), epoch); err == nil {
		t.Fatal("ENOTDIR was taken for an absence")
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		text, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		all.WriteString(e.Name() + "=" + string(text) + "\n")
	}
	return all.String()
}

func TestRSAAuthorityAsKopsMakesIt(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "etcd-clients-ca"},
		NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.Add(AuthorityLife), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	ca, err := ParseAuthority("kops", encodeCert(der), keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, _, err := Issue(ca, Request{Name: "client", Usage: Client}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if report := Check("client.crt", certPEM, ca.CertPEM, epoch); report.Problem != "" {
		t.Error(report.Problem)
	}
}

func TestReissueRules(t *testing.T) {
	base := Request{Name: "peer-a", Hosts: []string{"a.example", "10.0.0.1", "::1"}}
	cases := map[string]struct {
		reason string
		change func(t *testing.T, dir string, req *Request, ca **Authority, other *Authority, now *time.Time)
		want   string
	}{
		"unchanged": {"nothing to do", nil, ""},
		"hosts reordered": {"order has no meaning", func(_ *testing.T, _ string, r *Request, _ **Authority, _ *Authority, _ *time.Time) {
			r.Hosts = []string{"0:0::1", "10.0.0.1", "a.example"}
		}, ""},
		"two thirds left": {"still young", func(_ *testing.T, _ string, _ *Request, _ **Authority, _ *Authority, now *time.Time) {
			*now = now.Add(LeafLife / 2)
		}, ""},
		"under a third": {"renewed in time", func(_ *testing.T, _ string, _ *Request, _ **Authority, _ *Authority, now *time.Time) {
			*now = now.Add(LeafLife * 3 / 4)
		}, "less than a third of its life is left"},
		"expired": {"renewed late", func(_ *testing.T, _ string, _ *Request, _ **Authority, _ *Authority, now *time.Time) {
			*now = now.Add(2 * LeafLife)
		}, "less than a third of its life is left"},
		"clock far behind": {"not valid on this clock", func(_ *testing.T, _ string, _ *Request, _ **Authority, _ *Authority, now *time.Time) {
			*now = now.Add(-time.Hour)
		}, "not valid yet"},
		"host added": {"would not verify", func(_ *testing.T, _ string, r *Request, _ **Authority, _ *Authority, _ *time.Time) {
			r.Hosts = append([]string{"b.example"}, r.Hosts...)
		}, "made for other hosts"},
		"host removed": {"would vouch for too much", func(_ *testing.T, _ string, r *Request, _ **Authority, _ *Authority, _ *time.Time) {
			r.Hosts = r.Hosts[:1]
		}, "made for other hosts"},
		"another use": {"a server may not pose as client", func(_ *testing.T, _ string, r *Request, _ **Authority, _ *Authority, _ *time.Time) { r.Usage = Server }, "made for another use"},
		"another CA":  {"peers would refuse it", func(_ *testing.T, _ string, _ *Request, ca **Authority, other *Authority, _ *time.Time) { *ca = other }, "signed by another authority"},
		"crt missing": {"a leaf is replaceable", func(_ *testing.T, dir string, _ *Request, _ **Authority, _ *Authority, _ *time.Time) {
			_ = os.Remove(filepath.Join(dir, "peer-a.crt"))
		}, "missing"},
		"key missing": {"a leaf is replaceable", func(_ *testing.T, dir string, _ *Request, _ **Authority, _ *Authority, _ *time.Time) {
			_ = os.Remove(filepath.Join(dir, "peer-a.key"))
		}, "missing"},
		"crt garbage": {"a leaf is replaceable", func(_ *testing.T, dir string, _ *Request, _ **Authority, _ *Authority, _ *time.Time) {
			_ = os.WriteFile(filepath.Join(dir, "peer-a.crt"), []byte("x"), 0o600)
		}, "the certificate cannot be parsed"},
		"key garbage": {"a leaf is replaceable", func(_ *testing.T, dir string, _ *Request, _ **Authority, _ *Authority, _ *time.Time) {
			_ = os.WriteFile(filepath.Join(dir, "peer-a.key"), []byte("x"), 0o600)
		}, "the key cannot be parsed"},
		"key of another": {"a crash between the two writes", func(t *testing.T, dir string, _ *Request, ca **Authority, _ *Authority, now *time.Time) {
			_, key, err := Issue(*ca, base, *now)
			if err != nil {
				t.Fatal(err)
			}
			_ = os.WriteFile(filepath.Join(dir, "peer-a.key"), key, 0o600)
		}, "the key is not the certificate's"},
	}
	all, _ := authorities(t)
	other, _ := authorities(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir, req, ca, now := t.TempDir(), base, all.Peers, epoch
			if leaf, err := EnsureLeaf(dir, ca, req, at(now)); err != nil || !leaf.Issued || leaf.Reason != "missing" {
				t.Fatalf("first issue: %+v, %v", leaf, err)
			}
			if c.change != nil {
				c.change(t, dir, &req, &ca, other.Peers, &now)
			}
			leaf, err := EnsureLeaf(dir, ca, req, at(now))
			if err != nil {
				t.Fatal(err)
			}
			if leaf.Reason != c.want || leaf.Issued != (c.want != "") {
				t.Errorf("%s: got %q, want %q", c.reason, leaf.Reason, c.want)
			}
			if report := CheckFiles(leaf.CertFile, writeCA(t, ca), now); report.Problem != "" {
				t.Errorf("afterwards: %s", report.Problem)
			}
			if leaf, err := EnsureLeaf(dir, ca, req, at(now)); err != nil || leaf.Issued {
				t.Errorf("not at rest afterwards: %+v, %v", leaf, err)
			}
			if info, err := os.Stat(leaf.KeyFile); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("key mode %v, %v", info.Mode(), err)
			}
		})
	}
}

func writeCA(t *testing.T, ca *Authority) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(path, ca.CertPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRenewalKeepsTheKey(t *testing.T) {
	all, _ := authorities(t)
	dir, req := t.TempDir(), Request{Name: "a", Hosts: []string{"a"}}
	leaf, err := EnsureLeaf(dir, all.Agents, req, at(epoch))
	if err != nil {
		t.Fatal(err)
	}
	before := read(t, leaf.KeyFile)
	if _, err := EnsureLeaf(dir, all.Agents, req, at(epoch.Add(LeafLife))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, read(t, leaf.KeyFile)) {
		t.Error("the key changed: readers would see a pair that does not fit")
	}
}

func TestUnreadableLeafIsAnError(t *testing.T) {
	all, _ := authorities(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a.crt"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := EnsureLeaf(dir, all.Agents, Request{Name: "a", Hosts: []string{"a"}}, at(epoch)); err == nil {
		t.Fatal("an unreadable certificate was taken for a missing one")
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	all, _ := authorities(t)
	for reason, req := range map[string]Request{
		"no name":           {Hosts: []string{"a"}},
		"leaves the folder": {Name: "../a", Hosts: []string{"a"}},
		"empty host":        {Name: "a", Hosts: []string{""}},
		"server, no host":   {Name: "a", Usage: Server},
		"negative life":     {Name: "a", Usage: Client, Life: -1},
	} {
		if _, _, err := Issue(all.Agents, req, epoch); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}

func TestCheckNamesTheReason(t *testing.T) {
	all, _ := authorities(t)
	other, _ := authorities(t)
	certPEM, _, err := Issue(all.Peers, Request{Name: "peer-a", Hosts: []string{"a"}, Life: 10 * 24 * time.Hour}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	end := epoch.Add(10 * 24 * time.Hour)
	cases := map[string]struct {
		cert, ca []byte
		now      time.Time
		days     int
		want     string
	}{
		"good":          {certPEM, all.Peers.CertPEM, epoch.Add(time.Hour), 9, ""},
		"expired":       {certPEM, all.Peers.CertPEM, end.Add(73 * time.Hour), -4, "the certificate peer-a.crt expired on 2026-03-11 (3 days ago)"},
		"just expired":  {certPEM, all.Peers.CertPEM, end.Add(time.Minute), -1, "the certificate peer-a.crt expired on 2026-03-11 (less than a day ago)"},
		"not yet valid": {certPEM, all.Peers.CertPEM, epoch.Add(-25 * time.Hour), 11, "the certificate peer-a.crt is not valid before 2026-03-01 (in 1 day): is the clock right?"},
		"foreign":       {certPEM, other.Peers.CertPEM, epoch, 10, "the certificate peer-a.crt was issued by another authority"},
		"not PEM":       {[]byte("x"), other.Peers.CertPEM, epoch, 0, "the certificate peer-a.crt cannot be read"},
		"CA not PEM":    {certPEM, []byte("x"), epoch, 10, "the authority of the certificate peer-a.crt cannot be read"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Check("peer-a.crt", c.cert, c.ca, c.now)
			if got.DaysLeft != c.days {
				t.Errorf("%d days left, want %d", got.DaysLeft, c.days)
			}
			if (c.want == "") != (got.Problem == "") || !strings.HasPrefix(got.Problem, c.want) {
				t.Errorf("problem %q, want %q", got.Problem, c.want)
			}
		})
	}
}

func TestExpiriesTellsWhatItCouldRead(t *testing.T) {
	_, dir := authorities(t)
	if err := os.WriteFile(filepath.Join(dir, "bad.crt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ends, err := Expiries(dir)
	if err == nil || !strings.Contains(err.Error(), "bad.crt") {
		t.Errorf("the bad one is not named: %v", err)
	}
	if len(ends) != 3 || ends[0].Name != AgentsCA || !ends[0].NotAfter.Equal(epoch.Add(AuthorityLife)) {
		t.Errorf("got %+v", ends)
	}
}

func TestLeafNeverOutlivesItsAuthority(t *testing.T) {
	all, _ := authorities(t)
	late := epoch.Add(AuthorityLife - 24*time.Hour)
	dir, req := t.TempDir(), Request{Name: "a", Hosts: []string{"a"}}
	leaf, err := EnsureLeaf(dir, all.Agents, req, at(late))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ParseCertificate(read(t, leaf.CertFile))
	if err != nil || cert.NotAfter.After(all.Agents.Cert.NotAfter) {
		t.Errorf("leaf ends %v, authority %v (%v)", cert.NotAfter, all.Agents.Cert.NotAfter, err)
	}
	if leaf, err := EnsureLeaf(dir, all.Agents, req, at(late.Add(23*time.Hour))); err != nil || leaf.Issued {
		t.Errorf("reissued in vain: %+v, %v", leaf, err)
	}
	if _, err := EnsureLeaf(dir, all.Agents, req, at(late.Add(25*time.Hour))); err == nil || !strings.Contains(err.Error(), "authority agents-ca expired on") {
		t.Errorf("the expired authority is not named: %v", err)
	}
}

func FuzzPEM(f *testing.F) {
	certPEM := []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
	f.Add(certPEM)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	f.Add([]byte{})
	dir := f.TempDir()
	if err := createAuthority(dir, AgentsCA, epoch); err != nil {
		f.Fatal(err)
	}
	for _, end := range []string{".crt", ".key"} {
		text, err := os.ReadFile(filepath.Join(dir, AgentsCA+end))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cert, err := ParseCertificate(text)
		if (cert == nil) == (err == nil) {
			t.Fatalf("certificate %v with error %v", cert != nil, err)
		}
		key, err := parseKey(text)
		if (key == nil) == (err == nil) {
			t.Fatalf("key %v with error %v", key != nil, err)
		}
		_ = Check("x.crt", text, text, epoch)
		_, _ = ParseAuthority("x", text, text)
	})
}
