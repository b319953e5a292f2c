package process

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// TLSFiles are one side of etcd's TLS: the authority of those who connect, and
// the pair that is shown to them.
type TLSFiles struct {
	CA, Cert, Key string
}

func (f TLSFiles) none() bool { return f == TLSFiles{} }

// The states in which a member first starts. They matter only while its data
// directory has no WAL.
const (
	StateNew      = "new"
	StateExisting = "existing"
)

// Config is how one etcd is started. Paths are absolute.
type Config struct {
	Name    string
	DataDir string // must exist: a missing one may be a volume that is not mounted
	BinDir  string // holds a binary "etcd"; empty: our own program re-executed

	ListenClientURLs    []string
	AdvertiseClientURLs []string
	ListenPeerURLs      []string
	AdvertisePeerURLs   []string

	InitialCluster map[string]string // member name to peer URL, this one included
	State          string            // StateNew or StateExisting
	Token          string            // initial-cluster-token, the birth id

	ClientTLS TLSFiles // none: plain HTTP
	PeerTLS   TLSFiles

	LogFile  string // etcd's log, rotated at 64 MB; what it prints besides goes to LogFile.out
	LogLevel string // etcd's default when empty

	QuotaBytes    int64  // zero: etcd's default
	SnapshotCount uint64 // entries between two raft snapshots; zero: etcd's default
	HeartbeatMS   uint   // zero: etcd's default
	ElectionMS    uint   // zero: etcd's default
	UnsafeNoFsync bool   // tests only: a crash of the host loses data
	ExtraFlags    []string
}

// ownFlags cannot be given as extra flags: they are ours to set, or they would
// make a new cluster of an old one's data.
var ownFlags = []string{
	"name", "data-dir", "wal-dir", "config-file", "force-new-cluster", "initial-cluster", "initial-cluster-state",
	"initial-cluster-token", "initial-advertise-peer-urls", "discovery", "discovery-srv", "strict-reconfig-check", "unsafe-no-fsync",
	"listen-client-urls", "advertise-client-urls", "listen-peer-urls", "log-outputs", "enable-log-rotation",
}

// Validate names the first field that cannot be right.
func (c Config) Validate() error {
	if c.Name == "" || strings.ContainsAny(c.Name, "=,\x00") {
		return fmt.Errorf("etcd config: name %q", c.Name)
	}
	for field, path := range map[string]string{"data dir": c.DataDir, "log file": c.LogFile} {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("etcd config: %s %q is not an absolute path", field, path)
		}
	}
	if c.BinDir != "" && !filepath.IsAbs(c.BinDir) {
		return fmt.Errorf("etcd config: bin dir %q is not an absolute path", c.BinDir)
	}
	if c.State != StateNew && c.State != StateExisting {
		return fmt.Errorf("etcd config: state %q", c.State)
	}
	if c.Token == "" {
		return errors.New("etcd config: no token: two clusters without one get the same cluster id")
	}
	if _, ok := c.InitialCluster[c.Name]; !ok {
		return fmt.Errorf("etcd config: the initial cluster does not name %q", c.Name)
	}
	if err := c.validateURLs(); err != nil {
		return err
	}
	for side, files := range map[string]TLSFiles{"client": c.ClientTLS, "peer": c.PeerTLS} {
		if !files.none() && (files.CA == "" || files.Cert == "" || files.Key == "") {
			return fmt.Errorf("etcd config: %s TLS needs authority, certificate and key", side)
		}
	}
	for _, flag := range c.ExtraFlags {
		name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		if !strings.HasPrefix(flag, "-") || slices.Contains(ownFlags, name) {
			return fmt.Errorf("etcd config: extra flag %q is not allowed", flag)
		}
	}
	return nil
}

func (c Config) validateURLs() error {
	groups := []struct {
		field string
		urls  []string
		tls   bool
	}{
		{"listen client", c.ListenClientURLs, !c.ClientTLS.none()}, {"advertise client", c.AdvertiseClientURLs, !c.ClientTLS.none()},
		{"listen peer", c.ListenPeerURLs, !c.PeerTLS.none()}, {"advertise peer", c.AdvertisePeerURLs, !c.PeerTLS.none()},
		{"initial cluster", slices.Sorted(maps.Values(c.InitialCluster)), !c.PeerTLS.none()},
	}
	for _, g := range groups {
		if len(g.urls) == 0 {
			return fmt.Errorf("etcd config: no %s URL", g.field)
		}
		want := "http"
		if g.tls {
			want = "https"
		}
		for _, text := range g.urls {
			u, err := url.Parse(text)
			if err != nil {
				return fmt.Errorf("etcd config: %s URL: %w", g.field, err)
			}
			if u.Scheme != want || u.Port() == "" {
				return fmt.Errorf("etcd config: %s URL %q: want %s://HOST:PORT", g.field, text, want)
			}
		}
	}
	return nil
}

// logRotation bounds what an etcd that outlives everybody can write.
const logRotation = `{"maxsize":64,"maxage":0,"maxbackups":3,"localtime":false,"compress":false}`

// Args are etcd's flags for c, in a fixed order.
func (c Config) Args() []string {
	args := []string{
		"--name=" + c.Name,
		"--data-dir=" + c.DataDir,
		"--listen-client-urls=" + strings.Join(c.ListenClientURLs, ","),
		"--advertise-client-urls=" + strings.Join(c.AdvertiseClientURLs, ","),
		"--listen-peer-urls=" + strings.Join(c.ListenPeerURLs, ","),
		"--initial-advertise-peer-urls=" + strings.Join(c.AdvertisePeerURLs, ","),
		"--initial-cluster=" + c.initialCluster(),
		"--initial-cluster-state=" + c.State,
		"--initial-cluster-token=" + c.Token,
		"--strict-reconfig-check=true",
		"--feature-gates=InitialCorruptCheck=true",
		"--auto-compaction-retention=0",
		"--logger=zap",
		"--log-outputs=" + c.LogFile,
		"--enable-log-rotation=true",
		"--log-rotation-config-json=" + logRotation,
	}
	if !c.ClientTLS.none() {
		args = append(args, "--client-cert-auth=true", "--trusted-ca-file="+c.ClientTLS.CA,
			"--cert-file="+c.ClientTLS.Cert, "--key-file="+c.ClientTLS.Key)
	}
	if !c.PeerTLS.none() {
		args = append(args, "--peer-client-cert-auth=true", "--peer-trusted-ca-file="+c.PeerTLS.CA,
			"--peer-cert-file="+c.PeerTLS.Cert, "--peer-key-file="+c.PeerTLS.Key)
	}
	return append(args, c.tuning()...)
}

func (c Config) initialCluster() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(c.InitialCluster)) {
		pairs = append(pairs, name+"="+c.InitialCluster[name])
	}
	return strings.Join(pairs, ",")
}

func (c Config) tuning() []string {
	var args []string
	number := func(flag string, n uint64) {
		if n > 0 {
			args = append(args, flag+"="+strconv.FormatUint(n, 10))
		}
	}
	number("--quota-backend-bytes", uint64(max(c.QuotaBytes, 0)))
	number("--snapshot-count", c.SnapshotCount)
	number("--heartbeat-interval", uint64(c.HeartbeatMS))
	number("--election-timeout", uint64(c.ElectionMS))
	if c.LogLevel != "" {
		args = append(args, "--log-level="+c.LogLevel)
	}
	if c.UnsafeNoFsync {
		args = append(args, "--unsafe-no-fsync=true")
	}
	return append(args, c.ExtraFlags...)
}
