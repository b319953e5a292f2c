package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/svm"
)

// notesOnFiles ends the help of every command of the group.
const notesOnFiles = "\n\nThe files may be named by " + svmFileVariable + " and " + svmArraysVariable + " instead of -f and\n" +
	"--arrays. Records lie in the cluster of the kubeconfig. See docs/svm/commands.md."

// newSVMCommand is the parent of everything about storage VMs.
func newSVMCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "svm",
		Short: "Make, look at and change ONTAP storage VMs and their seed secrets",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newSVMPlanCommand(g), newSVMApplyCommand(g), newSVMStatusCommand(g), newSVMExplainCommand(g),
		newSVMApproveCommand(g), newSVMAttestCommand(g), newSVMRotateCommand(g), newSVMDeleteCommand(g),
	)
	return cmd
}

// svmAsked is what the commands that answer were told: what is meant, and the
// form of the answer.
type svmAsked struct {
	svmTarget
	format string
}

func (a *svmAsked) addFlags(cmd *cobra.Command) {
	a.svmTarget.addFlags(cmd)
	outputFlag(cmd, &a.format)
}

// with opens what is meant, does something with it, and closes it.
func (a *svmAsked) with(ctx context.Context, g *global, o svmOptions, do func(*svmWorld) error) error {
	if err := checkFormat(a.format); err != nil {
		return err
	}
	return a.svmTarget.with(ctx, g, o, do)
}

// svmWait is how long the commands that change something go on by default.
const svmWait = 10 * time.Minute

// svmChange is what the commands were told that change something: they tell what
// is done as it is done, and go on for a while.
type svmChange struct {
	svmAsked
	wait time.Duration
}

func (c *svmChange) addFlags(cmd *cobra.Command) {
	c.svmAsked.addFlags(cmd)
	cmd.Flags().DurationVar(&c.wait, "wait", svmWait, "how long to go on; 0: once round")
}

func (c *svmChange) with(ctx context.Context, g *global, o svmOptions, do func(*svmWorld) error) error {
	o.observer = g.svmProgress(c.format)
	return c.svmAsked.with(ctx, g, o, do)
}

// svmAnswer is what a command says of one SVM: by its fields for programs, by
// its table for people.
type svmAnswer interface{ table(w io.Writer) }

// svmAnswers is the answer about several SVMs.
type svmAnswers struct {
	SVMs []svmAnswer `json:"svms"`
}

func (a svmAnswers) table(w io.Writer) {
	for i, one := range a.SVMs {
		if i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		one.table(w)
	}
}

// newSVMQuestion completes a command that asks about SVMs and changes nothing.
// ask gives the answer about one of them, and its exit code as an error.
func newSVMQuestion(g *global, cmd *cobra.Command, o svmOptions, ask func(context.Context, *svmWorld, svm.Wish) (svmAnswer, error)) *cobra.Command {
	var a svmAsked
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		ctx := cmd.Context()
		o.names = names
		return a.with(ctx, g, o, func(w *svmWorld) error {
			return w.answer(a.format, func(wish svm.Wish) (svmAnswer, error) { return ask(ctx, w, wish) })
		})
	}
	a.addFlags(cmd)
	return cmd
}

// answer asks about every SVM that is meant, and prints what is said. One that
// nothing can be said of has no answer, only an error.
func (w *svmWorld) answer(format string, ask func(svm.Wish) (svmAnswer, error)) error {
	all := svmAnswers{SVMs: []svmAnswer{}}
	worst := w.each(func(wish svm.Wish) error {
		said, err := ask(wish)
		if said != nil {
			all.SVMs = append(all.SVMs, said)
		}
		return err
	})
	return errors.Join(w.g.print(format, all, all.table), worst)
}

// each runs a command for every SVM that is meant, and gives the worst error: a
// failure before what a person must do, and that before a wait.
func (w *svmWorld) each(do func(svm.Wish) error) error {
	var worst error
	for _, wish := range w.wishes {
		if err := do(wish); err != nil && (worst == nil || exitCode(err) < exitCode(worst)) {
			worst = err
		}
	}
	return worst
}
