//go:build race

package controller

// raceDetector: every run costs several times as much with it. make test runs
// the matrix without it, and a sample of the matrix with it.
const raceDetector = true
