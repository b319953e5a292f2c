package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/flow"
	"github.com/seedproof/seedproof/internal/proof"
)

// pollEvery is how often the agents are asked whether an approval was used.
const pollEvery = 500 * time.Millisecond

type approveFlags struct {
	target
	source, by string
	yes        bool
	wait       time.Duration
}

func newApproveCommand(g *global) *cobra.Command {
	approve := &cobra.Command{
		Use:   "approve",
		Short: "Approve what is never done without a person",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	approve.AddCommand(
		newApproveOperation(g, proof.Adopt, "Keep what is whole as the cluster, over what contradicts it",
			"Keep what is whole as the cluster, over what contradicts it. A record of something\n"+
				"else is set aside, not deleted; no data directory is touched but for its mark.\n"+
				"Where two things are whole, --source names the one to keep.",
			"  seedproof etcd approve adopt\n\n  # Of two that are whole, that of generation 3\n"+
				"  seedproof etcd approve adopt --source 6f1d2c3a-5b0e-4f43-9d57-0f5c3c1f8a11/3"),
		newApproveOperation(g, proof.Recreate, "Give up what is lost and begin with an empty cluster",
			"Give up what is lost and begin with a new, empty cluster of the next generation.\n"+
				"It is refused where anything is whole. Old data directories go to the trash of\n"+
				"their nodes, and backups stay where they are.",
			"  seedproof etcd approve recreate"),
	)
	return approve
}

func newApproveOperation(g *global, op proof.Operation, short, long, example string) *cobra.Command {
	var f approveFlags
	cmd := &cobra.Command{
		Use:   string(op),
		Short: short,
		Long: long + "\n\nThe approval is bound to what the witnesses say now: if that changes before it is\n" +
			"used, it is void. It is used once.",
		Example: example,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := f.ask(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			return g.approve(cmd.Context(), a, op, f)
		},
	}
	f.addFlags(cmd)
	if op == proof.Adopt {
		cmd.Flags().StringVar(&f.source, "source", "", "which of several to keep, LINEAGE/GENERATION as `explain -o json` shows it")
	}
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask for a confirmation")
	cmd.Flags().StringVar(&f.by, "by", personName(), "your name, which the cluster's record keeps")
	cmd.Flags().DurationVar(&f.wait, "wait", 30*time.Second, "how long to wait until the approval is used; 0: not at all")
	return cmd
}

func (g *global) approve(ctx context.Context, a *asked, op proof.Operation, f approveFlags) error {
	v := a.report.Verdict
	if f.by == "" {
		return usagef("--by is empty; expected your name")
	}
	action := proof.Action{Operation: op, Source: f.source}
	if op == proof.Adopt {
		source, err := chooseSource(v, f.source, a.place.again)
		if err != nil {
			return err
		}
		action.Source = source
	}
	approval := proof.Approval{Nonce: record.NewNonce(), Subject: v.Subject, Action: action, Digest: v.Digest, By: f.by}
	if err := v.Permit(action, proof.Claim{}, &approval); err != nil {
		return refused(errors.New(shorten(v, err.Error())), "seedproof etcd explain"+a.place.again)
	}
	explain(g.stdout, a.report)
	g.tellApproval(a.report, action)
	if err := g.confirm(f.yes, v.Subject); err != nil {
		return err
	}
	took, failed := a.tell(ctx, func(ctx context.Context, c *agent.Client) error { return c.GiveApproval(ctx, approval) })
	if len(took) == 0 {
		return withNext(fmt.Errorf("no agent took the approval: %w", failed[0]), "seedproof etcd explain"+a.place.again)
	}
	for _, err := range failed {
		_, _ = fmt.Fprintf(g.stderr, "Warning: %v\n", err)
	}
	_, _ = fmt.Fprintf(g.stdout, "Approved by %s; noted by %s.\n", f.by, and(took))
	return g.awaitUse(ctx, a, approval, f.wait)
}

// chooseSource is the identity to adopt: the one that was named, or the only
// one that is whole.
func chooseSource(v proof.Verdict, source, again string) (string, error) {
	var whole []string
	for _, id := range v.Whole {
		whole = append(whole, controller.SourceOf(id))
	}
	switch {
	case source == "" && len(whole) == 1:
		return whole[0], nil
	case source == "" && len(whole) > 1:
		return "", usagef("%d things are whole; say with --source which to keep: %s", len(whole), strings.Join(whole, " or "))
	case len(whole) == 0:
		return "", refused(errors.New("adopt: nothing is whole that could be adopted"), "seedproof etcd explain"+again)
	case !slices.Contains(whole, source):
		return "", usagef("--source %q is none of what is whole: %s", source, strings.Join(whole, ", "))
	}
	return source, nil
}

// tellApproval says in plain words what the approval does and what is lost.
func (g *global) tellApproval(r controller.Report, action proof.Action) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(g.stdout, format+"\n", args...) }
	v := r.Verdict
	line("")
	if action.Operation == proof.Adopt {
		line("If you approve, %s becomes the cluster %s. Its keys stay as they are.", shorten(v, action.Source), oneLine(v.Subject))
		line("What else was named here is set aside, and is no longer asked for:")
	} else {
		line("If you approve, ALL KEYS OF THE CLUSTER %s ARE GIVEN UP, and it begins again, empty.", oneLine(v.Subject))
		line("Everything that was written into it is missing afterwards. It is given up although there is still:")
	}
	said := 0
	for _, t := range v.Heard {
		kept := action.Operation == proof.Adopt && (!t.Identity.Named() || controller.SourceOf(t.Identity) == action.Source)
		if t.Finding == proof.Present && !kept {
			line("  %s: %s", oneLine(t.Witness.Name), identityCell(v, t.Identity))
			said++
		}
	}
	if said == 0 {
		line("  nothing")
	}
	if best := decide.BestSource(v); action.Operation == proof.Recreate && best != "" {
		line("The best source that is left is %s: copy it to a safe place first.", oneLine(shorten(v, best)))
	}
	for _, t := range attestedOf(v) {
		line("It leans on the word of %s that %s is lost.", oneLine(t.AttestedBy), oneLine(t.Witness.Name))
	}
	line("")
}

