package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/fault"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

// Config is what one agent is told. Paths are absolute.
type Config struct {
	Name    string // of the member
	Cluster string

	DataDir  string // root of the data volume; etcd's own directory lies in it
	StateDir string // the memory and etcd's log; never on the data volume

	PeerURL   string // what etcd listens on and advertises
	ClientURL string
	Listen    string            // HOST:PORT of the gRPC service
	Peers     map[string]string // name to agent address, from discovery

	PKIDir     string // see IssueCertificates; empty: no TLS, on loopback only
	EtcdBinDir string // holds a binary "etcd"; empty: our own program

	UnsafeNoFsync bool // tests only
	HeartbeatMS   uint // zero: etcd's default
	ElectionMS    uint // zero: etcd's default
	SnapshotCount uint64
	EtcdFlags     []string // extra flags of etcd

	NoteEvery  time.Duration // how often positions are noted; zero: 5 s
	RestartMin time.Duration // first pause before a fallen etcd is started again; zero: 1 s
	RestartMax time.Duration // longest one; zero: 30 s
	StopGrace  time.Duration // from SIGTERM to SIGKILL; zero: 20 s
	AskTimeout time.Duration // for one answer of the live etcd; zero: 2 s

	StopEtcdOnExit bool // by default etcd outlives the agent
}

// Deps are what an agent needs beside its configuration. All may be left out.
type Deps struct {
	Log        *slog.Logger
	Clock      flow.Clock
	Faults     *fault.Injector // tests only
	Executable string          // re-executed as etcd; empty: the running program
	// FilesystemOf says what lies under a path; nil: file.FilesystemOf.
	FilesystemOf func(path string) (store.Filesystem, error)
}

func (d Deps) filled() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Clock == nil {
		d.Clock = flow.RealClock{}
	}
	if d.FilesystemOf == nil {
		d.FilesystemOf = file.FilesystemOf
	}
	return d
}

func (c Config) filled() Config {
	fill := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	fill(&c.NoteEvery, 5*time.Second)
	fill(&c.RestartMin, time.Second)
	fill(&c.RestartMax, 30*time.Second)
	fill(&c.StopGrace, 20*time.Second)
	fill(&c.AskTimeout, 2*time.Second)
	c.DataDir, c.StateDir = filepath.Clean(c.DataDir), filepath.Clean(c.StateDir)
	return c
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Check refuses what cannot be, and directories that cannot be written. It
// writes nothing.
func (c Config) Check() error {
	if err := c.validate(); err != nil {
		return err
	}
	if err := c.checkDirs(); err != nil {
		return fmt.Errorf("agent %s: %w", c.Name, err)
	}
	return nil
}

// validate names the first thing that cannot be right, by what was found and
// what was expected. It writes nothing.
func (c Config) validate() error {
	if !nameForm.MatchString(c.Name) {
		return fmt.Errorf("agent config: name %q: expected letters, digits, '.', '_' and '-', at most 63", c.Name)
	}
	if !nameForm.MatchString(c.Cluster) {
		return fmt.Errorf("agent config: cluster %q: expected letters, digits, '.', '_' and '-', at most 63", c.Cluster)
	}
	for field, path := range map[string]string{"data dir": c.DataDir, "state dir": c.StateDir} {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("agent config: %s %q is not an absolute path", field, path)
		}
	}
	if strings.Contains(c.StateDir, ",") {
		return fmt.Errorf("agent config: the state dir %s has a comma in its path, and etcd, which logs there, would take it for two; expected a path without", c.StateDir)
	}
	if within(c.DataDir, c.StateDir) {
		return fmt.Errorf("agent config: the state dir %s lies in the data dir %s: the memory must not be lost with the data", c.StateDir, c.DataDir)
	}
	for field, text := range map[string]string{"peer URL": c.PeerURL, "client URL": c.ClientURL} {
		if err := c.validateURL(text); err != nil {
			return fmt.Errorf("agent config: %s: %w", field, err)
		}
	}
	return c.validateListen()
}

func (c Config) validateURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	want := "https"
	if c.PKIDir == "" {
		want = "http"
	}
	if u.Scheme != want || u.Port() == "" {
		return fmt.Errorf("%q: expected %s://HOST:PORT", text, want)
	}
	return nil
}

func (c Config) validateListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("agent config: listen address %q: %w", c.Listen, err)
	}
	ip := net.ParseIP(host)
	if c.PKIDir == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("agent config: no certificates were given, and %s is not loopback", c.Listen)
	}
	return nil
}

// within reports whether path is dir or lies below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// checkDirs refuses directories that cannot be written. A data directory that
// is missing may not be mounted yet: then what it would lie in is not asked.
func (c Config) checkDirs() error {
	info, err := os.Stat(c.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("look at the data dir: %w", err)
	case !info.IsDir():
		return fmt.Errorf("the data dir %s is a file; expected a directory", c.DataDir)
	default:
		if err := unix.Access(c.DataDir, unix.W_OK|unix.X_OK); err != nil {
			return fmt.Errorf("the data dir %s cannot be written: %w", c.DataDir, err)
		}
	}
	info, err = os.Stat(c.StateDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the state dir: %w", err)
	case !info.IsDir():
		return fmt.Errorf("the state dir %s is a file; expected a directory", c.StateDir)
	}
	if err := unix.Access(c.StateDir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("the state dir %s cannot be written: %w", c.StateDir, err)
	}
	return nil
}
