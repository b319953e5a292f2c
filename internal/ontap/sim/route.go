package sim

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var routeSchema = query.MustSchema(`
uuid text key
svm.name text std create
svm.uuid text std create
gateway text std create
destination.address text std create
destination.netmask text std create
destination.family text std
metric int std create since=9.11.1
ipspace.name text std create
ipspace.uuid text std create
scope text std
interfaces list exp
interfaces.ip.address text exp
interfaces.name text exp
`)

func routeResources() []*resource {
	return []*resource{{
		path: at("/network/ip/routes"), keys: []string{"uuid"}, schema: routeSchema, batch: true,
		list:   func(c *call) iter.Seq[item] { return items(c.site.Routes, c.routeItem) },
		create: createRoute, remove: deleteRoute,
	}}
}

func (c *call) routeItem(r *route) item {
	return item{seq: r.Seq, key: itemKey(r.UUID), svm: r.SVM, object: r, record: func() query.Record { return c.routeRecord(r) }}
}

func (c *call) routeRecord(r *route) query.Record {
	out := record(
		"uuid", r.UUID, "gateway", r.Gateway, "destination.address", r.Destination, "destination.netmask", strconv.Itoa(r.Bits),
		"destination.family", family(r.Destination), "metric", r.Metric, "ipspace", c.site.spaceRef(r.Space), "scope", "svm",
	)
	var through []any
	gateway, _ := netip.ParseAddr(r.Gateway)
	for _, l := range c.site.LIFs {
		if l.SVM == r.SVM && l.prefix().Contains(gateway) {
			through = append(through, record("name", l.Name, "ip.address", l.Address))
		}
	}
	if through != nil {
		out["interfaces"] = through
	}
	if v := c.site.svmByID(r.SVM); v != nil {
		query.Put(out, "svm", record("uuid", v.UUID, "name", v.Name))
	}
	return out
}

func (l *lif) prefix() netip.Prefix {
	a, err := netip.ParseAddr(l.Address)
	if err != nil {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, l.Bits).Masked()
}

func createRoute(c *call, b query.Body) (*done, *refusal) {
	v, no := c.resolveSVM(b, "svm", 1967146, 1967146, 2621462)
	if no != nil {
		return nil, no
	}
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	if no := c.inSpace(v, b); no != nil {
		return nil, no
	}
	r := &route{SVM: v.UUID, Space: v.Space, Metric: b.NumberOr("metric", 20)}
	if no := c.setRoute(r, b); no != nil {
		return nil, no
	}
	if no := c.duplicateRoute(r); no != nil {
		return nil, no
	}
	r.object = c.sim.world.newObject()
	c.site.Routes = append(c.site.Routes, r)
	c.sim.changed(c.site, v, c.now)
	it := c.routeItem(r)
	return &done{made: &it}, nil
}

func (c *call) setRoute(r *route, b query.Body) *refusal {
	if b.Text("gateway") == "" {
		return required("gateway")
	}
	gateway, ok := parseAddress(b.Text("gateway"))
	if !ok {
		return refuse(262185, "gateway", "The value %q is invalid for field \"gateway\" (<ip-address>)", b.Text("gateway"))
	}
	address, mask := b.Text("destination.address"), b.Text("destination.netmask")
	switch {
	case address == "" && mask != "":
		return refuse(1967080, "destination.address", "The destination.address is required with destination.netmask.")
	case address == "" && gateway.Is6():
		address, mask = "::", "0"
	case address == "":
		address, mask = "0.0.0.0", "0"
	}
	dest, err := netip.ParseAddr(address)
	if err != nil {
		return refuse(53282375, "destination", "The destination %q is not valid.", address)
	}
	bits, ok := routeBits(mask, dest)
	switch {
	case !ok || netip.PrefixFrom(dest, bits).Masked().Addr() != dest:
		return refuse(53282375, "destination", "The destination %s/%s is not valid.", address, mask)
	case dest.Is6() != gateway.Is6():
		return refuse(1966265, "gateway", "The destination and the gateway are of different families.")
	}
	for _, l := range c.site.LIFs {
		if l.Address == gateway.String() && l.Space == r.Space {
			return refuse(1966505, "gateway", "The gateway %s is the address of an interface.", gateway)
		}
	}
	r.Gateway, r.Destination, r.Bits = gateway.String(), dest.String(), bits
	return nil
}

func routeBits(mask string, dest netip.Addr) (int, bool) {
	if mask == "" {
		return dest.BitLen(), true
	}
	bits, err := strconv.Atoi(mask)
	if err != nil && strings.Count(mask, ".") == 3 {
		bits, err = dotted(mask)
	}
	return bits, err == nil && bits >= 0 && bits <= dest.BitLen()
}

func (c *call) duplicateRoute(r *route) *refusal {
	for _, o := range c.site.Routes {
		if o.SVM == r.SVM && o.Destination == r.Destination && o.Bits == r.Bits && o.Gateway == r.Gateway {
			return refuse(1966345, "", "Duplicate route exists.")
		}
	}
	return nil
}

func deleteRoute(c *call, it *item) (*done, *refusal) {
	r, _ := it.object.(*route)
	v := c.site.svmByID(r.SVM)
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	c.site.Routes = remove(c.site.Routes, r)
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}
