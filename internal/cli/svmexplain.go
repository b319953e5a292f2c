package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func newSVMExplainCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [NAME...]",
		Short: "Explain the verdict: who said what, which rule decided, what to do",
		Long: "Explain the verdict about SVMs in plain sentences: what it means, which rule\n" +
			"decided, what each witness says, what comes next and what a person could type.\n\n" +
			"It changes nothing. The exit code is 0 whatever the verdict; `seedproof svm status`\n" +
			"has one for each." + notesOnFiles,
		Example: "  seedproof svm explain pteama -f svm.yaml --arrays arrays.yaml",
	}
	return newSVMQuestion(g, cmd, svmOptions{}, func(ctx context.Context, w *svmWorld, wish svm.Wish) (svmAnswer, error) {
		_, d, err := w.flow.Plan(ctx, wish)
		if err != nil {
			return nil, err
		}
		return svmExplanation{wish.Spec.SVMName, d.Verdict, w.explanation(wish, d)}, nil
	})
}

// svmExplanation is what explain gives as JSON, one for each SVM.
type svmExplanation struct {
	SVM     string        `json:"svm"`
	Verdict proof.Verdict `json:"verdict"`
	Lines   []string      `json:"lines"`
}

func (e svmExplanation) table(w io.Writer) {
	_, _ = fmt.Fprintf(w, "SVM %s\n", e.SVM)
	for _, l := range e.Lines {
		_, _ = fmt.Fprintln(w, oneLine(l))
	}
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
