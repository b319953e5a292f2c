//go:build race

package kops

// The race detector makes the program some ten times slower and larger, so it
// looks at a tenth.
const (
	most    = 1_000
	laid    = 5
	maxAnon = 600 * mib
)
