package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

func newAttestCommand(g *global) *cobra.Command {
	attest := &cobra.Command{
		Use:   "attest",
		Short: "Give your word for a witness that cannot speak",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	attest.AddCommand(newAttestLostCommand(g))
	return attest
}

func newAttestLostCommand(g *global) *cobra.Command {
	var t target
	var yes bool
	var by, reason string
	cmd := &cobra.Command{
		Use:   "lost WITNESS",
		Short: "Say that a silent or unusable witness is lost for good",
		Long: "Say that a silent or unusable witness is lost for good. WITNESS is the name of a\n" +
			"member (its data and its agent's memory), or record, control-store, backup-store.\n\n" +
			"The witness then counts as Absent. That can lead to DataLost, and it lets a lost\n" +
			"member be replaced; it never lets a cluster be created. Your word is void as soon\n" +
			"as the witness says anything else.",
		Example: "  # The host of member c burnt down\n  seedproof etcd attest lost c --reason \"host burnt down\"\n\n" +
			"  # In a script\n  seedproof etcd attest lost record --yes",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := t.ask(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			return g.attestLost(cmd.Context(), a, args[0], proof.Attestation{By: by, Reason: reason}, yes)
		},
	}
	t.addFlags(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for a confirmation")
	cmd.Flags().StringVar(&by, "by", personName(), "your name, which every explanation will show")
	cmd.Flags().StringVar(&reason, "reason", "", "why you know it")
	return cmd
}

func (g *global) attestLost(ctx context.Context, a *asked, name string, word proof.Attestation, yes bool) error {
	if word.By == "" {
		return usagef("--by is empty; expected your name")
	}
	v := a.report.Verdict
	heard := witnessesNamed(v, name)
	if len(heard) == 0 {
		return &usageError{err: fmt.Errorf("nobody is called %q; known are %s", name, strings.Join(attestable(v), ", ")), next: "seedproof etcd explain" + a.place.again}
	}
	words, already := attestations(a.report.Generation, heard, word)
	if len(words) == 0 && already != "" {
		_, _ = fmt.Fprintf(g.stdout, "%s was attested lost by %s already.\n", name, already)
		return nil
	}
	if len(words) == 0 {
		return refused(fmt.Errorf("nobody's word is taken for who speaks for itself: %s", answersOf(v, heard)), "seedproof etcd explain"+a.place.again)
	}
	g.tellAttestation(v, name, heard, words)
	if err := g.confirm(yes, name); err != nil {
		return err
	}
	return g.giveWords(ctx, a, name, words)
}

// witnessesNamed are the testimonies that a name on the command line covers.
func witnessesNamed(v proof.Verdict, name string) []proof.Testimony {
	if name == "control-store" {
		name = decide.AttestName(proof.Witness{Kind: proof.Record})
	}
	return slices.DeleteFunc(slices.Clone(v.Heard), func(t proof.Testimony) bool {
		unmet := strings.Contains(t.Witness.Name, "(") // counted by the spec, and never met
		return unmet || decide.AttestName(t.Witness) != name && t.Witness.Name != name
	})
}

// attestable are the names that witnessesNamed knows.
func attestable(v proof.Verdict) []string {
	var names []string
	for _, t := range v.Heard {
		if name := decide.AttestName(t.Witness); !strings.Contains(name, "(") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// attestations are the words for those who are silent or unusable. already
// names who spoke for one of them before.
func attestations(generation uint64, heard []proof.Testimony, word proof.Attestation) (words []proof.Attestation, already string) {
	for _, t := range heard {
		if t.AttestedBy != "" {
			already = t.AttestedBy
			continue
		}
		w := word
		w.Witness, w.Finding, w.Generation, w.At = t.Witness.Name, t.Finding, generation, time.Now().UTC()
		if w.AppliesTo(t, w.Generation) {
			words = append(words, w)
		}
	}
	return words, already
}

func answersOf(v proof.Verdict, heard []proof.Testimony) string {
	var said []string
	for _, t := range heard {
		said = append(said, oneLine(fmt.Sprintf("%s answers: %s (%s)", t.Witness.Name, t.Finding, orDash(shorten(v, t.Why)))))
	}
	return strings.Join(said, "; ")
}

func (g *global) tellAttestation(v proof.Verdict, name string, heard []proof.Testimony, words []proof.Attestation) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(g.stdout, format+"\n", args...) }
	line("You say that %s is lost for good. That speaks for", name)
	for _, t := range heard {
		if slices.ContainsFunc(words, func(w proof.Attestation) bool { return w.Witness == t.Witness.Name }) {
			line("  %s, which is %s: %s", oneLine(t.Witness.Name), t.Finding, orDash(oneLine(shorten(v, t.Why))))
		}
	}
	line("It then counts as not there any more. That never lets a cluster be created; it can make the verdict")
	line("DataLost, and a member that is lost is removed and joins anew on an empty disk.")
	line("If %s still has its data, bring it back instead: your word is void as soon as it says anything else.", name)
	line("")
}

func (g *global) giveWords(ctx context.Context, a *asked, name string, words []proof.Attestation) error {
	took, failed := a.tell(ctx, func(ctx context.Context, c *agent.Client) error {
		for _, w := range words {
			if err := c.GiveAttestation(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if len(took) == 0 {
		return withNext(fmt.Errorf("no agent took your word: %w", failed[0]), "seedproof etcd explain"+a.place.again)
	}
	for _, err := range failed {
		_, _ = fmt.Fprintf(g.stderr, "Warning: %v\n", err)
	}
	_, _ = fmt.Fprintf(g.stdout, "%s is attested lost by %s; noted by %s.\nSee what follows from it: seedproof etcd explain%s\n", name, words[0].By, and(took), a.place.again)
	return nil
}
