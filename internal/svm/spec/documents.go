package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// Bounds of what is read.
const (
	maxBytes     = 1 << 20
	maxDocuments = 1000
)

// document is one of a file's YAML documents.
type document struct {
	number int // among those that are not empty, from 1
	line   int // of the file, where it begins
	text   string
}

func (d document) String() string { return fmt.Sprintf("document %d (line %d)", d.number, d.line) }

// readDocuments reads and splits a file. An empty one is an error: it would
// look as if nothing were wanted.
func readDocuments(r io.Reader) ([]document, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case len(text) > maxBytes:
		return nil, fmt.Errorf("read the file: it has more than %d bytes", maxBytes)
	case !utf8.Valid(text):
		return nil, errors.New("read the file: it is not UTF-8")
	}
	lines := strings.ReplaceAll(string(text), "\r\n", "\n")
	// YAML takes these as ends of lines, too: a document could begin there unseen.
	if strings.ContainsAny(lines, "\r\u0085\u2028\u2029") {
		return nil, errors.New("read the file: its lines must end with a line feed, and with nothing else")
	}
	documents := split(lines)
	switch {
	case len(documents) == 0:
		return nil, errors.New("read the file: there is nothing in it")
	case len(documents) > maxDocuments:
		return nil, fmt.Errorf("read the file: it has %d documents; %d are allowed", len(documents), maxDocuments)
	}
	return documents, nil
}

// split cuts a file at its document markers, which YAML knows by standing at
// the beginning of a line, wherever that is.
func split(text string) []document {
	var all []document
	current, start := []string(nil), 1
	flush := func(next int) {
		if !blank(current) {
			all = append(all, document{len(all) + 1, start, strings.Join(current, "\n") + "\n"})
		}
		current, start = nil, next
	}
	for i, line := range strings.Split(text, "\n") {
		if !isMarker(line, "---") && !isMarker(line, "...") {
			current = append(current, line)
			continue
		}
		flush(i + 1)
		current = []string{line[3:]}
	}
	flush(0)
	return all
}

// isMarker: the marker, then the line's end or a space.
func isMarker(line, marker string) bool {
	rest, found := strings.CutPrefix(line, marker)
	return found && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// blank: nothing but empty lines and comments.
func blank(lines []string) bool {
	for _, line := range lines {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' {
			return false
		}
	}
	return true
}

// header is what every document begins with.
type header struct {
	kind string
	// numeric are the paths of texts that may be written as a whole number.
	numeric []string
}

// decode reads one document into a value, strictly: a field that the type does
// not have, one that is there twice and a value of another type are problems.
func (h header) decode(text string, into any) *problems {
	found := &problems{}
	asJSON, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		found.add(fmt.Errorf("read it as YAML: %w", err))
		return found
	}
	var tree any
	numbers := json.NewDecoder(bytes.NewReader(asJSON))
	numbers.UseNumber()
	if err := numbers.Decode(&tree); err != nil {
		found.add(fmt.Errorf("read it as JSON: %w", err))
		return found
	}
	if h.check(tree, found); !found.none() {
		return found // of another kind: what else it holds would only confuse
	}
	shape{h.numeric, found}.fit("", tree, reflect.TypeOf(into).Elem())
	if !found.none() {
		return found
	}
	fitted, err := json.Marshal(tree)
	if err == nil {
		err = json.Unmarshal(fitted, into)
	}
	if err != nil {
		found.add(fmt.Errorf("read it: %w", err))
	}
	return found
}

func (h header) check(tree any, found *problems) {
	object, is := tree.(map[string]any)
	if !is {
		found.add(fmt.Errorf("it is no object; want one with apiVersion: %s, kind: %s", APIVersion, h.kind))
		return
	}
	for _, want := range [][2]string{{"apiVersion", APIVersion}, {"kind", h.kind}} {
		switch got, is := object[want[0]].(string); {
		case !is:
			found.field(want[0], "missing; want %q", want[1])
		case got != want[1]:
			found.value(want[0], got, "want %q", want[1])
		}
	}
}
