package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Seedproof is the path of the program cmd/seedproof, built from the working
// tree once in a test process, with the race detector if the test has it.
func Seedproof(t testing.TB) string {
	t.Helper()
	return Program(t, "seedproof")
}

// Program is Seedproof for any of the programs under cmd.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := program(name)
	if err != nil {
		t.Fatalf("testenv: build cmd/%s: %v", name, err)
	}
	return path
}

var programs struct {
	sync.Mutex
	path map[string]string
}

func program(name string) (string, error) {
	programs.Lock()
	defer programs.Unlock()
	if path, ok := programs.path[name]; ok {
		return path, nil
	}
	path, err := buildProgram("./cmd/" + name)
	if err != nil {
		return "", err
	}
	if programs.path == nil {
		programs.path = map[string]string{}
	}
	programs.path[name] = path
	return path, nil
}

// buildProgram lets go build decide whether there is anything to do, and names
// the result by its content: a program in use by another test process never
// changes under it.
func buildProgram(pkg string) (path string, err error) {
	root, err := repoRoot()
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	name := filepath.Base(pkg)
	args := []string{"-o"}
	env := []string{"GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local"}
	dir := "program-" + name
	if raceEnabled {
		dir += "-race"
		env = append(env, "CGO_ENABLED=1")
		args = []string{"-race", "-o"}
	}
	dir = filepath.Join(cache, dir+"-"+shortHash(root))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	out := filepath.Join(dir, name)
	err = locked(filepath.Join(dir, ".lock"), func() error {
		if err := goBuild(root, env, append(args, out, pkg)...); err != nil {
			return err
		}
		path, err = keepByContent(out)
		return err
	})
	return path, err
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

// keepByContent links out into a directory named by its hash, where it keeps
// its own name, and removes those that nobody made anew for a day.
func keepByContent(out string) (string, error) {
	f, err := os.Open(out)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	kept := filepath.Join(filepath.Dir(out), "sha256-"+hex.EncodeToString(h.Sum(nil))[:16])
	if err := prune(filepath.Dir(out), kept); err != nil {
		return "", err
	}
	link := filepath.Join(kept, filepath.Base(out))
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return "", err
	}
	if err := os.Chtimes(kept, time.Time{}, time.Now()); err != nil {
		return "", err
	}
	if err := os.Link(out, link); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("keep the built program: %w", err)
	}
	return link, nil
}

func prune(dir, except string) error {
	old, err := filepath.Glob(filepath.Join(dir, "sha256-*"))
	if err != nil {
		return err
	}
	for _, kept := range old {
		info, err := os.Stat(kept)
		if err != nil || kept == except || time.Since(info.ModTime()) < 24*time.Hour {
			continue
		}
		if err := os.RemoveAll(kept); err != nil {
			return err
		}
	}
	return nil
}
