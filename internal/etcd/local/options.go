package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
)

// Options are what one run is told. What is zero has a default, or comes from
// the cluster that lies in Dir already.
type Options struct {
	Dir     string
	Members int // 1, 3 or 5; zero: as the cluster is, else 1
	Agents  int // at least so many; more than Members are spares to scale to

	BackupStore  string // URL; default: a directory in Dir
	ControlStore string // URL; default: beside BackupStore, else a directory in Dir
	// AllowControlUnderBackup lets the record lie below the backups.
	AllowControlUnderBackup bool

	Interval       time.Duration // of the agents' passes; zero: 5 s
	Term           time.Duration // of the leader's lease; zero: the agent's default
	BackupInterval time.Duration // of a new cluster; zero: the spec's default

	ReadyFile  string // written while the cluster serves; empty: none
	EtcdBinDir string // holds a binary "etcd"; empty: our own program
	Program    string // the seedproof binary; empty: the running program

	// Ports are for tests: four for each agent, used when the cluster is made.
	Ports         []int
	UnsafeNoFsync bool // tests only
	HeartbeatMS   uint // zero: etcd's default
	ElectionMS    uint // zero: etcd's default
	LogLevel      string

	Progress io.Writer   // one line for each change of state
	Serving  func(Ready) // called once, when the cluster serves
	Clock    flow.Clock  // nil: the real one
}

const defaultInterval = 5 * time.Second

// UsageError is a run that was asked for what cannot be. Nothing was written.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// filled checks the options and fills the defaults that hang on nothing else.
func (o Options) filled() (Options, error) {
	switch o.Members {
	case 0, 1, 3, 5:
	default:
		return o, usagef("%d members; expected 1, 3 or 5", o.Members)
	}
	if o.Agents < 0 || o.Agents > maxAgents {
		return o, usagef("%d agents; expected at most %d", o.Agents, maxAgents)
	}
	if o.Interval < 0 || o.Term < 0 || o.BackupInterval < 0 {
		return o, usagef("an interval is negative")
	}
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	if o.BackupInterval == 0 {
		o.BackupInterval = time.Duration(record.DefaultSpec(1).BackupInterval)
	}
	if o.Clock == nil {
		o.Clock = flow.RealClock{}
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return o.paths()
}

func (o Options) paths() (Options, error) {
	if o.Dir == "" {
		return o, usagef("no directory was given")
	}
	for _, p := range []*string{&o.Dir, &o.ReadyFile, &o.EtcdBinDir} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return o, fmt.Errorf("find the directory %s: %w", *p, err)
		}
		*p = abs
	}
	if o.Program == "" {
		own, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find our own program: %w", err)
		}
		o.Program = own
	}
	if o.EtcdBinDir != "" {
		if _, err := os.Stat(filepath.Join(o.EtcdBinDir, "etcd")); err != nil {
			return o, &UsageError{fmt.Errorf("look for the etcd of --etcd-bin-dir: %w", err)}
		}
	}
	return o, nil
}

// stores are the URLs of a cluster in dir for which these were given, before
// the drivers have seen them.
func (o Options) stores() (control, backup string) {
	control, backup = o.ControlStore, o.BackupStore
	if backup == "" {
		backup = "file://" + filepath.Join(o.Dir, "backups")
	}
	if control != "" {
		return control, backup
	}
	if beside, err := DefaultControlStore(backup); err == nil {
		return beside, backup
	}
	return "file://" + filepath.Join(o.Dir, "control"), backup
}

var errNotOurs = errors.New("it is not a cluster of seedproof up")
