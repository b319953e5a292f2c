package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate"
	"github.com/seedproof/seedproof/internal/kops/gate/tfplan"
)

func newKopsPlanCheckCommand(g *global) *cobra.Command {
	var f gateFlags
	var state, name, format string
	cmd := &cobra.Command{
		Use:   "plan-check PLAN.json",
		Short: "Say what applying a Terraform plan would do to etcd",
		Long: "With --target=terraform kops makes etcd-manager's spec an object of the plan. This\n" +
			"finds such objects in `terraform show -json`, checks their clusters, and says what\n" +
			"applying the plan would do to etcd. It reads only. - reads from standard input.\n\n" +
			"The state store and the cluster are those that the objects' names show; where the\n" +
			"store needs options, or the backups are kept elsewhere, name them.\n\n" +
			"Exit codes: 0 safe, 1 error (a plan that cannot be read), 2 usage, 3 refused,\n" +
			"4 unproven.",
		Example: "  terraform plan -out plan && terraform show -json plan > plan.json\n  seedproof kops plan-check plan.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			changes, err := g.readPlan(args[0])
			if err != nil {
				return err
			}
			if f.maxBackupAge <= 0 {
				return usagef("--max-backup-age is %s; expected a time above zero", f.maxBackupAge)
			}
			return g.checkPlan(cmd.Context(), changes, gate.PlanOptions{State: state, Name: name, Look: g.lookAtKops(f)}, format)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "URL of the state store (default: by the objects' names)")
	cmd.Flags().StringVar(&name, "name", "", "the kops cluster (default: by the objects' names)")
	f.addLookFlags(cmd.Flags())
	outputFlag(cmd, &format)
	return cmd
}

func (g *global) readPlan(path string) ([]tfplan.Change, error) {
	in := g.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, &usageError{err: fmt.Errorf("read the plan: %w", err), next: "terraform show -json PLANFILE > plan.json"}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	changes, err := tfplan.Read(in)
	if err != nil {
		return nil, withNext(err, "terraform show -json PLANFILE > plan.json")
	}
	return changes, nil
}

func (g *global) checkPlan(ctx context.Context, changes []tfplan.Change, o gate.PlanOptions, format string) error {
	report, err := gate.CheckPlan(ctx, changes, o)
	if err != nil {
		return gateError(err)
	}
	if err := g.print(format, report, func(w io.Writer) { report.Tell(w) }); err != nil {
		return err
	}
	switch report.ExitCode {
	case decide.Safe:
		return nil
	case decide.Refused:
		return refused(errors.New("do not apply this plan"), "")
	}
	return unproven(errors.New("it is not proven what applying this plan would do to etcd"), "")
}
