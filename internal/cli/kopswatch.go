package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/kops"
	kopswatch "github.com/seedproof/seedproof/internal/kops/watch"
	"github.com/seedproof/seedproof/internal/store/open"
	"github.com/seedproof/seedproof/internal/telemetry"
)

const (
	defaultWatchListen = "127.0.0.1:9753"
	defaultVerifyEvery = 6 * time.Hour
	defaultVerifyMiB   = 20
	shortestInterval   = time.Second
)

// kopsWatchFlags are what `seedproof kops watch` is told.
type kopsWatchFlags struct {
	state, name           string
	interval, verifyEvery time.Duration
	verifyMiB             int
	maxBackupAge, timeout time.Duration
	scratch, acknowledged string
	listen                string
	logFormat, logLevel   string
}

func newKopsWatchCommand(g *global) *cobra.Command {
	var f kopsWatchFlags
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Check again and again: metrics, a status, and a line when something turns",
		Long: "Runs the check of `seedproof kops check` until it is told to stop, on every etcd\n" +
			"cluster of every kops cluster of a state store. It serves /metrics (Prometheus),\n" +
			"/healthz, /readyz and /status (JSON, or a page for a browser), and writes a line into\n" +
			"the log the moment something turns. It reads only.\n\n" +
			"A store that does not answer never makes a bad state look better: what was last\n" +
			"known stays, marked as stale. A cluster that vanishes from the store stays a threat\n" +
			"until a person lets go of it (a line CLUSTER/ETCD SINCE in the file of\n" +
			"--acknowledged, as the log and /status show it) or this process restarts. So does\n" +
			"a marker whose content changed: a new, empty cluster may have been formed.\n\n" +
			"A seed that is imminent comes within 10 seconds, by etcd-manager itself. No watch is\n" +
			"fast enough to prevent it; this one says so at its next pass. What it is for is to\n" +
			"be told of the rule, the missing file and the backups that stopped, days before.",
		Example: "  # Every cluster of the state store in $" + stateVariable + "\n  seedproof kops watch\n\n" +
			"  # In a pod: reachable by Prometheus, backups unpacked on a volume of its own\n" +
			"  seedproof kops watch --state s3://my-state --listen :9753 --scratch-dir /scratch --log-format json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := f.logger(g)
			if err != nil {
				return err
			}
			conf, err := f.config(cmd.Context())
			if err != nil {
				return err
			}
			return runKopsWatch(cmd.Context(), conf, f.listen, log)
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *kopsWatchFlags) bind(cmd *cobra.Command) {
	s := cmd.Flags()
	s.SortFlags = false
	s.StringVar(&f.state, "state", "", "URL of the state store (default: $"+stateVariable+")")
	s.StringVar(&f.name, "name", "", "the one cluster to watch (default: every cluster in the state store)")
	s.DurationVar(&f.interval, "interval", kopswatch.DefaultInterval, "time from one pass to the next")
	s.DurationVar(&f.maxBackupAge, "max-backup-age", kops.DefaultMaxBackupAge, "how old the last valid backup may be")
	s.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long one request may take")
	s.DurationVar(&f.verifyEvery, "verify-every", defaultVerifyEvery, "how often the newest backups of each cluster are opened, each version once; 0: never")
	s.IntVar(&f.verifyMiB, "verify-bandwidth", defaultVerifyMiB, "MiB per second that opening backups may read; 0: no bound")
	s.StringVar(&f.scratch, "scratch-dir", "", "directory in which a backup is unpacked, one database at a time (default: the system's for temporary files)")
	s.StringVar(&f.acknowledged, "acknowledged", "", "file with a line CLUSTER/ETCD SINCE for each etcd cluster that was deleted, or whose marker was written anew, on purpose")
	s.StringVar(&f.listen, "listen", defaultWatchListen, "HOST:PORT of /metrics, /healthz, /readyz and /status, without TLS")
	s.StringVar(&f.logFormat, "log-format", "text", "text or json")
	s.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

func (f *kopsWatchFlags) logger(g *global) (*slog.Logger, error) {
	return (&agentFlags{logFormat: f.logFormat, logLevel: f.logLevel}).logger(g)
}

// config checks everything that can be checked without asking the store.
func (f *kopsWatchFlags) config(ctx context.Context) (kopswatch.Config, error) {
	if f.state == "" {
		f.state = os.Getenv(stateVariable)
	}
	switch {
	case f.state == "":
		return kopswatch.Config{}, &usageError{err: errors.New("no state store is named: neither --state nor $" + stateVariable + " is set"),
			next: "seedproof kops watch --state s3://BUCKET"}
	case f.interval < shortestInterval:
		return kopswatch.Config{}, usagef("--interval is %s; expected %s or more", f.interval, shortestInterval)
	case f.maxBackupAge <= 0:
		return kopswatch.Config{}, usagef("--max-backup-age is %s; expected a time above zero", f.maxBackupAge)
	case f.timeout <= 0:
		return kopswatch.Config{}, usagef("--timeout is %s; expected a time above zero", f.timeout)
	case f.verifyEvery < 0 || f.verifyEvery > 0 && f.verifyEvery < f.interval:
		return kopswatch.Config{}, usagef("--verify-every is %s; expected 0, or no less than --interval (%s)", f.verifyEvery, f.interval)
	case f.verifyMiB < 0 || f.verifyMiB > 1<<20:
		return kopswatch.Config{}, usagef("--verify-bandwidth is %d; expected 0 or more MiB per second", f.verifyMiB)
	}
	if err := f.scratchDir(); err != nil {
		return kopswatch.Config{}, err
	}
	s, err := open.Open(ctx, f.state)
	if err != nil {
		return kopswatch.Config{}, &usageError{err: fmt.Errorf("%w: %w", kops.ErrState, err)}
	}
	_ = s.Close() // nothing was asked
	return kopswatch.Config{
		Check: kops.Options{
			State: f.state, Name: f.name, Open: open.Open, Verifier: kops.Inspect{Stall: f.timeout, Dir: f.scratch},
			MaxBackupAge: f.maxBackupAge, Inspect: inspectBucket, Timeout: f.timeout,
		},
		Interval: f.interval, VerifyEvery: f.verifyEvery, VerifyBytesPerSecond: int64(f.verifyMiB) << 20, Acknowledged: f.acknowledged,
	}, nil
}

// scratchDir refuses a directory that is not one: it would show only when the
// first backup is opened.
func (f *kopsWatchFlags) scratchDir() error {
	if f.scratch == "" || f.verifyEvery == 0 {
		return nil
	}
	switch info, err := os.Stat(f.scratch); {
	case err != nil:
		return usagef("--scratch-dir: %w", err)
	case !info.IsDir():
		return usagef("--scratch-dir %s is no directory", f.scratch)
	}
	return nil
}

// runKopsWatch works until ctx ends.
func runKopsWatch(ctx context.Context, conf kopswatch.Config, listen string, log *slog.Logger) error {
	registry := telemetry.NewRegistry()
	// With its options: an endpoint or an account tells one place from another,
	// and the commands in the alerts need them.
	place := conf.Check.State
	w, err := kopswatch.New(conf, kopswatch.Deps{Clock: flow.RealClock{}, Log: log, Metrics: telemetry.NewKopsMetrics(registry, place, kopswatch.Words())})
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen for metrics and status: %w", err)
	}
	log.InfoContext(ctx, "watch runs", "state", conf.Check.State, "listen", ln.Addr().String(), "interval", conf.Interval, "verify_every", conf.VerifyEvery)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		defer stop() // without its metrics a watch is blind: it ends, and is started again
		served <- telemetry.ServeListener(ctx, ln, telemetry.Endpoints{
			Metrics: registry, Healthy: w.Healthy, Ready: w.Ready, Status: func() any { return w.Status() },
		})
	}()
	err = w.Run(ctx)
	stop()
	return errors.Join(err, <-served)
}
