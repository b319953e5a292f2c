package sim

import (
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// resource is one path of the API: what lies there and what can be done to it.
// A nil function is a method that the path does not have.
type resource struct {
	path   []string // "{}" stands for an id of what lies above
	keys   []string // fields that name an instance
	schema *query.Schema
	single bool // one object, without a collection
	lone   bool // one object below each of what lies above
	since  int
	extra  []string // parameters of its own

	get    func(*call) query.Record // of a single object
	list   func(*call) iter.Seq[item]
	create func(*call, query.Body) (*done, *refusal)
	modify func(*call, *item) (*done, *refusal) // the body is in the call
	remove func(*call, *item) (*done, *refusal)
	batch  bool           // create may be given {"records":[...]}
	absent map[string]int // by method: the code where an instance is not there, if it is not 4
}

// item is one object of a resource.
type item struct {
	seq    uint64
	key    string // its ids, escaped and joined
	svm    string // uuid of the SVM that it belongs to
	shared bool   // every SVM's administrator may see it
	hidden bool   // it is there, but not listed
	object any
	record func() query.Record
}

// done is what a change came to.
type done struct {
	job    *job
	made   *item
	status int // 0: the usual one
	body   any
}

// resources are filled by the files of the objects, below.
func resources() []*resource {
	return slices.Concat(
		clusterResources(), jobResources(), svmResources(), networkResources(), lifResources(), routeResources(),
		accountResources(), storageResources(), serviceResources(), metroResources(),
	)
}

// match finds the resource of a path, with the ids of what lies above it and
// its own.
func (s *Simulator) match(parts []string) (r *resource, above, own []string) {
	for _, r := range s.routes {
		if len(parts) != len(r.path) && len(parts) != len(r.path)+len(r.keys) {
			continue
		}
		if above, ok := r.fits(parts); ok {
			return r, above, parts[len(r.path):]
		}
	}
	return nil, nil, nil
}

func (r *resource) fits(parts []string) (above []string, ok bool) {
	for i, p := range r.path {
		switch {
		case p == "{}":
			above = append(above, parts[i])
		case p != parts[i]:
			return nil, false
		}
	}
	return above, true
}

// at makes the path of a resource.
func at(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func (r *resource) known(release int) bool { return r.since <= release }

// href is the path of an instance, below what the call names above it.
func (c *call) href(key string) string {
	return c.res.collection(c.above) + "/" + key
}

func (r *resource) collection(above []string) string {
	path := "/api/" + strings.Join(r.path, "/")
	for _, id := range above {
		path = strings.Replace(path, "{}", id, 1)
	}
	return path
}

func (r *resource) methods(instance bool) []string {
	var out []string
	add := func(have bool, method ...string) {
		if have {
			out = append(out, method...)
		}
	}
	add(r.get != nil || r.list != nil, http.MethodGet, http.MethodHead)
	add(r.create != nil && (!instance || r.single), http.MethodPost)
	add(r.modify != nil, http.MethodPatch)
	add(r.remove != nil, http.MethodDelete)
	return append(out, http.MethodOptions)
}

// items lists objects that each give an item.
func items[T any](list []T, of func(T) item) iter.Seq[item] {
	return func(yield func(item) bool) {
		for _, e := range list {
			if !yield(of(e)) {
				return
			}
		}
	}
}

// record builds nested objects from dotted paths; values that are nil or empty
// texts are left out, as arrays do.
func record(pairs ...any) query.Record {
	r := query.Record{}
	for i := 0; i < len(pairs); i += 2 {
		path, ok := pairs[i].(string)
		if v := pairs[i+1]; ok && v != nil && v != "" {
			query.Put(r, path, v)
		}
	}
	return r
}

// list turns texts into a list as records have it.
func list[T any](of []T) []any {
	out := make([]any, len(of))
	for i, e := range of {
		out[i] = e
	}
	return out
}
