package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// Advice is what a person could do about a verdict, one line each, the first
// one first. A line is a sentence, or a sentence that ends in ": " and the
// command to type. Nothing is asked of anybody where all is well and all answer.
func Advice(v proof.Verdict) []string {
	switch v.State {
	case proof.Intact, proof.NeverExisted:
		return append(silentAdvice(v), unusableAdvice(v)...)
	case proof.RecordLost:
		return []string{"Nothing needs to be typed: the record is written again from what is whole, as soon as the control store can be written."}
	case proof.DataLost:
		return append(silentAdvice(v), dataLostAdvice(v)...)
	case proof.Conflicting:
		return append(silentAdvice(v), conflictAdvice(v)...)
	}
	if len(v.Missing) > 0 {
		return silentAdvice(v)
	}
	return attestedAdvice(v)
}

// silentAdvice names who has to answer first, and for whom a person may speak.
func silentAdvice(v proof.Verdict) []string {
	var names []string
	unmet := 0
	for _, w := range v.Missing {
		switch name := AttestName(w); {
		case neverMet(w):
			unmet++
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	var advice []string
	if unmet > 0 {
		advice = append(advice, fmt.Sprintf("Start the agents that are still missing: %d. The spec counts them, and nobody has met them yet.", unmet))
	}
	for _, name := range names {
		advice = append(advice, silentHint(name),
			fmt.Sprintf("Only if %s is lost for good: seedproof etcd attest lost %s", spoken(name), name))
	}
	return advice
}

// UnusableMembers are the members whose data vouch for nothing: a disk that was
// emptied or is damaged, and that nobody has attested lost.
func UnusableMembers(v proof.Verdict) []string {
	var names []string
	for _, t := range v.Heard {
		if t.Witness.Kind == proof.Part && t.Finding == proof.Unusable && t.AttestedBy == "" {
			names = append(names, AttestName(t.Witness))
		}
	}
	return names
}

// unusableAdvice is for members that the others go on without.
func unusableAdvice(v proof.Verdict) []string {
	var advice []string
	for _, name := range UnusableMembers(v) {
		advice = append(advice, fmt.Sprintf("The data of %s are gone or damaged. If its disk still exists, put it back: it then goes on as it was.", name),
			fmt.Sprintf("Only if they are lost for good, so that it joins anew as another member: seedproof etcd attest lost %s", name))
	}
	return advice
}

func silentHint(name string) string {
	switch {
	case name == "record":
		return "Make the control store answer: look at its URL, its permissions and the network from the agents."
	case name == "backup-store":
		return "Make the backup store answer: look at its URL, its permissions and the network from the agents."
	case strings.HasPrefix(name, "trash/"):
		return "Make the retired directory " + name + " readable."
	}
	return fmt.Sprintf("Make %s answer: its host, its agent, its data volume.", name)
}

func spoken(name string) string {
	switch {
	case name == "record":
		return "the record, with the control store,"
	case name == "backup-store":
		return "the backup store"
	}
	return name
}

// neverMet: a member that the spec counts and that has no name yet. Nobody can
// say of it that it is lost.
func neverMet(w proof.Witness) bool { return strings.Contains(w.Name, "(") }

// AttestName is what `seedproof etcd attest lost` takes for a witness.
func AttestName(w proof.Witness) string {
	switch {
	case w.Kind == proof.Record:
		return "record"
	case w.Kind == proof.Trace && (w.Name == "backups" || w.Name == "created-marker"):
		return "backup-store"
	}
	return strings.TrimPrefix(strings.TrimPrefix(w.Name, "member/"), "memory/")
}

// attestedAdvice is for a verdict that is unproven though nobody is silent:
// nothing was found, and a person's word stands where an answer is needed.
func attestedAdvice(v proof.Verdict) []string {
	var names []string
	for _, t := range v.Heard {
		if name := AttestName(t.Witness); t.AttestedBy != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return []string{
		fmt.Sprintf("Nothing was found, but for %s there is only a person's word, which never proves that nothing existed.", strings.Join(names, ", ")),
		"Let it answer for itself: a member on a new, empty disk, or an empty store. Then a cluster is made without more being typed.",
	}
}

func dataLostAdvice(v proof.Verdict) []string {
	var advice []string
	if best := BestSource(v); best != "" {
		advice = append(advice, "The best source that is left: "+best+". It is not touched; copy it to a safe place before anything else.")
	}
	return append(advice,
		"If a disk of a member still exists anywhere, put it back and start its agent: with a quorum of the members the cluster goes on by itself.",
		"To give up the data and begin with an empty cluster: seedproof etcd approve recreate")
}

func conflictAdvice(v proof.Verdict) []string {
	if slices.Contains(v.Contradictions, LeftOut) {
		return []string{
			"One member's list leaves out members that are still there: somebody may have run etcd with --force-new-cluster on it.",
			"Decide which side is right. Stop the agent and the etcd of the wrong one, and keep its data directory: the other side then goes on by itself.",
		}
	}
	if slices.Contains(v.Contradictions, TwoClaims) {
		return []string{
			"Look first whether the agents were given different control stores; if so, give all of them the same one.",
			"To end all of these claims and make one new, empty cluster: seedproof etcd approve recreate",
		}
	}
	if len(v.Whole) == 0 {
		return []string{
			"Look first whether a store or a disk of another cluster was put here by mistake; if so, put the right one back.",
			"To give up all that is named and begin with an empty cluster: seedproof etcd approve recreate",
		}
	}
	advice := []string{"Look first whether a store or a disk of another cluster was put here by mistake; if so, put the right one back."}
	for _, id := range v.Whole {
		advice = append(advice, fmt.Sprintf("If %s is the cluster that shall be kept: seedproof etcd approve adopt --source %s/%d", id, id.Lineage, id.Generation))
	}
	return advice
}

// BestSource names what holds most of a cluster that is lost: a member's
// directory before a backup, a backup before a retired directory; the highest
// generation first.
func BestSource(v proof.Verdict) string {
	best, rank := "", -1
	for _, t := range v.Heard {
		if t.Finding != proof.Present || t.AttestedBy != "" {
			continue
		}
		r := sourceRank(t.Witness)
		if r < 0 || t.Identity.Named() && v.Identity.Named() && t.Identity.Lineage != v.Identity.Lineage {
			continue
		}
		if r += int(t.Identity.Generation) * 10; r > rank {
			best, rank = t.Witness.Name, r
			if t.Why != "" {
				best += " (" + t.Why + ")"
			}
		}
	}
	return best
}

func sourceRank(w proof.Witness) int {
	switch {
	case w.Kind == proof.Part:
		return 3
	case w.Name == "backups":
		return 2
	case strings.HasPrefix(w.Name, "trash/"):
		return 1
	}
	return -1
}
