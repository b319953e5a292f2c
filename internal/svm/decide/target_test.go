package decide_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seedproof/seedproof/internal/svm/decide"
)

func TestTarget(t *testing.T) {
	arrays := []string{"a", "b", "c", "d"}
	counts := map[string]int{}
	for i := range 4000 {
		name := fmt.Sprintf("p%d", i)
		chosen := decide.Target(name, arrays, "")
		counts[chosen]++
		backwards := slices.Clone(arrays)
		slices.Reverse(backwards)
		if again := decide.Target(name, append(backwards, chosen), ""); again != chosen {
			t.Fatalf("%s: %s, and in another order %s", name, chosen, again)
		}
		for _, gone := range arrays {
			left := slices.DeleteFunc(slices.Clone(arrays), func(a string) bool { return a == gone })
			if now := decide.Target(name, left, ""); gone != chosen && now != chosen {
				t.Fatalf("%s moves from %s to %s when %s goes", name, chosen, now, gone)
			}
		}
	}
	for _, a := range arrays {
		if counts[a] < 850 || counts[a] > 1150 {
			t.Errorf("array %s gets %d of 4000", a, counts[a])
		}
	}
}

func TestTargetNamed(t *testing.T) {
	for _, c := range []struct {
		reason string
		arrays []string
		named  string
		want   string
	}{
		{"the configuration names one", []string{"a", "b"}, "b", "b"},
		{"it names one that is not there: none, rather than another", []string{"a", "b"}, "z", ""},
		{"no array", nil, "", ""},
		{"one array", []string{"a"}, "", "a"},
	} {
		if got := decide.Target("p1", c.arrays, c.named); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
	// It is fixed: another program, and a later version, must choose alike.
	for name, want := range map[string]string{"p1": "a", "p2": "b", "pabc": "c"} {
		if got := decide.Target(name, []string{"a", "b", "c"}, ""); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
