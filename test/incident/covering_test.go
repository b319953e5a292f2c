package incident

import (
	"fmt"
	"testing"
)

// row is one crossing: what is taken away, who dies then, where the stores
// are, and whether one node of three is down throughout.
type row struct {
	form   string
	kill   kill
	driver string
	down   bool
}

func (r row) String() string {
	node := "all nodes up"
	if r.down {
		node = "one node down"
	}
	return fmt.Sprintf("%s: %s / kill %s / %s", r.driver, r.form, r.kill, node)
}

// pairs are the pairs of values that the row has.
func (r row) pairs() []string {
	values := []string{"form=" + r.form, "kill=" + string(r.kill), "driver=" + r.driver, fmt.Sprint("down=", r.down)}
	var all []string
	for i, a := range values {
		for _, b := range values[i+1:] {
			all = append(all, a+"&"+b)
		}
	}
	return all
}

// covering picks rows out of all until every pair of values that any row has
// is in one of them: the row with the most new pairs first, of equal ones the
// earlier.
func covering(all []row) []row {
	open := map[string]bool{}
	for _, r := range all {
		for _, p := range r.pairs() {
			open[p] = true
		}
	}
	var picked []row
	for len(open) > 0 {
		best, most := row{}, 0
		for _, r := range all {
			news := 0
			for _, p := range r.pairs() {
				if open[p] {
					news++
				}
			}
			if news > most {
				best, most = r, news
			}
		}
		for _, p := range best.pairs() {
			delete(open, p)
		}
		picked = append(picked, best)
	}
	return picked
}

func TestTheCoveringSetHoldsEveryPair(t *testing.T) {
	all := crossings(true)
	picked := covering(all)
	held := map[string]bool{}
	for _, r := range picked {
		for _, p := range r.pairs() {
			held[p] = true
		}
	}
	for _, r := range all {
		for _, p := range r.pairs() {
			if !held[p] {
				t.Errorf("no row has %s", p)
			}
		}
	}
	if len(picked) >= len(all) {
		t.Errorf("%d rows were picked of %d", len(picked), len(all))
	}
}
