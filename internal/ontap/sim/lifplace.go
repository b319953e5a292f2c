package sim

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// setAddress gives a LIF its address: the one named, or the next of a subnet.
func (c *call) setAddress(l *lif, _ *svm, b query.Body) *refusal {
	if b.Has("subnet") {
		return c.fromSubnet(l, b)
	}
	address, ok := parseAddress(b.Text("ip.address"))
	switch {
	case b.Text("ip.address") == "":
		return required("ip.address")
	case !ok:
		return refuse(262185, "ip.address", "The value %q is invalid for field \"ip.address\" (<ip-address>)", b.Text("ip.address"))
	case b.Text("ip.netmask") == "":
		return required("ip.netmask")
	}
	return c.useAddress(l, address, b.Text("ip.netmask"), b.FlagOr("fail_if_subnet_conflicts", true))
}

func (c *call) useAddress(l *lif, address netip.Addr, mask string, subnetsCount bool) *refusal {
	bits, no := netmask(mask, address.Is6(), l.VIP)
	if no != nil {
		return no
	}
	if l.VIP && bits != address.BitLen() {
		return refuse(1967385, "ip.netmask", "A VIP interface needs a netmask of %d.", address.BitLen())
	}
	prefix := netip.PrefixFrom(address, bits)
	if bits < address.BitLen()-1 && prefix.Masked().Addr() == address {
		return refuse(53281073, "ip.address", "The address %s is the network address of its subnet.", address)
	}
	if no := c.addressFree(l, address); no != nil {
		return no
	}
	if sn := c.site.subnetWith(l.Space, address); sn != nil && subnetsCount {
		return refuse(1967387, "ip.address", "The address %s lies in the subnet %q.", address, sn.Name)
	}
	l.Address, l.Bits = address.String(), bits
	return nil
}

// netmask reads a length or a dotted mask.
func netmask(s string, v6, vip bool) (int, *refusal) {
	if v6 {
		bits, err := strconv.Atoi(s)
		if err != nil || bits < 1 || bits > 128 || bits == 128 && !vip {
			return 0, refuse(1966267, "ip.netmask", "The netmask %q is not valid: 1 to 127.", s)
		}
		return bits, nil
	}
	bits, err := strconv.Atoi(s)
	if err != nil && strings.Count(s, ".") == 3 {
		bits, err = dotted(s)
	}
	if err != nil || bits < 1 || bits > 32 {
		return 0, refuse(1966269, "ip.netmask", "The netmask %q is not valid: 1 to 32.", s)
	}
	return bits, nil
}

func dotted(s string) (int, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return 0, err
	}
	bits := 0
	for _, b := range a.AsSlice() {
		for ; b&0x80 != 0; b <<= 1 {
			bits++
		}
		if b != 0 {
			return 0, strconv.ErrSyntax
		}
	}
	for i, b := range a.AsSlice() { // no gaps between the bytes
		if want := min(max(bits-8*i, 0), 8); b != byte(0xff<<(8-want)) {
			return 0, strconv.ErrSyntax
		}
	}
	return bits, nil
}

// addressFree: an address is used once in an IPspace, by whichever SVM; the
// twin of a MetroCluster pair has the same ones and is on the other site.
func (c *call) addressFree(l *lif, address netip.Addr) *refusal {
	text := address.String()
	for _, o := range c.site.LIFs {
		if o.Address == text && o.Space == l.Space && o.UUID != l.UUID {
			return refuse(1376963, "ip.address", "Duplicate IP address %s.", address)
		}
	}
	for _, r := range c.site.Routes {
		if r.Gateway == text && r.Space == l.Space {
			return refuse(1966138, "ip.address", "The address %s is the gateway of a route.", address)
		}
	}
	return nil
}

// readdress is a PATCH of the address, the mask, or both.
func (c *call) readdress(trial, l *lif, v *svm, b query.Body) *refusal {
	if b.Has("subnet") {
		return c.setAddress(trial, v, b)
	}
	address, ok := parseAddress(b.TextOr("ip.address", l.Address))
	if !ok {
		return refuse(262185, "ip.address", "The value is invalid for field \"ip.address\"")
	}
	return c.useAddress(trial, address, b.TextOr("ip.netmask", strconv.Itoa(l.Bits)), b.FlagOr("fail_if_subnet_conflicts", true))
}

