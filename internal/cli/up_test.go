package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs one command line and gives what it said.
func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code = Run(ctx, args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestACommandLineThatCannotBeIsRefused(t *testing.T) {
	agent := func(more ...string) []string {
		return append([]string{"etcd", "agent", "--name", "a", "--cluster", "x", "--data-dir", "DIR/data", "--state-dir", "DIR/state",
			"--listen", "127.0.0.1:1", "--client-url", "http://127.0.0.1:2", "--peer-url", "http://127.0.0.1:3"}, more...)
	}
	for _, c := range []struct {
		reason string
		args   []string
		want   string
	}{
		{"an even size", []string{"up", "--dir", "DIR/c", "--members", "2"}, "2 members; expected 1, 3 or 5"},
		{"no size at all", []string{"up", "--dir", "DIR/c", "--members", "0"}, "0 members; expected 1, 3 or 5"},
		{"an unknown scheme", []string{"up", "--dir", "DIR/c", "--backup-store", "nfs://x/y"}, "unknown URL scheme"},
		{"an unknown flag", []string{"up", "--nonsense"}, "unknown flag"},
		{"an unknown command", []string{"down"}, "unknown command"},
		{"an argument too many", []string{"up", "here"}, "here"},
		{"no backup store", agent(), "--backup-store is not given"},
		{"an unknown scheme for an agent", agent("--backup-store", "ftp://x/backups/etcd/m"), "unknown URL scheme"},
		{"no default for the record", agent("--backup-store", "s3://bkt/x"), "no control store was given"},
		{"a kops state store", agent("--backup-store", "s3://bkt/k.example.com/backups/etcd/main"), "kops state store"},
		{"backups inside the control store", agent("--control-store", "s3://bkt/x", "--backup-store", "s3://bkt/x/y"), "lies inside the control store"},
		{"the record inside the backups", agent("--control-store", "s3://bkt/x/y", "--backup-store", "s3://bkt/x"), "--allow-control-under-backup"},
		{"an even size for an agent", agent("--backup-store", "s3://bkt/backups/etcd/m", "--member-count", "4"), "memberCount"},
		{"backups all the time", agent("--backup-store", "s3://bkt/backups/etcd/m", "--backup-interval", "1ms"), "backupInterval"},
		{"no interval", agent("--backup-store", "s3://bkt/backups/etcd/m", "--interval", "0s"), "--interval"},
		{"a term shorter than two intervals", agent("--backup-store", "s3://bkt/backups/etcd/m", "--interval", "5s", "--term", "6s"), "--term"},
		{"an agent without a port", agent("--backup-store", "s3://bkt/backups/etcd/m", "--agents", "b=host"), "expected NAME=HOST:PORT"},
		{"an agent twice", agent("--backup-store", "s3://bkt/backups/etcd/m", "--agents", "b=h:1,b=h:2"), "named twice"},
		{"itself elsewhere", agent("--backup-store", "s3://bkt/backups/etcd/m", "--agents", "a=h:1"), "--advertise says"},
		{"an unknown level", agent("--backup-store", "s3://bkt/backups/etcd/m", "--log-level", "loud"), "--log-level"},
		{"an unknown log format", agent("--backup-store", "s3://bkt/backups/etcd/m", "--log-format", "xml"), "log format"},
		{"authorities and nowhere to issue", agent("--backup-store", "s3://bkt/backups/etcd/m", "--ca-dir", "DIR/ca"), "--pki-dir is not"},
	} {
		dir := t.TempDir()
		args := make([]string, len(c.args))
		for i, a := range c.args {
			args[i] = strings.ReplaceAll(a, "DIR", dir)
		}
		code, _, stderr := runCommand(t, args...)
		if code != exitUsage || !strings.HasPrefix(stderr, "Error: ") || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d and %q; want 2 and an error with %q", c.reason, code, stderr, c.want)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s: something was written: %v (%v)", c.reason, entries, err)
		}
	}
}

func TestAnUnwritableDirectoryIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runCommand(t, "up", "--dir", filepath.Join(file, "below"))
	if code != exitError || !strings.Contains(stderr, file) {
		t.Errorf("exit code %d and %q; want 1 and an error that names %s", code, stderr, file)
	}
}

func TestWhatIsToBePastedIsQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"/plain/path-1.crt": "/plain/path-1.crt",
		"/with space/x":     "'/with space/x'",
		"it's":              `'it'\''s'`,
		"$HOME":             "'$HOME'",
	} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}
