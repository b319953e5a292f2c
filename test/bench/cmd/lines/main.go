// Command lines prints a table of the lines of code and of tests of each Go
// package below a directory: "go run ./test/bench/cmd/lines [-all] [DIR]".
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	all := flag.Bool("all", false, "a row for each package; otherwise one for each top folder and the wings' parts")
	flag.Parse()
	root := "."
	if flag.NArg() > 0 {
		root = flag.Arg(0)
	}
	packages, err := count(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lines:", err)
		os.Exit(1)
	}
	if !*all {
		packages = merge(packages)
	}
	table(os.Stdout, packages)
}

func table(w io.Writer, packages []lines) {
	var sum lines
	fmt.Fprintf(w, "| package | code | tests | tests to code |\n|---|---:|---:|---:|\n")
	for _, p := range packages {
		row(w, p)
		sum.code += p.code
		sum.tests += p.tests
	}
	sum.dir = "all"
	row(w, sum)
}

func row(w io.Writer, p lines) {
	ratio := "-"
	if p.code > 0 {
		ratio = fmt.Sprintf("%.1f", float64(p.tests)/float64(p.code))
	}
	fmt.Fprintf(w, "| %s | %d | %d | %s |\n", p.dir, p.code, p.tests, ratio)
}
