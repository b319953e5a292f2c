package proof

import (
	"fmt"
	"slices"
	"strings"
)

// Case is everything that was heard of one subject, with what the domain makes
// of the parts.
type Case struct {
	Subject string
	Heard   []Testimony
	// Whole are the identities for which enough parts count.
	Whole []Identity
	// CouldBeWhole are the identities that silent parts could still make
	// whole, beside those that are. An identity without a name stands for one
	// that nobody has named yet.
	CouldBeWhole []Identity
	// Contradictions are what the domain has seen (never assumed of a silent
	// witness) that cannot be true of one thing.
	Contradictions []Contradiction
}

// Contradiction is what a domain has seen that cannot be true of one thing.
type Contradiction struct {
	Kind string // one of the domain's own, for its advice to go by
	Why  string // in words
}

// Whys are the contradictions in one sentence.
func Whys(seen []Contradiction) string {
	var all []string
	for _, c := range seen {
		all = append(all, c.Why)
	}
	return strings.Join(all, "; ")
}

// Judge gives the one verdict. The first rule that fits decides; each of the
// functions below is one rule of the design, in the words of the design.
func Judge(c Case) Verdict {
	v := decide(c)
	v.Subject = c.Subject
	v.Heard = c.Heard
	v.Whole = c.Whole
	v.Digest = digest(c.Heard)
	for _, t := range c.Heard {
		if t.Silent() {
			v.Missing = append(v.Missing, t.Witness)
		}
	}
	return v
}

func decide(c Case) Verdict {
	if len(c.Contradictions) > 0 {
		return contradicted(c)
	}
	if len(c.Whole) == 0 {
		return nothingWhole(c)
	}
	record := c.record()
	switch record.Finding {
	case Present:
		if old := c.putBack(record); old != "" {
			return withoutRecord(c, old)
		}
		return withRecord(c, record)
	case Unknown:
		return Verdict{State: Unproven, Rule: 3, Identity: only(c.Whole),
			Why: "something is whole, and the record cannot be asked"}
	default:
		return withoutRecord(c, "the record is "+strings.ToLower(record.Finding.String()))
	}
}

// contradicted is rule 0.
func contradicted(c Case) Verdict {
	v := Verdict{State: Conflicting, Rule: 0, Identity: only(c.Whole), Why: Whys(c.Contradictions)}
	for _, seen := range c.Contradictions {
		if !slices.Contains(v.Contradictions, seen.Kind) {
			v.Contradictions = append(v.Contradictions, seen.Kind)
		}
	}
	return v
}

// withRecord is rule 1.
func withRecord(c Case, record Testimony) Verdict {
	named := record.Identity
	switch {
	case slices.Contains(c.Whole, named):
		return Verdict{State: Intact, Rule: 1, Identity: named, Why: "the record names what is whole"}
	case slices.Contains(c.CouldBeWhole, named):
		return Verdict{State: Unproven, Rule: 1, Identity: named,
			Why: "the record names something else than what is whole, and silent parts could make that whole"}
	}
	return Verdict{State: Conflicting, Rule: 1, Identity: only(c.Whole),
		Why: fmt.Sprintf("the record names %s, and what is whole is %s", named, join(c.Whole))}
}

// putBack says why the record must be an old one that somebody put back, or "".
// Serials are compared within one lineage alone: another cluster's record is
// not an old one of this, however low its serial.
func (c Case) putBack(record Testimony) string {
	for _, whole := range c.Whole {
		if record.Identity.EarlierThan(whole) {
			return fmt.Sprintf("the record is an old one, of generation %d", record.Identity.Generation)
		}
	}
	ours := slices.ContainsFunc(c.Whole, func(i Identity) bool { return i.Lineage == record.Identity.Lineage })
	if !ours {
		return ""
	}
	for _, t := range c.Heard {
		knows := t.Witness.Kind == Memory && t.Finding == Present && t.Identity.Lineage == record.Identity.Lineage
		if knows && t.Serial > record.Serial {
			return fmt.Sprintf("the record is an old one: it bears serial %d, and %s knows of %d", record.Serial, t.Witness, t.Serial)
		}
	}
	return ""
}

