package ontap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seedproof/seedproof/internal/flow"
)

// Ref names another thing.
type Ref struct {
	UUID string `json:"uuid,omitempty"`
	Name string `json:"name,omitempty"`
}

// All takes a listing whole: on any error there are no records.
func All[T any](listing iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for record, err := range listing {
		if err != nil {
			return nil, err
		}
		all = append(all, record)
	}
	return all, nil
}

// page is the envelope of a collection. What is missing is told from what is
// empty: an answer without records is not an empty listing.
type page struct {
	Records *[]json.RawMessage `json:"records"`
	Num     *int               `json:"num_records"`
	Errors  json.RawMessage    `json:"errors"`
	Links   struct {
		Next *struct {
			Href string `json:"href"`
		} `json:"next"`
	} `json:"_links"`
}

// list gives every record of a collection, page by page. A page that fails, or
// is not understood, ends it with an error, the last thing that it gives:
// whoever has heard no error has had the whole listing.
func list[T any](ctx context.Context, c *Client, r request, check func(T) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p, err := range c.pages(ctx, r, true) {
			var none T
			if err != nil {
				yield(none, err)
				return
			}
			for _, raw := range *p.Records {
				var record T
				if err := decode(raw, &record, check); err != nil {
					yield(none, c.misread(r, err))
					return
				}
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// count adds up the records of a collection without fetching them. Each page
// has a part of the count.
func (c *Client) count(ctx context.Context, r request) (int, error) {
	total := 0
	for p, err := range c.pages(ctx, r, false) {
		if err != nil {
			return 0, err
		}
		total += *p.Num
	}
	return total, nil
}

// pages walks a collection by its next links.
func (c *Client) pages(ctx context.Context, r request, records bool) iter.Seq2[page, error] {
	r.query.Set("max_records", strconv.Itoa(c.o.PageSize))
	if !records {
		r.query.Set("return_records", "false")
	}
	if hold := wholeHalf(c.o.RequestTimeout, 15*time.Second); hold > 0 { // a page ends early rather than come too late
		r.query.Set("return_timeout", seconds(hold))
	}
	return func(yield func(page, error) bool) {
		r, seen := r, map[string]bool{}
		for range c.o.MaxPages {
			p, err := c.page(ctx, r, records)
			if err != nil {
				yield(page{}, err)
				return
			}
			if !yield(p, nil) || p.Links.Next == nil {
				return
			}
			next := p.Links.Next.Href
			if err := r.checkNext(next, seen); err != nil {
				yield(page{}, c.misread(r, err))
				return
			}
			seen[next], r.raw = true, next
		}
		yield(page{}, c.misread(r, fmt.Errorf("the listing has more than %d pages", c.o.MaxPages)))
	}
}

func (c *Client) page(ctx context.Context, r request, records bool) (page, error) {
	got, err := c.do(ctx, r)
	if err != nil {
		return page{}, err
	}
	p, err := readPage(got.body, records)
	if err != nil {
		return page{}, c.misread(r, err)
	}
	return p, nil
}

func readPage(body []byte, records bool) (page, error) {
	var p page
	switch err := json.Unmarshal(body, &p); {
	case err != nil:
		return page{}, fmt.Errorf("read a page: %w", err)
	case p.Num == nil || *p.Num < 0:
		return page{}, errors.New("read a page: it does not say how many records it has")
	case records && p.Records == nil:
		return page{}, errors.New("read a page: it has no records, not even none")
	case records && len(*p.Records) != *p.Num:
		return page{}, fmt.Errorf("read a page: %d records where it says %d", len(*p.Records), *p.Num)
	case len(p.Errors) > 0 && string(p.Errors) != "null" && string(p.Errors) != "[]":
		return page{}, errors.New("read a page: it says that it is not whole")
	}
	return p, nil
}

// checkNext holds a next link to the collection that it continues: a path, the
// same one, on the same array, and not one that was followed already.
func (r request) checkNext(href string, seen map[string]bool) error {
	const limit = 16 << 10
	u, err := url.Parse(href)
	switch {
	case err != nil || len(href) > limit:
		return errors.New("follow the next link: it is not a path")
	case u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "":
		return errors.New("follow the next link: it leads to another place")
	case u.EscapedPath() != r.path.escaped():
		return errors.New("follow the next link: it leads to another collection")
	case u.RawQuery == "" || seen[href]:
		return errors.New("follow the next link: it leads in a circle")
	}
	return nil
}

// one reads a single object.
func one[T any](ctx context.Context, c *Client, r request, check func(T) error) (T, error) {
	var v, none T
	got, err := c.do(ctx, r)
	if err != nil {
		return none, err
	}
	if err := decode(got.body, &v, check); err != nil {
		return none, c.misread(r, err)
	}
	return v, nil
}

// decode reads a record and checks that it is one.
func decode[T any](raw []byte, v *T, check func(T) error) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("read a record: %w", err)
	}
	if err := check(*v); err != nil {
		return fmt.Errorf("read a record: %w", err)
	}
	return nil
}

// misread is the error of an answer that was not understood: Unknown.
func (c *Client) misread(r request, cause error) *Error {
	return &Error{Array: c.o.Name, Call: r.name, Kind: r.kind, Status: http.StatusOK, Outcome: flow.Unknown, cause: cause}
}

// same refuses a record of another thing than the one asked for.
func same(want, got string, err error) error {
	if err == nil && want != got {
		return fmt.Errorf("asked for %s, got %s", want, tidy(got))
	}
	return err
}

// named checks that a record has both its UUID and its name.
func named(uuid, name string) error {
	if !isUUID(uuid) || name == "" {
		return errors.New("a record without a UUID or a name")
	}
	return nil
}

// within refuses a record of another SVM, where one SVM was asked for.
func within(wantUUID string, svm Ref, err error) error {
	if err == nil && wantUUID != "" && svm.UUID != wantUUID {
		return fmt.Errorf("asked for what is on SVM %s, got what is on %s", wantUUID, tidy(svm.UUID))
	}
	return err
}
