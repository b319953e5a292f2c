//go:build !race

package svm_test

const raceDetector = false
