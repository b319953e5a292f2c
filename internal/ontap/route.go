package ontap

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/netip"
)

// Destination is where a route leads.
type Destination struct {
	Address netip.Addr `json:"address"`
	Netmask MaskLen    `json:"netmask"`
}

// Route is a static route of an SVM. It cannot be changed, only made anew.
type Route struct {
	UUID        string      `json:"uuid"`
	SVM         Ref         `json:"svm"`
	Gateway     netip.Addr  `json:"gateway"`
	Destination Destination `json:"destination"`
	Metric      int         `json:"metric"`
	IPspace     Ref         `json:"ipspace"`
}

// Prefix is the destination; the zero Prefix if it is none.
func (r Route) Prefix() netip.Prefix {
	return netip.PrefixFrom(r.Destination.Address, int(r.Destination.Netmask))
}

func (r Route) check() error {
	if !isUUID(r.UUID) || !r.Gateway.IsValid() || !r.Prefix().IsValid() {
		return errors.New("a route without a UUID, a gateway or a destination")
	}
	return nil
}

var routeFields = []string{"uuid", "svm", "gateway", "destination", "metric", "ipspace"}

// Routes lists the routes of an SVM; "" is those of all SVMs.
func (c *Client) Routes(ctx context.Context, svmUUID string) iter.Seq2[Route, error] {
	r := get("list routes", KindRoute, at("network/ip/routes"), routeFields...)
	if svmUUID != "" {
		r = r.needUUID(svmUUID)
		r.filter("svm.uuid", svmUUID)
	}
	return list(ctx, c, r, func(v Route) error { return within(svmUUID, v.SVM, v.check()) })
}

// Route reads one route.
func (c *Client) Route(ctx context.Context, uuid string) (Route, error) {
	r := getOne("read route", KindRoute, at("network/ip/routes", uuid), routeFields...).needUUID(uuid)
	return one(ctx, c, r, func(v Route) error { return same(uuid, v.UUID, v.check()) })
}

// NewRoute is what is asked for at creation. The zero destination is the
// default route of the gateway's family.
type NewRoute struct {
	SVMUUID     string
	Gateway     netip.Addr
	Destination netip.Prefix
	Metric      int // 0: the array's default
}

// CreateRoute makes a route.
func (c *Client) CreateRoute(ctx context.Context, n NewRoute) (Made, error) {
	body := struct {
		SVM         Ref          `json:"svm"`
		Gateway     netip.Addr   `json:"gateway"`
		Destination *Destination `json:"destination,omitempty"`
		Metric      int          `json:"metric,omitempty"`
	}{SVM: Ref{UUID: n.SVMUUID}, Gateway: n.Gateway, Metric: n.Metric}
	if n.Destination.IsValid() {
		body.Destination = &Destination{n.Destination.Addr(), MaskLen(n.Destination.Bits())}
	}
	r := request{name: "create route", kind: KindRoute, method: http.MethodPost, path: at("network/ip/routes"), body: body}
	if !n.Gateway.IsValid() {
		r.invalid = errors.New("a route needs a gateway")
	}
	return c.create(ctx, r.needUUID(n.SVMUUID))
}

// DeleteRoute deletes a route.
func (c *Client) DeleteRoute(ctx context.Context, uuid string) error {
	r := request{name: "delete route", kind: KindRoute, method: http.MethodDelete, path: at("network/ip/routes", uuid), own: true}
	_, err := c.settle(ctx, r.needUUID(uuid))
	return err
}
