package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/gate"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
	"github.com/seedproof/seedproof/internal/store/open"
)

const (
	// kopsVariable names the kops to run, approvalVariable an approval file.
	kopsVariable     = "SEEDPROOF_KOPS"
	approvalVariable = "SEEDPROOF_KOPS_APPROVAL"
	// exitInterrupted is what a shell gives for SIGINT.
	exitInterrupted = 130
	// maxKopsFile bounds kops's own configuration file.
	maxKopsFile = 1 << 20
)

const gateExitCodes = "Exit codes are those of kops once it is started. Before that:\n" +
	"  1  an error, or there is no such cluster\n" +
	"  2  the command line was not understood\n" +
	"  3  refused: it needs a person's word, and none was given, or it is void\n" +
	"  4  unproven: nothing could be looked at, so there is nothing to approve\n"

// gateFlags are ours beside those of kops.
type gateFlags struct {
	kops, approval string
	skipVerify     bool
	maxBackupAge   time.Duration
}

func (f *gateFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.kops, "kops", os.Getenv(kopsVariable), "the kops to run (default: $"+kopsVariable+", else the first on $PATH)")
	flags.StringVar(&f.approval, "approval", os.Getenv(approvalVariable), "approval file, where nobody can be asked (default: $"+approvalVariable+")")
	f.addLookFlags(flags)
}

func (f *gateFlags) addLookFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.skipVerify, "skip-verify", false, "open no backup; then none counts as valid")
	flags.DurationVar(&f.maxBackupAge, "max-backup-age", kops.DefaultMaxBackupAge, "how old the last valid backup may be")
}

// look are the flags of addLookFlags as they were given.
func (f *gateFlags) look() []string {
	var given []string
	if f.skipVerify {
		given = append(given, "--skip-verify")
	}
	if f.maxBackupAge != kops.DefaultMaxBackupAge {
		given = append(given, "--max-backup-age="+f.maxBackupAge.String())
	}
	return given
}

// newKopsGateCommands are the commands that stand before kops.
func newKopsGateCommands(g *global) []*cobra.Command {
	commands := []*cobra.Command{newKopsRunCommand(g), newKopsApproveCommand(g), newKopsPlanCheckCommand(g)}
	for _, c := range []struct{ use, what string }{
		{"create", "cluster"}, {"update", "cluster"}, {"reconcile", "cluster"}, {"rolling-update", "cluster"}, {"delete", "instance"},
	} {
		commands = append(commands, newKopsGuardedCommand(g, c.use, c.what))
	}
	return commands
}

func newKopsRunCommand(g *global) *cobra.Command {
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "run [flags] -- KOPS-ARGUMENTS",
		Short: "Run kops; what could harm etcd is looked at first",
		Long: "Runs kops with exactly these arguments. Before create, update and reconcile cluster,\n" +
			"rolling-update cluster and delete instance it says what they would do to etcd,\n" +
			"opens the newest backups, and asks where that is needed: nothing for a new cluster\n" +
			"or where nothing changes, y for a changed spec, and the cluster's name typed in\n" +
			"full for anything worse. Every other command goes straight to kops.\n\n" +
			"Where nobody can be asked it takes an approval file (seedproof kops approve).\n\n" +
			gateExitCodes,
		Example: "  alias kops='seedproof kops run --'\n\n" +
			"  # Where nobody can be asked\n  seedproof kops run --approval approval.json -- update cluster --name prod.example.com --yes",
		RunE: func(cmd *cobra.Command, args []string) error { return g.runKops(cmd.Context(), f, args) },
	}
	cmd.Flags().SetInterspersed(false)
	f.addFlags(cmd.Flags())
	return cmd
}

// newKopsGuardedCommand is a guarded command under its own name: `seedproof`
// before a kops command line.
func newKopsGuardedCommand(g *global, use, what string) *cobra.Command {
	return &cobra.Command{
		Use:   use + " " + what + " [kops's flags] [--kops PATH] [--approval FILE] [--skip-verify] [--max-backup-age TIME]",
		Short: fmt.Sprintf("kops %s %s, looked at first", use, what),
		Long: fmt.Sprintf("Runs kops %s with its own arguments, and looks first what it would do to etcd.\n"+
			"It is `seedproof kops run -- %s …`, with the flags of both in any order.\n\n", use, use) + gateExitCodes,
		DisableFlagParsing: true, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, rest, err := takeGateFlags(args)
			if err != nil {
				return &usageError{err: err, next: "seedproof help kops " + use}
			}
			return g.runKops(cmd.Context(), f, append([]string{use}, rest...))
		},
	}
}

