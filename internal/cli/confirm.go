package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"golang.org/x/term"
)

// maxTyped bounds what is read as a confirmation.
const maxTyped = 1024

// confirm asks a person to type a word. Scripts say --yes; what is neither a
// terminal nor says so is refused, and nothing is done.
func (g *global) confirm(yes bool, word string) error {
	if yes {
		return nil
	}
	if in, ok := g.stdin.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return &usageError{err: errors.New("this needs a confirmation, and there is no terminal to ask on"), next: "the same command with --yes, once you have read the above"}
	}
	return askFor(word, g.stdin, g.stderr)
}

// askFor succeeds when exactly the word was typed.
func askFor(word string, in io.Reader, out io.Writer) error {
	_, _ = fmt.Fprintf(out, "Type %q to go on, anything else to stop: ", word)
	typed, err := bufio.NewReader(io.LimitReader(in, maxTyped)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the confirmation: %w", err)
	}
	if strings.TrimSpace(typed) != word {
		return refused(errors.New("not confirmed; nothing was done"), "")
	}
	return nil
}

// personName is who gives a word, where --by does not say.
func personName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}
