//go:build race

package credential_test

// raceDetector: with it everything takes several times as long, so that of the
// matrix only a sample of the sample is run (see the Makefile).
const raceDetector = true
