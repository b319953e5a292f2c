package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lines is what one package has. Blank lines, lines with nothing but a comment
// and generated files do not count.
type lines struct {
	dir         string
	code, tests int
}

// count counts the packages below root, sorted by folder.
func count(root string) ([]lines, error) {
	packages := map[string]*lines{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipped(root, path, d.Name())
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		return countFile(packages, root, path)
	})
	var sorted []lines
	for _, p := range packages {
		sorted = append(sorted, *p)
	}
	slices.SortFunc(sorted, func(a, b lines) int { return strings.Compare(a.dir, b.dir) })
	return sorted, err
}

func skipped(root, path, name string) error {
	if path != root && (name == "testdata" || name == "bin" || strings.HasPrefix(name, ".")) {
		return filepath.SkipDir
	}
	return nil
}

func countFile(packages map[string]*lines, root, path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	n, err := countSource(path, src)
	if err != nil || n == 0 {
		return err
	}
	dir, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return err
	}
	p := packages[dir]
	if p == nil {
		p = &lines{dir: filepath.ToSlash(dir)}
		packages[dir] = p
	}
	if forTests(p.dir, path) {
		p.tests += n
	} else {
		p.code += n
	}
	return nil
}

// forTests: test files, and packages that only tests import.
func forTests(dir, path string) bool {
	if strings.HasSuffix(path, "_test.go") || dir == "test" || strings.HasPrefix(dir, "test/") {
		return true
	}
	last := dir[strings.LastIndex(dir, "/")+1:]
	return strings.HasPrefix(dir, "internal/testenv") || (last != "test" && strings.HasSuffix(last, "test"))
}

// countSource counts the lines of a file that bear code; those of a generated
// file are none.
func countSource(path string, src []byte) (int, error) {
	files := token.NewFileSet()
	head, err := parser.ParseFile(files, path, src, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	if ast.IsGenerated(head) {
		return 0, nil
	}
	file := files.AddFile(path, -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0) // without comments
	n, last := 0, 0
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return n, nil
		}
		if tok == token.SEMICOLON && text == "\n" {
			continue // put there by the scanner
		}
		first := file.Line(pos)
		end := first + strings.Count(text, "\n")
		n += max(0, end-max(first, last+1)+1)
		last = max(last, end)
	}
}

// merge makes one row of what lies below the same part of the house.
func merge(packages []lines) []lines {
	var merged []lines
	for _, p := range packages {
		p.dir = part(p.dir)
		at := slices.IndexFunc(merged, func(m lines) bool { return m.dir == p.dir })
		if at < 0 {
			merged = append(merged, p)
			continue
		}
		merged[at].code += p.code
		merged[at].tests += p.tests
	}
	return merged
}

// part is the folder that a package is summed under: two levels, three in the
// etcd wing.
func part(dir string) string {
	depth := 2
	switch {
	case strings.HasPrefix(dir, "internal/etcd/"):
		depth = 3
	case !strings.HasPrefix(dir, "internal/") && !strings.HasPrefix(dir, "test/") && !strings.HasPrefix(dir, "cmd/"):
		depth = 1
	}
	names := strings.Split(dir, "/")
	return strings.Join(names[:min(depth, len(names))], "/")
}
