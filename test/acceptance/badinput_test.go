package acceptance

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/pki"
)

// refusal is a command line that cannot be, and what its error has to say.
type refusal struct {
	reason string
	code   int
	args   []string // added to a good command line; the last of a flag counts
	says   []string
}

// An agent that is told what cannot be says so, ends, and has written nothing.
func TestAnAgentRefusesBadInput(t *testing.T) {
	f := newFleet(t, 1, 1)
	n := f.nodes["a"]
	file := filepath.Join(f.dir, "a-file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	https := []string{"--client-url", strings.Replace(n.client, "http:", "https:", 1), "--peer-url", strings.Replace(n.peer, "http:", "https:", 1)}
	with := func(extra []string, args ...string) []string { return append(append([]string{}, extra...), args...) }
	for _, test := range []refusal{
		{"an unknown URL scheme", 2, []string{"--backup-store", "ftp://host/x"}, []string{`unknown URL scheme "ftp"`, "known are file://, s3://, gs://, azblob://", "for example"}},
		{"no URL scheme", 2, []string{"--control-store", "/var/lib/control"}, []string{"no URL scheme", "file:///"}},
		{"a backup store inside the control store", 2, []string{"--control-store", "file:///x/control", "--backup-store", "file:///x/control/backup"},
			[]string{"file:///x/control/backup lies inside the control store file:///x/control", "give two that lie apart"}},
		{"a control store inside the backup store", 2, []string{"--control-store", "file:///x/backup/control", "--backup-store", "file:///x/backup"},
			[]string{"lies inside the backup store", "--allow-control-under-backup"}},
		{"the stores are one place", 2, []string{"--control-store", "file:///x/s", "--backup-store", "file:///x/./s"}, []string{"are the same place"}},
		{"a data directory below a file", 1, []string{"--data-dir", filepath.Join(file, "data")}, []string{file, "not a directory"}},
		{"a data directory that is a file", 1, []string{"--data-dir", file}, []string{file, "expected a directory"}},
		{"a state directory below a file", 1, []string{"--state-dir", filepath.Join(file, "state")}, []string{file, "not a directory"}},
		{"a state directory in the data directory", 1, []string{"--state-dir", filepath.Join(n.dataDir, "state")}, []string{"lies in the data dir", "memory must not be lost with the data"}},
		{"a state directory that etcd takes for two", 1, []string{"--state-dir", filepath.Join(f.dir, "a,b")}, []string{"a,b", "comma"}},
		{"the agent's port is in use", 1, []string{"--listen", busy.Addr().String(), "--advertise", n.addr}, []string{busy.Addr().String(), "address already in use"}},
		{"the status port is in use", 1, []string{"--status-listen", busy.Addr().String()}, []string{busy.Addr().String(), "address already in use"}},
		{"an expired certificate", 1, with(https, "--pki-dir", expiredPKI(t)), []string{"agent.crt", "expired"}},
		{"certificates of an authority that was replaced", 1, with(https, "--pki-dir", foreignPKI(t)), []string{".crt", "authority"}},
		{"four members", 2, []string{"--member-count", "4"}, []string{"memberCount", `"4"`, "1, 3 or 5"}},
		{"an interval that is longer than the term", 2, []string{"--interval", "10s"}, []string{"--term", "at least two intervals"}},
	} {
		t.Run(test.reason, func(t *testing.T) { test.check(t, f.dir, append(f.args(n), test.args...)) })
	}
}

// check runs the program to its end and compares everything below dir.
func (r refusal) check(t *testing.T, dir string, args []string) {
	t.Helper()
	before := tree(t, dir)
	got := run(t, args...)
	_, said, _ := strings.Cut(got.stderr, "Error: ")
	if got.code != r.code {
		t.Errorf("exit code %d; want %d\n%s", got.code, r.code, got.stderr)
	}
	for _, want := range r.says {
		if !strings.Contains(said, want) {
			t.Errorf("the error does not say %q:\n%s", want, got.stderr)
		}
	}
	if after := tree(t, dir); after != before {
		t.Errorf("something was written:\nbefore\n%s\nafter\n%s", before, after)
	}
}

// expiredPKI is a node's certificates that ended yesterday.
func expiredPKI(t *testing.T) string { return issuePKI(t, time.Now().AddDate(-20, 0, 0)) }

func issuePKI(t *testing.T, at time.Time) string {
	t.Helper()
	dir := t.TempDir()
	all, err := pki.CreateAuthorities(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.IssueCertificates(dir, all, []string{"127.0.0.1"}, func() time.Time { return at }); err != nil {
		t.Fatal(err)
	}
	return dir
}

// foreignPKI is a node's certificates beside authorities that did not issue
// them.
func foreignPKI(t *testing.T) string {
	t.Helper()
	dir, other := issuePKI(t, time.Now()), issuePKI(t, time.Now())
	for _, name := range []string{pki.AgentsCA, pki.PeersCA, pki.ClientsCA} {
		text, err := os.ReadFile(filepath.Join(other, name+".crt"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".crt"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// `seedproof up` that is told what cannot be makes no directory.
func TestUpRefusesBadInput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a-file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []refusal{
		{"an unknown URL scheme", 2, []string{"--backup-store", "gopher://x/y"}, []string{`unknown URL scheme "gopher"`, "known are"}},
		{"a backup store inside the control store", 2, []string{"--control-store", "file:///x/c", "--backup-store", "file:///x/c/b"}, []string{"lies inside the control store"}},
		{"a directory below a file", 1, []string{"--dir", filepath.Join(file, "cluster")}, []string{file, "not a directory"}},
		{"a directory that holds something else", 1, []string{"--dir", dir}, []string{dir, `holds "a-file"`, "name an empty directory"}},
		{"two members", 2, []string{"--members", "2"}, []string{"2 members", "1, 3 or 5"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			test.check(t, dir, append([]string{"up", "--dir", filepath.Join(dir, "cluster")}, test.args...))
		})
	}
}

// The port of a cluster that was stopped is taken by another program: the next
// run names it, and leaves everything as it is.
func TestUpRefusesAPortInUse(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	endpoint := strings.TrimPrefix(c.Ready().Endpoints[0], "https://")
	c.Stop()
	squatter, err := net.Listen("tcp", endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = squatter.Close() }()
	_, port, _ := strings.Cut(endpoint, ":")
	refusal{code: 1, says: []string{"port " + port + " of member a is in use", "ss -ltnp"}}.check(t, c.Dir, []string{"up", "--dir", c.Dir})
}

// A data volume that is mounted read-only is refused before anything is made.
func TestAReadOnlyDataVolumeIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT RUN: a read-only mount needs root")
	}
	f := newFleet(t, 1, 1)
	n := f.nodes["a"]
	if err := unix.Mount("tmpfs", n.dataDir, "tmpfs", unix.MS_RDONLY, "size=1m"); err != nil {
		t.Fatalf("mount a read-only tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(n.dataDir, unix.MNT_DETACH) })
	refusal{code: 1, says: []string{n.dataDir, "cannot be written", "read-only"}}.check(t, f.dir, f.args(n))
}
