package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	module = "github.com/seedproof/seedproof"
	root   = "../.."
)

// listed is what "go list -json" says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Path, Dir string }
}

// goList runs go list in the module. A package that cannot be read is an error:
// its imports are not known, and that is not the same as having none.
func goList(args ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Module"}, args...)...)
	cmd.Dir = root
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w: %s", strings.Join(args, " "), err, complaint.String())
	}
	var packages []listed
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("decode what go list says: %w", err)
		}
		packages = append(packages, p)
	}
}

// dependOnSources looks at every source file of the module. "go test" caches a
// result for as long as the files that the test itself looked at are the same;
// what go list reads is not seen by it, so that a new import would go unnoticed.
func dependOnSources() error {
	return filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && name != ".." && (strings.HasPrefix(name, ".") || name == "bin" || name == "seedproof-data") {
			return filepath.SkipDir
		}
		if name == "go.mod" || strings.HasSuffix(name, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
}

// edgesOf are the imports of packages, by the names of the tables.
func edgesOf(packages []listed) []edge {
	var edges []edge
	for _, p := range packages {
		for _, to := range p.Imports {
			edges = append(edges, edge{tableName(p.ImportPath), tableName(to)})
		}
	}
	return edges
}

// tableName drops our module's path and puts "std/" before the standard
// library's packages, which alone have no dot in their first element. "C" is
// not one of them.
func tableName(importPath string) string {
	if own, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return own
	}
	first, _, _ := strings.Cut(importPath, "/")
	if importPath != module && importPath != "C" && !strings.Contains(first, ".") {
		return "std/" + importPath
	}
	return importPath
}

// licence reads the beginnings of a module's licence files.
func licence(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var heads strings.Builder
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		if entry.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		head, err := readHead(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", err
		}
		heads.WriteString(head)
	}
	if heads.Len() == 0 {
		return "", fmt.Errorf("find a licence in %s: none there", dir)
	}
	return heads.String(), nil
}

// readHead reads enough of a licence to know its title, and not so much that
// another licence's name in its text could be taken for it.
func readHead(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 300)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	return string(head[:n]), nil
}
