package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Body is an understood request body: values by dotted path.
type Body struct {
	vals map[string]any // string, int64, bool, nil, []string or []Body
}

// maxDepth bounds how deeply a body may be nested.
const maxDepth = 16

var errTwice = errors.New("given twice")

// ParseBody reads the body of a POST (create) or PATCH against a schema. What
// the body holds is checked field by field: known to the release, settable by
// this method, of the right kind.
func ParseBody(data []byte, s *Schema, release int, create bool) (Body, *Error) {
	obj, err := decodeObject(data)
	if err != nil {
		return Body{}, err
	}
	return bodyOf(obj, "", s, release, create)
}

// Records gives the raw elements of a body of the form {"records":[...]}.
func Records(data []byte) ([]json.RawMessage, bool) {
	var list struct {
		Records *[]json.RawMessage `json:"records"`
	}
	if json.Unmarshal(data, &list) != nil || list.Records == nil {
		return nil, false
	}
	return *list.Records, true
}

func decodeObject(data []byte) (map[string]any, *Error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decode(dec, 0)
	if errors.Is(err, errTwice) {
		return nil, refuse(262188, "", "Field %s", err)
	}
	if err != nil {
		return nil, refuse(262200, "", "Invalid JSON input: %s", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(262200, "", "Invalid JSON input: something follows the object")
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(262199, "", "Invalid JSON input, an object was expected")
	}
	return obj, nil
}

// decode reads one JSON value and, other than encoding/json, notices a name
// that is given twice.
func decode(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		return decodeFields(dec, depth)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := decode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return tok, nil
}

func decodeFields(dec *json.Decoder, depth int) (any, error) {
	obj := map[string]any{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := tok.(string)
		if !ok {
			return nil, errors.New("a name was expected")
		}
		if _, twice := obj[name]; twice {
			return nil, fmt.Errorf("%q %w", name, errTwice)
		}
		if obj[name], err = decode(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return obj, err
}

func bodyOf(obj map[string]any, prefix string, s *Schema, release int, create bool) (Body, *Error) {
	b := Body{vals: map[string]any{}}
	r := bodyReader{s: s, release: release, create: create, prefix: prefix, into: b.vals}
	if err := r.object(obj, ""); err != nil {
		return Body{}, err
	}
	return b, nil
}

type bodyReader struct {
	s       *Schema
	release int
	create  bool
	prefix  string // of the list whose element this is
	into    map[string]any
}

func (r bodyReader) object(obj map[string]any, at string) *Error {
	names := make([]string, 0, len(obj))
	for name := range obj {
		names = append(names, name)
	}
	slices.Sort(names) // the first refusal must not depend on chance
	for _, name := range names {
		if name == "_links" || name == "_tags" {
			continue
		}
		path := join(at, name)
		if err := r.field(path, obj[name]); err != nil {
			return err
		}
	}
	return nil
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

func (r bodyReader) field(path string, v any) *Error {
	full := join(r.prefix, path)
	f := r.s.find(full, r.release)
	if f == nil || f.Kind != List && r.s.inner[full] {
		return r.inner(path, full, v)
	}
	if r.prefix == "" || !f.Create && !f.Modify { // elements of a list go by the list
		if err := r.settable(f); err != nil {
			return err
		}
	}
	if _, twice := r.into[path]; twice {
		return refuse(262188, full, "Field %q was specified twice", full)
	}
	value, err := r.value(f, full, v)
	if err != nil {
		return err
	}
	r.into[path] = value
	return nil
}

func (r bodyReader) inner(path, full string, v any) *Error {
	if !r.s.isObject(full, r.release) {
		return refuse(262179, full, "Unexpected argument %q.", full)
	}
	switch v := v.(type) {
	case map[string]any:
		return r.object(v, path)
	case []any:
		return refuse(262255, full, "Field %q cannot be an array", full)
	case nil:
		return nil
	}
	return refuse(262245, full, "The value %v is invalid for field %q", v, full)
}

func (r bodyReader) settable(f *Field) *Error {
	switch {
	case r.create && !f.Create:
		return refuse(262196, f.Path, "Field %q cannot be set in this operation", f.Path)
	case !r.create && !f.Modify:
		return refuse(262203, f.Path, "Field %q cannot be set in a PATCH operation", f.Path)
	}
	return nil
}

func (r bodyReader) value(f *Field, full string, v any) (any, *Error) {
	if f.Kind == List {
		return r.list(full, v)
	}
	if _, isList := v.([]any); isList {
		return nil, refuse(262255, full, "Field %q cannot be an array", full)
	}
	if v == nil {
		return nil, nil
	}
	value, ok := convert(f.Kind, v)
	if !ok {
		return nil, refuse(262245, full, "The value is invalid for field %q", full)
	}
	if text, isText := value.(string); isText {
		if f.Max > 0 && len(text) > f.Max {
			return nil, refuse(262247, full, "The value of field %q is longer than %d characters", full, f.Max)
		}
		if len(f.Enum) > 0 && !slices.Contains(f.Enum, text) {
			return nil, refuse(262247, full, "The value %q is invalid for field %q (<%s>)", text, full, strings.Join(f.Enum, "|"))
		}
	}
	return value, nil
}

// convert accepts numbers and booleans as texts too, as documented examples
// send them.
func convert(kind Kind, v any) (any, bool) {
	switch kind {
	case Number:
		n, ok := size(fmt.Sprint(v))
		return n, ok
	case Flag:
		b, err := strconv.ParseBool(fmt.Sprint(v))
		return b, err == nil
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return nil, false
}

func (r bodyReader) list(full string, v any) (any, *Error) {
	if v == nil {
		return []Body{}, nil
	}
	elements, ok := v.([]any)
	if !ok {
		return nil, refuse(262254, full, "Field %q must be an array", full)
	}
	if !r.s.inner[full] {
		texts := []string{}
		for _, e := range elements {
			text, ok := e.(string)
			if !ok {
				return nil, refuse(262245, full, "The value is invalid for field %q", full)
			}
			texts = append(texts, text)
		}
		return texts, nil
	}
	bodies := []Body{}
	for _, e := range elements {
		obj, ok := e.(map[string]any)
		if !ok {
			return nil, refuse(262245, full, "The elements of field %q must be objects", full)
		}
		b, err := bodyOf(obj, full, r.s, r.release, r.create)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, b)
	}
	return bodies, nil
}

// Empty says whether the body sets nothing.
func (b Body) Empty() bool { return len(b.vals) == 0 }

// Has says whether the body sets path or anything below it.
func (b Body) Has(path string) bool {
	for at := range b.vals {
		if under(at, path) {
			return true
		}
	}
	return false
}

// Only says whether the body sets nothing but these paths.
func (b Body) Only(paths ...string) bool {
	for at := range b.vals {
		if !slices.ContainsFunc(paths, func(p string) bool { return under(at, p) }) {
			return false
		}
	}
	return true
}

// Text is the text at path, "" where there is none.
func (b Body) Text(path string) string {
	s, _ := b.vals[path].(string)
	return s
}

// TextOr is the text at path, or else the given one.
func (b Body) TextOr(path, otherwise string) string {
	if s, ok := b.vals[path].(string); ok {
		return s
	}
	return otherwise
}

// FlagOr is the boolean at path, or else the given one.
func (b Body) FlagOr(path string, otherwise bool) bool {
	if v, ok := b.vals[path].(bool); ok {
		return v
	}
	return otherwise
}

// NumberOr is the number at path, or else the given one.
func (b Body) NumberOr(path string, otherwise int64) int64 {
	if v, ok := b.vals[path].(int64); ok {
		return v
	}
	return otherwise
}

// List gives the objects at path; false where the body does not set it.
func (b Body) List(path string) ([]Body, bool) {
	v, ok := b.vals[path].([]Body)
	return v, ok
}

// Texts gives the list of texts at path.
func (b Body) Texts(path string) []string {
	v, _ := b.vals[path].([]string)
	return v
}

// SetText adds a text to a body, as the scope of a caller does.
func (b Body) SetText(path, value string) { b.vals[path] = value }

// Leaves gives every path of the body.
func (b Body) Leaves() []string {
	out := make([]string, 0, len(b.vals))
	for at := range b.vals {
		out = append(out, at)
	}
	slices.Sort(out)
	return out
}
