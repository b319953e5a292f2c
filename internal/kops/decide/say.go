package decide

import (
	"fmt"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// firstBoot is how long the first start of a control plane is thought to take:
// until then a missing marker may simply not have been written yet.
const firstBoot = time.Hour

// sentence says in one sentence what would happen, to somebody who has just
// been woken. It begins with what matters.
func sentence(e Evidence, d Decision) string {
	switch d.Action {
	case SeedImminent:
		return seedImminentSentence(e)
	case SeedOverExisting:
		return fmt.Sprintf("STOP: the next `kops update cluster --yes` would replace %s by a new, EMPTY cluster: it is not new (found: %s), but etcd-manager's marker is gone.",
			e.name(), signsText(e))
	case SeedNew:
		return fmt.Sprintf("%s was never applied: the update creates it anew (%s), and there is nothing that it could replace.", capital(e.name()), specText(*e.Want))
	case Unproven:
		return unprovenSentence(e, d)
	}
	if len(e.SharedWith) > 0 {
		return fmt.Sprintf("TWO CLUSTERS ON ONE PATH: %s has the backup store of %s too, so whose control files and backups these are cannot be told.", capital(e.name()), strings.Join(e.SharedWith, " and "))
	}
	if e.Marker.File == managerfiles.Unusable {
		return fmt.Sprintf("The update seeds nothing, but the marker of %s is an empty object, on which etcd-manager gives up: nothing is backed up or repaired until the marker is mended.", e.name())
	}
	return harmlessSentence(e, d)
}

func seedImminentSentence(e Evidence) string {
	text := fmt.Sprintf("ACT NOW: a running etcd-manager replaces %s by a new, EMPTY cluster within about 10 seconds, without any update: the marker is gone and the spec is there.", e.name())
	if e.mayBeFirstBoot() {
		text = strings.TrimSuffix(text, ".") + fmt.Sprintf(" (unless this is its first start: it was first applied %s ago, and has no backup).", age(e.At.Sub(e.Applied)))
	}
	return text
}

// mayBeFirstBoot: all that shows is young, and there is no backup. It softens
// the words, never the decision.
func (e Evidence) mayBeFirstBoot() bool {
	for _, t := range e.Traces {
		if t.Finding != proof.Absent {
			return false
		}
	}
	return !e.Applied.IsZero() && e.At.Sub(e.Applied) < firstBoot
}

func unprovenSentence(e Evidence, d Decision) string {
	begin := "NOT PROVEN what an update would do to " + e.name() + ": "
	switch {
	case e.Config.Finding == proof.Absent:
		return fmt.Sprintf("NOT PROVEN: %s has no config in the state store, but something of it is left (%s); kops cannot update it, and if its config is put back or made anew, look again first.", e.name(), signsText(e))
	case e.Config.Finding != proof.Present:
		return begin + "the cluster's config " + cannot(e.Config) + ", so nobody knows where its etcd files are."
	case e.Marker.File == managerfiles.Unreadable:
		return begin + "the marker could not be read (" + orNoReason(e.Marker.Why) + "), and without it nobody can tell whether a new cluster would be seeded."
	case e.Spec.File == managerfiles.Unreadable && e.Marker.File != managerfiles.Missing:
		return begin + "the spec could not be read (" + orNoReason(e.Spec.Why) + ")."
	case e.Want == nil:
		return begin + "the config does not say how many members or which version of etcd it wants."
	}
	return begin + "the marker is gone, and whether the cluster ever lived could not be asked everywhere (" + strings.Join(silent(d.Verdict), "; ") + ")."
}

func cannot(s Seen) string {
	if s.Finding == proof.Unusable {
		return "cannot be used (" + orNoReason(s.Why) + ")"
	}
	return "could not be read (" + orNoReason(s.Why) + ")"
}

// harmlessSentence is for updates that seed nothing.
func harmlessSentence(e Evidence, d Decision) string {
	switch {
	case d.Action == None:
		return fmt.Sprintf("The update changes nothing in %s: it asks for %s, as before.", e.name(), specText(*e.Want))
	case e.Spec.File == managerfiles.Missing:
		return fmt.Sprintf("The update writes the missing spec of %s again (%s) and seeds nothing, since the marker is there; etcd-manager reads it only when its leader is restarted.", e.name(), specText(*e.Want))
	case e.Spec.File == managerfiles.Unusable:
		return fmt.Sprintf("The update replaces the unusable spec of %s (%s) by a good one and seeds nothing, since the marker is there; etcd-manager reads it only when its leader is restarted.", e.name(), orNoReason(e.Spec.Why))
	}
	text := fmt.Sprintf("The update changes %s from %s to %s and seeds nothing", e.name(), specText(e.SpecNow), specText(*e.Want))
	if e.recreates() {
		text = fmt.Sprintf("The update changes %s from %s to %s, for which etcd-manager STOPS THE CLUSTER, makes a new one and copies a backup into it", e.name(), specText(e.SpecNow), specText(*e.Want))
	}
	if e.Backups == BackupsRecent {
		return text + "."
	}
	return text + "; but there is " + backupsText(e.Backups) + " to go back to."
}

func backupsText(b BackupState) string {
	switch b {
	case BackupsNone:
		return "NO BACKUP"
	case BackupsStale:
		return "NO RECENT BACKUP"
	}
	return "no backup that could be looked at"
}

// specText is "3 members of etcd 3.6.12".
func specText(s managerfiles.Spec) string {
	members := "members"
	if s.MemberCount == 1 {
		members = "member"
	}
	version := s.EtcdVersion
	if version == "" {
		version = "of a version that is not said"
	}
	return fmt.Sprintf("%d %s of etcd %s", s.MemberCount, members, version)
}

// maxSigns bounds how many signs of life a sentence names.
const maxSigns = 3

func signsText(e Evidence) string {
	signs := e.signs()
	if len(signs) == 0 {
		return "its files are damaged, but they are there"
	}
	if len(signs) > maxSigns {
		signs = append(signs[:maxSigns:maxSigns], fmt.Sprintf("%d more", len(signs)-maxSigns))
	}
	return strings.Join(signs, ", ")
}

func orNoReason(why string) string {
	if why == "" {
		return "no reason is known"
	}
	return why
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// age is a duration as a person says it.
func age(d time.Duration) string {
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	switch {
	case d < 0:
		return "0 seconds"
	case d < 2*time.Minute:
		return unit(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		return unit(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return unit(int(d.Hours()), "hour")
	}
	return unit(int(d.Hours()/24), "day")
}

// Age is how sentences of the gate tell a duration: "3 minutes", "61 days".
func Age(d time.Duration) string { return age(d) }
