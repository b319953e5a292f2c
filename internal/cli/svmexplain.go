package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func newSVMExplainCommand(g *global) *cobra.Command {
	var t svmTarget
	var format string
	cmd := &cobra.Command{
		Use:   "explain [NAME...]",
		Short: "Explain the verdict: who said what, which rule decided, what to do",
		Long: "Explain the verdict about SVMs in plain sentences: what it means, which rule\n" +
			"decided, what each witness says, what comes next and what a person could type.\n\n" +
			"It changes nothing. The exit code is 0 whatever the verdict; `seedproof svm status`\n" +
			"has one for each." + notesOnFiles,
		Example: "  seedproof svm explain pteama -f svm.yaml --arrays arrays.yaml",
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			w, err := t.open(g, svmOptions{names: names})
			if err != nil {
				return err
			}
			defer w.close()
			return w.explain(cmd.Context(), format)
		},
	}
	t.addFlags(cmd)
	outputFlag(cmd, &format)
	return cmd
}

// svmExplanation is what explain gives as JSON, one for each SVM.
type svmExplanation struct {
	SVM     string        `json:"svm"`
	Verdict proof.Verdict `json:"verdict"`
	Lines   []string      `json:"lines"`
}

func (w *svmWorld) explain(ctx context.Context, format string) error {
	var all []svmExplanation
	err := w.each(func(wish svm.Wish) error {
		_, d, err := w.flow.Plan(ctx, wish)
		if err != nil {
			return err
		}
		all = append(all, svmExplanation{wish.Spec.SVMName, d.Verdict, w.explanation(wish, d)})
		return nil
	})
	return errors.Join(w.g.print(format, svmList[svmExplanation]{all}, func(out io.Writer) {
		for i, e := range all {
			if i > 0 {
				_, _ = fmt.Fprintln(out)
			}
			_, _ = fmt.Fprintf(out, "SVM %s\n", e.SVM)
			for _, l := range e.Lines {
				_, _ = fmt.Fprintln(out, oneLine(l))
			}
		}
	}), err)
}

// explanation are the lines of package decide, with commands that can be typed
// as they stand.
func (w *svmWorld) explanation(wish svm.Wish, d decide.Decision) []string {
	var lines []string
	for _, l := range decide.Explain(d) {
		lines = append(lines, strings.Split(w.typable(l, wish.Spec.SVMName), "\n")...)
	}
	return lines
}
