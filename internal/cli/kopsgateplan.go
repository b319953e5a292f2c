package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
	"github.com/seedproof/seedproof/internal/kops/gate/tfplan"
)

type kopsPlanFlags struct {
	gateFlags
	state, name, format string
	approve, by         string
}

func newKopsPlanCheckCommand(g *global) *cobra.Command {
	var f kopsPlanFlags
	cmd := &cobra.Command{
		Use:   "plan-check PLAN.json",
		Short: "Say what applying a Terraform plan would do to etcd",
		Long: "With --target=terraform kops makes etcd-manager's spec an object of the plan. This\n" +
			"finds such objects in `terraform show -json`, checks their clusters, and says what\n" +
			"applying the plan would do to etcd. It reads only.\n" +
			"PLAN.json may be - for standard input.\n\n" +
			"The state store and the cluster are those that the objects' names show; where the\n" +
			"store needs options, or the backups are kept elsewhere, name them.\n\n" +
			"A plan that is not safe can be approved by a person: --approve FILE asks for the\n" +
			"cluster's name, and --approval FILE takes that word once, for this very plan and for\n" +
			"what was found then. The first apply of a new cluster needs it: kops writes keysets\n" +
			"while it makes the plan, and they look like those of a cluster that lost the rest.\n\n" +
			"Exit codes: 0 safe, or approved; 1 error (a plan that cannot be read); 2 usage;\n" +
			"3 refused; 4 unproven.",
		Example: "  terraform plan -out plan && terraform show -json plan > plan.json\n  seedproof kops plan-check plan.json && terraform apply plan\n\n" +
			"  # The first apply of a new cluster\n  seedproof kops plan-check --approve approval.json plan.json\n  seedproof kops plan-check --approval approval.json plan.json && terraform apply plan",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return g.checkKopsPlan(cmd.Context(), f, args[0]) },
	}
	cmd.Flags().StringVar(&f.state, "state", "", "URL of the state store (default: by the objects' names)")
	cmd.Flags().StringVar(&f.name, "name", "", "the kops cluster (default: by the objects' names)")
	cmd.Flags().StringVar(&f.approve, "approve", "", "write your word for this plan into this file")
	cmd.Flags().StringVar(&f.by, "by", personName(), "your name, which the approval keeps")
	cmd.Flags().StringVar(&f.approval, "approval", os.Getenv(approvalVariable), "approval file, where nobody can be asked (default: $"+approvalVariable+")")
	f.addLookFlags(cmd.Flags())
	outputFlag(cmd, &f.format)
	return cmd
}

func (f kopsPlanFlags) check() error {
	switch {
	case checkFormat(f.format) != nil:
		return checkFormat(f.format)
	case f.maxBackupAge <= 0:
		return usagef("--max-backup-age is %s; expected a time above zero", f.maxBackupAge)
	case f.approve != "" && f.by == "":
		return usagef("--by is empty; expected your name")
	}
	return nil
}

func (g *global) checkKopsPlan(ctx context.Context, f kopsPlanFlags, path string) error {
	if err := f.check(); err != nil {
		return err
	}
	content, changes, err := g.readPlan(path)
	if err != nil {
		return err
	}
	door, done, err := g.kopsGate(cmdline.Command{Verb: cmdline.Update}, f.gateFlags)
	if err != nil {
		return err
	}
	defer done()
	report, err := gate.CheckPlan(ctx, changes, gate.PlanOptions{State: f.state, Name: f.name, Look: door.Look})
	if err != nil {
		return gateError(err)
	}
	request := gate.PlanRequest{Report: report, Path: path, Content: content, SkipVerify: f.skipVerify, Own: f.own()}
	var word error
	if f.approval != "" && f.approve == "" {
		report.ApprovedBy, word = door.AllowPlan(ctx, request, f.approval)
	}
	if err := g.print(f.format, report, func(w io.Writer) { report.Tell(w) }); err != nil {
		return err
	}
	switch {
	case word != nil:
		return gateError(word)
	case f.approve != "":
		return gateError(door.ApprovePlan(ctx, request, f.by, f.approve))
	}
	return planOutcome(report)
}

// own are our own flags as they were given, for commands to type.
func (f kopsPlanFlags) own() []string {
	var given []string
	if f.state != "" {
		given = append(given, "--state", f.state)
	}
	if f.name != "" {
		given = append(given, "--name", f.name)
	}
	return append(given, f.look()...)
}

func (g *global) readPlan(path string) ([]byte, []tfplan.Change, error) {
	const next = "terraform show -json PLANFILE > plan.json"
	in := g.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, &usageError{err: fmt.Errorf("read the plan: %w", err), next: next}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, tfplan.MaxPlan+1))
	if err != nil {
		return nil, nil, withNext(fmt.Errorf("read the plan: %w", err), next)
	}
	changes, err := tfplan.Read(bytes.NewReader(content))
	if err != nil {
		return nil, nil, withNext(err, next)
	}
	return content, changes, nil
}

func planOutcome(report gate.PlanReport) error {
	switch {
	case report.ExitCode == decide.Safe, report.ApprovedBy != "":
		return nil
	case report.ExitCode == decide.Refused:
		return refused(errors.New("do not apply this plan"), "")
	}
	return unproven(errors.New("it is not proven what applying this plan would do to etcd"), "")
}
