package ontap

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
)

// Made is what a change answered. Both may be empty although it was done.
type Made struct {
	UUID string // of the new thing, as far as the array told
	Job  string // that did it
}

// settle makes a call that changes something. Where the array makes a job of
// it, the job is followed to its end.
func (c *Client) settle(ctx context.Context, r request) (Made, error) {
	got, err := c.do(ctx, r)
	if err != nil {
		return Made{}, err
	}
	made := Made{UUID: madeUUID(got)}
	if got.status != http.StatusAccepted {
		return made, nil
	}
	made.Job = jobOf(got.body)
	return made, c.follow(ctx, r, made.Job)
}

// change is settle for calls that ONTAP documents as jobs: it lets the array
// hold the answer for a while, which saves asking.
func (c *Client) change(ctx context.Context, r request) (Made, error) {
	r.query = url.Values{"return_timeout": {seconds(c.o.ReturnTimeout)}}
	return c.settle(ctx, r)
}

// create is settle for calls that make a thing at once.
func (c *Client) create(ctx context.Context, r request) (Made, error) {
	r.query = url.Values{"return_records": {"true"}}
	return c.settle(ctx, r)
}

// madeUUID reads the UUID of a new thing from the record that came back, else
// from the Location, where it is the last segment.
func madeUUID(got reply) string {
	var body struct {
		Records []Ref `json:"records"`
	}
	if json.Unmarshal(got.body, &body) == nil && len(body.Records) == 1 && isUUID(body.Records[0].UUID) {
		return body.Records[0].UUID
	}
	if last := path.Base(got.header.Get("Location")); isUUID(last) {
		return last
	}
	return ""
}
