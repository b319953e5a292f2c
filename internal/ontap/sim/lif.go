package sim

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var lifSchema = query.MustSchema(`
uuid text key
name text key set
svm.name text std create
svm.uuid text std create
ip.address text std set
ip.netmask text std set
ip.family text std
enabled bool std set
state text std
services list std
service_policy.name text std set
service_policy.uuid text std set
scope text std create enum=svm,cluster
ipspace.name text std create
ipspace.uuid text std create
subnet.name text std set since=9.11.1
subnet.uuid text std set since=9.11.1
location.auto_revert bool std set
location.failover text std set enum=home_port_only,default,home_node_only,sfo_partners_only,broadcast_domain_only
location.is_home bool std modify
location.node.name text std modify
location.node.uuid text std modify
location.port.name text std modify
location.port.uuid text std modify
location.port.node.name text std modify
location.home_node.name text std set
location.home_node.uuid text std set
location.home_port.name text std set
location.home_port.uuid text std set
location.home_port.node.name text std set
location.broadcast_domain.name text std create writeonly
location.broadcast_domain.uuid text std create writeonly
vip bool std create
dns_zone text std set since=9.9.1
ddns_enabled bool std set since=9.9.1
probe_port int std create since=9.10.1
rdma_protocols list std set since=9.10.1
fail_if_subnet_conflicts bool std set writeonly since=9.11.1
statistics.status text exp
metric.status text exp
`)

func lifResources() []*resource {
	return []*resource{{
		path: at("/network/ip/interfaces"), keys: []string{"uuid"}, schema: lifSchema, batch: true,
		list:   func(c *call) iter.Seq[item] { return items(c.site.LIFs, c.lifItem) },
		create: createLIF, modify: modifyLIF, remove: deleteLIF,
	}}
}

func (c *call) lifItem(l *lif) item {
	return item{seq: l.Seq, key: itemKey(l.UUID), svm: l.SVM, object: l, record: func() query.Record { return c.lifRecord(l) }}
}

func (c *call) lifRecord(l *lif) query.Record {
	st := c.site
	r := record(
		"uuid", l.UUID, "name", l.Name, "ip.address", l.Address, "ip.netmask", strconv.Itoa(l.Bits), "ip.family", family(l.Address),
		"enabled", l.Enabled, "state", upDown(c.sim.isUp(st, l, c.now)), "services", list(st.services(l)), "scope", l.Scope,
		"ipspace", st.spaceRef(l.Space), "location.auto_revert", l.AutoRevert, "location.failover", l.Failover,
		"location.is_home", l.Node == l.HomeNode, "vip", l.VIP, "dns_zone", l.DNSZone, "ddns_enabled", l.DDNS, "probe_port", l.ProbePort,
		"location.home_node", st.nodeRef(l.HomeNode), "location.node", st.nodeRef(l.Node),
	)
	if !l.VIP {
		query.Put(r, "location.home_port", st.portRef(l.HomeNode, l.HomePort))
		query.Put(r, "location.port", st.portRef(l.Node, l.Port))
	}
	if v := st.svmByID(l.SVM); v != nil {
		query.Put(r, "svm", record("uuid", v.UUID, "name", v.Name))
	}
	if p := st.policyByName(l.Policy); p != nil {
		query.Put(r, "service_policy", record("uuid", p.UUID, "name", p.Name))
	}
	if sn := find(st.Subnets, func(sn *subnet) bool { return sn.Name == l.Subnet }); sn != nil {
		query.Put(r, "subnet", record("uuid", sn.UUID, "name", sn.Name))
	}
	return r
}

