package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

func newExplainCommand(g *global) *cobra.Command {
	var t target
	var format string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Explain the verdict: who said what, which rule fired, what to do",
		Long: "Explain the verdict: what it means, which rule fired, what each witness says,\n" +
			"who is silent, what goes on by itself and what a person could do.\n\n" +
			"It changes nothing. The exit code is 0 whatever the verdict; `seedproof etcd status`\n" +
			"has one for each. Lineages are cut to eight characters; -o json has them whole.",
		Example: "  seedproof etcd explain\n\n  # with all identities in full\n  seedproof etcd explain -o yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			a, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			value := explanation{a.report.Verdict, a.report.Verdict.RuleText(), a.report.Advice}
			return g.print(format, value, func(w io.Writer) { explain(w, a.report) })
		},
	}
	t.addFlags(cmd)
	outputFlag(cmd, &format)
	return cmd
}

// explanation is what explain gives as JSON.
type explanation struct {
	proof.Verdict
	RuleText string   `json:"ruleText"`
	Advice   []string `json:"advice,omitempty"`
}

// explain writes the whole explanation, to be read top down by somebody who
// has just been woken.
func explain(w io.Writer, r controller.Report) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	v := r.Verdict
	urgent(line, r)
	line("Cluster %s: %s", oneLine(r.Cluster), v.State)
	line("")
	line("%s", sentence(v))
	line("Why:   %s.", oneLine(shorten(v, v.Why)))
	line("Rule:  %s.", ruleLine(v))
	line("Found: %s.", foundLine(v))
	line("")
	heading(line, "What each witness says", r)
	witnesses(w, v)
	line("")
	if silent := silentLines(v); len(silent) > 0 {
		line("Silent, which is never taken for \"not there\":")
		for _, s := range silent {
			line("  %s", s)
		}
		line("")
	}
	line("What runs, and is not touched:")
	for _, s := range running(r) {
		line("  %s", s)
	}
	line("")
	line("What happens by itself:")
	for _, s := range byItself(r) {
		line("  %s", s)
	}
	line("")
	whatToDo(line, r)
}

func heading(line func(string, ...any), text string, r controller.Report) {
	if at := r.At; !at.IsZero() {
		text += " (asked by " + oneLine(r.Agent) + " on " + at.UTC().Format("2006-01-02 at 15:04:05 UTC") + ")"
	}
	line("%s:", text)
}

// sentence is the verdict for somebody who does not know the word.
func sentence(v proof.Verdict) string {
	switch v.State {
	case proof.Intact:
		if len(v.Missing) > 0 {
			return "The cluster is there, and its record names it. It goes on without who is silent: " + and(silentNames(v)) + "."
		}
		if gone := decide.UnusableMembers(v); len(gone) > 0 {
			return "The cluster is there, and its record names it. It goes on without the data of " + oneLine(and(gone)) + "."
		}
		return "The cluster is there, and its record names it. All is well."
	case proof.NeverExisted:
		return "Everybody was asked, and there never was such a cluster. It may be created."
	case proof.RecordLost:
		return "The cluster is there and whole; only its record is gone. The record is written again."
	case proof.DataLost:
		return "There was a cluster, and what is left of its data is not enough to go on. No new one is made in its place unless a person approves it."
	case proof.Conflicting:
		if v.Rule == 2 {
			return "A whole cluster was found, and it is not proven to be this one. Nothing is changed until a person decides."
		}
		return "What was found cannot all be true of one cluster. Nothing is changed until a person decides."
	}
	switch {
	case len(v.Missing) == 0:
		return "It is not proven that there never was a cluster. Nothing is changed."
	case len(v.Whole) > 0:
		return "A whole cluster is there and goes on; it is not proven to be the right one, because not everybody has answered. Nothing is changed until they do."
	}
	return "It is not proven what there is, because not everybody has answered. Nothing is changed until they do."
}

// silentNames are the silent as `attest lost` names them.
func silentNames(v proof.Verdict) []string {
	var names []string
	for _, w := range v.Missing {
		if name := decide.AttestName(w); !slices.Contains(names, oneLine(name)) {
			names = append(names, oneLine(name))
		}
	}
	return names
}

func ruleLine(v proof.Verdict) string {
	_, text, _ := strings.Cut(v.RuleText(), ": ")
	return fmt.Sprintf("%s (rule %d)", text, v.Rule)
}

func foundLine(v proof.Verdict) string {
	var names []string
	for _, id := range v.Whole {
		names = append(names, identityCell(v, id))
	}
	switch {
	case len(names) == 1:
		return names[0] + " is whole: enough of its members hold it to serve"
	case len(names) > 1:
		return and(names) + " are whole: of each enough members hold it to serve"
	case v.Identity.Named():
		return "nothing whole; what is named is " + identityCell(v, v.Identity)
	}
	return "nothing whole"
}

