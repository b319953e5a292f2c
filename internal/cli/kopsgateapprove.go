package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/kops/gate"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
)

type kopsApproveFlags struct {
	gateFlags
	state, name, out, by string
}

func newKopsApproveCommand(g *global) *cobra.Command {
	var f kopsApproveFlags
	cmd := &cobra.Command{
		Use:   "approve --state URL --name CLUSTER --out FILE [-- KOPS-ARGUMENTS]",
		Short: "Approve one kops command beforehand, for where nobody can be asked",
		Long: "Looks what a kops command would do to etcd, asks you as the command itself would,\n" +
			"and writes your word into a file for seedproof kops run --approval FILE.\n\n" +
			"The approval is for this cluster, these arguments and what is found now. If any of\n" +
			"it is another when it is used, it is void. It holds for a day, and is used once:\n" +
			"that is noted in your state directory on the machine where it is used and, where\n" +
			"that may be written, in the state store. Without the latter a copy of the file could\n" +
			"be used once on another machine too. It keeps mistakes out, not attackers: whoever\n" +
			"can write the file could run kops as well.\n\n" +
			"Exit codes: 0 approved, or nothing has to be; 1 error; 2 usage; 3 not approved;\n" +
			"4 nothing could be looked at.",
		Example: "  seedproof kops approve --state s3://my-state --name prod.example.com --out approval.json\n\n" +
			"  # Another command than kops update cluster --yes\n  seedproof kops approve --name prod.example.com --out approval.json -- rolling-update cluster --name prod.example.com --yes",
		RunE: func(cmd *cobra.Command, args []string) error { return g.approveKops(cmd.Context(), f, args) },
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().StringVar(&f.state, "state", "", "URL of the state store (default: where kops finds it)")
	cmd.Flags().StringVar(&f.name, "name", "", "the kops cluster")
	cmd.Flags().StringVar(&f.out, "out", "", "the file to write")
	cmd.Flags().StringVar(&f.by, "by", personName(), "your name, which the approval keeps")
	f.addLookFlags(cmd.Flags())
	return cmd
}

func (g *global) approveKops(ctx context.Context, f kopsApproveFlags, args []string) error {
	switch {
	case f.out == "":
		return usagef("--out is missing; expected the file to write")
	case f.by == "":
		return usagef("--by is empty; expected your name")
	}
	if len(args) == 0 {
		args = f.updateArgs()
	}
	command, err := cmdline.Parse(args, kopsSurroundings(map[string]string{cmdline.StateVariable: f.state, cmdline.ClusterVariable: f.name}))
	switch {
	case err != nil:
		return gateError(err)
	case command.Verb == "":
		return usagef("kops %s needs no approval", gate.Words(args))
	case !command.Applies:
		return usagef("kops %s only shows what it would do, which needs no approval; is --yes missing?", gate.Words(args))
	case f.name != "" && command.Cluster != f.name:
		return usagef("--name is %q, and kops's own arguments name %q", f.name, command.Cluster)
	case f.state != "" && command.State != strings.TrimSuffix(f.state, "/"):
		return usagef("--state and kops's own --state are two state stores")
	}
	door, done, err := g.kopsGate(command, f.gateFlags)
	if err != nil {
		return err
	}
	defer done()
	door.Start = func(context.Context, []string) error { return errors.New("an approval starts nothing") }
	return gateError(door.Approve(ctx, gate.Request{Command: command, Args: args, SkipVerify: f.skipVerify, Own: f.look()}, f.by, f.out))
}

// updateArgs is the update that is meant where no arguments were given.
func (f kopsApproveFlags) updateArgs() []string {
	args := []string{"update", "cluster"}
	if f.name != "" {
		args = append(args, "--name", f.name)
	}
	if f.state != "" {
		args = append(args, "--state", f.state)
	}
	return append(args, "--yes")
}