// fromSubnet takes the next free address of a named subnet.
func (c *call) fromSubnet(l *lif, b query.Body) *refusal {
	if b.Has("ip") {
		return refuse(1967398, "subnet", "A subnet and an address cannot both be given.")
	}
	name, uuid := b.Text("subnet.name"), b.Text("subnet.uuid")
	sn := find(c.site.Subnets, func(sn *subnet) bool {
		return (name == "" || sn.Name == name) && (uuid == "" || sn.UUID == uuid)
	})
	switch {
	case sn == nil && name != "" && uuid != "":
		return refuse(1967396, "subnet", "The subnet.uuid and subnet.name do not belong together.")
	case sn == nil && uuid != "":
		return refuse(1967397, "subnet.uuid", "The subnet does not exist.")
	case sn == nil:
		return refuse(1967401, "subnet.name", "The subnet %q does not exist.", name)
	case sn.Space != l.Space:
		return refuse(1966419, "subnet", "The subnet %q is not in the IPspace %q.", sn.Name, l.Space)
	}
	for a := netip.MustParseAddr(sn.First); a.Compare(netip.MustParseAddr(sn.Last)) <= 0; a = a.Next() {
		if c.addressFree(l, a) == nil {
			l.Address, l.Bits, l.Subnet = a.String(), netip.MustParsePrefix(sn.Prefix).Bits(), sn.Name
			c.subnetRoute(l, sn)
			return nil
		}
	}
	return refuse(1377666, "subnet", "The subnet %q has no free address.", sn.Name)
}

// subnetRoute: a LIF from a subnet brings that subnet's default route along.
func (c *call) subnetRoute(l *lif, sn *subnet) {
	if sn.Gateway == "" || l.SVM == "" {
		return
	}
	r := &route{SVM: l.SVM, Space: l.Space, Gateway: sn.Gateway, Destination: "0.0.0.0", Metric: 20}
	if strings.Contains(sn.Gateway, ":") {
		r.Destination = "::"
	}
	if c.duplicateRoute(r) == nil {
		r.object = c.sim.world.newObject()
		c.site.Routes = append(c.site.Routes, r)
	}
}

func (st *site) subnetWith(space string, a netip.Addr) *subnet {
	return find(st.Subnets, func(sn *subnet) bool {
		return sn.Space == space && a.Compare(netip.MustParseAddr(sn.First)) >= 0 && a.Compare(netip.MustParseAddr(sn.Last)) <= 0
	})
}

// place gives a LIF its home: a VIP a node with a live BGP session, any other
// one a port.
func (c *call) place(l *lif, v *svm, b query.Body) *refusal {
	node, no := c.homeNode(b)
	if no != nil {
		return no
	}
	if l.VIP {
		return c.placeVIP(l, v, node, b)
	}
	if b.Has("location.home_port") {
		return c.placeAtPort(l, node, b)
	}
	dom, no := c.homeDomain(l, b)
	if no != nil {
		return no
	}
	if node == nil && dom == nil {
		if l.HomePort != "" {
			return nil
		}
		return refuse(1967111, "location", "One of home_node, home_port or broadcast_domain must be given.")
	}
	return c.placeInDomain(l, node, dom)
}

func (c *call) homeNode(b query.Body) (*node, *refusal) {
	name, uuid := b.Text("location.home_node.name"), b.Text("location.home_node.uuid")
	if name == "" && uuid == "" {
		return nil, nil
	}
	n := find(c.site.Nodes, func(n *node) bool { return (name == "" || n.Name == name) && (uuid == "" || n.UUID == uuid) })
	if n == nil {
		return nil, refuse(1967108, "location.home_node", "The home node does not exist, or its uuid and name do not belong together.")
	}
	if !n.up() {
		return nil, refuse(1967154, "location.home_node", "The home node %q is not up.", n.Name)
	}
	return n, nil
}

func (c *call) homeDomain(l *lif, b query.Body) (*domain, *refusal) {
	name, uuid := b.Text("location.broadcast_domain.name"), b.Text("location.broadcast_domain.uuid")
	if name == "" && uuid == "" {
		if sn := find(c.site.Subnets, func(sn *subnet) bool { return sn.Name == l.Subnet }); sn != nil {
			return c.site.domainByName(l.Space, sn.BroadcastDomain), nil
		}
		return nil, nil
	}
	fits := func(d *domain) bool { return (name == "" || d.Name == name) && (uuid == "" || d.UUID == uuid) }
	d := find(c.site.Domains, func(d *domain) bool { return fits(d) && d.Space == l.Space })
	switch {
	case d != nil:
		return d, nil
	case name != "" && uuid != "":
		return nil, refuse(1967137, "location.broadcast_domain", "The broadcast domain's uuid and name are not valid.")
	case uuid != "":
		return nil, refuse(1967135, "location.broadcast_domain.uuid", "The broadcast domain's uuid is not valid.")
	}
	return nil, refuse(1967136, "location.broadcast_domain.name", "The broadcast domain %q is not valid in the IPspace %q.", name, l.Space)
}

