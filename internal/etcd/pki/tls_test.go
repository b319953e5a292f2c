package pki

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// issueFiles puts a leaf of ca into a new directory.
func issueFiles(t *testing.T, ca, trusts *Authority, name string, now time.Time) Files {
	t.Helper()
	leaf, err := EnsureLeaf(t.TempDir(), ca, Request{Name: name, Hosts: []string{"localhost"}}, at(now))
	if err != nil {
		t.Fatal(err)
	}
	return Files{Cert: leaf.CertFile, Key: leaf.KeyFile, CA: writeCA(t, trusts)}
}

// handshake connects both sides and lets one byte pass, since in TLS 1.3 a
// client learns of its refusal only when it reads. It returns the name that
// the server's certificate bore.
func handshake(t *testing.T, server, client *tls.Config) (string, error) {
	t.Helper()
	near, far := net.Pipe()
	limit := time.Now().Add(30 * time.Second)
	_ = near.SetDeadline(limit)
	_ = far.SetDeadline(limit)
	defer func() { _ = near.Close() }()
	served := make(chan error, 1)
	go func() {
		conn := tls.Server(far, server)
		_, err := conn.Write([]byte("x"))
		_ = far.Close()
		served <- err
	}()
	conn := tls.Client(near, client)
	_, err := conn.Read(make([]byte, 1))
	if serr := <-served; err == nil {
		err = serr
	}
	if err != nil {
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Text(16), nil
}

func TestMutualTLS(t *testing.T) {
	ours, _ := authorities(t)
	foreign, _ := authorities(t)
	during := epoch.Add(time.Hour)
	cases := map[string]struct {
		reason         string
		server, client Files
		now            time.Time
		ok             bool
	}{
		"both ours":      {"the normal case", issueFiles(t, ours.Agents, ours.Agents, "s", epoch), issueFiles(t, ours.Agents, ours.Agents, "c", epoch), during, true},
		"foreign client": {"must be refused", issueFiles(t, ours.Agents, ours.Agents, "s", epoch), issueFiles(t, foreign.Agents, ours.Agents, "c", epoch), during, false},
		"foreign server": {"must be refused", issueFiles(t, foreign.Agents, ours.Agents, "s", epoch), issueFiles(t, ours.Agents, ours.Agents, "c", epoch), during, false},
		"peers' CA":      {"the three authorities are not one", issueFiles(t, ours.Agents, ours.Agents, "s", epoch), issueFiles(t, ours.Peers, ours.Agents, "c", epoch), during, false},
		"expired":        {"must be refused", issueFiles(t, ours.Agents, ours.Agents, "s", epoch), issueFiles(t, ours.Agents, ours.Agents, "c", epoch), epoch.Add(2 * LeafLife), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, err := ServerTLS(c.server)
			if err != nil {
				t.Fatal(err)
			}
			client, err := ClientTLS(c.client, "localhost")
			if err != nil {
				t.Fatal(err)
			}
			server.Time, client.Time = at(c.now), at(c.now)
			if _, err := handshake(t, server, client); (err == nil) != c.ok {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
	}
}

func TestNoCertificateIsRefused(t *testing.T) {
	ours, _ := authorities(t)
	files := issueFiles(t, ours.Agents, ours.Agents, "s", epoch)
	server, err := ServerTLS(files)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ClientTLS(files, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	client.GetClientCertificate = nil
	server.Time, client.Time = at(epoch), at(epoch)
	if _, err := handshake(t, server, client); err == nil {
		t.Error("a client without a certificate was let in")
	}
}

func TestRenewalNeedsNoRestart(t *testing.T) {
	ours, _ := authorities(t)
	files := issueFiles(t, ours.Agents, ours.Agents, "s", epoch)
	server, err := ServerTLS(files)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ClientTLS(files, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	server.Time, client.Time = at(epoch), at(epoch)
	first, err := handshake(t, server, client)
	if err != nil {
		t.Fatal(err)
	}
	renew(t, ours.Agents, files)
	second, err := handshake(t, server, client)
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("the old certificate is still served")
	}
	spoil(t, files.Cert)
	third, err := handshake(t, server, client)
	if err != nil || third != second {
		t.Errorf("a half-written renewal ended the service: %v", err)
	}
}

func renew(t *testing.T, ca *Authority, files Files) {
	t.Helper()
	req := Request{Name: "s", Hosts: []string{"localhost", "127.0.0.1"}}
	leaf, err := EnsureLeaf(filepath.Dir(files.Cert), ca, req, at(epoch))
	if err != nil || !leaf.Issued || leaf.CertFile != files.Cert {
		t.Fatalf("renewal: %+v, %v", leaf, err)
	}
}

func spoil(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
}
