package agent

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/pki"
)

type timeT = time.Time

func TestNewRefusesAndWritesNothing(t *testing.T) {
	for _, tc := range []struct {
		reason string
		spoil  func(t *testing.T, c *Config)
		says   string
	}{
		{"the data volume is a file", func(t *testing.T, c *Config) { mustRemove(t, c.DataDir); write(t, c.DataDir, "x") }, "is a file"},
		{"the state lies on the data volume", func(_ *testing.T, c *Config) { c.StateDir = filepath.Join(c.DataDir, "state") }, "lies in the data dir"},
		{"no name", func(_ *testing.T, c *Config) { c.Name = "" }, "name"},
		{"a name that etcd cannot take", func(_ *testing.T, c *Config) { c.Name = "a=b" }, "name"},
		{"a URL without a port", func(_ *testing.T, c *Config) { c.PeerURL = "http://127.0.0.1" }, "expected http://HOST:PORT"},
		{"no certificates and not loopback", func(_ *testing.T, c *Config) { c.Listen = "0.0.0.0:1" }, "not loopback"},
		{"the port is in use", func(t *testing.T, c *Config) {
			l, err := net.Listen("tcp", c.Listen)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}, "address already in use"},
		{"an expired certificate", func(t *testing.T, c *Config) { c.withTLS(t, time.Now().AddDate(-2, 0, 0), "") }, "expired on"},
		{"a certificate of another authority", func(t *testing.T, c *Config) { c.withTLS(t, time.Now(), AgentCert) }, "another authority"},
		{"no certificate", func(t *testing.T, c *Config) {
			c.withTLS(t, time.Now(), "")
			mustRemove(t, filepath.Join(c.PKIDir, EtcdPeerCert+".crt"))
		}, "cannot be read"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			n := newNode(t, "a")
			tc.spoil(t, &n.cfg)
			a, err := New(n.cfg, Deps{})
			if err == nil {
				a.Close()
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("it says %q, want %q", err, tc.says)
			}
			if _, err := os.Lstat(n.cfg.StateDir); !os.IsNotExist(err) {
				t.Fatalf("the state dir was made: %v", err)
			}
		})
	}
}

func TestReadOnlyDataDir(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("NOTE: root may write everywhere: a read-only data dir is tested by other users alone")
		return
	}
	n := newNode(t, "a")
	if err := os.Chmod(n.cfg.DataDir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := New(n.cfg, Deps{}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Fatalf("got %v", err)
	}
}

// withTLS makes certificates as of now; the one called foreign is signed by
// other authorities.
func (c *Config) withTLS(t *testing.T, now time.Time, foreign string) {
	t.Helper()
	c.PKIDir = filepath.Join(t.TempDir(), "pki")
	clock := func() time.Time { return now }
	ours, err := pki.CreateAuthorities(c.PKIDir, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := IssueCertificates(c.PKIDir, ours, []string{"127.0.0.1"}, clock); err != nil {
		t.Fatal(err)
	}
	if foreign != "" {
		theirs, err := pki.CreateAuthorities(filepath.Join(t.TempDir(), "pki"), now)
		if err != nil {
			t.Fatal(err)
		}
		if err := IssueCertificates(c.PKIDir, theirs, []string{"127.0.0.1"}, clock); err != nil {
			t.Fatal(err)
		}
	}
	c.PeerURL = strings.Replace(c.PeerURL, "http:", "https:", 1)
	c.ClientURL = strings.Replace(c.ClientURL, "http:", "https:", 1)
}

func TestMutualTLSEverywhere(t *testing.T) {
	n := newNode(t, "a")
	n.cfg.withTLS(t, time.Now(), "")
	a, _ := n.run(t, Deps{})
	conf, err := DialTLS(n.cfg.PKIDir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial("a", n.cfg.Listen, conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	claim := n.claim(a.doc(t).ID)
	if err := c.NoteClaim(deadline(t), lease1, claim, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.StartClaimed(deadline(t), lease1, claim); err != nil {
		t.Fatal(err)
	}
	await(t, "a live part over TLS", func() error {
		s, err := c.Testify(deadline(t))
		if err == nil && !s.Node.Part.Linearizable {
			err = &RefusedError{Why: s.Node.Part.Why}
		}
		return err
	})
	plain := n.dial(t)
	if _, err := plain.Testify(deadline(t)); err == nil {
		t.Fatal("who shows no certificate was answered")
	}
}
