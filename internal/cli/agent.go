package cli

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// agentFlags are what `seedproof etcd agent` is told.
type agentFlags struct {
	agent     agent.Config
	advertise string
	agents    string // name=host:port,…
	caDir     string

	controlStore, backupStore string
	allowControlUnderBackup   bool

	memberCount    int
	backupInterval time.Duration
	interval, term time.Duration

	statusListen        string
	logFormat, logLevel string
}

const (
	agentInterval = 5 * time.Second
	shortestTerm  = 3 * time.Second // of the default
)

func newAgentCommand(g *global) *cobra.Command {
	var f agentFlags
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run one node: its etcd, its memory, and a controller that may lead",
		Long: "Runs one node of an etcd cluster until it is told to stop. The etcd goes on\n" +
			"when the agent ends, and the next agent adopts it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ready, err := f.ready(cmd)
			if err != nil {
				return err
			}
			log, err := f.logger(g)
			if err != nil {
				return err
			}
			return runAgent(cmd.Context(), ready, log)
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *agentFlags) bind(cmd *cobra.Command) {
	s := cmd.Flags()
	s.SortFlags = false
	s.StringVar(&f.agent.Name, "name", "", "name of this member")
	s.StringVar(&f.agent.Cluster, "cluster", "", "name of the cluster")
	s.StringVar(&f.agent.DataDir, "data-dir", "", "root of the data volume")
	s.StringVar(&f.agent.StateDir, "state-dir", "", "directory of the agent's memory and logs, not on the data volume")
	s.StringVar(&f.agent.Listen, "listen", "", "HOST:PORT on which the agent listens for other agents and commands")
	s.StringVar(&f.advertise, "advertise", "", "HOST:PORT under which others reach the agent (default: --listen)")
	s.StringVar(&f.agents, "agents", "", "addresses of agents, as a=host:port,b=host:port")
	s.StringVar(&f.agent.ClientURL, "client-url", "", "URL on which etcd serves clients")
	s.StringVar(&f.agent.PeerURL, "peer-url", "", "URL on which etcd serves its peers")
	s.StringVar(&f.agent.PKIDir, "pki-dir", "", "directory of the node's certificates")
	s.StringVar(&f.caDir, "ca-dir", "", "directory of the certificate authorities with their keys; the agent then issues its own certificates")
	s.StringVar(&f.controlStore, "control-store", "", "URL where the record lives (default beside a backup store …/backups/etcd/NAME: …/control/etcd/NAME)")
	s.StringVar(&f.backupStore, "backup-store", "", "URL where backups go")
	s.BoolVar(&f.allowControlUnderBackup, "allow-control-under-backup", false, "accept a control store that lies inside the backup store")
	s.IntVar(&f.memberCount, "member-count", 1, "size of a new cluster: 1, 3 or 5")
	s.DurationVar(&f.backupInterval, "backup-interval", time.Duration(record.DefaultSpec(1).BackupInterval), "time from one backup to the next, of a new cluster")
	s.DurationVar(&f.interval, "interval", agentInterval, "time from one pass to the next")
	s.DurationVar(&f.term, "term", 0, "term of the leader's lease (default: 5 intervals, at least 3s)")
	s.StringVar(&f.statusListen, "status-listen", "", "HOST:PORT of /metrics, /healthz, /readyz and /status, without TLS (default: none)")
	s.StringVar(&f.agent.EtcdBinDir, "etcd-bin-dir", "", "directory of an etcd binary to run (default: the etcd in this program)")
	s.UintVar(&f.agent.HeartbeatMS, "heartbeat-interval", 0, "etcd's --heartbeat-interval, in milliseconds")
	s.UintVar(&f.agent.ElectionMS, "election-timeout", 0, "etcd's --election-timeout, in milliseconds")
	s.BoolVar(&f.agent.StopEtcdOnExit, "stop-etcd-on-exit", false, "stop etcd too when the agent is told to stop (SIGTERM, SIGINT)")
	s.StringVar(&f.logFormat, "log-format", "text", "text or json")
	s.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	s.BoolVar(&f.agent.UnsafeNoFsync, "unsafe-no-fsync", false, "let etcd lose data in a power cut; for tests")
	_ = s.MarkHidden("unsafe-no-fsync") // it exists: bound in the line above
}

func (f *agentFlags) logger(g *global) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usagef("--log-level %q; expected debug, info, warn or error", f.logLevel)
	}
	log, err := telemetry.NewLogger(g.stderr, f.logFormat, level)
	if err != nil {
		return nil, &usageError{err: err}
	}
	return log, nil
}

