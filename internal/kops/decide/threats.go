package decide

import (
	"fmt"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// Threat is one thing that is wrong, or will be.
type Threat struct {
	// Kind is a stable word for programs.
	Kind     string `json:"kind"`
	Sentence string `json:"sentence"`
	// Objects are the keys or names that it is about, at most a few.
	Objects []string `json:"objects,omitempty"`
	// At is when it strikes, where that is known.
	At time.Time `json:"at,omitzero"`
}

// The kinds of threats that the files themselves show.
const (
	SharedPath       = "shared-path"
	ManagerStuck     = "manager-stuck"
	ManagerRestart   = "manager-needs-restart"
	OddMarker        = "odd-marker"
	LeavingsGone     = "leavings-gone"
	LiveNotKnown     = "live-not-known-to-store"
	LiveEmpty        = "live-empty"
	LiveSilent       = "live-silent"
	NewerKopsChanges = "newer-kops-changes"
	UndoneByRestart  = "seeded-when-mended"
	VersionRecreates = "version-recreates"
)

// fewKeys: the etcd of a control plane that has come up once holds more.
const fewKeys = 10

// threats are what else the evidence shows, beside what an update would do.
func threats(e Evidence, d Decision) []Threat {
	var found []Threat
	add := func(kind, format string, args ...any) {
		found = append(found, Threat{Kind: kind, Sentence: fmt.Sprintf(format, args...)})
	}
	if len(e.SharedWith) > 0 {
		add(SharedPath, "The backup store %s is also that of %s: each overwrites the other's control files, and lists and deletes the other's backups.",
			e.Base, strings.Join(e.SharedWith, " and "))
	}
	managerThreats(e, d, add)
	liveThreats(e, add)
	if e.MarkerOdd != "" {
		add(OddMarker, "The marker holds what etcd-manager never writes (%s); etcd-manager does not read it, so it counts all the same.", e.MarkerOdd)
	}
	record := d.Verdict.Heard[0]
	if record.Finding == proof.Present && len(d.Verdict.Whole) == 0 && d.Verdict.State == proof.DataLost {
		add(LeavingsGone, "The control files are there, but nothing else that an update leaves behind is: part of the state store was lost.")
	}
	if e.WantNewer != nil && e.Want != nil && *e.WantNewer != *e.Want {
		add(NewerKopsChanges, "The config leaves the version of etcd open: a newer kops than the one that updated this cluster last would change it to %s.", specText(*e.WantNewer))
	}
	if d.Action == ChangeSpec && e.recreates() {
		add(VersionRecreates, "From etcd %s to %s etcd-manager does not go in place: it takes a backup, stops the cluster, makes a new one and copies the backup into it key by key. Leases, revisions and users are lost, and every client must list anew.",
			e.SpecNow.EtcdVersion, e.Want.EtcdVersion)
	}
	return found
}

// recreates reports whether etcd-manager makes a new cluster for the change,
// and restores a backup into it.
func (e Evidence) recreates() bool {
	return e.Spec.File == managerfiles.Usable && e.Want != nil && e.SpecNow.EtcdVersion != "" && !inPlace(e.SpecNow.EtcdVersion, e.Want.EtcdVersion)
}

// inPlace reports whether etcd-manager changes a version member by member: the
// same minor version or the next. Versions that cannot be read are not.
func inPlace(from, to string) bool {
	var a, b struct{ major, minor int }
	if _, err := fmt.Sscanf(from, "%d.%d.", &a.major, &a.minor); err != nil {
		return from == to
	}
	if _, err := fmt.Sscanf(to, "%d.%d.", &b.major, &b.minor); err != nil {
		return from == to
	}
	return a.major == b.major && (a.minor == b.minor || a.minor+1 == b.minor)
}

func managerThreats(e Evidence, d Decision, add func(kind, format string, args ...any)) {
	if d.Action == SeedNew || d.Action == SeedImminent || !e.lived() ||
		e.Marker.File == managerfiles.Unreadable || e.Spec.File == managerfiles.Unreadable {
		return
	}
	running, restarted := d.Outlook.Running, d.Outlook.Restarted
	switch {
	case !running.BacksUp():
		add(ManagerStuck, "etcd-manager %s.", running.Sentence)
	case running.Action == managerfiles.WorksFromMemory:
		add(ManagerRestart, "A running etcd-manager goes on from what it has cached; one whose leader was restarted since the spec was lost takes no backups, and a spec that is put back is read only when its leader is restarted again.")
	case !restarted.BacksUp() && (e.Backups == BackupsStale || e.Backups == BackupsNone):
		add(ManagerRestart, "Both control files are there, yet no recent backup: if the spec was lost and put back, the leading etcd-manager has not read it, and must be restarted.")
	}
	if e.Marker.File == managerfiles.Missing && e.Spec.File == managerfiles.Unusable {
		add(UndoneByRestart, "Whoever mends the spec before the marker is back has the cluster replaced by an empty one within about 10 seconds.")
	}
}

func liveThreats(e Evidence, add func(kind, format string, args ...any)) {
	var serving, silent []string
	for _, l := range e.Live {
		switch l.Finding {
		case proof.Present:
			serving = append(serving, l.Name)
			if l.Keys >= 0 && l.Keys < fewKeys {
				add(LiveEmpty, "The etcd at %s runs and is as good as empty (%d keys at revision %d): it may be one that was seeded anew. Its data before that lies in data-trashcan/ on the volumes.", l.Name, l.Keys, l.Revision)
			}
		case proof.Unknown:
			silent = append(silent, l.Name)
		}
	}
	if len(serving) > 0 && e.Marker.File == managerfiles.Missing {
		add(LiveNotKnown, "A LIVE CLUSTER ANSWERS at %s, and its marker is not in the state store: for etcd-manager it does not exist.", strings.Join(serving, ", "))
	}
	if len(silent) > 0 {
		add(LiveSilent, "No answer from %s, which proves nothing.", strings.Join(silent, ", "))
	}
}
