package query

import (
	stdcmp "cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Params is an understood query string.
type Params struct {
	Selection      Selection
	Max            int    // records in a page; 0: no bound
	Offset         int    // records to leave out at the start
	Start          string // where a next link goes on; opaque
	ReturnRecords  bool
	ReturnTimeout  int // seconds
	TimeoutGiven   bool
	IgnoreUnknown  bool
	Extra          map[string]string // what the caller allowed by name
	filters        []filter
	sort           []sortKey
	search         string
	searchIn       []string
	raw            url.Values
	NumberOfFilter int
}

type sortKey struct {
	field *Field
	down  bool
}

// StartKey is the parameter that carries the place where the next page begins.
const StartKey = "start.id"

// Request is what Parse must know about a request besides its query string.
type Request struct {
	Method   string
	Instance bool
	Release  int
	Extra    []string // further parameters that this route knows
}

// Parse reads a query string. A parameter that is neither a common one nor a
// field of the schema is refused; a POST takes no filters.
func Parse(raw string, s *Schema, req Request) (*Params, *Error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(262185, "", "The query string cannot be read")
	}
	p := &Params{ReturnRecords: req.Method == "GET" || req.Method == "HEAD", Extra: map[string]string{}, raw: values}
	if p.ReturnRecords {
		p.ReturnTimeout = 15
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names) // the first refusal must not depend on chance
	for _, name := range names {
		if len(values[name]) > 1 {
			return nil, refuse(262188, name, "Field %q was specified twice", name)
		}
		if err := p.take(name, values[name][0], s, req); err != nil {
			return nil, err
		}
	}
	sel, bad := s.selection(values.Get("fields"), req.Instance, p.IgnoreUnknown, req.Release)
	p.Selection = sel
	if bad != nil {
		return nil, bad
	}
	return p, nil
}

func (p *Params) take(name, value string, s *Schema, req Request) *Error {
	var bad *Error
	switch name {
	case "fields":
	case "pretty", "continue_on_failure", "serial_records":
	case "ignore_unknown_fields":
		p.IgnoreUnknown = value == "true"
	case "return_records":
		if !isFlag(value) {
			bad = refuse(262185, name, "The value %q is invalid for field %q (<{true|false}>)", value, name)
		}
		p.ReturnRecords = value == "true"
	case "return_timeout":
		p.TimeoutGiven = true
		p.ReturnTimeout, bad = number(name, value, 0, 120)
	case "max_records":
		p.Max, bad = number(name, value, 0, 1<<30)
	case "offset":
		p.Offset, bad = number(name, value, 0, 1<<30)
	case "order_by", "$orderBy":
		bad = p.orderBy(value, s, req.Release)
	case "query":
		p.search = value
	case "query_fields":
		p.searchIn, bad = expand(value)
	default:
		bad = p.takeOther(name, value, s, req)
	}
	return bad
}

func (p *Params) takeOther(name, value string, s *Schema, req Request) *Error {
	if name == StartKey {
		p.Start = value
		return nil
	}
	if slices.Contains(req.Extra, name) {
		p.Extra[name] = value
		return nil
	}
	f := s.find(name, req.Release)
	switch {
	case f != nil && f.WriteOnly:
		return refuse(262202, name, "Field %q may not be in the URL", name)
	case req.Method == "POST":
		return refuse(262211, name, "Field %q: filters are not allowed on POST", name)
	case f == nil:
		return refuse(262179, name, "Unexpected argument %q.", name)
	}
	filter, err := parseFilter(f, value)
	if err != nil {
		return err
	}
	p.filters = append(p.filters, filter)
	p.NumberOfFilter++
	return nil
}

func number(name, value string, low, high int) (int, *Error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, refuse(262185, name, "The value %q is invalid for field %q (<%d..%d>)", value, name, low, high)
	}
	return n, nil
}

func (p *Params) orderBy(value string, s *Schema, release int) *Error {
	for _, part := range strings.Split(value, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		f := s.find(words[0], release)
		if f == nil || len(words) > 2 || f.Kind == List {
			return refuse(262268, "order_by", "order_by is not supported for field %q", part)
		}
		key := sortKey{field: f}
		if len(words) == 2 {
			switch words[1] {
			case "asc":
			case "desc":
				key.down = true
			default:
				return refuse(262268, "order_by", "order_by: %q is neither asc nor desc", words[1])
			}
		}
		p.sort = append(p.sort, key)
	}
	return nil
}

// Sorted says whether an order was asked for.
func (p *Params) Sorted() bool { return len(p.sort) > 0 }

// Holds says whether a record fits all filters and the search.
func (p *Params) Holds(r Record) bool {
	for _, f := range p.filters {
		if !f.holds(r) {
			return false
		}
	}
	return p.search == "" || p.found(r)
}

func (p *Params) found(r Record) bool {
	if len(p.searchIn) == 0 || slices.Contains(p.searchIn, "*") {
		return searchAll(r, p.search)
	}
	for _, path := range p.searchIn {
		for _, v := range Values(r, path) {
			if searchAll(v, p.search) {
				return true
			}
		}
	}
	return false
}

func searchAll(v any, pattern string) bool {
	switch v := v.(type) {
	case Record:
		for _, inner := range v {
			if searchAll(inner, pattern) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return searchAll(e, pattern) })
	}
	if !strings.Contains(pattern, "*") {
		pattern = "*" + pattern + "*"
	}
	return wildcard(pattern, show(v))
}

// Compare orders two records as order_by says.
func (p *Params) Compare(a, b Record) int {
	for _, k := range p.sort {
		c := compareAt(k.field, a, b)
		if k.down {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func compareAt(f *Field, a, b Record) int {
	va, vb := Values(a, f.Path), Values(b, f.Path)
	if len(va) == 0 || len(vb) == 0 {
		return stdcmp.Compare(len(va), len(vb))
	}
	if f.Kind == Number {
		x, _ := va[0].(int64)
		y, _ := vb[0].(int64)
		return stdcmp.Compare(x, y)
	}
	return strings.Compare(show(va[0]), show(vb[0]))
}

// Next is the query string of the next page.
func (p *Params) Next(start string) string {
	next := url.Values{}
	for k, v := range p.raw {
		if k != "offset" {
			next[k] = v
		}
	}
	next.Set(StartKey, start)
	return next.Encode()
}

// ShowFiltered adds to what is shown of a record the fields that it was
// filtered by.
func (p *Params) ShowFiltered(shown, whole Record) {
	for _, f := range p.filters {
		if values := Values(whole, f.field.Path); len(values) == 1 && len(Values(shown, f.field.Path)) == 0 {
			Put(shown, f.field.Path, values[0])
		}
	}
}

// FiltersOn says whether a field is filtered by.
func (p *Params) FiltersOn(path string) bool {
	return slices.ContainsFunc(p.filters, func(f filter) bool { return f.field.Path == path })
}

// Raw is the value of a parameter as it was given.
func (p *Params) Raw(name string) string { return p.raw.Get(name) }

// Needs says whether an answer can depend on what lies at or below a path, so
// that a record may leave out what is dear to make.
func (p *Params) Needs(path string) bool {
	for shown := range p.Selection.paths {
		if under(shown, path) {
			return true
		}
	}
	fits := func(f *Field) bool { return under(f.Path, path) }
	return p.search != "" || slices.ContainsFunc(p.filters, func(f filter) bool { return fits(f.field) }) ||
		slices.ContainsFunc(p.sort, func(k sortKey) bool { return fits(k.field) })
}
