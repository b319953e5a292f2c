package decide_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldenHead = `# What every cluster of three comes to, by classes. Written by
# go test ./internal/etcd/decide -run TestEveryClusterOfThree -update
#
# parts     which identity a quorum of parts counts for; where none does, and
#           nobody at all is silent, whom the parts name, or nameless (something
#           is there) or absent
# memories, traces
#           beside something whole: of it (its lineage is named), later (a later
#           generation of it is), silent (one is, and nobody names it), other;
#           where nothing is whole: as for parts
# A1-old    a record of A1 with a serial below the one that memories know
# *         any
`

// class is what a case of the table is sorted by.
// Its words are of the parts, the record, the memories and the traces.
type class [4]string

// checkGolden compares the table, told in classes, with the golden file.
func checkGolden(t *testing.T, tab *table) {
	verdicts := map[class][]string{}
	for _, r := range tab.ordered {
		j := tab.rows[r]
		c := tab.classOf(r)
		if v := fmt.Sprintf("%s (%d)", j.state, j.rule); !slices.Contains(verdicts[c], v) {
			verdicts[c] = append(verdicts[c], v)
		}
	}
	for c, v := range verdicts {
		if len(v) > 1 {
			t.Errorf("%v comes to %v: the classes are too coarse to be read", c, v)
		}
	}
	got := goldenHead + "\n" + tellClasses(verdicts)
	const path = "testdata/verdicts.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table is not that of %s; look at the difference after -update. Got:\n%s", path, got)
	}
	if lines := strings.Count(got, "\n"); lines > 120 {
		t.Errorf("%s has %d lines; nobody reads more than 120", path, lines)
	}
}

func (t *table) classOf(r row) class {
	var parts, mem []said
	for i := range t.names {
		parts = append(parts, t.states[r.members[i]].part)
		mem = append(mem, t.states[r.members[i]].memory)
	}
	rec, of := records[r.record].word, []said{traces[r.trace]}
	if it, found := t.wholeOf(r); found {
		name := fmt.Sprintf("%s%d whole", it.Lineage, it.Generation)
		return class{name, rec, relation(it, mem), relation(it, of)}
	}
	if t.anybodySilent(r) {
		return class{"none whole, one silent", "*", "*", "*"}
	}
	return class{"none whole, " + bare(parts), rec, bare(mem), bare(of)}
}

// wholeOf is the identity that two of three parts count for, worked out from
// the states alone.
func (t *table) wholeOf(r row) (proof.Identity, bool) {
	for _, id := range []proof.Identity{a1, a2, b1} {
		counting := 0
		for i := range t.names {
			s := t.states[r.members[i]]
			against := s.memory == silent || s.memory.finding == proof.Present && (s.memory.id.Lineage != id.Lineage || id.EarlierThan(s.memory.id))
			if s.part.id == id && !against {
				counting++
			}
		}
		if 2*counting > len(t.names) {
			return id, true
		}
	}
	return noName, false
}

func relation(it proof.Identity, said []said) string {
	word := "other"
	for _, s := range said {
		switch {
		case it.EarlierThan(s.id):
			return "later"
		case s.id.Lineage == it.Lineage:
			word = "of it"
		case s == silent && word == "other":
			word = "silent"
		}
	}
	return word
}

func bare(said []said) string {
	lineages, word := []string{}, "absent"
	for _, s := range said {
		switch {
		case s.id.Named() && !slices.Contains(lineages, s.id.Lineage):
			lineages = append(lineages, s.id.Lineage)
		case s != absent:
			word = "nameless"
		}
	}
	if len(lineages) > 0 {
		slices.Sort(lineages)
		return strings.Join(lineages, "+")
	}
	return word
}

// tellClasses prints one line for every group of classes that come to the same.
func tellClasses(verdicts map[class][]string) string {
	rows := map[class]string{}
	for c, v := range verdicts {
		rows[c] = strings.Join(v, ", ")
	}
	head := fmt.Sprintf(goldenRow, "parts", "record", "memories", "traces", "verdict (rule)")
	return strings.Join(append([]string{head}, tellRows(rows, 0, nil)...), "\n") + "\n"
}

const goldenRow = "%-22s | %-30s | %-15s | %-19s | %s"

// tellRows splits the rows by the words of one column after the other, and puts
// those words on one line behind which everything is the same.
func tellRows(rows map[class]string, column int, before []any) []string {
	if column == len(class{}) {
		for _, verdict := range rows { // there is one
			return []string{fmt.Sprintf(goldenRow, append(before, verdict)...)}
		}
	}
	byWord := map[string]map[class]string{}
	for c, v := range rows {
		if byWord[c[column]] == nil {
			byWord[c[column]] = map[class]string{}
		}
		byWord[c[column]][c] = v
	}
	behind := map[string][]string{} // what stands behind, to the words that lead there
	for word, some := range byWord {
		text := strings.Join(tellRows(some, column+1, make([]any, column+1)), "\n")
		behind[text] = append(behind[text], word)
	}
	var groups [][]string
	for _, words := range behind {
		slices.Sort(words)
		groups = append(groups, words)
	}
	slices.SortFunc(groups, slices.Compare)
	var lines []string
	for _, words := range groups {
		name := strings.Join(words, "/")
		if len(words) == len(byWord) && len(words) > 1 {
			name = "*"
		}
		lines = append(lines, tellRows(byWord[words[0]], column+1, append(slices.Clone(before), name))...)
	}
	return lines
}
