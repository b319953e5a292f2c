package decide

import (
	"fmt"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
)

// Advice is what a person could do about a verdict, one sentence or command a
// line, the first one first. Nothing is asked of anybody where all is well.
func Advice(v proof.Verdict) []string {
	switch v.State {
	case proof.Intact, proof.NeverExisted:
		return nil
	case proof.RecordLost:
		return []string{"Nothing needs to be typed: the record is written again from what is whole, as soon as the control store may be written to."}
	case proof.DataLost:
		return append(silentAdvice(v), dataLostAdvice(v)...)
	case proof.Conflicting:
		return append(silentAdvice(v), conflictAdvice(v)...)
	}
	advice := silentAdvice(v)
	if len(advice) == 0 {
		advice = append(advice, "An attestation alone never proves that nothing existed. If the cluster is to be made anew: seedproof etcd explain, then seedproof etcd approve recreate once the verdict is DataLost.")
	}
	return advice
}

// silentAdvice names who has to answer first.
func silentAdvice(v proof.Verdict) []string {
	if len(v.Missing) == 0 {
		return nil
	}
	names := make([]string, len(v.Missing))
	for i, w := range v.Missing {
		names[i] = w.Name
	}
	advice := []string{"Bring back who is silent: " + strings.Join(names, ", ") + "."}
	for _, w := range v.Missing {
		if !strings.Contains(w.Name, "(") && (w.Kind == proof.Part || w.Kind == proof.Record || w.Name == "backups") {
			advice = append(advice, fmt.Sprintf("If it is lost for good: seedproof etcd attest lost %s", AttestName(w)))
		}
	}
	return advice
}

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

func dataLostAdvice(v proof.Verdict) []string {
	var advice []string
	if best := BestSource(v); best != "" {
		advice = append(advice, "The best source that is left: "+best+". Keep it; it is not touched.")
	}
	return append(advice, "To give the data up and begin with an empty cluster: seedproof etcd approve recreate")
}

func conflictAdvice(v proof.Verdict) []string {
	if len(v.Whole) == 0 {
		return []string{"Nothing is whole. To give up what is named and begin with an empty cluster: seedproof etcd approve recreate"}
	}
	var advice []string
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
