// Command slowest reads the output of "go test -json" on its standard input and
// prints what a reader of a log wants: one line a package, the whole output of
// what failed, the ten slowest tests, and as its last line "N passed, N failed".
//
// A passing test is silent, save for lines that it logs with "NOTE:" in front
// (a part that needs root and was not run, a server that is being built, the
// number of calls that a fault matrix covered): they are printed as they come.
//
// It exits 1 when anything failed, when nothing ran at all, and when its input
// cannot be read to the end; the exit code of go test itself is left to the
// shell's pipefail.
package main

import (
	"fmt"
	"os"
)

func main() {
	report := newReport(os.Stdout)
	err := report.read(os.Stdin)
	report.close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "slowest:", err)
	}
	if err != nil || !report.sound() {
		os.Exit(1)
	}
}
