package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

func newDemoCommand(g *global) *cobra.Command {
	demo := &cobra.Command{
		Use:   "demo",
		Short: "Play a true incident on a cluster of its own",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	demo.AddCommand(newDemoReseedCommand(g), newDemoKopsCommand(g), newDemoSeedSecretCommand(g))
	return demo
}

func newDemoReseedCommand(g *global) *cobra.Command {
	var dir string
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "reseed",
		Short: "The reseeded cluster: kops issue 16416, with and without proof",
		Long: "Makes a cluster of three on this machine, fills it, lets a lifecycle rule delete\n" +
			"its control files, and shows what etcd-manager would have done and what\n" +
			"Seedproof does. About a minute; nothing is left behind.",
		Example: "  seedproof demo reseed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReseed(cmd.Context(), g.stdout, dir, interval)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory to play in, kept afterwards (default: a temporary one, removed)")
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "time from one pass of an agent to the next")
	return cmd
}

func runReseed(ctx context.Context, w io.Writer, dir string, interval time.Duration) error {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "seedproof-demo-")
		if err != nil {
			return fmt.Errorf("make a directory to play in: %w", err)
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		dir = filepath.Join(temporary, "cluster")
	}
	stage, err := raise(ctx, dir, interval)
	if err != nil {
		return err
	}
	defer stage.fall()
	return (&reseedStory{w: w, stage: stage, interval: interval}).play(ctx)
}

// stage is the cluster of a demo.
type stage struct {
	dir   string
	ready local.Ready
	ended chan error
	stop  context.CancelFunc
}

// raise starts a cluster of three and waits until it serves.
func raise(ctx context.Context, dir string, interval time.Duration) (*stage, error) {
	running, stop := context.WithCancel(ctx)
	s := &stage{dir: dir, ended: make(chan error, 1), stop: stop}
	serving := make(chan local.Ready, 1)
	go func() {
		s.ended <- local.Run(running, local.Options{Dir: dir, Members: 3, Interval: interval, BackupInterval: 10 * interval,
			Progress: io.Discard, Serving: func(r local.Ready) { serving <- r }})
	}()
	select {
	case s.ready = <-serving:
		return s, nil
	case err := <-s.ended:
		stop()
		return nil, fmt.Errorf("the cluster of the demo ended before it served: %w", errors.Join(err, ctx.Err()))
	}
}

// fall stops the cluster and waits until it is down.
func (s *stage) fall() {
	s.stop()
	_ = <-s.ended // it was asked to
}

// report is the newest report of the agent that leads.
func (s *stage) report(ctx context.Context) (controller.Report, error) {
	t := &target{dir: s.dir, timeout: 5 * time.Second}
	a, err := t.ask(ctx)
	if err != nil {
		return controller.Report{}, err
	}
	defer a.Close()
	return a.report, nil
}

// until asks for reports until one fits. Every other one is shown to seen.
func (s *stage) until(ctx context.Context, seen func(controller.Report), fits func(controller.Report) bool) (controller.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		report, err := s.report(ctx)
		if err == nil {
			if seen != nil {
				seen(report)
			}
			if fits(report) {
				return report, nil
			}
		}
		if err := (flow.RealClock{}).Sleep(ctx, 100*time.Millisecond); err != nil {
			return report, fmt.Errorf("waiting for the cluster: the verdict is %s (%s): %w", report.Verdict.State, report.Verdict.Why, err)
		}
	}
}

func intact(r controller.Report) bool {
	return r.Verdict.State == proof.Intact && r.Record.Finding == proof.Present
}
