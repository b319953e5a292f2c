package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// Judge says whether the etcd cluster was ever applied. The thing judged is an
// application of kops: marker and spec are its record, each leaving and each
// live member is a part of which one suffices, backups and commands are traces.
func Judge(e Evidence) proof.Verdict {
	c := proof.Case{
		Subject: e.Cluster + "/" + e.Etcd,
		Heard:   []proof.Testimony{e.record()},
	}
	for _, part := range e.parts() {
		c.Heard = append(c.Heard, e.testimony(proof.Part, part))
	}
	for _, trace := range e.Traces {
		c.Heard = append(c.Heard, e.testimony(proof.Trace, trace))
	}
	for _, t := range c.Heard {
		if t.Witness.Kind == proof.Part && t.Finding == proof.Present {
			c.Whole = []proof.Identity{e.identity()}
		}
		if t.Witness.Kind == proof.Part && t.Silent() {
			c.CouldBeWhole = []proof.Identity{e.identity()}
		}
	}
	if len(e.SharedWith) > 0 {
		c.Contradictions = []proof.Contradiction{{Kind: SharedPath, Why: "the backup store is also that of " +
			strings.Join(e.SharedWith, " and ") + ": whose files these are cannot be told"}}
	}
	return proof.Judge(c)
}

// parts are the leavings and the live members.
func (e Evidence) parts() []Named {
	parts := slices.Clone(e.Leavings)
	for _, l := range e.Live {
		parts = append(parts, Named{"live/" + l.Name, l.Seen})
	}
	return parts
}

// record is the testimony of the two control files together.
func (e Evidence) record() proof.Testimony {
	t := proof.Testimony{
		Witness: proof.Witness{Kind: proof.Record, Name: "marker and spec"},
		Why:     fmt.Sprintf("marker %s, spec %s", fileText(e.Marker), fileText(e.Spec)),
	}
	marker, spec := e.Marker.File, e.Spec.File
	switch {
	case marker == managerfiles.Unreadable || spec == managerfiles.Unreadable:
		t.Finding = proof.Unknown
	case marker == managerfiles.Usable && spec == managerfiles.Usable:
		t.Finding, t.Identity = proof.Present, e.identity()
	case marker == managerfiles.Missing && spec == managerfiles.Missing:
		t.Finding = e.absence()
	default:
		t.Finding = proof.Unusable
	}
	return t
}

func fileText(f ControlFile) string {
	if f.Why == "" {
		return f.File.String()
	}
	return f.File.String() + " (" + f.Why + ")"
}

// testimony gives a part its name. Traces stay without one: a backup of
// etcd-manager does not say whose it is. A part vouches for itself, since it
// lies where only an update of this cluster writes.
func (e Evidence) testimony(kind proof.Kind, n Named) proof.Testimony {
	t := proof.Testimony{Witness: proof.Witness{Kind: kind, Name: n.Name}, Finding: n.Finding, Why: n.Why}
	if t.Finding == proof.Absent {
		t.Finding = e.absence()
	}
	if kind == proof.Part && t.Finding == proof.Present {
		t.Identity, t.Vouches = e.identity(), true
	}
	return t
}

// absence is what "not there" is worth. Only a cluster's config proves that its
// folder is the right place to have asked in.
func (e Evidence) absence() proof.Finding {
	if e.Config.Finding == proof.Present {
		return proof.Absent
	}
	return proof.Unknown
}

// lived reports whether anything at all shows that this cluster was applied or
// ran, whatever else is silent.
func (e Evidence) lived() bool {
	shows := func(f proof.Finding) bool { return f == proof.Present || f == proof.Unusable }
	for _, n := range append(e.parts(), e.Traces...) {
		if shows(n.Finding) {
			return true
		}
	}
	there := func(f ControlFile) bool { return f.File == managerfiles.Usable || f.File == managerfiles.Unusable }
	return there(e.Marker) || there(e.Spec)
}

// signs are the names of what shows that the cluster has lived, for sentences.
func (e Evidence) signs() []string {
	var names []string
	for _, n := range append(e.parts(), e.Traces...) {
		if n.Finding == proof.Present {
			names = append(names, n.Name)
		}
	}
	return names
}

// silent are the names of those who did not answer, by the reasons.
func silent(v proof.Verdict) []string {
	var reasons []string
	names := map[string][]string{}
	for _, t := range v.Heard {
		if !t.Silent() {
			continue
		}
		if names[t.Why] == nil {
			reasons = append(reasons, t.Why)
		}
		names[t.Why] = append(names[t.Why], t.Witness.Name)
	}
	lines := make([]string, len(reasons))
	for i, why := range reasons {
		lines[i] = strings.Join(names[why], ", ") + ": " + orNoReason(why)
	}
	return lines
}
