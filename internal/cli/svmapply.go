package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

type svmApplyFlags struct {
	svmChange
	adopt, by string
	yes       bool
}

func newSVMApplyCommand(g *global) *cobra.Command {
	var f svmApplyFlags
	cmd := &cobra.Command{
		Use:   "apply [NAME...]",
		Short: "Make SVMs as they are wanted, and go on until nothing is left to do",
		Long: "Make SVMs as they are wanted, and go on until nothing is left to do, or a person\n" +
			"is needed, or the time is over. It may be ended and typed again at any time.\n\n" +
			"An SVM without our mark and without a record is not touched, unless --adopt names\n" +
			"its UUID: that is an approval given beforehand, for this SVM alone.\n\n" +
			"Exit codes:\n" +
			"  0  everything is as wanted\n" +
			"  1  a step failed until the time was over, or an array does not take the password\n" +
			"  2  the files cannot be as they are\n" +
			"  3  a person is needed; whatever does not depend on it was done\n" +
			"  4  it waits for somebody who is silent" + notesOnFiles,
		Example: "  seedproof svm apply -f svm.yaml --arrays arrays.yaml\n\n" +
			"  # Once round, as a controller would\n  seedproof svm apply -f svm.yaml --arrays arrays.yaml --wait 0",
		RunE: func(cmd *cobra.Command, names []string) error {
			o := svmOptions{names: names, single: f.adopt != "", greet: true}
			return f.with(cmd.Context(), g, o, func(w *svmWorld) error { return w.apply(cmd.Context(), f) })
		},
	}
	f.addFlags(cmd)
	cmd.Flags().StringVar(&f.adopt, "adopt", "", "UUID of an SVM that is to be taken for this one")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask for a confirmation of --adopt")
	cmd.Flags().StringVar(&f.by, "by", personName(), "your name, which goes with --adopt")
	return cmd
}

func (w *svmWorld) apply(ctx context.Context, f svmApplyFlags) error {
	if f.adopt != "" {
		if err := w.adopt(ctx, w.wishes[0], f); err != nil {
			return err
		}
	}
	return w.bring(ctx, f.format, func(wish svm.Wish) error {
		_, err := w.drive(ctx, wish, f.wait, nil)
		return err
	})
}

// bring does something for every SVM that is meant, and shows how they stand
// then.
func (w *svmWorld) bring(ctx context.Context, format string, do func(svm.Wish) error) error {
	return w.answer(format, func(wish svm.Wish) (svmAnswer, error) {
		done := do(wish)
		if ctx.Err() != nil {
			return nil, done // somebody ended it
		}
		s, err := w.statusOf(ctx, wish)
		if err != nil {
			return nil, errors.Join(done, err)
		}
		return s, done
	})
}

// adopt approves that an SVM is taken for this one.
func (w *svmWorld) adopt(ctx context.Context, wish svm.Wish, f svmApplyFlags) error {
	if f.by == "" {
		return usagef("--by is empty; expected your name")
	}
	_, d, err := w.flow.Plan(ctx, wish)
	if err != nil {
		return err
	}
	if d.Verdict.State == proof.Intact && d.UUID == f.adopt {
		return nil // it is this one already
	}
	name := wish.Spec.SVMName
	if err := shown(d.Verdict, f.adopt); err != nil {
		return &usageError{err: err, next: w.typable("seedproof svm explain "+name, name)}
	}
	w.say(f.format, "If you approve, the SVM with the UUID %s becomes SVM %s of %s: it gets our mark, our interfaces and our accounts.", f.adopt, name, wish.Owner())
	w.say(f.format, "Nothing that is on it is taken away.")
	if err := w.g.confirm(f.yes, f.adopt); err != nil {
		return err
	}
	_, err = w.flow.Approve(ctx, wish, proof.Action{Operation: proof.Adopt, Source: f.adopt}, f.by)
	return w.refusal(err, name)
}

// shown: an array shows an SVM of that UUID.
func shown(v proof.Verdict, uuid string) error {
	var there []string
	for _, t := range v.Heard {
		_, seen, found := strings.Cut(t.Witness.Name, "/svm/")
		if found && seen == uuid {
			return nil
		}
		if found {
			there = append(there, seen)
		}
	}
	return fmt.Errorf("--adopt %s: no array shows an SVM of that UUID that could be meant; shown are: %s", uuid, orElse(strings.Join(there, ", "), "none"))
}

// refusal gives an error of the flow the exit code of its class.
func (w *svmWorld) refusal(err error, name string) error {
	switch {
	case err == nil:
		return nil
	case flow.ClassOf(err) == flow.NeedsPerson:
		return refused(err, w.typable(flow.AdviceOf(err), name))
	}
	return withNext(err, w.typable("seedproof svm status "+name, name))
}

// say is for people; where the answer is for programs it goes to standard error.
func (w *svmWorld) say(format, text string, args ...any) {
	out := w.g.stdout
	if format != formatTable && format != "" {
		out = w.g.stderr
	}
	_, _ = fmt.Fprintf(out, text+"\n", args...)
}

