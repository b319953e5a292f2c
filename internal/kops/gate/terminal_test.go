package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pty opens a pseudo-terminal: the person's side, and the program's.
func pty(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// TestTerminal: the answer is one line, and what was typed behind it is left
// for kops.
func TestTerminal(t *testing.T) {
	person, program := pty(t)
	var out bytes.Buffer
	terminal := OpenTerminal(program, &out)
	if terminal == nil {
		t.Fatal("a terminal is none")
	}
	defer terminal.Close()
	if _, err := person.WriteString("prod.example.com\nfor kops\n"); err != nil {
		t.Fatal(err)
	}
	got, err := terminal.Ask(t.Context(), "name? ")
	if err != nil || got != "prod.example.com" || out.String() != "name? " {
		t.Fatalf("%q, %v; shown %q", got, err, &out)
	}
	rest := make([]byte, 100)
	n, err := program.Read(rest)
	if err != nil || string(rest[:n]) != "for kops\n" {
		t.Errorf("left for kops: %q, %v", rest[:n], err)
	}
}

// TestTerminalEnds: the end of the input is no answer, and a run that is
// stopped does not wait for one.
func TestTerminalEnds(t *testing.T) {
	person, program := pty(t)
	terminal := OpenTerminal(program, io.Discard)
	if _, err := person.WriteString("\x04"); err != nil { // Ctrl-D
		t.Fatal(err)
	}
	if got, err := terminal.Ask(t.Context(), ""); err != nil || got != "" {
		t.Errorf("the end of the input: %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := terminal.Ask(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := person.WriteString("\n"); err != nil { // ends the read that is still under way
		t.Fatal(err)
	}
}

func TestReadLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{{"y\n", "y"}, {"y", "y"}, {"", ""}, {"\n", ""}, {"a b\r\n", "a b\r"}} {
		if got, err := readLine(strings.NewReader(c.in)); err != nil || got != c.want {
			t.Errorf("%q: %q, %v", c.in, got, err)
		}
	}
	if _, err := readLine(strings.NewReader(strings.Repeat("y", 2*maxTyped))); err == nil {
		t.Error("an answer without an end")
	}
	if OpenTerminal(strings.NewReader(""), nil) != nil {
		if f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
			t.Error("a terminal out of nowhere")
		} else {
			_ = f.Close()
		}
	}
	if IsTerminal(&bytes.Buffer{}) {
		t.Error("a buffer is a terminal")
	}
}
