package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// filter is one field=query of a query string.
type filter struct {
	field *Field
	any   []term // one of them must hold
}

// term is one side of an or-list.
type term struct {
	not         bool
	match       func(v any) bool
	absent, all bool // it fits a value that is not set; it fits whatever is there
}

func parseFilter(f *Field, value string) (filter, *Error) {
	out := filter{field: f}
	parts, ok := split(value, '|')
	if !ok {
		return out, refuse(262247, f.Path, "The braces in %q are not balanced", value)
	}
	for _, part := range parts {
		t, err := parseTerm(f, part)
		if err != nil {
			return out, err
		}
		out.any = append(out.any, t)
	}
	return out, nil
}

func parseTerm(f *Field, s string) (term, *Error) {
	var t term
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		t.not, s = true, rest
	}
	if text, ok := literal(s); ok {
		t.match = func(v any) bool { return show(v) == text }
		return t, nil
	}
	t.all, t.absent = s == "*", s == "" || s == "null" || s == "-"
	for _, op := range []string{"<=", ">=", "<", ">"} {
		if rest, ok := strings.CutPrefix(s, op); ok {
			return t, t.compare(f, op, rest)
		}
	}
	if low, high, ok := strings.Cut(s, ".."); ok {
		return t, t.between(f, low, high)
	}
	if !strings.Contains(s, "*") && f.Kind == Number && s != "" && !t.absent {
		return t, t.compare(f, "=", s)
	}
	if f.Kind == Flag && !t.all && !t.absent && !isFlag(s) {
		return t, refuse(262247, f.Path, "The value %q is invalid for field %q (<{true|false}>)", s, f.Path)
	}
	t.match = func(v any) bool { return wildcard(s, show(v)) }
	return t, nil
}

func isFlag(s string) bool { return s == "true" || s == "false" }

// literal gives the text of a quoted or braced value.
func literal(s string) (string, bool) {
	if len(s) < 2 {
		return "", false
	}
	if s[0] == '"' && s[len(s)-1] == '"' || s[0] == '{' && s[len(s)-1] == '}' {
		return s[1 : len(s)-1], true
	}
	return "", false
}

func (t *term) compare(f *Field, op, bound string) *Error {
	if _, ok := order(f, bound); !ok {
		return refuse(262247, f.Path, "The value %q is invalid for field %q", bound, f.Path)
	}
	t.match = func(v any) bool {
		c, ok := cmp(f, v, bound)
		if !ok {
			return false
		}
		switch op {
		case "<":
			return c < 0
		case ">":
			return c > 0
		case "<=":
			return c <= 0
		case ">=":
			return c >= 0
		}
		return c == 0
	}
	return nil
}

func (t *term) between(f *Field, low, high string) *Error {
	for _, bound := range []string{low, high} {
		if _, ok := order(f, bound); !ok && bound != "" {
			return refuse(262247, f.Path, "The value %q is invalid for field %q", bound, f.Path)
		}
	}
	t.match = func(v any) bool {
		if c, ok := cmp(f, v, low); low != "" && (!ok || c < 0) {
			return false
		}
		c, ok := cmp(f, v, high)
		return high == "" || ok && c <= 0
	}
	return nil
}

// order says whether a text can stand in a comparison of that field.
func order(f *Field, s string) (int64, bool) {
	switch f.Kind {
	case Number:
		return size(s)
	case Time:
		at, err := time.Parse(time.RFC3339, s)
		return at.UnixNano(), err == nil
	}
	return 0, true
}

// cmp compares a value with a bound, in the order of the field's kind.
func cmp(f *Field, v any, bound string) (int, bool) {
	if f.Kind != Number && f.Kind != Time {
		return strings.Compare(show(v), bound), true
	}
	a, ok := order(f, show(v))
	b, ok2 := order(f, bound)
	if !ok || !ok2 {
		return 0, false
	}
	switch {
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	}
	return 0, true
}

// size reads a whole number, with KB, MB, GB, TB or PB as powers of 1024.
func size(s string) (int64, bool) {
	factor := int64(1)
	for i, suffix := range []string{"KB", "MB", "GB", "TB", "PB"} {
		if rest, ok := strings.CutSuffix(strings.ToUpper(s), suffix); ok {
			s, factor = rest, int64(1)<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > (1<<62)/factor || n < -(1<<62)/factor {
		return 0, false
	}
	return n * factor, true
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// wildcard matches a pattern whose stars stand for any text. It is linear in
// pattern times text, so that no pattern can stall the server.
func wildcard(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}

func (f filter) holds(r Record) bool {
	values := Values(r, f.field.Path)
	for _, t := range f.any {
		if t.holds(values) {
			return true
		}
	}
	return false
}

// holds: of a list of values one must fit; with a negation none may.
func (t term) holds(values []any) bool {
	if t.all {
		return !t.not || len(values) == 0
	}
	fits := len(values) == 0 && t.absent
	for _, v := range values {
		if t.match(v) || t.absent && show(v) == "" {
			fits = true
			break
		}
	}
	return fits != t.not
}