// awaitUse waits until the approval is used or refused, and says so.
func (g *global) awaitUse(ctx context.Context, a *asked, approval proof.Approval, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	_, _ = fmt.Fprintf(g.stdout, "Waiting up to %s until it is used …\n", wait)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	w := watch{approval: approval, since: a.report.At}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if used, err := w.look(ctx, a); err != nil {
			return err
		} else if used {
			_, _ = fmt.Fprintf(g.stdout, "It is used: the %s has begun.\nWatch it: seedproof etcd status%s\n", approval.Action.Operation, a.place.again)
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return unproven(fmt.Errorf("the approval was not used within %s; it stands as long as the witnesses say what they say now", wait),
				"seedproof etcd status"+a.place.again)
		}
	}
}

// watch follows one approval.
type watch struct {
	approval proof.Approval
	since    time.Time // by the agents' clocks, when it was given
	changed  time.Time // the first report under which it was void
}

func (w *watch) look(ctx context.Context, a *asked) (used bool, err error) {
	a.again(ctx)
	if ctx.Err() != nil || a.choose() != nil {
		return false, nil //nolint:nilerr // nobody answers just now: nothing is known
	}
	r := a.report
	if w.begun(r) {
		return true, nil
	}
	if standing, known := w.standing(ctx, a); known && !standing {
		return false, unproven(fmt.Errorf("no agent keeps the approval any more; the verdict is %s: %s", r.Verdict.State, shorten(r.Verdict, r.Verdict.Why)),
			"seedproof etcd explain"+a.place.again)
	}
	for _, e := range r.Escalations {
		if e.Flow == string(w.approval.Action.Operation) {
			return false, refused(fmt.Errorf("the %s is stuck: %s", e.Flow, oneLine(e.Why)), adviceOr(e, "seedproof etcd status"+a.place.again))
		}
	}
	return false, w.void(r, a.place.again)
}

// begun: a claim bears the approval, or the leader has acted in the flow that
// only the approval lets it begin.
func (w *watch) begun(r controller.Report) bool {
	if c := r.Claim; c != nil && c.Claim.Approval == w.approval.Nonce {
		return true
	}
	return slices.ContainsFunc(r.History, func(e controller.Event) bool {
		return !e.At.Before(w.since) && strings.HasPrefix(e.What, string(w.approval.Action.Operation)+"/")
	})
}

// standing reports whether an agent still keeps the approval; agents drop it
// once it is used or void. known is false while not everybody has answered.
func (w *watch) standing(ctx context.Context, a *asked) (standing, known bool) {
	for _, n := range a.answers {
		if n.err != nil {
			continue
		}
		t, err := n.client.Testify(ctx)
		if err != nil {
			return false, false
		}
		if slices.ContainsFunc(t.Approvals, func(o proof.Approval) bool { return o.Nonce == w.approval.Nonce }) {
			return true, true
		}
	}
	return false, true
}

// void: in two reports in a row the findings are others than those that the
// approval was given for, and nothing has begun.
func (w *watch) void(r controller.Report, again string) error {
	v := r.Verdict
	err := v.Permit(w.approval.Action, proof.Claim{}, &w.approval)
	if err == nil || v.State == proof.Intact {
		w.changed = time.Time{}
		return nil
	}
	if w.changed.IsZero() {
		w.changed = r.At
	}
	if r.At.Equal(w.changed) {
		return nil
	}
	return refused(fmt.Errorf("the approval is not used: %s", shorten(v, err.Error())), "seedproof etcd explain"+again)
}

func adviceOr(e flow.Escalation, next string) string {
	if e.Advice != "" {
		return e.Advice
	}
	return next
}
