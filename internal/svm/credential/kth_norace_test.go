//go:build !race

package credential_test

const raceDetector = false
