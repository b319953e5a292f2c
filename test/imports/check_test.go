package imports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// rule is a row of the table in rules_test.go, explained there.
type rule struct {
	why        string
	of, save   []string
	only       []string
	never, but []string
}

// edge is one import of one package, by the names of the tables.
type edge struct{ from, to string }

// violation is an import that a rule forbids.
type violation struct {
	edge
	why string
}

func (v violation) String() string { return fmt.Sprintf("%s imports %s: %s", v.from, v.to, v.why) }

// violations judges every import by every rule and by the rows.
func violations(edges []edge) []violation {
	var found []violation
	for _, e := range edges {
		for _, r := range rules {
			if r.forbids(e) {
				found = append(found, violation{e, r.why})
			}
		}
		if why := againstLayers(e); why != "" {
			found = append(found, violation{e, why})
		}
	}
	slices.SortFunc(found, func(a, b violation) int { return cmp.Compare(a.String(), b.String()) })
	return found
}

func (r rule) forbids(e edge) bool {
	if !matches(r.of, e.from) || matches(r.save, e.from) {
		return false
	}
	if len(r.only) > 0 && !matches(r.only, e.to) {
		return true
	}
	return matches(r.never, e.to) && !matches(r.but, e.to)
}

// againstLayers says what is wrong with an import between two of our packages
// as to their rows, and nothing where all is well.
func againstLayers(e edge) string {
	if !matches(ours, e.to) || matches(testCode, e.from) || matches(testCode, e.to) {
		return ""
	}
	from, to := layerOf(e.from), layerOf(e.to)
	switch {
	case from < 0:
		return e.from + " has no row in layers (rules_test.go)"
	case to < 0:
		return e.to + " has no row in layers (rules_test.go)"
	case to > from:
		return "imports point downwards"
	}
	return ""
}

// layerOf is the row of a package, by the longest pattern that fits; -1 if none.
func layerOf(pkg string) int {
	row, length := -1, -1
	for i, patterns := range layers {
		for _, p := range patterns {
			if len(p) > length && matches([]string{p}, pkg) {
				row, length = i, len(p)
			}
		}
	}
	return row
}

// matches says whether a package is named by one of the patterns.
func matches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		prefix, open := strings.CutSuffix(p, "...")
		if p == pkg || open && (strings.HasPrefix(pkg, prefix) || pkg+"/" == prefix) {
			return true
		}
	}
	return false
}
