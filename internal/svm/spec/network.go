package spec

import (
	"cmp"
	"fmt"
	"net/netip"
)

// lif is an interface with its field, for errors.
type lif struct {
	Interface
	field string
}

// lifs are the data interfaces and the management interface.
func (s StorageVM) lifs() []lif {
	var all []lif
	for i, l := range s.Spec.DataLIFs {
		all = append(all, lif{l, fmt.Sprintf("spec.dataLIFs[%d]", i)})
	}
	return append(all, lif{s.Spec.ManagementLIF, "spec.managementLIF"})
}

// Prefix is the address with its netmask; the zero one where the array takes
// both from a subnet.
func (i Interface) Prefix() netip.Prefix { return netip.PrefixFrom(i.Address, i.Netmask) }

// Network is the destination, the default route by its full name.
func (r Route) Network() netip.Prefix {
	switch {
	case r.Destination.IsValid():
		return r.Destination
	case r.Gateway.Is4():
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	case r.Gateway.Is6():
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.Prefix{}
}

func (s StorageVM) checkInterfaces(found *problems) {
	if len(s.Spec.DataLIFs) == 0 {
		found.field("spec.dataLIFs", "missing; want at least one")
	}
	names, addresses := map[string]string{}, map[netip.Addr]string{}
	for _, l := range s.lifs() {
		l.check(found)
		if other, taken := names[l.Name]; taken && l.Name != "" {
			found.value(l.field+".name", l.Name, "%s has that name", other)
		}
		names[l.Name] = l.field
		if !l.Address.IsValid() {
			continue
		}
		if other, taken := addresses[l.Address]; taken {
			found.value(l.field+".address", l.Address.String(), "%s has that address", other)
		}
		addresses[l.Address] = l.field
	}
}

func (l lif) check(found *problems) {
	switch {
	case l.Name == "" && l.Subnet != "":
		found.field(l.field+".name", "missing; one of several interfaces is known by its address or its name, and the subnet %q tells no address. One that is on the array already keeps the name that it has there", l.Subnet)
	case !lifNameForm.MatchString(l.Name):
		found.value(l.field+".name", l.Name, "want 1 to 254 of A-Z a-z 0-9 . _ + -, the first a letter, digit or underscore")
	}
	checkOptional(found, l.field+".subnet", l.Subnet)
	checkOptional(found, l.field+".broadcastDomain", l.BroadcastDomain)
	checkOptional(found, l.field+".homeNode", l.HomeNode)
	switch {
	case l.ServicePolicy == "":
		found.field(l.field+".servicePolicy", "missing; which of several protocols the interface is for must be said, as default-data-files")
	default:
		checkOptional(found, l.field+".servicePolicy", l.ServicePolicy)
	}
	if l.Subnet != "" {
		l.checkSubnet(found)
		return
	}
	if l.HomeNode == "" && l.BroadcastDomain == "" {
		found.field(l.field, "it has no place; give homeNode, broadcastDomain or both, or a subnet")
	}
	l.checkAddress(found)
}

// checkSubnet: the array takes the address and its netmask out of the subnet
// (1967398).
func (l lif) checkSubnet(found *problems) {
	if l.Address.IsValid() {
		found.value(l.field+".address", l.Address.String(), "the subnet %q gives the address; leave one of them out", l.Subnet)
	}
	if l.Netmask != 0 {
		found.value(l.field+".netmask", fmt.Sprint(l.Netmask), "the subnet %q gives the netmask; leave one of them out", l.Subnet)
	}
	if l.VIP {
		found.field(l.field+".vip", "a virtual address is a single one; give address and netmask in place of the subnet")
	}
}

func (l lif) checkAddress(found *problems) {
	field, a := l.field+".address", l.Address
	if !a.IsValid() {
		found.field(field, `missing; want an IP address as "10.0.0.5", or a subnet of the array`)
		return
	}
	if why := notAHost(a); why != "" {
		found.value(field, a.String(), "%s; give an address of a host", why)
		return
	}
	if !l.checkNetmask(found) || l.VIP {
		return
	}
	if network := l.Prefix().Masked(); l.Netmask < a.BitLen()-1 {
		switch {
		case a == network.Addr():
			found.value(field, a.String(), "it is the network address of %s; give an address of a host", network)
		case a.Is4() && a == lastOf(network):
			found.value(field, a.String(), "it is the broadcast address of %s; give an address of a host", network)
		}
	}
}

// checkNetmask: 1 to 32 for IPv4 and 1 to 127 for IPv6 (1966269, 1966267), the
// whole address for a virtual one (1967385).
func (l lif) checkNetmask(found *problems) bool {
	field, whole := l.field+".netmask", l.Address.BitLen()
	longest, family := whole, "IPv4"
	if l.Address.Is6() {
		longest, family = whole-1, "IPv6"
	}
	switch {
	case l.VIP && l.Netmask != whole:
		found.value(field, fmt.Sprint(l.Netmask), "a virtual %s address needs %d", family, whole)
	case !l.VIP && l.Netmask == 0:
		found.field(field, "missing; want its length in bits, 1 to %d for %s", longest, family)
	case !l.VIP && (l.Netmask < 1 || l.Netmask > longest):
		found.value(field, fmt.Sprint(l.Netmask), "want its length in bits, 1 to %d for %s", longest, family)
	default:
		return true
	}
	return false
}

// notAHost says what an address is that no interface or gateway can have.
func notAHost(a netip.Addr) string {
	switch {
	case a.Is4In6():
		return "it is an IPv4 address written as IPv6"
	case a.Zone() != "":
		return "it has a zone"
	case a.IsUnspecified(), a.Is4() && a.As4()[0] == 0:
		return "it is the unspecified address"
	case a.IsLoopback():
		return "it is a loopback address"
	case a.IsMulticast():
		return "it is a multicast address"
	case a.IsLinkLocalUnicast():
		return "it is a link-local address"
	case a.Is4() && a.As4()[0] >= 240:
		return "it is a reserved address"
	}
	return ""
}

// lastOf is the last address of an IPv4 network, that of its broadcasts.
func lastOf(network netip.Prefix) netip.Addr {
	bytes := network.Masked().Addr().As4()
	for bit := network.Bits(); bit < 32; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(bytes)
}

func (s StorageVM) checkRoutes(found *problems) {
	first := map[Route]string{}
	for i, r := range s.Spec.Routes {
		field := fmt.Sprintf("spec.routes[%d]", i)
		if !s.checkGateway(found, field+".gateway", r.Gateway) {
			continue
		}
		checkDestination(found, field+".destination", r)
		if r.Metric < 0 {
			found.value(field+".metric", fmt.Sprint(r.Metric), "want a number above 0, or nothing for the array's default")
		}
		key := Route{Gateway: r.Gateway, Destination: r.Network()}
		if other, taken := first[key]; taken {
			found.value(field, r.Gateway.String(), "it is the same route to %s as %s", r.Network(), other)
		}
		first[key] = cmp.Or(first[key], field)
	}
}

func (s StorageVM) checkGateway(found *problems, field string, gateway netip.Addr) bool {
	if !gateway.IsValid() {
		found.field(field, `missing; want an IP address as "10.0.0.1"`)
		return false
	}
	if why := notAHost(gateway); why != "" {
		found.value(field, gateway.String(), "%s; give an address of a router", why)
		return false
	}
	family := false
	for _, l := range s.lifs() {
		family = family || !l.Address.IsValid() || l.Address.BitLen() == gateway.BitLen()
		if l.Address == gateway {
			found.value(field, gateway.String(), "it is the address of %s; give that of a router", l.field)
			return false
		}
	}
	if !family {
		found.value(field, gateway.String(), "no interface has an address of its family")
	}
	return family
}

func checkDestination(found *problems, field string, r Route) {
	d := r.Destination
	switch {
	case !d.IsValid(): // the default route
	case d.Addr().Is4In6():
		found.value(field, d.String(), "it is an IPv4 network written as IPv6")
	case d.Addr().BitLen() != r.Gateway.BitLen():
		found.value(field, d.String(), "it is of another family than the gateway %s", r.Gateway)
	case d != d.Masked():
		found.value(field, d.String(), "it is an address within a network; want the network, %s", d.Masked())
	}
}

// routeWarnings: a gateway that no interface can reach by itself.
func (s StorageVM) routeWarnings() []string {
	var all []string
	for i, r := range s.Spec.Routes {
		reached := false
		for _, l := range s.lifs() {
			reached = reached || l.Subnet != "" || l.VIP || l.Prefix().Contains(r.Gateway)
		}
		if !reached {
			all = append(all, fmt.Sprintf("spec.routes[%d].gateway %q: it is in the network of no interface", i, r.Gateway))
		}
	}
	return all
}
