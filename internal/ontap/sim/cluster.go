package sim

import (
	"fmt"
	"iter"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var (
	clusterSchema = query.MustSchema(`
name text key
uuid text key
version.full text std
version.generation int std
version.major int std
version.minor int std
management_interfaces list std
management_interfaces.name text std
management_interfaces.uuid text std
management_interfaces.ip.address text std
timezone.name text std
certificate.uuid text std
location text std
contact text std
san_optimized bool std
disaggregated bool std since=9.16.1
peering_policy.encryption_required bool std
peering_policy.minimum_passphrase_length int std
peering_policy.authentication_required bool std
statistics.status text exp
metric.status text exp
`)
	nodeSchema = query.MustSchema(`
uuid text key
name text key
serial_number text std
model text std
state text std
membership text std
uptime int std
version.full text std
version.generation int std
version.major int std
version.minor int std
ha.enabled bool std
ha.auto_giveback bool std
ha.partners list std
ha.partners.name text std
ha.partners.uuid text std
ha.takeover.state text std
ha.giveback.state text std
ha.takeover_check.takeover_possible bool std
statistics.status text exp
metric.status text exp
`)
	licenseSchema = query.MustSchema(`
name text key
state text std
scope text std
description text std
`)
)

func clusterResources() []*resource {
	return []*resource{
		{path: at("/cluster"), single: true, schema: clusterSchema, get: clusterRecord},
		{
			path: at("/cluster/nodes"), keys: []string{"uuid"}, schema: nodeSchema,
			list: func(c *call) iter.Seq[item] {
				return items(c.site.Nodes, func(n *node) item { return plain(n.object, func() query.Record { return c.nodeRecord(n) }) })
			},
		},
		{
			path: at("/cluster/licensing/licenses"), keys: []string{"name"}, schema: licenseSchema,
			list: listLicenses,
		},
		{
			path: at("/support/ems/application-logs"), schema: emsSchema,
			create: func(*call, query.Body) (*done, *refusal) { return &done{body: query.Record{}}, nil },
		},
	}
}

var emsSchema = query.MustSchema(`
computer_name text std create
event_source text std create
event_id int std create
event_description text std create
app_version text std create
category text std create
severity text std create
autosupport_required bool std create
`)

func versionFields(version string) query.Record {
	parts := strings.Split(version, ".")
	num := func(i int) int64 {
		n, _ := strconv.ParseInt(parts[i], 10, 64) // checked in complete
		return n
	}
	full := fmt.Sprintf("NetApp Release %s: Thu Jan 01 00:00:00 UTC 2026", version)
	return record("full", full, "generation", num(0), "major", num(1), "minor", num(2))
}

func clusterRecord(c *call) query.Record {
	st := c.site
	host, _, _ := net.SplitHostPort(c.sim.clusters[st.Index].address)
	r := record(
		"name", st.Name, "uuid", st.UUID, "version", versionFields(c.sim.opts.Version), "timezone.name", "Etc/UTC", "certificate.uuid", st.UUID,
		"management_interfaces", []any{record("name", "cluster_mgmt", "uuid", st.UUID, "ip.address", host)},
	)
	for _, f := range []string{"san_optimized", "disaggregated"} {
		if c.scope == nil || c.params.Selection.Asked(f) {
			r[f] = false
		}
	}
	query.Put(r, "peering_policy", record("encryption_required", true, "minimum_passphrase_length", int64(8), "authentication_required", true))
	return r
}

func (n *node) up() bool { return n != nil && n.State == "up" }

func (c *call) nodeRecord(n *node) query.Record {
	takeover, giveback := "not_attempted", "nothing_to_giveback"
	partner := c.site.nodeByName(n.Partner)
	switch {
	case partner != nil && (partner.State == "taken_over" || partner.State == "waiting_for_giveback"):
		takeover, giveback = "in_takeover", "not_attempted"
	case partner == nil || !partner.up():
		takeover = "not_possible"
	}
	r := record(
		"uuid", n.UUID, "name", n.Name, "serial_number", n.Serial, "model", "SIMBOX", "state", n.State, "membership", "member",
		"uptime", int64(86400), "version", versionFields(c.sim.opts.Version),
		"ha.enabled", partner != nil, "ha.auto_giveback", false, "ha.takeover.state", takeover, "ha.giveback.state", giveback,
		"ha.takeover_check.takeover_possible", takeover == "not_attempted",
	)
	if partner != nil {
		query.Put(r, "ha.partners", []any{record("uuid", partner.UUID, "name", partner.Name)})
	}
	return r
}

// listLicenses: packages without a licence are listed only when they are asked
// for by their state.
func listLicenses(c *call) iter.Seq[item] {
	return items(c.site.Licenses, func(l *license) item {
		state := "compliant"
		if !l.Licensed {
			state = "unlicensed"
		}
		return item{seq: l.Seq, key: itemKey(l.Name), hidden: !l.Licensed && !c.params.FiltersOn("state"), record: func() query.Record {
			return record("name", l.Name, "state", state, "scope", "cluster", "description", l.Name+" license")
		}}
	})
}

// licensed says whether a protocol may be used.
func (c *call) licensed(protocol string) *refusal {
	name := protocol
	if protocol == "nvme" {
		name = "nvme_of"
	}
	l := find(c.site.Licenses, func(l *license) bool { return l.Name == name })
	if l == nil || l.Licensed {
		return nil
	}
	if protocol == "nvme" {
		return refuse(1115127, "nvme", "The cluster lacks a valid NVMe license.")
	}
	return refuse(1115127, protocol, "The cluster lacks a valid %s license.", protocol)
}

func itoa(n int) string { return strconv.Itoa(n) }

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) } // checked in complete

// addressesBetween counts the addresses of a range, up to a million.
func addressesBetween(first, last string) (n int64) {
	end := netip.MustParseAddr(last)
	for a := netip.MustParseAddr(first); a.Compare(end) <= 0 && n < 1e6; a = a.Next() {
		n++
	}
	return n
}
