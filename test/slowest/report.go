package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// slowestShown is how many tests the closing table names.
const slowestShown = 10

// event is one line of "go test -json" (cmd/test2json, cmd/internal/buildjson).
type event struct {
	Action     string
	Package    string
	ImportPath string // instead of Package where a build speaks
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// timing is how long one test took.
type timing struct {
	name string
	took time.Duration
}

// report gathers the events of one or more runs of go test.
type report struct {
	out     io.Writer
	pending map[string][]string // what tests, packages and builds printed and nobody was shown
	timings []timing
	broken  map[string]bool // packages in which a test failed
	skipped []string
	failed  []string
	passed  int
}

func newReport(out io.Writer) *report {
	return &report{out: out, pending: map[string][]string{}, broken: map[string]bool{}}
}

// sound says whether something ran and nothing failed.
func (r *report) sound() bool { return r.passed > 0 && len(r.failed) == 0 }

// read takes events until the input ends. A line that is no event (a message of
// the go command itself) is printed as it is.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the events of go test: %w", err)
		}
	}
}

func (r *report) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Action == "" {
		fmt.Fprint(r.out, line)
		return
	}
	r.take(e)
}

// key names what an output belongs to: a test, a package, or a build.
func (e event) key() string {
	if e.Test != "" {
		return e.Package + "." + e.Test
	}
	return e.Package + e.ImportPath
}

func (r *report) take(e event) {
	switch e.Action {
	case "output", "build-output":
		r.output(e)
	case "build-fail":
		r.show(e.key())
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.testEnded(e)
		} else {
			r.packageEnded(e)
		}
	}
}

// output keeps a line until it is known whether anybody wants to read it.
func (r *report) output(e event) {
	if _, note, found := strings.Cut(e.Output, "NOTE:"); found {
		fmt.Fprintf(r.out, "note  %s:%s\n", shortName(e.key()), strings.TrimRight(note, "\n"))
		return
	}
	r.pending[e.key()] = append(r.pending[e.key()], e.Output)
}

// show prints what was kept under a key.
func (r *report) show(key string) {
	for _, text := range r.pending[key] {
		fmt.Fprint(r.out, text)
	}
	delete(r.pending, key)
}

func (r *report) testEnded(e event) {
	name := e.key()
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed = append(r.failed, name)
		r.broken[e.Package] = true
		r.show(name)
	case "skip":
		r.skipped = append(r.skipped, name+": "+lastWords(r.pending[name]))
	}
	delete(r.pending, name)
	if !strings.Contains(e.Test, "/") { // the time of a subtest is in its parent's
		r.timings = append(r.timings, timing{name, seconds(e.Elapsed)})
	}
}

// packageEnded prints the line of a package. One that failed without a failed
// test (a build, a panic, a timeout) counts as one failure, and everything is
// shown that its unfinished tests had printed.
func (r *report) packageEnded(e event) {
	if e.Action == "fail" {
		if !r.broken[e.Package] {
			r.failed = append(r.failed, e.Package)
		}
		for _, key := range r.unfinished(e.Package) {
			r.show(key)
		}
		fmt.Fprintf(r.out, "FAIL  %-50s %8.1fs\n", e.Package, e.Elapsed)
		return
	}
	delete(r.pending, e.Package)
	if e.Action == "pass" {
		fmt.Fprintf(r.out, "ok    %-50s %8.1fs\n", e.Package, e.Elapsed)
	}
}

// unfinished lists the keys of a package that still hold output, the package's
// own last.
func (r *report) unfinished(pkg string) []string {
	var keys []string
	for key := range r.pending {
		if strings.HasPrefix(key, pkg+".") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return append(keys, pkg)
}

// close prints what concerns the whole run.
func (r *report) close() {
	if len(r.skipped) > 0 {
		fmt.Fprintf(r.out, "\nskipped:\n")
		for _, line := range r.skipped {
			fmt.Fprintf(r.out, "  %s\n", shortName(line))
		}
	}
	r.closeSlowest()
	if len(r.failed) > 0 {
		fmt.Fprintf(r.out, "\nfailed:\n")
		for _, name := range r.failed {
			fmt.Fprintf(r.out, "  %s\n", shortName(name))
		}
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed\n", r.passed, len(r.failed))
}

func (r *report) closeSlowest() {
	slices.SortStableFunc(r.timings, func(a, b timing) int { return int(b.took - a.took) })
	fmt.Fprintf(r.out, "\nslowest tests:\n")
	for _, t := range r.timings[:min(slowestShown, len(r.timings))] {
		fmt.Fprintf(r.out, "  %8.2fs  %s\n", t.took.Seconds(), shortName(t.name))
	}
}

// lastWords is the last line that a test logged before it ended: of a skipped
// one, its reason.
func lastWords(outputs []string) string {
	for _, text := range slices.Backward(outputs) {
		text = strings.TrimSpace(text)
		if text != "" && !strings.HasPrefix(text, "--- ") && !strings.HasPrefix(text, "=== ") {
			return text
		}
	}
	return "no reason given"
}

// shortName drops the module's path, the same in every line.
func shortName(name string) string {
	return strings.TrimPrefix(name, "github.com/seedproof/seedproof/")
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