func family(address string) string {
	if strings.Contains(address, ":") {
		return "ipv6"
	}
	return "ipv4"
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func (st *site) services(l *lif) []string {
	if p := st.policyByName(l.Policy); p != nil {
		return p.Services
	}
	return nil
}

func (st *site) managed(l *lif) bool { return slices.Contains(st.services(l), "management_https") }

func (st *site) isNVMe(l *lif) bool { return slices.Contains(st.services(l), "data_nvme_tcp") }

// isUp: a LIF works when it is enabled, its SVM runs and the node that it is on
// is up.
func (s *Simulator) isUp(st *site, l *lif, now time.Time) bool {
	if !l.Enabled {
		return false
	}
	if v := st.svmByID(l.SVM); l.SVM != "" && (v == nil || s.stateOf(v, now) != "running") {
		return false
	}
	n := st.nodeByName(l.Node)
	return n != nil && n.up() && !st.portDown(l.Node, l.Port)
}

func createLIF(c *call, b query.Body) (*done, *refusal) {
	l := &lif{Scope: b.TextOr("scope", "svm"), Enabled: b.FlagOr("enabled", true), VIP: b.FlagOr("vip", false),
		AutoRevert: b.FlagOr("location.auto_revert", true), Failover: b.TextOr("location.failover", "default"),
		DNSZone: b.TextOr("dns_zone", "none"), DDNS: b.FlagOr("ddns_enabled", true), ProbePort: b.NumberOr("probe_port", 0)}
	v, no := c.lifOwner(l, b)
	if no != nil {
		return nil, no
	}
	if l.Name = b.Text("name"); l.Name == "" {
		return nil, required("name")
	}
	if no := c.lifName(l, l.Name); no != nil {
		return nil, no
	}
	for _, step := range []func(*lif, *svm, query.Body) *refusal{c.setPolicy, c.setAddress, c.place} {
		if no := step(l, v, b); no != nil {
			return nil, no
		}
	}
	if no := c.nameAddress(l, v); no != nil {
		return nil, no
	}
	l.object = c.sim.world.newObject()
	c.site.LIFs = append(c.site.LIFs, l)
	c.sim.changed(c.site, v, c.now)
	it := c.lifItem(l)
	return &done{made: &it}, nil
}

// nameAddress has the SVM's certificate name the addresses it is reached by,
// where the array is one that does so.
func (c *call) nameAddress(l *lif, v *svm) *refusal {
	if v == nil || !c.sim.doubt().CertificateNamesIP || !c.site.managed(l) {
		return nil
	}
	keys, err := newKeyPair(v.Name, l.Address)
	if err != nil {
		return refuse(262145, "", "internal error: %s", err)
	}
	v.Keys = keys
	return nil
}

// lifOwner finds the SVM and the IPspace of a new LIF.
func (c *call) lifOwner(l *lif, b query.Body) (*svm, *refusal) {
	named := b.Has("svm") || c.scope != nil
	if !named && l.Scope == "svm" && b.Has("scope") {
		return nil, refuse(1967127, "svm", "The svm.name or svm.uuid must be provided with scope \"svm\".")
	}
	if !named {
		if !b.Has("ipspace") {
			return nil, refuse(1967128, "ipspace", "The ipspace.name or ipspace.uuid must be provided for an interface of scope \"cluster\".")
		}
		sp, no := c.spaceOf(b)
		l.Scope, l.Space = "cluster", sp
		return nil, no
	}
	v, no := c.resolveSVM(b, "svm", 1967127, 1967146, 1967147)
	if no != nil {
		return nil, no
	}
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	if no := c.inSpace(v, b); no != nil {
		return nil, no
	}
	l.SVM, l.Space = v.UUID, v.Space
	return v, nil
}

// inSpace checks an IPspace that is named beside an SVM.
func (c *call) inSpace(v *svm, b query.Body) *refusal {
	if !b.Has("ipspace") {
		return nil
	}
	sp, no := c.spaceOf(b)
	switch {
	case no != nil:
		return refuse(1967082, "ipspace", "The IPspace is not valid.")
	case sp != v.Space:
		return refuse(1967081, "ipspace", "SVM %q is not in the IPspace %q.", v.Name, sp)
	}
	return nil
}

func (c *call) lifName(l *lif, name string) *refusal {
	switch {
	case len(name) > 254:
		return refuse(1966300, "name", "The name is longer than 254 characters.")
	case strings.ContainsAny(name, " \t\n/\"*|<>!{}"),
		c.sim.doubt().PlusRefused && strings.Contains(name, "+"),
		c.sim.doubt().StrictNames && !strictName.MatchString(strings.ReplaceAll(name, "+", "")):
		return refuse(262247, "name", "The value %q is invalid for field \"name\"", name)
	}
	for _, o := range c.site.LIFs {
		if o != l && o.SVM == l.SVM && o.Name == name {
			return refuse(1966140, "name", "An interface with the same name %q already exists.", name)
		}
	}
	return nil
}

// setPolicy applies the service policy; one for NVMe needs the service.
func (c *call) setPolicy(l *lif, v *svm, b query.Body) *refusal {
	name, uuid := b.Text("service_policy.name"), b.Text("service_policy.uuid")
	if name == "" && uuid == "" {
		if l.Policy == "" {
			l.Policy = "default-data-files"
			if v == nil {
				l.Policy = "default-intercluster"
			}
		}
		return nil
	}
	p := find(c.site.Policies, func(p *policy) bool {
		return (name == "" || p.Name == name) && (uuid == "" || p.UUID == uuid)
	})
	switch {
	case p == nil && name != "" && uuid != "":
		return refuse(1967120, "service_policy", "The service_policy.uuid and service_policy.name do not belong together.")
	case p == nil && uuid != "":
		return refuse(1967121, "service_policy.uuid", "The service policy does not exist.")
	case p == nil || p.SVM != (v != nil):
		return refuse(53281065, "service_policy.name", "The service policy %q does not exist in the SVM.", name)
	case v != nil && slices.Contains(p.Services, "data_iscsi") && v.Services["nvme"] != nil && v.Services["iscsi"] == nil:
		return refuse(5373966, "service_policy", "An iSCSI interface cannot be created in an SVM for NVMe.")
	case !slices.Contains(p.Services, "data_nvme_tcp") || v == nil:
	case c.sim.release < query.Release("9.10.1"):
		return refuse(53281092, "service_policy", "NVMe over TCP is not supported by this release.")
	case v.Services["nvme"] == nil || c.now.Before(v.Services["nvme"].From) && !c.now.Equal(v.Born):
		return refuse(53281087, "service_policy", "Service policy %q needs an NVMe service on the SVM.", p.Name)
	}
	l.Policy = p.Name
	if slices.Contains(p.Services, "data_nvme_tcp") {
		l.Failover = "home_port_only"
	}
	return nil
}

func modifyLIF(c *call, it *item) (*done, *refusal) {
	l, _ := it.object.(*lif)
	b, no := c.parse(c.body, false)
	if no != nil {
		return nil, no
	}
	if b.Empty() {
		return nil, refuse(262190, "", "No values to change supplied.")
	}
	v := c.site.svmByID(l.SVM)
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	trial := *l
	if no := c.changeLIF(&trial, l, v, b); no != nil {
		return nil, no
	}
	*l = trial
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}

// changeLIF applies a PATCH to a copy, so that one that is refused half-way
// leaves nothing behind.
func (c *call) changeLIF(trial, l *lif, v *svm, b query.Body) *refusal {
	if name := b.TextOr("name", l.Name); name != l.Name {
		if no := c.lifName(l, name); no != nil {
			return no
		}
		trial.Name = name
	}
	moves := b.Has("location.home_node") || b.Has("location.home_port")
	if moves && l.Enabled && c.site.isNVMe(l) {
		return refuse(1966238, "location", "The home node or port of an active SAN or NVMe interface cannot be changed.")
	}
	trial.Enabled = b.FlagOr("enabled", l.Enabled)
	trial.AutoRevert = b.FlagOr("location.auto_revert", l.AutoRevert)
	trial.Failover = b.TextOr("location.failover", l.Failover)
	trial.DNSZone = b.TextOr("dns_zone", l.DNSZone)
	trial.DDNS = b.FlagOr("ddns_enabled", l.DDNS)
	if no := c.setPolicy(trial, v, b); no != nil {
		return no
	}
	if b.Has("ip") || b.Has("subnet") {
		if no := c.readdress(trial, l, v, b); no != nil {
			return no
		}
	}
	if moves {
		return c.place(trial, v, b)
	}
	return c.migrate(trial, b)
}

func deleteLIF(c *call, it *item) (*done, *refusal) {
	l, _ := it.object.(*lif)
	v := c.site.svmByID(l.SVM)
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	if l.Enabled && c.sim.doubt().LIFMustBeDown {
		return nil, refuse(1376965, "", "The interface %q must be disabled before it is deleted.", l.Name)
	}
	c.site.LIFs = remove(c.site.LIFs, l)
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}

func (st *site) policyByName(name string) *policy {
	return find(st.Policies, func(p *policy) bool { return p.Name == name })
}

func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == "" && !a.IsUnspecified() && !a.IsMulticast()
}
