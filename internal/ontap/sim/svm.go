package sim

import (
	"iter"
	"strconv"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var svmSchema = query.MustSchema(`
uuid text key
name text key set
comment text std set max=255
subtype text std create enum=default,dp_destination,sync_source,sync_destination
state text std modify enum=running,stopped
aggregates list std set
aggregates.uuid text std set
aggregates.name text std set
aggregates.available_size int std
aggregates.type text std
aggregates_delegated bool std
ipspace.name text std create
ipspace.uuid text std create
language text std set
snapshot_policy.name text std set
snapshot_policy.uuid text std set
max_volumes text std set since=9.9.1
storage.limit int std set since=9.13.1
storage.limit_threshold_alert int std set since=9.13.1
storage.allocated int std since=9.13.1
storage.available int std since=9.13.1
storage.used_percentage int std since=9.13.1
nvme.allowed bool std set since=9.9.1
nvme.enabled bool std set since=9.7.1
nfs.allowed bool std set since=9.9.1
nfs.enabled bool std create
cifs.allowed bool std set since=9.9.1
cifs.enabled bool std create
iscsi.allowed bool std set since=9.9.1
iscsi.enabled bool std create
fcp.allowed bool std set since=9.9.1
fcp.enabled bool std create
s3.allowed bool std set since=9.9.1
s3.enabled bool std create since=9.7.1
ndmp.allowed bool std set since=9.9.1
certificate.uuid text std set since=9.7.1
anti_ransomware_default_volume_state text std set since=9.10.1 enum=disabled,dry_run
is_space_reporting_logical bool std set since=9.9.1
is_space_enforcement_logical bool std set since=9.9.1
number_of_volumes_in_recovery_queue int std since=9.15.1
total_volume_size_in_recovery_queue int std since=9.15.1
qos_policy.name text std set
qos_policy.uuid text std set
qos_policy_group_template text std set since=9.15.1
qos_adaptive_policy_group_template text std set since=9.15.1
ip_interfaces list std create
ip_interfaces.name text std create
ip_interfaces.uuid text std
ip_interfaces.ip.address text std create
ip_interfaces.ip.netmask text std create
ip_interfaces.location.broadcast_domain.name text std create
ip_interfaces.location.broadcast_domain.uuid text std create
ip_interfaces.location.home_port.name text std create
ip_interfaces.location.home_port.uuid text std create
ip_interfaces.location.home_port.node.name text std create
ip_interfaces.location.home_node.name text std create
ip_interfaces.location.home_node.uuid text std create
ip_interfaces.service_policy text std create
ip_interfaces.services list std
routes list std create
routes.gateway text std create
routes.destination.address text std create
routes.destination.netmask text std create
snapmirror.is_protected bool exp since=9.7.1
snapmirror.protected_volumes_count int exp since=9.7.1
snapmirror.protected_consistency_group_count int exp since=9.10.1
`)

// protocols of an SVM, as its fields name them.
var protocols = []string{"nvme", "nfs", "cifs", "iscsi", "fcp", "s3", "ndmp"}

func svmResources() []*resource {
	return []*resource{
		{
			path: at("/svm/svms"), keys: []string{"uuid"}, schema: svmSchema,
			list:   func(c *call) iter.Seq[item] { return items(c.shownSVMs(), c.svmItem) },
			create: createSVM, modify: modifySVM, remove: deleteSVM, batch: true,
		},
		webResource(),
	}
}

// shownSVMs are those that exist, and by one of the doubts those that a job is
// about to make.
func (c *call) shownSVMs() []*svm {
	if !c.sim.doubt().ListedWhileCreated {
		return c.site.SVMs
	}
	all := append([]*svm(nil), c.site.SVMs...)
	for _, j := range c.site.Jobs {
		if j.Action == "create" && !j.Done && !j.NoEffect && !c.now.Before(j.Runs) {
			all = append(all, j.New)
		}
	}
	return all
}

func (c *call) svmItem(v *svm) item {
	return item{seq: v.Seq, key: itemKey(v.UUID), svm: v.UUID, object: v, record: func() query.Record { return c.svmRecord(v) }}
}

func (c *call) svmRecord(v *svm) query.Record {
	r := record(
		"uuid", v.UUID, "name", v.Name, "comment", v.Comment, "subtype", v.Subtype, "state", c.sim.stateOf(v, c.now),
		"language", v.Language, "snapshot_policy.name", v.SnapshotPolicy, "ipspace", c.site.spaceRef(v.Space),
		"aggregates_delegated", len(v.Aggregates) > 0, "max_volumes", v.MaxVolumes, "certificate.uuid", v.CertUUID,
		"anti_ransomware_default_volume_state", v.AntiRansomware,
		"is_space_reporting_logical", v.Logical[0], "is_space_enforcement_logical", v.Logical[1],
	)
	aggregates := []any{}
	for _, uuid := range v.Aggregates {
		if a := c.sim.aggregate(uuid); a != nil {
			aggregates = append(aggregates, record("uuid", a.UUID, "name", a.Name, "available_size", c.sim.available(a), "type", "ssd"))
		}
	}
	if len(aggregates) > 0 {
		r["aggregates"] = aggregates
	}
	for _, p := range protocols {
		query.Put(r, p+".allowed", v.Allowed[p])
		if p != "ndmp" {
			query.Put(r, p+".enabled", v.serves(p, c.now))
		}
	}
	c.putSpace(r, v)
	if c.params.Needs("ip_interfaces") || c.params.Needs("routes") {
		c.putChildren(r, v)
	}
	query.Put(r, "snapmirror", record("is_protected", c.site.protected(v), "protected_volumes_count", int64(0), "protected_consistency_group_count", int64(0)))
	return r
}

func (c *call) putSpace(r query.Record, v *svm) {
	var waiting int64
	for _, d := range v.Recovery {
		waiting += d.Size
	}
	r["number_of_volumes_in_recovery_queue"] = int64(len(v.Recovery))
	r["total_volume_size_in_recovery_queue"] = waiting
	if v.StorageLimit == 0 {
		query.Put(r, "storage", record("limit", int64(0), "limit_threshold_alert", v.StorageAlert))
		return
	}
	var used int64
	for _, vol := range c.site.Volumes {
		if vol.SVM == v.UUID && !vol.Root {
			used += vol.Size
		}
	}
	query.Put(r, "storage", record(
		"limit", v.StorageLimit, "limit_threshold_alert", v.StorageAlert, "allocated", used,
		"available", max(v.StorageLimit-used, 0), "used_percentage", used*100/v.StorageLimit,
	))
}

func (c *call) putChildren(r query.Record, v *svm) {
	lifs, routes := []any{}, []any{}
	for _, l := range c.site.LIFs {
		if l.SVM == v.UUID {
			lifs = append(lifs, record("uuid", l.UUID, "name", l.Name, "ip.address", l.Address, "ip.netmask", strconv.Itoa(l.Bits), "services", list(c.site.services(l))))
		}
	}
	for _, rt := range c.site.Routes {
		if rt.SVM == v.UUID {
			routes = append(routes, record("gateway", rt.Gateway, "destination.address", rt.Destination, "destination.netmask", strconv.Itoa(rt.Bits)))
		}
	}
	if len(lifs) > 0 {
		r["ip_interfaces"] = lifs
	}
	if len(routes) > 0 {
		r["routes"] = routes
	}
}

// resolveSVM finds the SVM that a body names by svm.name or svm.uuid, within
// what the caller may see. The codes are those of the route.
func (c *call) resolveSVM(b query.Body, field string, missing, badName, badUUID int) (*svm, *refusal) {
	name, uuid := b.Text(field+".name"), b.Text(field+".uuid")
	if c.scope != nil && name == "" && uuid == "" {
		return c.scope, nil
	}
	if name == "" && uuid == "" {
		return nil, refuse(missing, field, "Field %q is required", field)
	}
	byName, byUUID := c.site.svmByName(name), c.site.svmByID(uuid)
	switch {
	case uuid != "" && byUUID == nil:
		return nil, refuse(badUUID, field+".uuid", "SVM %q does not exist.", uuid)
	case name != "" && byName == nil:
		return nil, refuse(badName, field+".name", "SVM %q does not exist.", name)
	case uuid != "" && name != "" && byName != byUUID:
		return nil, refuse(2621706, field, "The specified %s.uuid and %s.name refer to different SVMs.", field, field)
	}
	v := byUUID
	if v == nil {
		v = byName
	}
	if c.scope != nil && v != c.scope {
		return nil, refuse(1260882, field, "Specified SVM not found or not accessible to this user.")
	}
	return v, nil
}

// changeable says what stands against a change of an SVM's configuration now.
func (c *call) changeable(v *svm) *refusal {
	switch {
	case v == nil:
		return nil
	case v.Locked:
		return refuse(2621576, "", "Configuration of a locked SVM cannot be changed.")
	case c.isDestination(v):
		return refuse(2621574, "", "This operation is not permitted on an SVM that is configured as the destination of a MetroCluster SVM relationship.")
	}
	return nil
}
