//go:build chaos

package decide

import "testing"

// TestExploreSeedingFurther goes as far as some minutes and gigabytes allow.
func TestExploreSeedingFurther(t *testing.T) {
	cases := []bounds{
		{leaders: 2, stores: 1, disasters: 3, skewed: true, restarts: true, claimLost: true},
		{leaders: 3, stores: 1, disasters: 1, skewed: true},
		{leaders: 3, stores: 1, disasters: 2},
		{leaders: 2, stores: 2, disasters: 2, skewed: true, restarts: true},
	}
	for _, b := range cases {
		explore(t, b, allGuards, anyHarm, nil)
	}
}
