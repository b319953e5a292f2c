package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOntapSimServes starts the program as a person would, logs in with the
// password that it left behind, switches a fault over the admin socket, and ends
// it; a second run is the same array.
func TestOntapSimServes(t *testing.T) {
	dir := t.TempDir()
	args := []string{"ontap-sim", "--listen", "127.0.0.1:0", "--clusters", "2", "--peer-group", "bgp-a,bgp-b", "--state-file", filepath.Join(dir, "state"),
		"--admin-socket", filepath.Join(dir, "admin"), "--password-file", filepath.Join(dir, "password"), "--ca-file", filepath.Join(dir, "ca.pem")}
	first := runSimOnce(t, dir, args)
	if second := runSimOnce(t, dir, args); first != second {
		t.Fatalf("the second run is another array: %s, expected %s", second, first)
	}
}

// runSimOnce gives the uuid of the first cluster.
func runSimOnce(t *testing.T, dir string, args []string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := Run(ctx, args, strings.NewReader(""), in, io.Discard)
		_ = in.Close()
		ended <- code
	}()
	url, said := readSim(t, out)
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(said, strings.TrimSpace(string(password))) {
		t.Error("the password was printed")
	}
	if info, err := os.Stat(filepath.Join(dir, "password")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password file: %v %v, expected mode 0600", info, err)
	}
	client := simClient(t, filepath.Join(dir, "ca.pem"))
	status, body := askSim(t, client, url+"/api/cluster", strings.TrimSpace(string(password)))
	if status != http.StatusOK {
		t.Fatalf("GET /api/cluster: %d %s", status, body)
	}
	_, groups := askSim(t, client, url+"/api/network/ip/bgp/peer-groups?fields=name,state", strings.TrimSpace(string(password)))
	var peers struct {
		Records []struct{ Name, State string }
	}
	if err := json.Unmarshal(groups, &peers); err != nil || len(peers.Records) != 2 {
		t.Errorf("the peer groups are %s (%v)", groups, err)
	}
	for _, p := range peers.Records {
		if p.State != "up" || p.Name != "bgp-a" && p.Name != "bgp-b" {
			t.Errorf("peer group %+v", p)
		}
	}
	adminFault(t, filepath.Join(dir, "admin"))
	if again, _ := askSim(t, client, url+"/api/cluster", strings.TrimSpace(string(password))); again != http.StatusServiceUnavailable {
		t.Errorf("with the fault of the admin socket: status %d, expected 503", again)
	}
	stop()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(time.Minute):
		t.Fatal("the simulator does not end")
	}
	var cluster struct{ UUID string }
	if err := json.Unmarshal(body, &cluster); err != nil {
		t.Fatal(err)
	}
	return cluster.UUID
}

// readSim reads what is printed at the start, up to the last line.
func readSim(t *testing.T, out io.Reader) (url, said string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said += lines.Text() + "\n"
		for word := range strings.FieldsSeq(lines.Text()) {
			if url == "" && strings.HasPrefix(word, "https://") {
				url = word
			}
		}
		if strings.HasPrefix(lines.Text(), "Certificates in") {
			return url, said
		}
	}
	t.Fatalf("it ended with: %s", said)
	return "", ""
}

func simClient(t *testing.T, ca string) *http.Client {
	t.Helper()
	data, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(data)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

func askSim(t *testing.T, client *http.Client, url, password string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func adminFault(t *testing.T, socket string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		if info, err := os.Stat(socket); err == nil {
			if info.Mode().Perm() != 0o600 {
				t.Errorf("the admin socket has mode %v, expected 0600", info.Mode().Perm())
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no admin socket")
		}
		time.Sleep(5 * time.Millisecond) // poll, with the deadline above
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sim/inject", strings.NewReader(`{"kind":"overloaded","path":"/api/cluster"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("inject: %s", resp.Status)
	}
}

func TestOntapSimRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		reason string
		args   []string
		want   string
	}{
		{"no array is made of three clusters", []string{"--clusters", "3"}, "expected 1 or 2"},
		{"an address without a port", []string{"--listen", "127.0.0.1"}, "--listen"},
		{"no port after the last one", []string{"--listen", "127.0.0.1:65535", "--clusters", "2"}, "not a port that fits"},
		{"an unknown release", []string{"--release", "9.8.1", "--password-file", "DIR/p", "--listen", "127.0.0.1:0"}, "9.12.1 to 9.17.1"},
	} {
		dir := t.TempDir()
		args := []string{"ontap-sim"}
		for _, a := range c.args {
			args = append(args, strings.ReplaceAll(a, "DIR", dir))
		}
		code, _, stderr := runCommand(t, args...)
		if code == 0 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: code %d, %q; expected %q", c.reason, code, stderr, c.want)
		}
	}
}
