// Package query is the part of the ONTAP REST API that is the same for every
// kind of object: which fields exist, which are shown, which records a query
// string keeps, in which order, and what a body may hold.
//
// It is pure: no clock, no network, no knowledge of any object. It must never
// guess at a name or value that it does not know; it refuses it with the code
// that an array gives.
package query

import (
	"fmt"
	"strconv"
	"strings"
)

// Record is one object as JSON has it: leaves are string, int64 or bool, lists
// are []any of leaves or of Record.
type Record = map[string]any

// Error is a refusal with ONTAP's code (facts, common codes).
type Error struct {
	Code    int
	Target  string
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (code %d)", e.Message, e.Code) }

func refuse(code int, target, format string, args ...any) *Error {
	return &Error{Code: code, Target: target, Message: fmt.Sprintf(format, args...)}
}

// Kind is the type of a field's value.
type Kind byte

// The kinds of values.
const (
	Text Kind = iota
	Number
	Flag
	Time
	List // of objects, or of texts where no field lies below it
)

// Class says when a field is shown.
type Class byte

// The classes of fields.
const (
	Key       Class = iota // always
	Standard               // with fields=*, and in an instance
	Expensive              // with fields=** or when it is named
	Named                  // only when it is named
)

// Field is one line of a schema.
type Field struct {
	Path           string
	Kind           Kind
	Class          Class
	Since          int // release, as Release gives it; 0: always
	Create, Modify bool
	WriteOnly      bool
	Max            int // longest text; 0: any
	Enum           []string
}

// Schema is the set of fields of one kind of object.
type Schema struct {
	Fields  []*Field
	byPath  map[string]*Field
	inner   map[string]bool // paths with fields below them
	aliases map[string]string
}

// Release turns "9.16.1" into a number that can be compared; 0: not a release.
func Release(s string) int {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return 0
	}
	n := 0
	for _, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || v > 99 {
			return 0
		}
		n = n*100 + v
	}
	return n
}

// MustSchema reads a schema: one field a line, "path kind word...", where the
// words are key, std, exp, named (when it is shown), create, modify, set (both),
// writeonly, since=RELEASE, max=N, enum=a,b and alias=NAME.
func MustSchema(text string) *Schema {
	s := &Schema{byPath: map[string]*Field{}, inner: map[string]bool{}, aliases: map[string]string{}}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s.add(words)
	}
	return s
}

func (s *Schema) add(words []string) {
	kinds := map[string]Kind{"text": Text, "int": Number, "bool": Flag, "time": Time, "list": List}
	kind, ok := kinds[words[1]]
	if !ok {
		panic(fmt.Sprintf("schema: kind of %q", words))
	}
	f := &Field{Path: words[0], Kind: kind, Class: Standard}
	for _, w := range words[2:] {
		s.word(f, w)
	}
	s.Fields = append(s.Fields, f)
	s.byPath[f.Path] = f
	for p := f.Path; strings.Contains(p, "."); {
		p = p[:strings.LastIndexByte(p, '.')]
		s.inner[p] = true
	}
}

func (s *Schema) word(f *Field, w string) {
	name, value, _ := strings.Cut(w, "=")
	switch name {
	case "key":
		f.Class = Key
	case "std":
	case "exp":
		f.Class = Expensive
	case "named":
		f.Class = Named
	case "create":
		f.Create = true
	case "modify":
		f.Modify = true
	case "set":
		f.Create, f.Modify = true, true
	case "writeonly":
		f.WriteOnly = true
	case "since":
		f.Since = Release(value)
	case "max":
		f.Max, _ = strconv.Atoi(value)
	case "enum":
		f.Enum = strings.Split(value, ",")
	case "alias":
		s.aliases[value] = f.Path
	default:
		panic("schema: word " + w)
	}
}

// find gives the field of that name in that release.
func (s *Schema) find(path string, release int) *Field {
	if to, ok := s.aliases[path]; ok {
		path = to
	}
	f := s.byPath[path]
	if f == nil || f.Since > release {
		return nil
	}
	return f
}

// isObject says whether something that the release knows lies below path.
func (s *Schema) isObject(path string, release int) bool {
	if !s.inner[path] {
		return false
	}
	for _, f := range s.Fields {
		if f.Since <= release && strings.HasPrefix(f.Path, path+".") {
			return true
		}
	}
	return false
}

// Values gives every value at a dotted path, going through lists.
func Values(r any, path string) []any {
	if path == "" {
		if list, ok := r.([]any); ok {
			return list
		}
		return []any{r}
	}
	switch v := r.(type) {
	case Record:
		head, rest, _ := strings.Cut(path, ".")
		next, ok := v[head]
		if !ok {
			return nil
		}
		return Values(next, rest)
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, Values(e, path)...)
		}
		return all
	}
	return nil
}

// Put sets the value at a dotted path, making the objects on the way.
func Put(r Record, path string, value any) {
	head, rest, below := strings.Cut(path, ".")
	if !below {
		r[head] = value
		return
	}
	next, ok := r[head].(Record)
	if !ok {
		next = Record{}
		r[head] = next
	}
	Put(next, rest, value)
}
