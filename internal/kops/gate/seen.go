package gate

import (
	"context"
	"errors"
	"slices"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/gate/cmdline"
	"github.com/seedproof/seedproof/internal/kops/gate/permit"
	"github.com/seedproof/seedproof/internal/kops/statestore"
	"github.com/seedproof/seedproof/internal/proof"
)

// seen is what one look gave.
type seen struct {
	report  kops.Report
	results []kops.Result // of the cluster
	need    permit.Need
	digest  string // of what a word is given for
	failed  error  // why there is no report; then nothing is proven
	none    bool   // there is nothing under the name of the cluster
}

// look looks at the cluster of the request. That it cannot be looked at is a
// finding, which needs the strongest word; that there is no such cluster ends
// it, since kops would say so too.
func (g *Gate) look(ctx context.Context, r Request) (seen, error) {
	report, err := g.Look(ctx, r.Command.State, r.Command.Cluster)
	if stopped := ctx.Err(); stopped != nil {
		return seen{}, stopped
	}
	var place *statestore.PlaceError
	isNone := errors.As(err, &place) && !place.Unproven
	if isNone && r.Command.Verb == cmdline.Create { // wholly listed, and nothing under its name
		return seen{need: permit.Nothing, digest: "nothing under its name", none: true}, nil
	}
	if isNone && r.Command.Applies {
		return seen{}, &Refusal{Code: 1, Why: place.Why + "; kops was not started", Next: place.Next, err: err}
	}
	if err != nil {
		return seen{failed: err, need: permit.Name, digest: "not looked at"}, nil //nolint:nilerr // it is in what was seen
	}
	s := seen{report: report, results: report.Of(r.Command.Cluster), digest: report.Digest(r.Command.Cluster)}
	found := make([]permit.Found, len(s.results))
	for i, result := range s.results {
		found[i] = foundOf(result, r.Command.Verb)
	}
	s.need = permit.OfAll(found, report.Incomplete == "")
	if report.Incomplete != "" {
		s.digest += " incomplete"
	}
	return s, nil
}

func (s seen) same(o seen) bool { return s.digest == o.digest && s.need == o.need }

func foundOf(r kops.Result, verb cmdline.Verb) permit.Found {
	newer := r.Evidence.WantNewer
	queued := slices.ContainsFunc(r.Evidence.Traces, func(t decide.Named) bool { return t.Name == "commands" && t.Finding != proof.Absent })
	return permit.Found{
		Action: r.Action, ExitCode: r.ExitCode, Backups: r.Evidence.Backups,
		Opened:    r.LastValidBackup != nil && r.LastValidBackup.State == kops.Holds,
		MayChange: newer != nil && (r.Evidence.Want == nil || *newer != *r.Evidence.Want),
		Restores:  queued && r.Action != decide.SeedNew && (verb.Restarts() || grows(r.Evidence)),
		SpecLost:  losesSpec(r, verb),
	}
}

// grows: new members make etcd-manager read what is queued, without a restart.
func grows(e decide.Evidence) bool {
	return e.Want != nil && e.SpecNow.MemberCount < e.Want.MemberCount
}

// losesSpec: the command restarts etcd-manager and writes no spec, and the one
// that there is cannot be used. What runs goes by the one in its memory.
func losesSpec(r kops.Result, verb cmdline.Verb) bool {
	return verb.Restarts() && !verb.WritesSpec() && r.Action != decide.SeedNew && r.Evidence.Spec.File != managerfiles.Usable
}

// actions are what kops would do, by etcd cluster.
func (s seen) actions() map[string]decide.Action {
	actions := map[string]decide.Action{}
	for _, r := range s.results {
		actions[r.Etcd] = r.Action
	}
	return actions
}

// worstFirst are the results, those that need most first.
func (s seen) worstFirst(verb cmdline.Verb) []kops.Result {
	sorted := slices.Clone(s.results)
	slices.SortStableFunc(sorted, func(a, b kops.Result) int {
		return int(permit.Of(foundOf(b, verb))) - int(permit.Of(foundOf(a, verb)))
	})
	return sorted
}