// placeInDomain takes the first port that works, on the node that was asked for
// or on the living node with the fewest LIFs.
func (c *call) placeInDomain(l *lif, n *node, d *domain) *refusal {
	var best *port
	for _, p := range c.site.Ports {
		switch {
		case p.Space != l.Space || d != nil && p.Domain != d.Name || n != nil && p.Node != n.Name:
		case p.Down || !c.site.nodeByName(p.Node).up():
		case best == nil || c.site.load(p.Node) < c.site.load(best.Node):
			best = p
		}
	}
	if best == nil {
		return refuse(1967153, "location", "No suitable port was found.")
	}
	l.home(best.Node, best.Name)
	return nil
}

func (l *lif) home(node, port string) {
	l.HomeNode, l.HomePort, l.Node, l.Port = node, port, node, port
}

func (st *site) load(node string) (n int) {
	for _, l := range st.LIFs {
		if l.HomeNode == node {
			n++
		}
	}
	return n
}

func (c *call) placeAtPort(l *lif, n *node, b query.Body) *refusal {
	name, uuid, on := b.Text("location.home_port.name"), b.Text("location.home_port.uuid"), b.Text("location.home_port.node.name")
	if on == "" && n != nil {
		on = n.Name
	}
	if uuid == "" && on == "" {
		return refuse(1967110, "location.home_port", "The home port must be given by uuid, or by name and node.name.")
	}
	p := find(c.site.Ports, func(p *port) bool {
		return (name == "" || p.Name == name) && (uuid == "" || p.UUID == uuid) && (on == "" || p.Node == on)
	})
	switch {
	case p == nil && uuid != "":
		return refuse(1967129, "location.home_port.uuid", "The home port is not valid.")
	case p == nil:
		return refuse(1967131, "location.home_port", "The home port %s:%s is not valid.", on, name)
	case n != nil && p.Node != n.Name:
		return refuse(1967112, "location", "The home port is not on the home node.")
	case p.Space != l.Space:
		return refuse(1966373, "location.home_port", "The home port is not in the IPspace %q.", l.Space)
	case b.Has("location.broadcast_domain.name") && p.Domain != b.Text("location.broadcast_domain.name"):
		return refuse(1966987, "location", "This combination of node, port and broadcast domain is not valid.")
	case p.Down || !c.site.nodeByName(p.Node).up():
		return refuse(1967154, "location.home_port", "The port %s:%s is down.", p.Node, p.Name)
	}
	l.home(p.Node, p.Name)
	return nil
}

func (c *call) placeVIP(l *lif, v *svm, n *node, b query.Body) *refusal {
	switch {
	case v == nil:
		return refuse(1967382, "vip", "A VIP interface belongs to an SVM.")
	case b.Has("location.home_port"):
		return refuse(1967383, "location.home_port", "A VIP interface has no home port.")
	}
	live := find(c.site.Peers, func(p *peerGroup) bool { return p.IPspace == l.Space && !p.Down })
	if live == nil {
		return refuse(1967384, "location.home_node", "The home node has no active BGP session.")
	}
	if n == nil {
		n = find(c.site.Nodes, (*node).up)
	}
	if n == nil {
		return refuse(1967384, "location.home_node", "No node has an active BGP session.")
	}
	l.home(n.Name, "")
	return nil
}

// migrate moves a LIF for the time being, or brings it home.
func (c *call) migrate(l *lif, b query.Body) *refusal {
	if b.Has("location.is_home") {
		if !b.FlagOr("location.is_home", false) {
			return refuse(1967389, "location.is_home", "The field can only be set to true.")
		}
		l.Node, l.Port = l.HomeNode, l.HomePort
		return nil
	}
	name, uuid := b.Text("location.node.name"), b.Text("location.node.uuid")
	if name == "" && uuid == "" {
		return nil
	}
	n := find(c.site.Nodes, func(n *node) bool { return (name == "" || n.Name == name) && (uuid == "" || n.UUID == uuid) })
	if n == nil || !n.up() {
		return refuse(1967108, "location.node", "The node does not exist, or it is not up.")
	}
	if c.site.isNVMe(l) {
		return refuse(1966238, "location.node", "An active SAN or NVMe interface cannot be moved.")
	}
	l.Node, l.Port = n.Name, b.TextOr("location.port.name", l.HomePort)
	return nil
}
