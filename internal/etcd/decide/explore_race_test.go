//go:build race

package decide

// underRace: the race detector makes the exploration some ten times slower,
// and has nothing to find in it.
const underRace = true
