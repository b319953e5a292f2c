package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// Program is the kops to run.
type Program struct {
	Path string
	// Arg0 is its name as it was typed.
	Arg0 string
}

// FindProgram finds kops: explicit, if that is given, else the first one on
// path that is not ourselves under that name. path is the value of $PATH, self
// the path of the running program.
func FindProgram(explicit, path, self string) (Program, error) {
	if explicit != "" {
		found := explicit
		if !strings.Contains(found, "/") {
			return findOn(path, explicit, self)
		}
		switch again, err := isOurselves(found, self); {
		case err != nil:
			return Program{}, fmt.Errorf("run %s: %w", explicit, err)
		case again:
			return Program{}, fmt.Errorf("run %s: it leads back to seedproof", explicit)
		}
		return Program{Path: found, Arg0: explicit}, nil
	}
	return findOn(path, "kops", self)
}

func findOn(path, name, self string) (Program, error) {
	passed := ""
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		candidate := filepath.Join(dir, name)
		again, err := isOurselves(candidate, self)
		if err != nil {
			continue // as a shell does
		}
		if again {
			passed = candidate
			continue
		}
		if !filepath.IsAbs(candidate) {
			return Program{}, fmt.Errorf("find %s: $PATH leads to %s in the directory one happens to be in", name, candidate)
		}
		return Program{Path: candidate, Arg0: name}, nil
	}
	if passed != "" {
		return Program{}, fmt.Errorf("find %s on $PATH: there is only %s, which leads back to seedproof", name, passed)
	}
	return Program{}, fmt.Errorf("find %s on $PATH: there is none", name)
}

// maxScript is how much of a script is looked at.
const maxScript = 64 << 10

// isOurselves reports whether running the file would run us again: it is a link
// to us, or a script that calls us. An error says that it cannot be run.
func isOurselves(path, self string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return false, errors.New("it is no program")
	}
	if own, err := os.Stat(self); err == nil && os.SameFile(own, info) {
		return true, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, nil // it may be run and not read, so it is no script
	}
	defer func() { _ = f.Close() }()
	head, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return false, err
	}
	return bytes.HasPrefix(head, []byte("#!")) && bytes.Contains(head, []byte("seedproof kops")), nil
}

// Exec puts the program in our place: then its signals, its terminal, its
// standard streams and its exit code are its own, with nothing of ours between
// that could swallow or delay one. We need not outlive it, since all that has to
// be written down is written before.
//
// It returns only if that fails, or if we were told to stop before.
func (p Program) Exec(ctx context.Context, args, env []string) error {
	// From here on a signal ends us, as it would end a shell before its exec;
	// one that came before has ended ctx.
	signal.Reset()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("kops was not started: %w", err)
	}
	err := syscall.Exec(p.Path, append([]string{p.Arg0}, args...), env)
	return fmt.Errorf("start %s: %w", p.Path, err)
}
