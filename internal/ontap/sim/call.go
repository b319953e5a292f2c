package sim

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// call is one request on its way through the array. The lock is held.
type call struct {
	sim    *Simulator
	site   *site
	who    principal
	scope  *svm // nil: all of the cluster
	now    time.Time
	method string
	body   []byte
	header http.Header
	fault  *Fault

	res    *resource
	params *query.Params
	above  []string // ids in the path before the resource
	ids    []string // its own
}

func (c *call) run(u *url.URL) (*answer, *refusal) {
	parts, ok := segments(u)
	if !ok {
		return nil, noRoute()
	}
	res, above, ids := c.sim.match(parts)
	if res == nil || !res.known(c.sim.release) {
		return nil, noRoute()
	}
	c.res, c.above, c.ids = res, above, ids
	if no := c.allowed("/" + strings.Join(parts, "/")); no != nil {
		return nil, no
	}
	if no := c.tunnel(); no != nil {
		return nil, no
	}
	methods := res.methods(c.instance())
	if c.method == http.MethodOptions {
		return &answer{status: http.StatusOK, header: http.Header{"Allow": {strings.Join(methods, ", ")}}}, nil
	}
	if !slices.Contains(methods, c.method) {
		return nil, refuse(3, "", "The operation is not supported for this resource.")
	}
	if len(c.body) > 0 && c.method != http.MethodPost && c.method != http.MethodPatch {
		return nil, refuse(262198, "", "A request body is not allowed with the method %s", c.method)
	}
	params, bad := query.Parse(u.RawQuery, res.schema, query.Request{
		Method: c.method, Instance: c.instance(), Release: c.sim.release, Extra: append([]string{jobResults}, res.extra...),
	})
	if bad != nil {
		return nil, fromQuery(bad)
	}
	c.params = params
	if no := c.tunnelled(); no != nil {
		return nil, no
	}
	return c.do(u)
}

func noRoute() *refusal {
	return &refusal{status: http.StatusNotFound, code: 3, message: "API not found"}
}

func (c *call) instance() bool { return c.res.single || c.res.lone || len(c.ids) > 0 }

// allowed checks the role.
func (c *call) allowed(path string) *refusal {
	role, _ := c.sim.role(c.who.account.Owner, c.who.account.Role)
	if !allows(role, c.method, path) {
		return forbidden()
	}
	return nil
}

// tunnel narrows a call of a cluster account to the SVM of its headers.
func (c *call) tunnel() *refusal {
	name, uuid := c.header.Get("X-Dot-SVM-Name"), c.header.Get("X-Dot-SVM-UUID")
	if name == "" && uuid == "" {
		return nil
	}
	v := find(c.site.SVMs, func(v *svm) bool {
		return (name == "" || v.Name == name) && (uuid == "" || v.UUID == uuid)
	})
	if v == nil || c.scope != nil && c.scope != v {
		return refuse(1260882, "", "Specified SVM not found or not accessible to this user.")
	}
	c.scope = v
	return nil
}

// tunnelled refuses a query for another SVM than that of the headers.
func (c *call) tunnelled() *refusal {
	if c.header.Get("X-Dot-SVM-Name") == "" && c.header.Get("X-Dot-SVM-UUID") == "" {
		return nil
	}
	for field, own := range map[string]string{"svm.name": c.scope.Name, "svm.uuid": c.scope.UUID} {
		if v := c.params.Raw(field); v != "" && v != own && !strings.ContainsAny(v, "*|!") {
			return refuse(2621706, field, "The SVM of the query is not that of the header.")
		}
	}
	return nil
}

func (c *call) do(u *url.URL) (*answer, *refusal) {
	switch c.method {
	case http.MethodGet, http.MethodHead:
		if c.res.single {
			return c.one(c.res.get(c), selfPath(u))
		}
		if c.instance() {
			it, no := c.item()
			if no != nil {
				return nil, no
			}
			return c.one(it.record(), selfPath(u))
		}
		return c.collection(u)
	case http.MethodPost:
		return c.post()
	case http.MethodPatch:
		return c.change(c.res.modify)
	}
	return c.change(func(c *call, it *item) (*done, *refusal) { return c.res.remove(c, it) })
}

func selfPath(u *url.URL) string { return u.EscapedPath() }

// item finds the object that the path names, if the caller may see it.
func (c *call) item() (*item, *refusal) {
	key := itemKey(c.ids...)
	for it := range c.visible() {
		if it.key == key {
			return &it, nil
		}
	}
	if code := c.res.absent[c.method]; code != 0 {
		return nil, refuse(code, "", "entry doesn't exist")
	}
	return nil, noEntry()
}

func itemKey(ids ...string) string {
	escaped := make([]string, len(ids))
	for i, id := range ids {
		escaped[i] = url.PathEscape(id)
	}
	return strings.Join(escaped, "/")
}

// jobResults is the parameter that asks for what a job has made.
const jobResults = "job_results_uuid"

// visible gives what the caller may see of the resource, oldest first.
func (c *call) visible() iter.Seq[item] {
	return func(yield func(item) bool) {
		var made *job
		if uuid := c.params.Extra[jobResults]; uuid != "" {
			if made = c.site.job(uuid); made == nil {
				return
			}
		}
		for it := range c.res.list(c) {
			if made != nil && !slices.Contains(made.Made, it.key) {
				continue
			}
			if it.hidden || c.scope != nil && it.svm != c.scope.UUID && !it.shared {
				continue
			}
			if !yield(it) {
				return
			}
		}
	}
}

func (c *call) one(r query.Record, self string) (*answer, *refusal) {
	out := c.params.Selection.Apply(r)
	out["_links"] = selfLink(self)
	return &answer{status: http.StatusOK, body: out}, nil
}

// selfLink is the object _links of a record.
func selfLink(href string) query.Record {
	return query.Record{"self": query.Record{"href": href}}
}

// parse reads the body against the resource's fields.
func (c *call) parse(data []byte, create bool) (query.Body, *refusal) {
	b, bad := query.ParseBody(data, c.res.schema, c.sim.release, create)
	return b, fromQuery(bad)
}
