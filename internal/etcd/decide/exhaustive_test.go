package decide_test

import (
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

func TestEveryClusterOfOne(t *testing.T) {
	tab := newTable(1, parts, slices.Concat(memories, []said{damaged}))
	tab.fill(t)
	t.Logf("%d cases", len(tab.ordered))
	checkTable(t, tab)
}

func TestEveryClusterOfThree(t *testing.T) {
	t.Parallel()
	p, m, want := parts, memories, 243_040
	if testing.Short() {
		p, m, want = shortParts, shortMemories, 8_085
	}
	tab := newTable(3, p, m)
	if len(tab.ordered) != want {
		t.Errorf("%d cases, expected %d", len(tab.ordered), want)
	}
	tab.fill(t)
	checkTable(t, tab)
	if !testing.Short() {
		checkGolden(t, tab)
	}
}

// Backups of old may bear no member list at all: an identity for which nobody
// has one is not made whole by a member who is expected elsewhere.
func TestEveryClusterOfThreeBesideTracesWithoutLists(t *testing.T) {
	t.Parallel()
	p, m := []said{silent, absent, isA1, isA2}, []said{silent, absent, isA1, isA2}
	if testing.Short() {
		p, m = shortParts, shortMemories
	}
	tab := newTable(3, p, m)
	tab.traceOf = ""
	tab.fill(t)
	checkTable(t, tab)
}

func checkTable(t *testing.T, tab *table) {
	checks := []struct {
		name  string
		holds func(*table, row, judged) string
	}{
		{"silence permits nothing", silencePermitsNothing},
		{"law 1: turning a finding into Unknown permits nothing new", silencingPermitsNothingNew},
		{"law 2: adding a Present never yields NeverExisted", presenceIsNeverNothing},
		{"one node of three down leaves Intact and RecordLost", oneDownLeavesIt},
		{"emptied stores do not hinder healing", emptiedStoresHeal},
		{"silent stores do not hinder serving", silentTracesLeaveIntact},
		{"nothing is re-created over what is whole", neverRecreatedOverWhole},
	}
	for _, check := range checks {
		failed := 0
		for _, r := range tab.ordered {
			if why := check.holds(tab, r, tab.rows[r]); why != "" {
				if failed++; failed <= 5 {
					t.Errorf("%s: %s: %s", check.name, tab.tell(r), why)
				}
			}
		}
		if failed > 5 {
			t.Errorf("%s: %d cases in all", check.name, failed)
		}
	}
	checkNeverExisted(t, tab)
}

func checkNeverExisted(t *testing.T, tab *table) {
	var found []string
	for _, r := range tab.ordered {
		if tab.rows[r].state == proof.NeverExisted {
			found = append(found, tab.tell(r))
		}
	}
	nothing := row{record: slices.Index(records, absent), trace: slices.Index(traces, absent)}
	for i := range tab.names {
		nothing.members[i] = tab.stateOf(absent, absent)
	}
	if len(found) != 1 || found[0] != tab.tell(nothing) {
		t.Errorf("NeverExisted is said by %d cases, expected the one where everybody says Absent: %q", len(found), found)
	}
}

// neighbours are the rows in which one witness says something else.
func (t *table) neighbours(r row, says func(said) bool) []row {
	var rows []row
	for i, s := range records {
		if says(s) {
			rows = append(rows, row{i, r.trace, r.members})
		}
	}
	for i, s := range traces {
		if says(s) {
			rows = append(rows, row{r.record, i, r.members})
		}
	}
	for m := range t.names {
		was := t.states[r.members[m]]
		for i, s := range t.states {
			if s.memory == was.memory && says(s.part) || s.part == was.part && says(s.memory) {
				rows = append(rows, t.with(r, m, i))
			}
		}
	}
	return rows
}

func (t *table) anybodySilent(r row) bool {
	quiet := records[r.record] == silent || traces[r.trace] == silent
	for i := range t.names {
		s := t.states[r.members[i]]
		quiet = quiet || s.part == silent || s.memory == silent
	}
	return quiet
}

func silencePermitsNothing(t *table, r row, j judged) string {
	if t.anybodySilent(r) && j.allowed&dangerous != 0 {
		return "somebody is silent, and it is permitted"
	}
	return ""
}

func silencingPermitsNothingNew(t *table, r row, j judged) string {
	for _, quiet := range t.neighbours(r, func(s said) bool { return s == silent }) {
		if t.rows[quiet].allowed&dangerous&^j.allowed != 0 {
			return "more is permitted with: " + t.tell(quiet)
		}
	}
	return ""
}

func presenceIsNeverNothing(t *table, r row, _ judged) string {
	for _, more := range t.neighbours(r, func(s said) bool { return s.finding == proof.Present }) {
		if t.rows[more].state == proof.NeverExisted {
			return "NeverExisted with: " + t.tell(more)
		}
	}
	return ""
}

// oneDownLeavesIt: where all three count, one of them may fall silent. What
// only that one's memory knew (that the record is an old one, or that what is
// whole is ours) is not known then, so it says so of a member whose memory is
// not alone.
func oneDownLeavesIt(t *table, r row, j judged) string {
	if len(t.names) < 3 || j.state != proof.Intact && j.state != proof.RecordLost {
		return ""
	}
	for i := range t.names {
		s := t.states[r.members[i]]
		if s.part.id != j.id || s.memory.finding == proof.Present && (s.memory.id.Lineage != j.id.Lineage || j.id.EarlierThan(s.memory.id)) || s.memory == silent {
			return "" // not all three count
		}
	}
	down := t.stateOf(silent, silent)
	for i := range t.names {
		now := t.rows[t.with(r, i, down)]
		if j.state == proof.RecordLost && t.onlyMemory(r, i) {
			continue
		}
		if now.state != j.state || now.id != j.id {
			return t.names[i] + " down: " + now.state.String()
		}
	}
	return ""
}

// onlyMemory: no other member's memory names anybody.
func (t *table) onlyMemory(r row, member int) bool {
	for i := range t.names {
		if i != member && t.states[r.members[i]].memory.finding == proof.Present {
			return false
		}
	}
	return t.states[r.members[member]].memory.finding == proof.Present
}

// emptiedStoresHeal: emptying the record's store, the backups' or both leaves
// the record to be written again, as long as one memory vouches.
func emptiedStoresHeal(t *table, r row, j judged) string {
	if j.state != proof.RecordLost && j.state != proof.Intact || records[r.record] == isOldA1 {
		return ""
	}
	vouched := false
	for i := range t.names {
		m := t.states[r.members[i]].memory
		if j.id.EarlierThan(m.id) {
			return "" // Intact beside a later memory: without its record that is Conflicting
		}
		vouched = vouched || m.id.Lineage == j.id.Lineage
	}
	if tr := traces[r.trace]; !vouched || j.id.EarlierThan(tr.id) {
		return ""
	}
	for i := range t.names {
		if t.states[r.members[i]].part == silent {
			return "" // who is silent may hinder it, stores may not
		}
	}
	if j.whole > 1 {
		return ""
	}
	for _, emptied := range []row{
		{slices.Index(records, damaged), r.trace, r.members},
		{slices.Index(records, absent), r.trace, r.members},
		{slices.Index(records, damaged), slices.Index(traces, damaged), r.members},
		{slices.Index(records, damaged), slices.Index(traces, silent), r.members},
	} {
		if now := t.rows[emptied]; now.state != proof.RecordLost || now.id != j.id {
			return now.state.String() + " with: " + t.tell(emptied)
		}
	}
	return ""
}

func silentTracesLeaveIntact(t *table, r row, j judged) string {
	now := t.rows[row{r.record, slices.Index(traces, silent), r.members}]
	if j.state == proof.Intact && now.state != proof.Intact {
		return now.state.String() + " while the backups are silent"
	}
	return ""
}

func neverRecreatedOverWhole(_ *table, _ row, j judged) string {
	if j.whole > 0 && j.allowed&bitsOf(proof.Recreate, proof.Create) != 0 {
		return "something is whole"
	}
	return ""
}