// drive reconciles one SVM until it is at rest, and reached, where that is
// given, says so.
func (w *svmWorld) drive(ctx context.Context, wish svm.Wish, wait time.Duration, reached func(svm.Result) error) (svm.Result, error) {
	end := time.Now().Add(wait)
	again := wait > 0
	for {
		res := w.flow.Reconcile(ctx, wish)
		if err := errors.Join(ctx.Err(), res.LookErr, res.Err); err != nil {
			return res, err
		}
		left := w.left(res, wish.Spec.SVMName)
		if left == nil && res.AtRest {
			if reached == nil {
				return res, nil
			}
			if left = reached(res); left == nil {
				return res, nil
			}
		}
		final := left != nil && exitCode(left) == exitRefused && !res.Acted
		if final && again && res.Decision.Action != decide.Stop {
			// What was refused may have been overtaken by what the array did by itself.
			again = false
			w.flow.RetryNow(wish.Spec.SVMName)
			continue
		}
		if now := time.Now(); final || !now.Before(end) {
			return res, left
		}
		pause := min(max(time.Until(res.Again), minPause), maxPause, time.Until(end))
		if res.Acted {
			pause = min(pause, minPause) // what was done may have opened the way
		}
		if err := (flow.RealClock{}).Sleep(ctx, pause); err != nil {
			return res, errors.Join(err, left)
		}
	}
}

// Between two looks at an SVM.
const (
	minPause = 200 * time.Millisecond
	maxPause = 10 * time.Second
)

// left is why an SVM is not as wanted; nil where nothing stands in the way.
func (w *svmWorld) left(res svm.Result, name string) error {
	d := res.Decision
	explain := w.typable("seedproof svm explain "+name, name)
	if d.Action == decide.Stop {
		return refused(fmt.Errorf("SVM %s: %s: %s", name, d.Verdict.State, oneLine(d.Why)), w.typable(d.Command, name))
	}
	// A step that failed rests afterwards: what it met is an escalation, where it
	// is for a person, else the newest failure in the progress.
	for _, e := range w.flow.Escalations() {
		if e.Subject == name && e.Class != flow.Transient {
			why := strings.ReplaceAll(e.Why, " (type: "+e.Advice+")", "")
			return refused(fmt.Errorf("SVM %s: step %s: %s", name, e.Step, oneLine(why)), orElse(w.typable(e.Advice, name), explain))
		}
	}
	var failed, waits error
	for _, s := range res.Steps {
		switch {
		case s.State == flow.StepFailed && failed == nil, s.State == flow.StepWaiting && !s.NextTry.IsZero() && failed == nil:
			failed = withNext(fmt.Errorf("SVM %s: step %s: %s", name, s.Name, oneLine(plainWhy(s.Why, s.Err))), explain)
		case s.State == flow.StepBlocked && waits == nil:
			waits = unproven(fmt.Errorf("SVM %s: step %s %s", name, s.Name, oneLine(s.Why)), explain)
		}
	}
	if d.Action == decide.Wait {
		return unproven(fmt.Errorf("SVM %s waits for %s: %s", name, oneLine(d.WaitFor), oneLine(d.Why)), explain)
	}
	if failed != nil {
		return failed
	}
	if waits == nil && !res.AtRest {
		waits = unproven(fmt.Errorf("SVM %s: there is more to do", name), w.typable("seedproof svm apply "+name, name))
	}
	return waits
}

// svmProgress tells what is done, as it is done.
type svmProgress struct{ out io.Writer }

func (g *global) svmProgress(format string) flow.Observer {
	if format == formatTable {
		return svmProgress{g.stdout}
	}
	return svmProgress{g.stderr}
}

func (p svmProgress) tell(state, step, why string) {
	_, _ = fmt.Fprintf(p.out, "%-8s %-36s %s\n", state, oneLine(step), strings.TrimPrefix(oneLine(why), "Next: "))
}

// StepActed tells a step that was done.
func (p svmProgress) StepActed(_ context.Context, e flow.Event) { p.tell("done", e.Step, e.Why) }

// StepFailed tells a step that failed, the first time and then now and again.
func (p svmProgress) StepFailed(_ context.Context, e flow.Event) {
	if e.Attempts == 1 || e.Attempts%10 == 0 {
		p.tell("failed", e.Step, plainWhy(e.Why, e.Err))
	}
}

// Escalated tells nothing: the command ends with it, or shows it in the end.
func (svmProgress) Escalated(context.Context, flow.Escalation) {}

// Recovered tells that a step which failed before was done.
func (p svmProgress) Recovered(_ context.Context, e flow.Escalation) {
	p.tell("healed", e.Step, fmt.Sprintf("after %d tries", e.Attempts))
}

// PassEnded tells nothing.
func (svmProgress) PassEnded(context.Context, flow.Result) {}

// plainWhy is a reason without the command to type, which is shown by itself,
// with the flags that it needs.
func plainWhy(why string, err error) string {
	advice := flow.AdviceOf(err)
	if advice == "" {
		return why
	}
	return strings.ReplaceAll(why, " (type: "+advice+")", "")
}

// splitLines are the lines of a text that have something in them.
func splitLines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
