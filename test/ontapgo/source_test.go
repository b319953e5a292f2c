package ontapgo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The calls of the conformance suite are read from its source: it cannot be
// imported from another module, and a run takes minutes. A path that a function
// is handed by its caller is not followed: the caller's is found.

// builders are the functions of the suite that make a request, and those that
// pass a path on to one.
var builders = map[string]string{
	"get": "GET", "post": "POST", "patch": "PATCH", "remove": "DELETE", "found": "GET", "discard": "DELETE",
}

// unknown stands for what the source does not tell, such as a UUID.
const unknown = "{}"

// source is a package as far as it is needed here.
type source struct {
	files  []*ast.File
	values map[string]string // of constants, and of functions that give one text
}

func readSource(t *testing.T, dir string) *source {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{values: map[string]string{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("read the source: %v", err)
		}
		s.files = append(s.files, f)
	}
	for _, f := range s.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				s.constants(d)
			case *ast.FuncDecl:
				s.function(d)
			}
		}
	}
	return s
}

func (s *source) each(visit func(ast.Node)) {
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			visit(n)
			return true
		})
	}
}

// constants notes texts by name.
func (s *source) constants(d *ast.GenDecl) {
	if d.Tok != token.CONST {
		return
	}
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range v.Names {
			if i < len(v.Values) {
				s.values[name.Name] = s.text(v.Values[i])
			}
		}
	}
}

func (s *source) function(f *ast.FuncDecl) {
	if f.Body == nil || len(f.Body.List) != 1 {
		return
	}
	r, ok := f.Body.List[0].(*ast.ReturnStmt)
	if ok && len(r.Results) == 1 && strings.HasPrefix(s.text(r.Results[0]), "/") {
		s.values[f.Name.Name] = s.text(r.Results[0])
	}
}

// text gives what is known of a text.
func (s *source) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if v, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return v
		}
	case *ast.BinaryExpr:
		return s.text(e.X) + s.text(e.Y)
	case *ast.ParenExpr:
		return s.text(e.X)
	case *ast.Ident:
		if v, ok := s.values[e.Name]; ok {
			return v
		}
	case *ast.CallExpr:
		if name, ok := e.Fun.(*ast.Ident); ok {
			if v, ok := s.values[name.Name]; ok {
				return v
			}
		}
	}
	return unknown
}

// suiteCalls gives the calls of the conformance suite as "METHOD path".
func suiteCalls(t *testing.T, root string) []string {
	t.Helper()
	s := readSource(t, filepath.Join(root, "test", "ontap"))
	found := map[string]bool{}
	add := func(method, text string) {
		if p := normal(text); p != "" {
			found[method+" "+p] = true
		}
	}
	for _, f := range s.files {
		for _, d := range f.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok || builders[function.Name.Name] != "" {
				continue
			}
			local := s.within(function)
			ast.Inspect(function, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					local.built(n, add)
				case *ast.CompositeLit:
					local.literal(n, add)
				case *ast.BasicLit: // a path in a table, which is read
					add("GET", local.text(n))
				}
				return true
			})
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// within knows the variables of a function, too, as far as they are set once.
func (s *source) within(f *ast.FuncDecl) *source {
	local := &source{values: maps.Clone(s.values)}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			local.constants(n)
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				name, ok := left.(*ast.Ident)
				if !ok || n.Tok != token.DEFINE {
					continue
				}
				delete(local.values, name.Name)
				if len(n.Lhs) == len(n.Rhs) && strings.HasPrefix(local.text(n.Rhs[i]), "/") {
					local.values[name.Name] = local.text(n.Rhs[i])
				}
			}
		}
		return true
	})
	return local
}

// built notes a call of one of the builders.
func (s *source) built(c *ast.CallExpr, add func(method, text string)) {
	var name string
	switch f := c.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	method := builders[name]
	if method == "" {
		return
	}
	for _, a := range c.Args {
		if text := s.text(a); strings.HasPrefix(text, "/") {
			add(method, text)
			return
		}
	}
}

// literal notes a request that is written out.
func (s *source) literal(c *ast.CompositeLit, add func(method, text string)) {
	if name, ok := c.Type.(*ast.Ident); !ok || name.Name != "request" {
		return
	}
	method, text := "", ""
	for _, e := range c.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := kv.Key.(*ast.Ident)
		switch {
		case key == nil:
		case key.Name == "method":
			if sel, ok := kv.Value.(*ast.SelectorExpr); ok {
				method = strings.ToUpper(strings.TrimPrefix(sel.Sel.Name, "Method"))
			}
		case key.Name == "path":
			text = s.text(kv.Value)
		}
	}
	switch {
	case method == "":
	case text == unknown: // each of a table, which is read as well
		add(method, "/cluster")
	default:
		add(method, text)
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

var pathOfAPI = regexp.MustCompile(`^/(cluster|network|no|protocols|security|snapmirror|storage|support|svm)(/|$)`)

// normal gives a path without its query, with "{}" for each id; "" for a text
// that is no path of the API.
func normal(text string) string {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "/api"), "?")
	if !pathOfAPI.MatchString(text) {
		return ""
	}
	if strings.HasSuffix(text, "/") {
		return "" // the beginning of a path, which is looked at as a whole
	}
	parts := strings.Split(text, "/")
	for i, p := range parts {
		if strings.Contains(p, unknown) || uuid.MatchString(p) {
			parts[i] = unknown
		}
	}
	return path.Clean(strings.Join(parts, "/"))
}

// simulatorPaths gives the paths of the simulator's resources.
func simulatorPaths(t *testing.T, root string) []string {
	t.Helper()
	s := readSource(t, filepath.Join(root, "internal", "ontap", "sim"))
	found := map[string]bool{}
	s.each(func(n ast.Node) {
		c, ok := n.(*ast.CallExpr)
		if !ok || len(c.Args) == 0 {
			return
		}
		name, ok := c.Fun.(*ast.Ident)
		if !ok || !slices.Contains([]string{"at", "listing", "protocolResource"}, name.Name) {
			return
		}
		if p := normal(s.text(c.Args[0])); p != "" {
			found[p] = true
		}
	})
	if len(found) < 25 {
		t.Fatalf("%d paths were found in the source of the simulator; it has more than 25: %v", len(found), found)
	}
	return slices.Sorted(maps.Keys(found))
}