// withoutRecord is rule 2.
func withoutRecord(c Case, why string) Verdict {
	v := Verdict{Rule: 2, Identity: only(c.Whole), State: Conflicting}
	if len(c.Whole) > 1 {
		v.Why = why + ", and two things are whole: " + join(c.Whole)
		return v
	}
	whole := c.Whole[0]
	if slices.ContainsFunc(c.CouldBeWhole, func(i Identity) bool { return i != whole }) {
		v.State, v.Why = Unproven, why+", and silent parts could make something else whole"
		return v
	}
	if later, found := c.laterThan(whole); found {
		v.Why = fmt.Sprintf("%s, and %s names the later generation %d", why, later.Witness, later.Identity.Generation)
		return v
	}
	if by, found := c.voucherFor(whole); found {
		v.State, v.Why = RecordLost, why+", and what is whole is vouched for by "+by.Witness.String()
		return v
	}
	if silent := c.silentVouchers(); len(silent) > 0 {
		v.State, v.Why = Unproven, why+", and who could vouch for what is whole is silent: "+strings.Join(silent, ", ")
		return v
	}
	v.Why = why + ", and nobody vouches for what is whole"
	return v
}

// nothingWhole is rules 4 and 5.
func nothingWhole(c Case) Verdict {
	silent, attested, something := 0, 0, 0
	lineages := map[string]Identity{}
	for _, t := range c.Heard {
		switch {
		case t.Silent():
			silent++
		case t.AttestedBy != "":
			attested++
		case t.shows():
			something++
		}
		if t.Finding == Present && t.Identity.Named() {
			known := lineages[t.Identity.Lineage]
			if known.Generation <= t.Identity.Generation {
				lineages[t.Identity.Lineage] = t.Identity
			}
		}
	}
	switch {
	case silent > 0:
		return Verdict{State: Unproven, Rule: 4, Identity: onlyOf(lineages), Why: "nothing is whole, and not everybody has answered"}
	case len(lineages) > 1:
		return Verdict{State: Conflicting, Rule: 5, Why: "nothing is whole, and two lineages are named"}
	case something > 0:
		return Verdict{State: DataLost, Rule: 5, Identity: onlyOf(lineages), Why: "nothing is whole, and something was there"}
	case attested > 0:
		return Verdict{State: Unproven, Rule: 5, Why: "nothing was found, but only because a person attested a witness lost; that is never proof that nothing existed"}
	}
	return Verdict{State: NeverExisted, Rule: 5, Why: "everybody has answered, and nobody knows of anything"}
}

// record is the testimony of the record; a case without one has not asked.
func (c Case) record() Testimony {
	for _, t := range c.Heard {
		if t.Witness.Kind == Record {
			return t
		}
	}
	return Testimony{Witness: Witness{Kind: Record, Name: "record"}}
}

func (c Case) laterThan(whole Identity) (Testimony, bool) {
	return c.first(func(t Testimony) bool { return t.remembers() && whole.EarlierThan(t.Identity) })
}

func (c Case) voucherFor(whole Identity) (Testimony, bool) {
	return c.first(func(t Testimony) bool {
		if t.remembers() {
			return t.Identity.Lineage == whole.Lineage
		}
		return t.Vouches && t.Finding == Present && t.Identity == whole
	})
}

func (c Case) silentVouchers() []string {
	var names []string
	for _, t := range c.Heard {
		if t.Silent() && (t.Witness.Kind == Memory || t.Witness.Kind == Trace) {
			names = append(names, t.Witness.Name)
		}
	}
	return names
}

// remembers reports whether a memory or a trace names somebody.
func (t Testimony) remembers() bool {
	return t.Finding == Present && t.Identity.Named() && (t.Witness.Kind == Memory || t.Witness.Kind == Trace)
}

func (c Case) first(fits func(Testimony) bool) (Testimony, bool) {
	if i := slices.IndexFunc(c.Heard, fits); i >= 0 {
		return c.Heard[i], true
	}
	return Testimony{}, false
}

func only(whole []Identity) Identity {
	if len(whole) == 1 {
		return whole[0]
	}
	return Identity{}
}

func onlyOf(lineages map[string]Identity) Identity {
	if len(lineages) != 1 {
		return Identity{}
	}
	for _, i := range lineages {
		return i
	}
	return Identity{}
}

func join(ids []Identity) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	return strings.Join(names, " and ")
}