func witnesses(w io.Writer, v proof.Verdict) {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  WITNESS\tKIND\tFINDING\tIDENTITY\tATTESTED BY\tWHEN\tWHY")
	for _, t := range v.Heard {
		identity := "-"
		if t.Finding == proof.Present {
			identity = identityCell(v, t.Identity)
		}
		when := "-"
		if !t.At.IsZero() {
			when = t.At.UTC().Format(time.TimeOnly)
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(t.Witness.Name), t.Witness.Kind, t.Finding, oneLine(identity),
			orDash(oneLine(t.AttestedBy)), when, orDash(oneLine(shorten(v, t.Why))))
	}
	_ = table.Flush()
}

// identityCell is an identity cut to what tells it from the others here: the
// birth is shown only where two differ by it alone.
func identityCell(v proof.Verdict, id proof.Identity) string {
	if !id.Named() {
		return "without a name"
	}
	text := fmt.Sprintf("%s/%d", shortLineage(id.Lineage), id.Generation)
	for _, t := range v.Heard {
		o := t.Identity
		if t.Finding == proof.Present && o.Lineage == id.Lineage && o.Generation == id.Generation && o.Birth != id.Birth {
			return text + " born " + shortLineage(id.Birth)
		}
	}
	return text
}

// shorten cuts the lineages in a text as the table does.
func shorten(v proof.Verdict, text string) string {
	for _, t := range v.Heard {
		if lineage := t.Identity.Lineage; lineage != "" {
			text = strings.ReplaceAll(text, lineage, shortLineage(lineage))
		}
	}
	return text
}

func silentLines(v proof.Verdict) []string {
	var lines []string
	for _, t := range v.Heard {
		if t.Silent() {
			lines = append(lines, oneLine(fmt.Sprintf("%s: %s", t.Witness.Name, orDash(shorten(v, t.Why)))))
		}
	}
	return lines
}

func running(r controller.Report) []string {
	var serve, alone []string
	for _, m := range r.Members {
		switch {
		case m.Serves:
			serve = append(serve, oneLine(m.Name))
		case m.Live:
			alone = append(alone, oneLine(m.Name))
		}
	}
	var lines []string
	if len(serve) > 0 {
		lines = append(lines, fmt.Sprintf("etcd of %s serves; it is left running.", and(serve)))
	}
	if len(alone) > 0 {
		lines = append(lines, fmt.Sprintf("etcd of %s runs and finds no quorum; it is left running.", and(alone)))
	}
	if len(lines) == 0 {
		lines = append(lines, "No etcd was seen running.")
	}
	return lines
}

func byItself(r controller.Report) []string {
	if c := r.Claim; c != nil && c.Finding == proof.Present && c.Claim.State == decide.ClaimOpen && r.Verdict.State != proof.Conflicting {
		return []string{fmt.Sprintf("A cluster is being made under claim %s, and this goes on as its members answer.", shortLineage(oneLine(c.Claim.Attempt)))}
	}
	const on = "Whole members are started again when they stop, and backups go on."
	switch r.Verdict.State {
	case proof.Intact:
		return []string{on + " Who is silent is taken in again when it comes back.", "A changed spec is followed. Nothing is created or restored."}
	case proof.NeverExisted:
		return []string{"The cluster is created, once, as soon as one agent leads and has won the claim."}
	case proof.RecordLost:
		return []string{"The record is written again, within two intervals. Nothing else is changed before that.", on}
	}
	return []string{
		"Nothing is created, restored or removed.",
		"What serves goes on serving. Whole members are started, and backups go on where a cluster serves.",
		"Everybody is asked again at every interval; the verdict follows what they say.",
	}
}

// whatToDo are the advice lines, commands on lines of their own.
func whatToDo(line func(string, ...any), r controller.Report) {
	v := r.Verdict
	if len(r.Advice) == 0 {
		line("What you can do: nothing needs to be done.")
		return
	}
	line("What you can do:")
	for _, advice := range r.Advice {
		text, command, found := strings.Cut(advice, ": seedproof ")
		line("  - %s", oneLine(shorten(v, text)))
		if found {
			line("      seedproof %s", oneLine(command))
		}
	}
}

// attestedOf are the witnesses for whom a person spoke.
func attestedOf(v proof.Verdict) []proof.Testimony {
	return slices.DeleteFunc(slices.Clone(v.Heard), func(t proof.Testimony) bool { return t.AttestedBy == "" })
}