// takeGateFlags takes our own flags out of kops's.
func takeGateFlags(args []string) (f gateFlags, rest []string, err error) {
	flags := pflag.NewFlagSet("kops", pflag.ContinueOnError)
	f.addFlags(flags)
	var own []string
	for i := 0; i < len(args); i++ {
		name, _, withValue := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		flag := flags.Lookup(name)
		switch {
		case args[i] == "--":
			rest = append(rest, args[i:]...)
			i = len(args)
		case !strings.HasPrefix(args[i], "--") || flag == nil:
			rest = append(rest, args[i])
		default:
			own = append(own, args[i])
			if flag.NoOptDefVal == "" && !withValue && i+1 < len(args) {
				i++
				own = append(own, args[i])
			}
		}
	}
	return f, rest, flags.Parse(own)
}

// runKops runs kops behind the gate.
func (g *global) runKops(ctx context.Context, f gateFlags, args []string) error {
	command, err := cmdline.Parse(args, kopsSurroundings(nil))
	if err != nil {
		return gateError(err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find out which program this is: %w", err)
	}
	program, err := gate.FindProgram(f.kops, os.Getenv("PATH"), self)
	if err != nil {
		return withNext(err, "--kops /path/to/kops, or "+kopsVariable)
	}
	door, done, err := g.kopsGate(command, f)
	if err != nil {
		return err
	}
	defer done()
	door.Start = func(ctx context.Context, args []string) error { return program.Exec(ctx, args, os.Environ()) }
	return gateError(door.Run(ctx, gate.Request{
		Command: command, Args: args, Approval: f.approval, SkipVerify: f.skipVerify, Own: f.look(),
	}))
}

// kopsGate is the gate before one command, without its start.
func (g *global) kopsGate(command cmdline.Command, f gateFlags) (*gate.Gate, func(), error) {
	if f.maxBackupAge <= 0 {
		return nil, nil, usagef("--max-backup-age is %s; expected a time above zero", f.maxBackupAge)
	}
	door := &gate.Gate{Out: g.stderr}
	if command.Verb == "" {
		return door, func() {}, nil
	}
	state, err := stateDirectory()
	if err != nil {
		return nil, nil, err
	}
	door.Used = gate.Used{Dir: filepath.Join(state, "used-approvals"), Open: open.Open}
	door.Look = g.lookAtKops(f)
	terminal := gate.OpenTerminal(g.stdin, g.stderr)
	if terminal == nil {
		return door, func() {}, nil
	}
	if !gate.IsTerminal(g.stderr) { // whoever is asked must see what about
		door.Out = io.MultiWriter(g.stderr, terminal.File())
		terminal.Out = door.Out
	}
	door.Person = terminal
	return door, terminal.Close, nil
}

// lookAtKops is the check that the gate stands on.
func (g *global) lookAtKops(f gateFlags) func(ctx context.Context, state, cluster string) (kops.Report, error) {
	cache := ""
	if dir, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(dir, "seedproof", "verified-backups")
	}
	return func(ctx context.Context, state, cluster string) (kops.Report, error) {
		bar := g.newProgressBar()
		defer bar.close()
		return kops.Check(ctx, kops.Options{
			State: state, Name: cluster, Open: open.Open, Inspect: inspectBucket,
			Verify: !f.skipVerify, Verifier: gate.Cached{Inner: kops.Inspect{}, Dir: cache}, MaxBackupAge: f.maxBackupAge,
			Progress: func(p kops.Progress) { bar.show(progressText(p)) },
		})
	}
}

// kopsSurroundings are what kops reads beside its arguments. given takes the
// place of variables.
func kopsSurroundings(given map[string]string) cmdline.Surroundings {
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	return cmdline.Surroundings{
		Home: home,
		Getenv: func(name string) string {
			if value := given[name]; value != "" {
				return value
			}
			return os.Getenv(name)
		},
		ReadFile: func(path string) ([]byte, error) { return atomicfile.Read(path, maxKopsFile) },
	}
}

// stateDirectory is where programs keep what has to outlive them, by the XDG
// rules.
func stateDirectory() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "seedproof"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", withNext(fmt.Errorf("find a place to note that approvals were used: %w", err), "set XDG_STATE_HOME")
	}
	return filepath.Join(home, ".local", "state", "seedproof"), nil
}

// gateError gives an error of the gate its exit code and the next command.
func gateError(err error) error {
	var refusal *gate.Refusal
	var unclear *cmdline.Unclear
	switch {
	case errors.As(err, &refusal):
		return &failure{code: refusal.Code, err: err, next: refusal.Next}
	case errors.As(err, &unclear):
		return &usageError{err: fmt.Errorf("%w; kops was not started", err), next: unclear.Next}
	case errors.Is(err, context.Canceled):
		return &failure{code: exitInterrupted, err: errors.New("interrupted; nothing was started")}
	}
	return err
}
