package decide_test

import (
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The oracle is the rules of the design (sections 2 and 6) written a second
// time, over the words of the universe: it sees no evidence, and shares nothing
// with the code.

// who is an identity in the oracle's words.
type who struct {
	lineage string
	attempt int
	name    string
}

type said struct {
	finding proof.Finding
	who     who
	trace   bool // it is a trace, not a part
	claimed bool // it bears the open claim
	ours    bool // our mark is on it
}

func we(attempt int, name string) who { return who{"we", attempt, name} }

// recorded: "a recorded UUID bears the identity".
func (w world) recorded(uuid string) bool {
	return (w.record == "first" || w.record == "first, closed") && uuid == "1a" || w.record == "second" && uuid == "2a"
}

// arraySays is what one array testifies, with nothing hidden.
func (w world) arraySays(name string, c choice) said {
	second := w.claimIsOpen() && !w.recorded("2"+name)
	switch c {
	case "nothing":
		return said{finding: proof.Absent}
	case "first", "first stopped":
		return said{finding: proof.Present, who: we(1, "1"+name), ours: true}
	case "second":
		return said{finding: proof.Present, who: we(2, "2"+name), ours: true, claimed: second}
	case "unmarked":
		return said{finding: proof.Present, who: who{"nobody " + name, 0, "u" + name}}
	case "foreign":
		return said{finding: proof.Present, who: who{"they", 1, "f" + name}}
	case "second stuck", "second stuck, content unknown":
		return said{who: we(2, "2"+name), ours: true, claimed: second}
	case "first deleting", "first initializing":
		return said{who: we(1, "1"+name), ours: true}
	case "comment unknown":
		return said{who: who{"nobody " + name, 0, "c" + name}}
	}
	return said{} // silent, or jobs not settled
}

// hearing is what all say under the claim: record, then arrays, then traces.
type hearing struct {
	record       said
	parts        []said
	traces       []said
	born, claims bool // a claimed one runs; there is a claimed one
}

func (w world) hear() hearing {
	h := hearing{parts: []said{w.arraySays("a", w.a), w.arraySays("b", w.b)}}
	unclaimed := false
	for _, p := range h.parts {
		h.claims = h.claims || p.claimed
		h.born = h.born || p.claimed && p.finding == proof.Present
		unclaimed = unclaimed || p.finding == proof.Present && !p.claimed
	}
	for i, p := range h.parts {
		if p.claimed && !h.born { // "reads as Absent until it is whole"
			h.parts[i].finding = proof.Absent
		}
	}
	leaves := w.claim == "to re-create" && !unclaimed
	leave := func(s said) said {
		if leaves && s.finding != proof.Unknown && s.who.attempt < 2 {
			return said{finding: proof.Absent, trace: s.trace}
		}
		return s
	}
	h.record = leave(w.recordSays())
	h.traces = []said{leave(w.traceSays()), w.claimSays()}
	return h
}

func (w world) recordSays() said {
	switch w.record {
	case "none":
		return said{finding: proof.Absent}
	case "damaged":
		return said{finding: proof.Unusable}
	case "first":
		return said{finding: proof.Present, who: we(1, "1a")}
	case "one that is gone":
		return said{finding: proof.Present, who: we(1, "gone")}
	case "second":
		return said{finding: proof.Present, who: we(2, "2a")}
	}
	return said{} // silent; and a closed one is neither present nor missed
}

func (w world) traceSays() said {
	switch w.trace {
	case "silent":
		return said{trace: true}
	case "none":
		return said{trace: true, finding: proof.Absent}
	case "first":
		known := strings.HasPrefix(string(w.a), "first") || w.recorded("1a")
		if known {
			return said{trace: true, finding: proof.Present, who: we(1, "1a")}
		}
		return said{trace: true, finding: proof.Present, who: we(0, "1a")}
	case "one that is gone":
		if w.record == "one that is gone" {
			return said{trace: true, finding: proof.Present, who: we(1, "gone")}
		}
		return said{trace: true, finding: proof.Present, who: we(0, "gone")}
	}
	return said{trace: true, finding: proof.Present}
}

func (w world) claimSays() said {
	switch w.claim {
	case "silent":
		return said{trace: true}
	case "born":
		return said{trace: true, finding: proof.Present, who: we(2, "2a")}
	}
	return said{trace: true, finding: proof.Absent}
}

// ruling: "the first rule that fits decides".
func (w world) ruling() (proof.State, int) {
	h := w.hear()
	if w.contradicted(h) {
		return proof.Conflicting, 0
	}
	var whole []who
	for _, p := range h.parts {
		if p.finding == proof.Present && !slices.Contains(whole, p.who) {
			whole = append(whole, p.who)
		}
	}
	if len(whole) == 0 {
		return h.nothingWhole()
	}
	switch h.record.finding {
	case proof.Unknown:
		return proof.Unproven, 3
	case proof.Present:
		old := slices.ContainsFunc(whole, func(i who) bool { return i.lineage == "we" && i.attempt > h.record.who.attempt })
		if !old {
			return w.besideARecord(h, whole), 1
		}
	}
	return w.withoutARecord(h, whole), 2
}

// contradicted: "another owner's mark on it", looked for at the SVM that record
// or claim name, else at any namesake.
func (w world) contradicted(h hearing) bool {
	namesAnother := w.record != "none" && w.record != "damaged" || h.claims
	theirs := slices.ContainsFunc(h.parts, func(p said) bool { return p.who.lineage == "they" })
	return theirs && !namesAnother && w.claim != "silent"
}

func (w world) besideARecord(h hearing, whole []who) proof.State {
	named := h.record.who
	couldBe := w.a == "silent" || w.b == "silent" || w.unsettled(w.a) || w.unsettled(w.b) ||
		slices.ContainsFunc(h.parts, func(p said) bool { return p.finding == proof.Unknown && p.who == named })
	switch {
	case slices.Contains(whole, named):
		return proof.Intact
	case couldBe:
		return proof.Unproven
	}
	return proof.Conflicting
}

func (w world) unsettled(c choice) bool {
	return c == "nothing, jobs unknown" || c == "nothing, job unfinished"
}

func (w world) withoutARecord(h hearing, whole []who) proof.State {
	if len(whole) > 1 {
		return proof.Conflicting
	}
	it := whole[0]
	vouched, silentTrace, later := false, false, false
	for _, p := range h.parts {
		if p.finding == proof.Unknown && p.who != it {
			return proof.Unproven
		}
		vouched = vouched || p.finding == proof.Present && p.ours
	}
	for _, t := range h.traces {
		ourTrace := t.finding == proof.Present && t.who.lineage == it.lineage
		vouched, later = vouched || ourTrace, later || ourTrace && t.who.attempt > it.attempt
		silentTrace = silentTrace || t.finding == proof.Unknown
	}
	switch {
	case later:
		return proof.Conflicting
	case vouched:
		return proof.RecordLost
	case silentTrace:
		return proof.Unproven
	}
	return proof.Conflicting
}

func (h hearing) nothingWhole() (proof.State, int) {
	something := false
	for _, s := range h.all() {
		if s.finding == proof.Unknown {
			return proof.Unproven, 4
		}
		something = something || s.finding != proof.Absent
	}
	if something { // all that is named without being whole is ours
		return proof.DataLost, 5
	}
	return proof.NeverExisted, 5
}

func (h hearing) all() []said { return slices.Concat([]said{h.record}, h.parts, h.traces) }

func (h hearing) silent() bool {
	return slices.ContainsFunc(h.all(), func(s said) bool { return s.finding == proof.Unknown })
}

// next: what may be done, in the words of section 6.
func (w world) next(state proof.State) decide.NextAction {
	h := w.hear()
	_, rule := w.ruling()
	switch {
	case w.record == "first, closed":
		return w.nextOfDeletion()
	case w.claimIsOpen():
		return w.nextOfClaim(h, state)
	case state == proof.NeverExisted && w.want == "gone":
		return decide.DeletionDone
	case state == proof.NeverExisted:
		return decide.Open
	case state == proof.RecordLost && w.claim == "silent":
		return decide.Wait
	case state == proof.RecordLost:
		return decide.WriteRecord
	case state == proof.Conflicting && (rule == 0 || !h.silent()), state == proof.DataLost:
		return decide.Stop
	case state == proof.Intact && w.want == "wanted":
		return decide.GoOn
	case state == proof.Intact && !h.silent():
		return decide.CloseRecord
	}
	return decide.Wait
}

// nextOfDeletion: only the deletion goes on, and only with everybody asked. What
// stands and is wanted again has its record opened.
func (w world) nextOfDeletion() decide.NextAction {
	settled := func(c choice) bool { return c != "silent" && !w.unsettled(c) }
	switch {
	case (w.a == "first" || w.a == "first stopped") && w.want == "wanted":
		return decide.Reopen
	case w.a == "first" || w.a == "first stopped":
		if w.want == "gone" && w.b != "silent" {
			return decide.DeleteSVM
		}
	case w.a == "first deleting" || w.a == "first initializing":
	case settled(w.a) && settled(w.b):
		return decide.RemoveRecord
	}
	return decide.Wait
}

func (w world) nextOfClaim(h hearing, state proof.State) decide.NextAction {
	others := slices.ContainsFunc(h.all(), func(s said) bool {
		mine := slices.ContainsFunc(h.parts, func(p said) bool { return p.claimed && p.who == s.who })
		return s.finding == proof.Unusable || s.finding == proof.Present && !mine
	})
	two := h.born && h.parts[0].who != h.parts[1].who && h.parts[0].finding == proof.Present && h.parts[1].finding == proof.Present
	lost := w.a == "foreign" || w.a == "unmarked" || strings.HasPrefix(string(w.a), "first")
	switch {
	case h.born && !others && !two && state != proof.Conflicting, state == proof.Intact && w.record == "second":
		return decide.CloseBorn
	case !h.claims && lost:
		return decide.CloseFailed
	case state == proof.Intact && w.want == "gone":
		return decide.Stop
	case state == proof.Intact:
		return decide.GoOn
	case others || two || state == proof.Conflicting:
		return decide.Stop
	case h.claims:
		return w.nextOfStuck(state)
	case state != proof.NeverExisted:
		return decide.Wait
	case w.want == "gone":
		return decide.CloseFailed
	}
	return decide.Ask
}

// nextOfStuck: every array answers, no job is unfinished, nothing else is named,
// and what is on it is known.
func (w world) nextOfStuck(state proof.State) decide.NextAction {
	stuck := func(c choice) bool { return strings.HasPrefix(string(c), "second stuck") }
	first := w.a
	if !stuck(w.a) {
		first = w.b
	}
	switch {
	case first == "second stuck, content unknown":
		return decide.Wait
	case !stuck(w.a), stuck(w.b):
		return decide.Stop // not on the array that was asked; or there are two
	case state == proof.NeverExisted:
		return decide.Remake
	}
	return decide.Wait
}
