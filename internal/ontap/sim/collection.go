package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// defaultPage is the size of a page that nobody bounds.
const defaultPage = 10000

// collection answers GET on a collection: a page of what fits.
func (c *call) collection(u *url.URL) (*answer, *refusal) {
	found, next, no := c.page()
	if no != nil {
		return nil, no
	}
	self := selfPath(u)
	if u.RawQuery != "" {
		self += "?" + u.RawQuery
	}
	links := selfLink(self)
	body := query.Record{"num_records": int64(len(found)), "_links": links}
	if c.params.ReturnRecords {
		records := make([]any, 0, len(found))
		for _, f := range found {
			out := c.params.Selection.Apply(f.shown)
			if c.sim.doubt().FilteredFieldsShown {
				c.params.ShowFiltered(out, f.shown)
			}
			out["_links"] = selfLink(c.href(f.key))
			records = append(records, out)
		}
		body["records"] = records
	}
	a := &answer{status: http.StatusOK, body: body, header: http.Header{}}
	if next != "" {
		href := selfPath(u) + "?" + c.params.Next(next)
		links["next"] = query.Record{"href": href}
		a.header.Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", href))
	}
	return a, nil
}

type hit struct {
	item
	shown query.Record
}

// page gives the objects of this page, and where the next one starts. As an
// array does, it does not look ahead: a page that is just full has a next one,
// which may be empty.
func (c *call) page() ([]hit, string, *refusal) {
	from, ok := readStart(c.params.Start)
	if !ok {
		return nil, "", refuse(262185, query.StartKey, "The start of the page cannot be read")
	}
	limit := c.params.Max
	if limit == 0 {
		limit = defaultPage
	}
	if c.params.Sorted() {
		return c.sortedPage(int(from), limit)
	}
	var found []hit
	skip := c.params.Offset
	for _, it := range c.inOrder() {
		if it.seq <= from {
			continue
		}
		r := it.record()
		if !c.params.Holds(r) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		found = append(found, hit{it, r})
		if len(found) == limit {
			return found, writeStart(it.seq), nil
		}
	}
	return found, "", nil
}

// inOrder gives what is visible in the order in which it was asked for. That is
// not always the order in which it came to be: a job can overtake another.
func (c *call) inOrder() []item {
	all := slices.Collect(c.visible())
	bySeq := func(a, b item) int { return cmp.Compare(a.seq, b.seq) }
	if !slices.IsSortedFunc(all, bySeq) {
		slices.SortStableFunc(all, bySeq)
	}
	return all
}

func (c *call) sortedPage(from, limit int) ([]hit, string, *refusal) {
	var all []hit
	for it := range c.visible() {
		if r := it.record(); c.params.Holds(r) {
			all = append(all, hit{it, r})
		}
	}
	slices.SortStableFunc(all, func(a, b hit) int { return c.params.Compare(a.shown, b.shown) })
	from = min(from+c.params.Offset, len(all))
	to := min(from+limit, len(all))
	if to-from == limit {
		return all[from:to], writeStart(uint64(to)), nil
	}
	return all[from:to], "", nil
}

// The start of a page is written so that nobody is tempted to count on it.
func writeStart(n uint64) string { return "p" + strconv.FormatUint(n*7919+13, 36) }

func readStart(s string) (uint64, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "p"), 36, 64)
	if err != nil || s[0] != 'p' || n < 13 || (n-13)%7919 != 0 {
		return 0, false
	}
	return (n - 13) / 7919, true
}

// post makes one object, or starts the job that makes several.
func (c *call) post() (*answer, *refusal) {
	if raw, many := query.Records(c.body); many && c.res.batch {
		j := c.startJob("records", "POST "+c.res.collection(c.above))
		j.bodies = []string{}
		for _, r := range raw {
			j.bodies = append(j.bodies, string(r))
		}
		j.Path, j.User, j.Owner = c.res.path, c.who.account.Name, c.who.account.Owner
		return c.accepted(j, http.StatusCreated), nil
	}
	b, no := c.parse(c.body, true)
	if no != nil {
		return nil, no
	}
	d, no := c.res.create(c, b)
	if no != nil {
		return nil, no
	}
	a := &answer{status: http.StatusCreated, header: http.Header{}, body: d.body}
	if d.job != nil {
		a = c.accepted(d.job, http.StatusCreated)
	}
	if d.status != 0 {
		a.status = d.status
	}
	if d.made != nil {
		a.header.Set("Location", c.href(d.made.key))
	}
	if a.body == nil {
		a.body = c.madeBody(d)
	}
	return a, nil
}

func (c *call) madeBody(d *done) query.Record {
	if d.made == nil {
		return query.Record{}
	}
	body := query.Record{"num_records": int64(1)}
	if c.params.ReturnRecords {
		out := d.made.record()
		out["_links"] = selfLink(c.href(d.made.key))
		body["records"] = []any{out}
	}
	return body
}

// accepted is the answer to a change that a job carries out.
func (c *call) accepted(j *job, finished int) *answer {
	return &answer{
		status: http.StatusAccepted, header: http.Header{}, body: query.Record{"job": jobLink(j)},
		pending: j.UUID, finished: finished, patience: time.Duration(c.params.ReturnTimeout) * time.Second,
	}
}

func jobLink(j *job) query.Record {
	return query.Record{"uuid": j.UUID, "_links": selfLink("/api/cluster/jobs/" + j.UUID)}
}

type changer func(*call, *item) (*done, *refusal)

// change applies a PATCH or DELETE to one object, or to all that a query finds.
func (c *call) change(by changer) (*answer, *refusal) {
	if c.res.single {
		return c.changed(by(c, nil))
	}
	if c.instance() {
		it, no := c.item()
		if no != nil {
			return nil, no
		}
		return c.changed(by(c, it))
	}
	if c.params.NumberOfFilter == 0 {
		return nil, refuse(262177, "", "A query on at least one field is required")
	}
	return c.changeMany(by)
}

func (c *call) changed(d *done, no *refusal) (*answer, *refusal) {
	if no != nil {
		return nil, no
	}
	if d != nil && d.job != nil {
		return c.accepted(d.job, http.StatusOK), nil
	}
	a := &answer{status: http.StatusOK, body: query.Record{}}
	if d != nil && d.status != 0 {
		a.status = d.status
	}
	if d != nil && d.body != nil {
		a.body = d.body
	}
	return a, nil
}

func (c *call) changeMany(by changer) (*answer, *refusal) {
	found, _, no := c.page()
	if no != nil {
		return nil, no
	}
	jobs := []any{}
	for i := range found {
		d, no := by(c, &found[i].item)
		if no != nil {
			return nil, no
		}
		if d != nil && d.job != nil {
			jobs = append(jobs, jobLink(d.job))
		}
	}
	body := query.Record{"num_records": int64(len(found))}
	if len(jobs) == 0 {
		return &answer{status: http.StatusOK, body: body}, nil
	}
	body["jobs"] = jobs
	return &answer{status: http.StatusAccepted, body: body}, nil
}
