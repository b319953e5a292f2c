package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const pkg = "github.com/seedproof/seedproof/internal/x"

func lines(t *testing.T, events ...event) string {
	t.Helper()
	var text strings.Builder
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	return text.String()
}

func TestReport(t *testing.T) {
	passes := event{Action: "pass", Package: pkg, Test: "TestA", Elapsed: 1}
	tests := []struct {
		reason string
		input  string
		sound  bool
		want   []string
		not    string
	}{
		{
			reason: "a passing test is silent, its package has a line",
			input: lines(t, event{Action: "output", Package: pkg, Test: "TestA", Output: "chatter\n"}, passes,
				event{Action: "pass", Package: pkg, Elapsed: 2}),
			sound: true,
			want:  []string{"ok    " + pkg, "1.00s  internal/x.TestA", "\n1 passed, 0 failed\n"},
			not:   "chatter",
		},
		{
			reason: "a failing test shows what it printed, and only it",
			input: lines(t, passes,
				event{Action: "output", Package: pkg, Test: "TestB", Output: "want 1, got 2\n"},
				event{Action: "output", Package: pkg, Test: "TestA", Output: "chatter\n"},
				event{Action: "fail", Package: pkg, Test: "TestB"},
				passes,
				event{Action: "fail", Package: pkg}),
			want: []string{"want 1, got 2\n", "FAIL  " + pkg, "failed:\n  internal/x.TestB\n", "\n2 passed, 1 failed\n"},
			not:  "chatter",
		},
		{
			reason: "a build that fails is a failure, with the compiler's words",
			input: lines(t, event{Action: "build-output", ImportPath: pkg, Output: "x.go:1: undefined: y\n"},
				event{Action: "build-fail", ImportPath: pkg}, event{Action: "fail", Package: pkg}),
			want: []string{"x.go:1: undefined: y\n", "failed:\n  internal/x\n", "\n0 passed, 1 failed\n"},
		},
		{
			reason: "a timeout is a failure, with what the unfinished test had printed",
			input: lines(t, passes, event{Action: "output", Package: pkg, Test: "TestHangs", Output: "waiting for c\n"},
				event{Action: "output", Package: pkg, Output: "panic: test timed out\n"}, event{Action: "fail", Package: pkg}),
			want: []string{"waiting for c\n", "panic: test timed out\n", "\n1 passed, 1 failed\n"},
		},
		{
			reason: "a note of a passing test is shown",
			input: lines(t, event{Action: "output", Package: pkg, Test: "TestA", Output: "    a_test.go:3: NOTE: no root, mounts not run\n"},
				passes, event{Action: "pass", Package: pkg}),
			sound: true,
			want:  []string{"note  internal/x.TestA: no root, mounts not run\n"},
		},
		{
			reason: "a skipped test is named with its reason and counts for neither side",
			input: lines(t, passes, event{Action: "output", Package: pkg, Test: "TestC", Output: "    c_test.go:9: needs root\n"},
				event{Action: "output", Package: pkg, Test: "TestC", Output: "--- SKIP: TestC (0.00s)\n"},
				event{Action: "skip", Package: pkg, Test: "TestC"}),
			sound: true,
			want:  []string{"skipped:\n  internal/x.TestC: c_test.go:9: needs root\n", "\n1 passed, 0 failed\n"},
		},
		{
			reason: "words of the go command are passed on",
			input:  "go: no such module\n",
			want:   []string{"go: no such module\n", "\n0 passed, 0 failed\n"},
		},
		{reason: "nothing at all is not success", input: "", want: []string{"\n0 passed, 0 failed\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(tt.input)); err != nil {
				t.Fatal(err)
			}
			r.close()
			if r.sound() != tt.sound {
				t.Errorf("sound = %v, want %v", r.sound(), tt.sound)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
			if tt.not != "" && strings.Contains(out.String(), tt.not) {
				t.Errorf("%q in:\n%s", tt.not, out.String())
			}
		})
	}
}

func TestTheTenSlowestInOrder(t *testing.T) {
	var events []event
	for i := range 15 {
		events = append(events, event{Action: "pass", Package: pkg, Test: fmt.Sprintf("Test%02d/part", i), Elapsed: 99})
		events = append(events, event{Action: "pass", Package: pkg, Test: fmt.Sprintf("Test%02d", i), Elapsed: float64(i)})
	}
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(lines(t, events...))); err != nil {
		t.Fatal(err)
	}
	r.close()
	_, table, _ := strings.Cut(out.String(), "slowest tests:\n")
	table, _, _ = strings.Cut(table, "\n\n")
	got := strings.Fields(table)
	if len(got) != 2*slowestShown || got[1] != "internal/x.Test14" || got[19] != "internal/x.Test05" {
		t.Errorf("slowest tests:\n%s", table)
	}
}
