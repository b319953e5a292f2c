package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/check"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// svmPlan is what plan gives as JSON, one for each SVM.
type svmPlan struct {
	SVM         string            `json:"svm"`
	Problems    []string          `json:"problems,omitempty"` // in what is wanted
	Escalations []svmEscalation   `json:"escalations,omitempty"`
	Verdict     proof.Verdict     `json:"verdict"`
	Array       string            `json:"array,omitempty"` // where it is, or would be made
	Action      decide.NextAction `json:"action"`
	Why         string            `json:"why,omitempty"`
	WaitFor     string            `json:"waitFor,omitempty"`
	Steps       []svmStep         `json:"steps"`
	Unknown     []string          `json:"unknown,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
	Notes       []string          `json:"notes,omitempty"`
	Paths       []spec.Path       `json:"paths"`

	acts    bool   // a step would act
	blocked string // the first step that waits, and for what
}

func newSVMPlanCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [NAME...]",
		Short: "Show what apply would do, and why; change nothing",
		Long: "Show what apply would do, why, what cannot be known yet, and the network paths\n" +
			"that the checks need. What the array cannot have is told here: unknown names,\n" +
			"addresses in use, missing licences. Nothing is changed, here or there.\n\n" +
			"Exit codes:\n" +
			"  0  apply may go on, or nothing is left to do\n" +
			"  1  an array does not take the password, or is not who it should be\n" +
			"  2  the files cannot be as they are\n" +
			"  3  a person is needed, or the array cannot have what is wanted\n" +
			"  4  somebody who was to be asked is silent, and nothing is made before" + notesOnFiles,
		Example: "  seedproof svm plan -f svm.yaml --arrays arrays.yaml",
	}
	return newSVMQuestion(g, cmd, svmOptions{greet: true}, func(ctx context.Context, w *svmWorld, wish svm.Wish) (svmAnswer, error) {
		p, err := w.planOf(ctx, wish)
		if err != nil {
			return nil, err
		}
		return p, p.err(w.typable("seedproof svm explain "+p.SVM, p.SVM))
	})
}

func (w *svmWorld) planOf(ctx context.Context, wish svm.Wish) (svmPlan, error) {
	report, d, err := w.flow.Plan(ctx, wish)
	if err == nil {
		err = report.Err
	}
	if err != nil {
		return svmPlan{}, err
	}
	name := wish.Spec.SVMName
	p := svmPlan{
		SVM: name, Verdict: d.Verdict, Array: d.Array, Action: d.Action, Why: d.Why, WaitFor: d.WaitFor,
		Notes: d.Notes, Warnings: wish.Warnings(), Paths: wish.Paths(w.config),
	}
	p.Steps, p.Escalations = w.stepsOf(report, name)
	for i, step := range report.Steps {
		switch step.State {
		case flow.PlanAct:
			p.acts = true
		case flow.PlanBlocked:
			p.blocked = orElse(p.blocked, step.Name+": "+step.Why)
		case flow.PlanUnknown:
			p.Steps[i].Next = intended(wish, step.Name)
		}
	}
	asked := check.Planned(ctx, w.arrays, w.config, wish.StorageVM, d)
	p.Problems, p.Array = asked.Problems, asked.Array
	for _, m := range d.Verdict.Missing {
		p.Unknown = append(p.Unknown, m.Name+" is silent: "+whyOf(d.Verdict, m))
	}
	p.Unknown = append(p.Unknown, asked.Unknown...)
	return p, ctx.Err()
}

// intended is what a step is for that cannot be looked at yet: whether there is
// anything to do is not known.
func intended(wish svm.Wish, step string) string {
	kind, object, _ := strings.Cut(step, "/")
	switch {
	case step == "create":
		return "an SVM " + wish.Spec.SVMName
	case kind == string(decide.StepManagement):
		return addressOf(wish.Spec.ManagementLIF)
	case kind == string(decide.StepCredentials) && !strings.Contains(object, "/"):
		for _, c := range wish.Spec.Credentials {
			if c.Shoot == object {
				return fmt.Sprintf("account %s, Secret %s/%s", c.Users()[0], c.SecretNamespace, c.SecretName)
			}
		}
	}
	for _, lif := range wish.Spec.DataLIFs {
		if kind == string(decide.StepInterface) && lif.Name == object {
			return addressOf(lif)
		}
	}
	return ""
}

// addressOf is where an interface is to be.
func addressOf(lif spec.Interface) string {
	if lif.Subnet != "" {
		return "an address of subnet " + lif.Subnet
	}
	return lif.Prefix().String()
}

// whyOf is why a witness is silent.
func whyOf(v proof.Verdict, w proof.Witness) string {
	for _, t := range v.Heard {
		if t.Witness == w {
			return orDash(t.Why)
		}
	}
	return "-"
}

// err is the exit code of a plan.
func (p svmPlan) err(explain string) error {
	if n := len(p.Problems); n > 0 {
		return refused(fmt.Errorf("array %s cannot have what is wanted of SVM %s: %d problem(s), shown above", p.Array, p.SVM, n), "the same command, once they are mended")
	}
	if len(p.Escalations) > 0 {
		return p.Escalations[0].err(p.SVM, explain)
	}
	switch {
	case p.Action == decide.Wait && len(p.Verdict.Missing) > 0:
		return unproven(fmt.Errorf("SVM %s: it waits for %s: %s", p.SVM, oneLine(p.WaitFor), oneLine(p.Why)), explain)
	case !p.acts && p.blocked != "":
		return unproven(fmt.Errorf("SVM %s: %s", p.SVM, oneLine(p.blocked)), explain)
	}
	return nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (p svmPlan) table(w io.Writer) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	for _, problem := range p.Problems {
		line("! %s", oneLine(problem))
	}
	escalated(line, p.Escalations)
	line("SVM %s: %s. %s", onArray(p.SVM, p.Array), p.Verdict.State, svmSentence(p.Verdict.State))
	line("")
	line("STEP\tSTATE\tWHAT\tWHY")
	for _, s := range p.Steps {
		if hidden(s) {
			continue
		}
		line("%s\t%s\t%s\t%s", oneLine(s.Name), s.State, orDash(oneLine(s.Next)), orDash(oneLine(s.Why)))
	}
	section := func(title string, texts []string) {
		if len(texts) == 0 {
			return
		}
		line("")
		line("%s:", title)
		for _, t := range texts {
			line("  %s", oneLine(t))
		}
	}
	section("Not known", p.Unknown)
	section("Warnings", p.Warnings)
	section("Notes", p.Notes)
	var needed, others []string
	for _, path := range p.Paths {
		if path.Needed {
			needed = append(needed, path.String())
		} else {
			others = append(others, path.String())
		}
	}
	section("Network paths that the checks need", needed)
	section("Network paths that its users need", others)
}

// typeLines shows a command, which may be one of several.
func typeLines(line func(string, ...any), command string) {
	for _, c := range splitLines(command) {
		line("    type: %s", oneLine(c))
	}
}
