package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// svmWord is what the commands share in which a person gives a word.
type svmWord struct {
	svmTarget
	by, reason, attempt string
	yes                 bool
}

func (f *svmWord) addWordFlags(cmd *cobra.Command) {
	f.addFlags(cmd)
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask for a confirmation")
	cmd.Flags().StringVar(&f.by, "by", personName(), "your name, which every explanation will show")
}

// about opens what is meant for the one SVM that a word is about, and does
// something with it.
func (f *svmWord) about(ctx context.Context, g *global, names []string, do func(*svmWorld) error) error {
	if f.by == "" {
		return usagef("--by is empty; expected your name")
	}
	return f.with(ctx, g, svmOptions{names: names, single: true}, do)
}

func newSVMApproveCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approve",
		Short: "Approve what is never done without a person",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newSVMApproveOperation(g, proof.Recreate, "Give an SVM up that is lost, and have an empty one made",
			"Give an SVM up that is lost for good, and have a new, empty one made in its place.\n"+
				"It is refused where any array shows it. What was on it stays lost."),
		newSVMApproveOperation(g, proof.Destroy, "Have an SVM deleted whose policy does not allow it by itself",
			"Have an SVM deleted although its policy is Retain. `seedproof svm delete` carries it\n"+
				"out, and the guards hold all the same: no other account, no data volume, no snapshot,\n"+
				"an empty recovery queue, no SnapMirror relation."),
		newSVMFailClaimCommand(g),
	)
	return cmd
}

func newSVMApproveOperation(g *global, op proof.Operation, short, long string) *cobra.Command {
	var f svmWord
	cmd := &cobra.Command{
		Use:   string(op) + " [NAME]",
		Short: short,
		Long: long + "\n\nThe approval is bound to what the witnesses say now: if that changes before it is\n" +
			"used, it is void. It is used once, by the next apply or delete." + notesOnFiles,
		Example: "  seedproof svm approve " + string(op) + " pteama",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return f.about(cmd.Context(), g, names, func(w *svmWorld) error { return w.approve(cmd.Context(), op, f) })
		},
	}
	f.addWordFlags(cmd)
	return cmd
}

func (w *svmWorld) approve(ctx context.Context, op proof.Operation, f svmWord) error {
	wish := w.wishes[0]
	wish.Gone = op == proof.Destroy
	name := wish.Spec.SVMName
	action := proof.Action{Operation: op}
	d, err := w.showCase(ctx, wish)
	if err != nil {
		return err
	}
	trial := proof.Approval{Nonce: "trial", Subject: d.Verdict.Subject, Action: action, Digest: d.Verdict.Digest, By: f.by}
	if err := d.Verdict.Permit(action, proof.Claim{}, &trial); err != nil {
		return refused(err, w.typable("seedproof svm explain "+name, name))
	}
	if op == proof.Recreate {
		w.say("", "If you approve, EVERYTHING THAT WAS ON SVM %s IS GIVEN UP, and a new, empty one is made by the next apply.", name)
	} else {
		w.say("", "If you approve, SVM %s IS DELETED by the next `seedproof svm delete`, once its guards allow it.", name)
	}
	if err := w.g.confirm(f.yes, name); err != nil {
		return err
	}
	if _, err := w.flow.Approve(ctx, wish, action, f.by); err != nil {
		return w.refusal(err, name)
	}
	next := "seedproof svm apply " + name
	if op == proof.Destroy {
		next = "seedproof svm delete " + name
	}
	w.say("", "Approved by %s. Use it: %s", f.by, w.typable(next, name))
	return nil
}

// showCase shows the explanation before a person gives a word.
func (w *svmWorld) showCase(ctx context.Context, wish svm.Wish) (d decide.Decision, err error) {
	if err := w.greet(ctx); err != nil {
		return d, err
	}
	_, d, err = w.flow.Plan(ctx, wish)
	if err != nil {
		return d, err
	}
	for _, l := range w.explanation(wish, d) {
		w.say("", "%s", oneLine(l))
	}
	w.say("", "")
	return d, nil
}