// ready checks everything that can be checked without asking anybody, and
// fills in the defaults. Nothing is written.
func (f agentFlags) ready(cmd *cobra.Command) (agentFlags, error) {
	for _, name := range []string{"name", "cluster", "data-dir", "state-dir", "listen", "client-url", "peer-url", "backup-store"} {
		if cmd.Flag(name).Value.String() == "" {
			return f, &usageError{err: fmt.Errorf("--%s is not given", name), next: "seedproof etcd agent --help"}
		}
	}
	for _, dir := range []*string{&f.agent.DataDir, &f.agent.StateDir, &f.agent.PKIDir, &f.caDir, &f.agent.EtcdBinDir} {
		if *dir == "" {
			continue
		}
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return f, fmt.Errorf("find the directory %s: %w", *dir, err)
		}
		*dir = abs
	}
	if f.caDir != "" && f.agent.PKIDir == "" {
		return f, usagef("--ca-dir is given and --pki-dir is not; expected the directory in which to issue the certificates")
	}
	if err := f.spec().Validate(); err != nil {
		return f, &usageError{err: err}
	}
	if err := f.pace(); err != nil {
		return f, err
	}
	if err := f.peers(); err != nil {
		return f, err
	}
	return f, f.stores(cmd)
}

func (f *agentFlags) spec() record.Spec {
	spec := record.DefaultSpec(f.memberCount)
	spec.BackupInterval = record.Duration(f.backupInterval)
	return spec
}

func (f *agentFlags) pace() error {
	if f.interval <= 0 {
		return usagef("--interval %s; expected more than nothing", f.interval)
	}
	if f.term == 0 {
		f.term = max(5*f.interval, shortestTerm)
	}
	if f.term < 2*f.interval {
		return usagef("--term %s; expected at least two intervals (%s)", f.term, 2*f.interval)
	}
	return nil
}

// peers reads --agents. An agent always knows its own address.
func (f *agentFlags) peers() error {
	if f.advertise == "" {
		f.advertise = f.agent.Listen
	}
	peers, err := parseAgents(f.agents)
	if err != nil {
		return &usageError{err: err}
	}
	if given, ok := peers[f.agent.Name]; ok && given != f.advertise {
		return usagef("--agents says that %s is at %s, and --advertise says %s", f.agent.Name, given, f.advertise)
	}
	peers[f.agent.Name] = f.advertise
	f.agent.Peers = peers
	return nil
}

// parseAgents reads "a=host:port,b=host:port".
func parseAgents(text string) (map[string]string, error) {
	agents := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, addr, _ := strings.Cut(part, "=")
		if _, _, err := net.SplitHostPort(addr); err != nil || name == "" {
			return nil, fmt.Errorf("agent %q; expected NAME=HOST:PORT", part)
		}
		if _, twice := agents[name]; twice {
			return nil, fmt.Errorf("agent %s is named twice", name)
		}
		agents[name] = addr
	}
	return agents, nil
}

// stores finds the control store and refuses two stores that lie in each
// other.
func (f *agentFlags) stores(cmd *cobra.Command) error {
	if f.controlStore == "" {
		control, err := local.DefaultControlStore(f.backupStore)
		if err != nil {
			return &usageError{err: err}
		}
		f.controlStore = control
	}
	for _, u := range []*string{&f.controlStore, &f.backupStore} {
		s, err := open.Open(cmd.Context(), *u)
		if err != nil {
			return &usageError{err: err}
		}
		*u = s.URL()
		_ = s.Close() // nothing was asked yet
	}
	if err := local.CheckStores(f.controlStore, f.backupStore, f.allowControlUnderBackup); err != nil {
		return &usageError{err: err}
	}
	return nil
}

// hosts are the names and addresses under which this node is reached.
func (f *agentFlags) hosts() []string {
	hosts := map[string]bool{"localhost": true, "127.0.0.1": true}
	for _, addr := range []string{f.advertise, f.agent.Listen} {
		if host, _, err := net.SplitHostPort(addr); err == nil {
			hosts[host] = true
		}
	}
	for _, text := range []string{f.agent.ClientURL, f.agent.PeerURL} {
		if u, err := url.Parse(text); err == nil {
			hosts[u.Hostname()] = true
		}
	}
	for _, none := range []string{"", "0.0.0.0", "::"} {
		delete(hosts, none)
	}
	return slices.Sorted(maps.Keys(hosts))
}
