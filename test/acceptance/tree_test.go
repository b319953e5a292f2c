package acceptance

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is everything below a directory: names, modes and contents. One that is
// not there is empty.
func tree(t *testing.T, dir string) string {
	t.Helper()
	return walk(t, dir, func(path string, info fs.FileInfo) string {
		if !info.Mode().IsRegular() {
			return info.Mode().String()
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %x", info.Mode(), sha256.Sum256(content))
	})
}

// mtimes are the files below a directory and when each was last written.
func mtimes(t *testing.T, dir string) string {
	t.Helper()
	return walk(t, dir, func(_ string, info fs.FileInfo) string {
		if info.IsDir() {
			return ""
		}
		return info.ModTime().String()
	})
}

func walk(t *testing.T, dir string, say func(string, fs.FileInfo) string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s\n", strings.TrimPrefix(path, dir), say(path, info))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
