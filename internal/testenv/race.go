//go:build race

package testenv

// raceEnabled: the test binary was built with the race detector, so programs
// under test are too.
const raceEnabled = true
