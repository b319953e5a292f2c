package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/record"
)

func newUpCommand(g *global) *cobra.Command {
	var o local.Options
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run an etcd cluster on this machine, in the foreground",
		Long: "Runs an etcd cluster on loopback until Ctrl-C. The same command resumes the\n" +
			"same cluster, on the same ports.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flag("members").Changed && o.Members == 0 {
				return usagef("0 members; expected 1, 3 or 5")
			}
			dir := o.Dir
			o.Progress = g.stdout
			o.Serving = func(r local.Ready) { whatNext(g.stdout, dir, r) }
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
			defer stop()
			return up(ctx, o)
		},
	}
	s := cmd.Flags()
	s.SortFlags = false
	s.IntVar(&o.Members, "members", 0, "size of a new cluster: 1, 3 or 5 (default 1)")
	s.IntVar(&o.Agents, "agents", 0, "agents to run; more than members are spares to scale to")
	s.StringVar(&o.Dir, "dir", defaultDir, "directory of the cluster")
	s.StringVar(&o.BackupStore, "backup-store", "", "URL where backups go (default: DIR/backups)")
	s.StringVar(&o.ControlStore, "control-store", "", "URL where the record lives (default: beside the backup store, else DIR/control)")
	s.BoolVar(&o.AllowControlUnderBackup, "allow-control-under-backup", false, "accept a control store that lies inside the backup store")
	s.DurationVar(&o.Interval, "interval", agentInterval, "time from one pass of an agent to the next")
	s.DurationVar(&o.BackupInterval, "backup-interval", time.Duration(record.DefaultSpec(1).BackupInterval), "time from one backup to the next, of a new cluster")
	s.StringVar(&o.ReadyFile, "ready-file", "", "file that is written, as JSON, when the cluster serves")
	s.StringVar(&o.EtcdBinDir, "etcd-bin-dir", "", "directory of an etcd binary to run (default: the etcd in this program)")
	s.DurationVar(&o.Term, "term", 0, "term of the leader's lease (default: 5 intervals, at least 3s)")
	s.StringVar(&o.LogLevel, "log-level", "", "of the agents: debug, info, warn or error")
	s.IntSliceVar(&o.Ports, "ports", nil, "ports of a new cluster, four for each agent; for tests")
	s.BoolVar(&o.UnsafeNoFsync, "unsafe-no-fsync", false, "let etcd lose data in a power cut; for tests")
	s.UintVar(&o.HeartbeatMS, "heartbeat-interval", 0, "etcd's --heartbeat-interval, in milliseconds")
	s.UintVar(&o.ElectionMS, "election-timeout", 0, "etcd's --election-timeout, in milliseconds")
	for _, name := range []string{"term", "log-level", "ports", "unsafe-no-fsync", "heartbeat-interval", "election-timeout"} {
		_ = s.MarkHidden(name) // all are bound above
	}
	return cmd
}

func up(ctx context.Context, o local.Options) error {
	err := local.Run(ctx, o)
	var usage *local.UsageError
	if errors.As(err, &usage) {
		return &usageError{err: err, next: "seedproof up --help"}
	}
	return err
}

// whatNext says what can be tried now.
func whatNext(w io.Writer, dir string, r local.Ready) {
	etcdctl := fmt.Sprintf("etcdctl --endpoints %s --cacert %s --cert %s --key %s",
		strings.Join(r.Endpoints, ","), quote(r.CACert), quote(r.Cert), quote(r.Key))
	dirFlag := ""
	if filepath.Clean(dir) != filepath.Clean(defaultDir) {
		dirFlag = " --dir " + quote(dir)
	}
	_, _ = fmt.Fprintf(w, "\nThe cluster serves. Try, in another terminal:\n"+
		"  %s put hello world\n"+
		"  seedproof etcd status%s\n"+
		"  seedproof etcd explain%s\n"+
		"  seedproof backup list%s\n"+
		"Backups go to %s, the record is in %s.\n"+
		"Ctrl-C stops the cluster; the same command resumes it.\n\n",
		etcdctl, dirFlag, dirFlag, dirFlag, r.BackupStore, r.ControlStore)
}

// quote makes a path safe to paste into a shell.
func quote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
