package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/permit"
)

// PlanRequest is a plan that was judged, and is not safe to apply without a
// person's word. The first apply of a new cluster is such a plan: kops writes
// keysets while it makes the plan, and nothing in the store tells them from
// those of a cluster that lost everything else.
type PlanRequest struct {
	Report PlanReport
	// Path is the plan's file, and Content what is in it.
	Path    string
	Content []byte
	// SkipVerify: no backup was opened.
	SkipVerify bool
	// Own are our own flags that the check goes by, for commands to type.
	Own []string
}

// bound is what a word for applying the plan is bound to: the very plan, and
// what was found of all that it changes. It says why there can be no word.
func (r PlanRequest) bound() (Bound, error) {
	b := Bound{SkipVerify: r.SkipVerify, Actions: map[string]decide.Action{}}
	type change struct{ Address, Change, Object, Digest string }
	var changes []change
	for _, c := range r.Report.Changes {
		switch {
		case c.Result == nil:
			return Bound{}, fmt.Errorf("it is not known what %s is about: %s", c.Address, c.Sentence)
		case b.Cluster != "" && (b.Cluster != c.Cluster || b.State != c.state):
			return Bound{}, fmt.Errorf("the plan changes two clusters, %s and %s, and a word is given for one; plan them each by itself (terraform plan -target)", b.Cluster, c.Cluster)
		}
		b.State, b.Cluster, b.Actions[c.Etcd] = c.state, c.Cluster, c.Action
		changes = append(changes, change{c.Address, c.Change, c.Object, c.Result.Digest})
	}
	evidence, err := json.Marshal(changes)
	if err != nil {
		return Bound{}, fmt.Errorf("encode what was found: %w", err)
	}
	b.Arguments = slices.Concat(applyPlan, []string{sumOf(r.Content)})
	b.Evidence = sumOf(evidence)
	return b, nil
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// planCommand is plan-check with one more flag, to type.
func (r PlanRequest) planCommand(flag, file string) string {
	return Words(slices.Concat([]string{"seedproof", "kops", "plan-check"}, r.Own, []string{flag, file, r.Path}))
}

// ApprovePlan asks for the word that applying the plan needs, and writes it
// into a file. What was found is told before.
func (g *Gate) ApprovePlan(ctx context.Context, r PlanRequest, by, out string) error {
	if r.Report.ExitCode == decide.Safe {
		g.say("seedproof: the plan is safe to apply. Nothing has to be approved, and %s is not written.", out)
		return nil
	}
	b, err := r.bound()
	switch {
	case err != nil:
		return &Refusal{Code: decide.UnprovenOutcome, Why: "there is nothing to approve: " + err.Error(), err: err}
	case g.Person == nil:
		return refuse("", "an approval is given by a person, and there is no terminal to ask on")
	}
	if err := g.askToApprove(ctx, b.Cluster, permit.Name); err != nil {
		return err
	}
	a := newApproval(b, by, g.now())
	if err := atomicfile.Write(out, a.encode(), 0o600); err != nil {
		return fmt.Errorf("write the approval: %w", err)
	}
	g.say("Approved by %s, until %s, once, for this very plan and what was found now:", by, a.Expires.Format(minute))
	g.say("  %s", r.planCommand("--approval", out))
	return nil
}

// AllowPlan uses an approval up for applying the plan, and gives who approved
// it. A plan that is safe needs none, and leaves it unused.
func (g *Gate) AllowPlan(ctx context.Context, r PlanRequest, path string) (by string, err error) {
	if r.Report.ExitCode == decide.Safe {
		g.say("The approval is not needed, and is not used up.")
		return "", nil
	}
	b, err := r.bound()
	if err != nil {
		return "", &Refusal{Code: decide.UnprovenOutcome, Why: "no approval can be for this plan: " + err.Error(), err: err}
	}
	a, err := g.readApproval(path, b)
	if err != nil {
		return "", &Refusal{Code: decide.Refused, Why: "the approval is void: " + err.Error(), Next: r.planCommand("--approve", "approval.json"), err: err}
	}
	note, err := g.Used.Consume(ctx, a, g.now())
	switch {
	case errors.Is(err, ErrUsed):
		return "", &Refusal{Code: decide.Refused, Why: err.Error(), Next: r.planCommand("--approve", "approval.json"), err: err}
	case err != nil:
		return "", fmt.Errorf("do not apply this plan: %w", err)
	}
	g.say("Approved by %s on %s. %s", a.By, a.At.Format(minute), note)
	return a.By, nil
}
