package watch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// silence names what of one etcd cluster did not answer; empty: all that
// matters did.
func silence(r kops.Result) []string {
	var silent []string
	note := func(name, why string) {
		if why != "" {
			name += " (" + why + ")"
		}
		silent = append(silent, name)
	}
	e := r.Evidence
	if e.Config.Finding == proof.Unknown {
		note("config", e.Config.Why)
	}
	if e.Marker.File == managerfiles.Unreadable {
		note("marker", e.Marker.Why)
	}
	if e.Spec.File == managerfiles.Unreadable {
		note("spec", e.Spec.Why)
	}
	for _, n := range slices.Concat(e.Leavings, e.Traces) {
		if n.Finding == proof.Unknown {
			note(n.Name, n.Why)
		}
	}
	if len(silent) == 0 && backupsSilent(r) {
		note("backups", "")
	}
	return silent
}

// backupsSilent: they could not be listed, or not all of them. A part of them
// may have been.
func backupsSilent(r kops.Result) bool {
	return r.Evidence.Backups == decide.BackupsUnknown && r.NewestBackup == nil
}

// badness orders what can stand. Silence may raise it, and never lowers it.
func badness(r kops.Result) int {
	switch {
	case r.Action == decide.SeedImminent:
		return 4
	case r.Action == decide.SeedOverExisting:
		return 3
	case r.ExitCode == decide.Refused:
		return 2
	case r.ExitCode == decide.Safe && r.Action != decide.Unproven:
		return 0
	}
	return 1
}

// held is what stands after an answer in which something was silent: the worse
// of the two, with every threat that stood, since only an answer ends one.
func held(old, now kops.Result) kops.Result {
	shown := now
	if badness(now) < badness(old) {
		shown = old
	}
	known := now
	if backupsSilent(now) {
		known = old
	}
	shown.NewestBackup, shown.LastValidBackup, shown.Backups = known.NewestBackup, known.LastValidBackup, known.Backups
	shown.Evidence.Backups = known.Evidence.Backups
	shown.Threats = unite(now.Threats, old.Threats)
	return shown
}

// unite is all of first, and what of second is of another kind. Of a rule that
// reaches control files there may be one threat for each file. So what is held
// for long does not grow, whatever new objects come in between.
func unite(first, second []decide.Threat) []decide.Threat {
	about := func(t decide.Threat) string {
		if t.Kind == kops.LifecycleControl {
			return t.Kind + "\x00" + strings.Join(t.Objects, "\x00")
		}
		return t.Kind
	}
	there := map[string]bool{}
	for _, t := range first {
		there[about(t)] = true
	}
	all := slices.Clone(first)
	for _, t := range second {
		if !there[about(t)] {
			all = append(all, t)
		}
	}
	return all
}

// Vanished is the kind of the threat that an etcd cluster which was there is
// not in the state store any more.
const Vanished = "vanished"

// gone is what stands of an etcd cluster that has vanished.
func gone(was kops.Result, acknowledgement string) kops.Result {
	shown := was
	if !shown.Action.Seeds() || shown.Action == decide.SeedNew {
		shown.Action = decide.Unproven
	}
	shown.ExitCode = decide.Worse(shown.ExitCode, decide.Refused)
	shown.Sentence = fmt.Sprintf("GONE: etcd %s of %s was in the state store, and nothing of it is there any more; if the cluster still runs, an update would put a new, EMPTY one in its place.", was.Etcd, was.Cluster)
	shown.Threats = unite([]decide.Threat{{Kind: Vanished, Sentence: "It was in the state store when it was last looked at, and is not any more."}}, was.Threats)
	shown.Advice = []decide.Step{
		{Do: "If it was not deleted on purpose: change nothing, and put back what is gone from older versions of the objects, the marker before the spec. Look at what is left first.",
			Command: fmt.Sprintf("seedproof kops check --state %s --name %s", decide.Quote(was.Evidence.State), decide.Quote(was.Cluster))},
		{Do: "If it was deleted on purpose: let go of it by this line in the file of --acknowledged.", Command: "echo " + decide.Quote(acknowledgement)},
	}
	return shown
}
