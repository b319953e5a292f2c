package gate

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxTyped bounds what is read as an answer, in bytes.
const maxTyped = 1024

// Terminal is a Person at a terminal. Prompts go to Out.
type Terminal struct {
	in  *os.File
	own bool // opened by us
	Out io.Writer
}

// OpenTerminal finds the terminal to ask on: standard input if it is one, else
// the one that controls the process. It gives nil where there is none.
func OpenTerminal(stdin io.Reader, out io.Writer) *Terminal {
	if f, ok := stdin.(*os.File); ok && IsTerminal(f) {
		return &Terminal{in: f, Out: out}
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil // there is none, or none that can be used: nobody to ask
	}
	return &Terminal{in: f, own: true, Out: out}
}

// IsTerminal reports whether a stream is a terminal. It leaves the stream as it
// is: asking for its descriptor (Fd) could change how it blocks.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	is := false
	err = raw.Control(func(fd uintptr) { is = term.IsTerminal(int(fd)) })
	return err == nil && is
}

// File is the terminal itself.
func (t *Terminal) File() *os.File { return t.in }

// Close closes what OpenTerminal opened.
func (t *Terminal) Close() {
	if t.own {
		_ = t.in.Close() // nothing is waiting to be written
	}
}

// Ask implements Person. It reads byte by byte, so that what was typed behind
// the line is left for kops.
func (t *Terminal) Ask(ctx context.Context, prompt string) (string, error) {
	if _, err := io.WriteString(t.Out, prompt); err != nil {
		return "", err
	}
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		line, err := readLine(t.in)
		answered <- answer{line, err}
	}()
	select {
	case a := <-answered:
		return a.line, a.err
	case <-ctx.Done():
		_, _ = io.WriteString(t.Out, "\n") // behind the prompt
		return "", ctx.Err()
	}
}

// readLine reads one line, and not a byte more. The end of the input ends it.
func readLine(r io.Reader) (string, error) {
	var line strings.Builder
	b := make([]byte, 1)
	for line.Len() < maxTyped {
		n, err := r.Read(b)
		if n > 0 {
			if b[0] == '\n' {
				return line.String(), nil
			}
			line.WriteByte(b[0])
		}
		switch {
		case errors.Is(err, io.EOF):
			return line.String(), nil
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("the answer is too long")
}