func newSVMFailClaimCommand(g *global) *cobra.Command {
	var f svmWord
	cmd := &cobra.Command{
		Use:   "fail-claim [NAME] --attempt NONCE",
		Short: "Give up an attempt to make an SVM",
		Long: "Give up an open attempt to make an SVM, which cannot come to its end. The next\n" +
			"apply closes it. Nothing is taken away: what came of the attempt is looked at as any\n" +
			"other SVM then." + notesOnFiles,
		Example: "  seedproof svm approve fail-claim pteama --attempt 4f1e0d6c7a524f0e",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if f.attempt == "" {
				return usagef("no attempt is named; expected --attempt NONCE, as `seedproof svm explain` shows it")
			}
			return f.about(cmd.Context(), g, names, func(w *svmWorld) error { return w.failClaim(cmd.Context(), f) })
		},
	}
	f.addWordFlags(cmd)
	cmd.Flags().StringVar(&f.attempt, "attempt", "", "nonce of the attempt")
	return cmd
}

func (w *svmWorld) failClaim(ctx context.Context, f svmWord) error {
	wish := w.wishes[0]
	name := wish.Spec.SVMName
	if _, err := w.showCase(ctx, wish); err != nil {
		return err
	}
	w.say("", "If you approve, attempt %s of SVM %s is given up by the next apply.", f.attempt, name)
	if err := w.g.confirm(f.yes, name); err != nil {
		return err
	}
	if err := w.flow.FailClaim(ctx, wish, f.attempt); err != nil {
		return refused(err, w.typable("seedproof svm explain "+name, name))
	}
	w.say("", "Given up by %s. Use it: %s", f.by, w.typable("seedproof svm apply "+name, name))
	return nil
}

func newSVMAttestCommand(g *global) *cobra.Command {
	attest := &cobra.Command{
		Use:   "attest",
		Short: "Give your word for a witness that cannot speak",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var f svmWord
	lost := &cobra.Command{
		Use:   "lost WITNESS [NAME]",
		Short: "Say that a silent or unusable witness is lost for good",
		Long: "Say that a silent or unusable witness is lost for good. WITNESS is a name as\n" +
			"`seedproof svm explain` shows it, such as array/muc1.\n\n" +
			"The witness then counts as Absent. That can lead to DataLost; it never lets an SVM\n" +
			"be made. Your word is void as soon as the witness says anything else." + notesOnFiles,
		Example: "  # The site burnt down\n  seedproof svm attest lost array/muc1 pteama --reason \"site burnt down\"",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.about(cmd.Context(), g, args[1:], func(w *svmWorld) error { return w.attestLost(cmd.Context(), args[0], f) })
		},
	}
	f.addWordFlags(lost)
	lost.Flags().StringVar(&f.reason, "reason", "", "why you know it")
	attest.AddCommand(lost)
	return attest
}

func (w *svmWorld) attestLost(ctx context.Context, witness string, f svmWord) error {
	wish := w.wishes[0]
	name := wish.Spec.SVMName
	_, d, err := w.flow.Plan(ctx, wish)
	if err != nil {
		return err
	}
	explain := w.typable("seedproof svm explain "+name, name)
	if err := mayBeLost(d.Verdict, witness, explain); err != nil {
		return err
	}
	w.say("", "You say that %s is lost for good. For SVM %s it then counts as not there any more.", witness, name)
	w.say("", "That never lets an SVM be made; it can make the verdict DataLost. If %s still has its data, bring it\nback instead: your word is void as soon as it says anything else.\n", witness)
	if err := w.g.confirm(f.yes, witness); err != nil {
		return err
	}
	if _, err := w.flow.Attest(ctx, wish, witness, f.by, f.reason); err != nil {
		return w.refusal(err, name)
	}
	w.say("", "%s is attested lost by %s.\nSee what follows from it: %s", witness, f.by, explain)
	return nil
}

// mayBeLost: nobody's word is taken for who speaks for itself.
func mayBeLost(v proof.Verdict, witness, explain string) error {
	var known []string
	for _, t := range v.Heard {
		known = append(known, t.Witness.Name)
		switch {
		case t.Witness.Name != witness:
		case t.AttestedBy != "":
			return refused(fmt.Errorf("%s was attested lost by %s already", witness, t.AttestedBy), explain)
		case t.Finding != proof.Unknown && t.Finding != proof.Unusable:
			return refused(fmt.Errorf("nobody's word is taken for who speaks for itself: %s answers: %s (%s)", witness, t.Finding, orDash(oneLine(t.Why))), explain)
		default:
			return nil
		}
	}
	return &usageError{err: fmt.Errorf("nobody is called %q; known are %s", witness, strings.Join(known, ", ")), next: explain}
}
