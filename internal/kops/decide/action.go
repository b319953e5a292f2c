package decide

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// Action is what the next `kops update cluster --yes` would do to etcd.
type Action string

const (
	// None: what is asked of etcd is what stands there.
	None Action = "none"
	// ChangeSpec: the spec is written again, or another one is.
	ChangeSpec Action = "change-spec"
	// SeedNew: a new cluster is made where proof says that none ever was.
	SeedNew Action = "seed-new"
	// SeedOverExisting: a new, empty cluster takes the place of one that lived.
	SeedOverExisting Action = "seed-over-existing"
	// SeedImminent: the same, by a manager that runs, within about ten seconds
	// and without any update.
	SeedImminent Action = "seed-imminent"
	// Unproven: it cannot be told.
	Unproven Action = "unproven"
)

// Actions are all actions.
func Actions() []Action {
	return []Action{None, ChangeSpec, SeedNew, SeedOverExisting, SeedImminent, Unproven}
}

// Seeds reports whether a new cluster would be formed.
func (a Action) Seeds() bool { return a == SeedNew || a == SeedOverExisting || a == SeedImminent }

// The exit codes of a decision.
const (
	Safe            = 0
	Refused         = 3
	UnprovenOutcome = 4
)

// Worse gives the worse of two exit codes. What is known to be dangerous is
// worse than what is not known.
func Worse(a, b int) int {
	rank := map[int]int{Safe: 0, UnprovenOutcome: 1, Refused: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Outlook is what a stock etcd-manager makes of the files.
type Outlook struct {
	Running   managerfiles.Conclusion // now, if its leader holds the spec in memory
	Restarted managerfiles.Conclusion // now, if its leader started after the spec was lost
	Updated   managerfiles.Conclusion // after an update has written the spec
}

// Foresee is the outlook on these files.
func Foresee(e Evidence) Outlook {
	return Outlook{
		Running:   managerfiles.Conclude(e.Marker.File, e.Spec.File, true),
		Restarted: managerfiles.Conclude(e.Marker.File, e.Spec.File, false),
		Updated:   managerfiles.Conclude(e.Marker.File, managerfiles.Usable, e.Spec.File == managerfiles.Usable),
	}
}

// Decision is what the evidence of one etcd cluster comes to.
type Decision struct {
	Verdict  proof.Verdict
	Outlook  Outlook
	Action   Action
	ExitCode int
	Sentence string   // one, for a person who has just been woken
	Threats  []Threat // what else is wrong, the worst first
	Advice   []Step   // what to do, in the order in which it is safe
	Digest   string   // what an approval is bound to
}

// Decide is the decision.
func Decide(e Evidence) Decision {
	d := Decision{Verdict: Judge(e), Outlook: Foresee(e)}
	d.Action = action(e, d.Verdict, d.Outlook)
	d.ExitCode = exitCode(e, d.Verdict, d.Action)
	d.Sentence = sentence(e, d)
	d.Threats = threats(e, d)
	d.Advice = advice(e, d)
	d.Digest = digest(e, d)
	return d
}

// action: the first line that fits decides.
func action(e Evidence, v proof.Verdict, o Outlook) Action {
	switch {
	case o.Running.Destroys():
		return SeedImminent
	case e.Marker.File == managerfiles.Unreadable:
		return Unproven
	case o.Updated.Destroys():
		return seeding(e, v)
	case e.Config.Finding != proof.Present || e.Want == nil:
		return Unproven // what an update would write is not known
	case e.Spec.File == managerfiles.Unreadable:
		return Unproven
	case e.Spec.File == managerfiles.Usable && e.SpecNow == *e.Want:
		return None
	}
	return ChangeSpec
}

// seeding: the marker is not there, so an update that writes the spec has a new
// cluster formed. Whether in place of another is for the proof to say. Without
// a config nobody knows whether the marker was looked for in the right place.
func seeding(e Evidence, v proof.Verdict) Action {
	switch {
	case e.Config.Finding != proof.Present:
		return Unproven
	case v.State == proof.NeverExisted && e.Want != nil:
		return SeedNew
	case e.lived():
		return SeedOverExisting
	}
	return Unproven
}

// exitCode follows what would happen. A changed spec is safe only with a recent
// backup to go back to, and where etcd-manager makes no new cluster for it; a
// broken marker and a shared path never are.
func exitCode(e Evidence, v proof.Verdict, a Action) int {
	switch {
	case a == SeedImminent || a == SeedOverExisting:
		return Refused
	case v.State == proof.Conflicting || e.Marker.File == managerfiles.Unusable:
		return Refused
	case a == None || a == SeedNew:
		return Safe
	case a == ChangeSpec && e.recreates():
		return Refused
	case a == ChangeSpec && e.Backups == BackupsRecent:
		return Safe
	case a == ChangeSpec && e.Backups != BackupsUnknown:
		return Refused
	}
	return UnprovenOutcome
}

// digest covers what a person's permission is given for: the findings, the
// files as far as the manager acts on them, and what the update would make of
// them. Times, sizes, texts and the names of backups are not in it.
func digest(e Evidence, d Decision) string {
	covered := struct {
		Verdict, Action, Config      string
		Marker, Spec                 string
		SpecNow                      managerfiles.Spec
		Want, WantNewer              *managerfiles.Spec
		Cluster, Etcd, Base, Backups string
		SharedWith, Queued           []string
	}{
		d.Verdict.Digest, string(d.Action), e.Config.Finding.String(),
		e.Marker.File.String(), e.Spec.File.String(),
		e.SpecNow, e.Want, e.WantNewer,
		e.Cluster, e.Etcd, e.Base, e.Backups.String(),
		e.SharedWith, e.Queued,
	}
	encoded, _ := json.Marshal(covered) // texts and numbers always encode
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}
