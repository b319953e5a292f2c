// Package cli is the command line: it turns flags into calls of the packages
// below it, and their answers into text, tables and exit codes. One file holds
// one group of commands.
//
// It decides nothing that could lose data, and it prints no secrets.
package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/ontap"
)

// Version is what `seedproof --version` prints. Package main sets it.
var Version = "unknown"

// global is what all commands share.
type global struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	version        string
	// dialArrays is how arrays are connected to; nil: as always.
	dialArrays ontap.DialContext

	// started: the command line was understood and the command itself runs.
	started bool
}

// Run runs one command line, without the program's name, and gives the exit
// code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return (&global{stdin: stdin, stdout: stdout, stderr: stderr, version: Version}).run(ctx, args)
}

func (g *global) run(ctx context.Context, args []string) int {
	root := newRootCommand(g) //nolint:contextcheck // its commands have the context of ExecuteContextC
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !g.started {
		err = asUsageError(cmd, err)
	}
	printError(g.stderr, err)
	return exitCode(err)
}

func newRootCommand(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:   "seedproof",
		Short: "No proof, no seed: etcd clusters that no missing file can reseed",
		Long: "Seedproof looks after the state under Kubernetes clusters. It never takes\n" +
			"\"I could not find it\" for \"it never existed\".\n\n" +
			"Start with:  seedproof up",
		Version:           g.version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRun:  func(*cobra.Command, []string) { g.started = true },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(g.stdin)
	root.SetOut(g.stdout)
	root.SetErr(g.stderr)
	root.AddCommand(newUpCommand(g), newEtcdCommand(g), newBackupCommand(g), newKopsCommand(g), newSVMCommand(g), newDemoCommand(g), newOntapSimCommand(g))
	return root
}

// newEtcdCommand is the parent of everything about etcd clusters.
func newEtcdCommand(g *global) *cobra.Command {
	etcd := &cobra.Command{
		Use:   "etcd",
		Short: "Run, ask and change etcd clusters",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	etcd.AddCommand(
		newAgentCommand(g),
		newStatusCommand(g),
		newExplainCommand(g),
		newAttestCommand(g),
		newApproveCommand(g),
		newConfigureCommand(g),
		newMoveStoreCommand(g),
	)
	return etcd
}
