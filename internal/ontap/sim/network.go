package sim

import (
	"iter"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var (
	spaceSchema  = query.MustSchema("uuid text key\nname text key")
	domainSchema = query.MustSchema(`
uuid text key
name text key
ipspace.name text key
ipspace.uuid text std
mtu int std
ports list std
ports.uuid text std
ports.name text std
ports.node.name text std
`)
	portSchema = query.MustSchema(`
uuid text key
name text key
node.name text key
node.uuid text std
type text std
state text std
enabled bool std
mtu int std
broadcast_domain.name text std
broadcast_domain.uuid text std
broadcast_domain.ipspace.name text std
statistics.status text exp
`)
	subnetSchema = query.MustSchema(`
uuid text key
name text key
ipspace.name text std
ipspace.uuid text std
broadcast_domain.name text std
broadcast_domain.uuid text std
subnet.address text std
subnet.netmask text std
subnet.family text std
gateway text std
ip_ranges list std
ip_ranges.start text std
ip_ranges.end text std
available_count int std
used_count int std
total_count int std
`)
	policySchema = query.MustSchema(`
uuid text key
name text key
scope text std
services list std
is_built_in bool std
ipspace.name text std
svm.name text std
svm.uuid text std
`)
	peerSchema = query.MustSchema(`
uuid text key
name text key
ipspace.name text std
ipspace.uuid text std
state text std
local.interface.name text std
local.interface.uuid text std
local.interface.ip.address text std
local.port.name text std
local.port.uuid text std
local.port.node.name text std
peer.address text std
peer.asn int std
peer.is_next_hop bool std
peer.md5_enabled bool std
`)
)

func networkResources() []*resource {
	return []*resource{
		listing("/network/ipspaces", spaceSchema, func(c *call) iter.Seq[item] {
			return items(c.site.Spaces, func(sp *ipspace) item {
				return plain(sp.object, func() query.Record { return record("uuid", sp.UUID, "name", sp.Name) })
			})
		}),
		listing("/network/ethernet/broadcast-domains", domainSchema, func(c *call) iter.Seq[item] {
			return items(c.site.Domains, func(d *domain) item { return plain(d.object, func() query.Record { return c.domainRecord(d) }) })
		}),
		listing("/network/ethernet/ports", portSchema, func(c *call) iter.Seq[item] {
			return items(c.site.Ports, func(p *port) item { return plain(p.object, func() query.Record { return c.portRecord(p) }) })
		}),
		listing("/network/ip/subnets", subnetSchema, func(c *call) iter.Seq[item] {
			return items(c.site.Subnets, func(sn *subnet) item { return plain(sn.object, func() query.Record { return c.subnetRecord(sn) }) })
		}),
		listing("/network/ip/service-policies", policySchema, func(c *call) iter.Seq[item] {
			return items(c.site.Policies, func(p *policy) item { return plain(p.object, func() query.Record { return policyRecord(p) }) })
		}),
		listing("/network/ip/bgp/peer-groups", peerSchema, func(c *call) iter.Seq[item] {
			return items(c.site.Peers, func(p *peerGroup) item { return plain(p.object, func() query.Record { return c.peerRecord(p) }) })
		}),
	}
}

// listing is a resource that can only be read.
func listing(path string, schema *query.Schema, list func(*call) iter.Seq[item]) *resource {
	return &resource{path: at(path), keys: []string{"uuid"}, schema: schema, list: list}
}

// plain is an item of the cluster that its uuid names.
func plain(o object, of func() query.Record) item {
	return item{seq: o.Seq, key: itemKey(o.UUID), record: of}
}

func (c *call) domainRecord(d *domain) query.Record {
	ports := []any{}
	for _, p := range c.site.Ports {
		if p.Domain == d.Name && p.Space == d.Space {
			ports = append(ports, record("uuid", p.UUID, "name", p.Name, "node.name", p.Node))
		}
	}
	return record("uuid", d.UUID, "name", d.Name, "ipspace", c.site.spaceRef(d.Space), "mtu", d.MTU, "ports", ports)
}

func (c *call) portRecord(p *port) query.Record {
	r := record("uuid", p.UUID, "name", p.Name, "node", c.site.nodeRef(p.Node), "type", "physical", "mtu", int64(1500),
		"state", upDown(!p.Down && c.site.nodeByName(p.Node).up()), "enabled", true)
	if d := c.site.domainByName(p.Space, p.Domain); d != nil {
		query.Put(r, "broadcast_domain", record("uuid", d.UUID, "name", d.Name, "ipspace.name", d.Space))
	}
	return r
}

func (c *call) subnetRecord(sn *subnet) query.Record {
	prefix := mustPrefix(sn.Prefix)
	total := addressesBetween(sn.First, sn.Last)
	var used int64
	for _, l := range c.site.LIFs {
		if a, ok := parseAddress(l.Address); ok && c.site.subnetWith(l.Space, a) == sn {
			used++
		}
	}
	r := record(
		"uuid", sn.UUID, "name", sn.Name, "ipspace", c.site.spaceRef(sn.Space), "gateway", sn.Gateway,
		"subnet.address", prefix.Masked().Addr().String(), "subnet.netmask", itoa(prefix.Bits()), "subnet.family", family(sn.Gateway),
		"ip_ranges", []any{record("start", sn.First, "end", sn.Last)},
		"total_count", total, "used_count", used, "available_count", total-used,
	)
	if d := c.site.domainByName(sn.Space, sn.BroadcastDomain); d != nil {
		query.Put(r, "broadcast_domain", record("uuid", d.UUID, "name", d.Name))
	}
	return r
}

func policyRecord(p *policy) query.Record {
	scope := "cluster"
	if p.SVM {
		scope = "svm"
	}
	return record("uuid", p.UUID, "name", p.Name, "scope", scope, "services", list(p.Services), "is_built_in", true, "ipspace.name", "Default")
}

func (c *call) peerRecord(p *peerGroup) query.Record {
	return record("uuid", p.UUID, "name", p.Name, "ipspace", c.site.spaceRef(p.IPspace), "state", upDown(!p.Down),
		"local.port.name", "e0c", "peer.address", p.Peer, "peer.asn", int64(65501), "peer.is_next_hop", false, "peer.md5_enabled", false)
}

func (st *site) spaceRef(name string) any {
	if sp := find(st.Spaces, func(sp *ipspace) bool { return sp.Name == name }); sp != nil {
		return record("uuid", sp.UUID, "name", sp.Name)
	}
	return nil
}

func (st *site) nodeRef(name string) any {
	if n := st.nodeByName(name); n != nil {
		return record("uuid", n.UUID, "name", n.Name)
	}
	return nil
}

func (st *site) portByName(node, name string) *port {
	return find(st.Ports, func(p *port) bool { return p.Node == node && p.Name == name })
}

func (st *site) portRef(node, name string) any {
	if p := st.portByName(node, name); p != nil {
		return record("uuid", p.UUID, "name", p.Name, "node.name", p.Node)
	}
	return nil
}

func (st *site) portDown(node, name string) bool {
	p := st.portByName(node, name)
	return p != nil && p.Down
}

func (st *site) domainByName(space, name string) *domain {
	return find(st.Domains, func(d *domain) bool { return d.Space == space && d.Name == name })
}
