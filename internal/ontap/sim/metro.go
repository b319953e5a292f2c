package sim

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var (
	metroSchema = query.MustSchema(`
configuration_type text std
local.cluster.name text std
local.cluster.uuid text std
local.configuration_state text std
local.mode text std
local.partner_cluster_reachable bool std
local.periodic_check_enabled bool std
remote.cluster.name text std
remote.cluster.uuid text std
remote.configuration_state text std
remote.mode text std
mediator.reachable bool std
`)
	pairSchema = query.MustSchema(`
cluster.name text key
cluster.uuid text key
svm.name text key
svm.uuid text key
partner_svm.name text std
partner_svm.uuid text std
configuration_state text std
failed_reason.code text std
failed_reason.message text std
`)
	metroNodeSchema = query.MustSchema(`
cluster.name text key
cluster.uuid text key
node.name text key
node.uuid text key
configuration_state text std
dr_operation_state text std
dr_mirroring_state text std
`)
	operationSchema = query.MustSchema(`
uuid text key
type text std
state text std
start_time time std
end_time time std
`)
)

func metroResources() []*resource {
	return []*resource{
		{
			path: at("/cluster/metrocluster"), single: true, schema: metroSchema, extra: []string{"action"},
			get: metroRecord, modify: switchAction,
		},
		{
			path: at("/cluster/metrocluster/svms"), keys: []string{"cluster.uuid", "svm.uuid"}, schema: pairSchema, since: query.Release("9.11.1"),
			list: func(c *call) iter.Seq[item] { return items(c.pairs(), c.pairItem) },
		},
		{
			path: at("/cluster/metrocluster/nodes"), keys: []string{"node.uuid"}, schema: metroNodeSchema,
			list: func(c *call) iter.Seq[item] { return items(c.metroNodes(), c.metroNodeItem) },
		},
		listing("/cluster/metrocluster/operations", operationSchema, func(c *call) iter.Seq[item] {
			return items(c.sim.world.Operations, func(o *operation) item {
				return plain(o.object, func() query.Record {
					return record("uuid", o.UUID, "type", o.Type, "state", o.State, "start_time", stamp(o.At), "end_time", stamp(o.At))
				})
			})
		}),
	}
}

// partner is the other site; nil where there is none.
func (s *Simulator) partner(st *site) *site {
	if len(s.world.Sites) < 2 {
		return nil
	}
	return s.world.Sites[1-st.Index]
}

func (s *Simulator) isSurvivor(st *site) bool { return s.world.Survivor == st.Index+1 }

// atDisaster says whether the other site serves what is this one's.
func (s *Simulator) atDisaster(st *site) bool { return s.world.Survivor != 0 && !s.isSurvivor(st) }

func (s *Simulator) joined(st *site) bool {
	p := s.partner(st)
	return p != nil && !p.Unreachable && !st.Unreachable
}

func metroRecord(c *call) query.Record {
	p := c.sim.partner(c.site)
	if p == nil {
		return record("configuration_type", "invalid", "local.cluster.name", c.site.Name, "local.cluster.uuid", c.site.UUID,
			"local.configuration_state", "not_configured", "local.mode", "not_configured", "local.partner_cluster_reachable", false)
	}
	mode := "normal"
	if c.sim.isSurvivor(c.site) {
		mode = "switchover"
	}
	remote, state := "normal", "configured"
	switch {
	case p.Unreachable:
		remote, state = "not_reachable", "not_reachable"
	case c.sim.isSurvivor(p):
		remote = "switchover"
	case c.sim.isSurvivor(c.site):
		remote = "waiting_for_switchback"
	}
	if c.sim.atDisaster(c.site) {
		mode = "waiting_for_switchback"
	}
	return record(
		"configuration_type", "ip_fabric", "local.cluster.name", c.site.Name, "local.cluster.uuid", c.site.UUID,
		"local.configuration_state", "configured", "local.mode", mode, "local.partner_cluster_reachable", !p.Unreachable,
		"local.periodic_check_enabled", true, "remote.cluster.name", p.Name, "remote.cluster.uuid", p.UUID,
		"remote.configuration_state", state, "remote.mode", remote, "mediator.reachable", true,
	)
}

// pairs are the SVMs of this site that have another half.
func (c *call) pairs() []*svm {
	var all []*svm
	for _, v := range c.site.SVMs {
		if v.Subtype == "sync_source" || v.Subtype == "sync_destination" {
			all = append(all, v)
		}
	}
	return all
}

func (c *call) pairItem(v *svm) item {
	return item{seq: v.Seq, key: itemKey(c.site.UUID, v.UUID), svm: v.UUID, object: v, record: func() query.Record {
		r := record("cluster.name", c.site.Name, "cluster.uuid", c.site.UUID, "svm.name", v.Name, "svm.uuid", v.UUID,
			"configuration_state", c.pairState(v))
		if v.Partner == "" {
			return r
		}
		query.Put(r, "partner_svm.uuid", v.Partner)
		query.Put(r, "partner_svm.name", c.partnerName(v))
		return r
	}}
}

// partnerName is known without the partner: it follows from the name.
func (c *call) partnerName(v *svm) string {
	if v.Subtype == "sync_source" {
		return twinName(v.Name)
	}
	if o := c.sim.partner(c.site).svmByID(v.Partner); o != nil {
		return o.Name
	}
	return strings.Replace(v.Name, "-mc", "", 1)
}

func (c *call) pairState(v *svm) string {
	switch {
	case v.Partner == "":
		return "pending_setup"
	case c.sim.world.Survivor != 0:
		return "pending_switchback"
	case !c.sim.joined(c.site):
		return "degraded"
	case v.Dirty:
		return "syncing"
	}
	return "healthy"
}

func (c *call) metroNodes() []*node {
	if c.sim.partner(c.site) == nil {
		return nil
	}
	return c.site.Nodes
}

func (c *call) metroNodeItem(n *node) item {
	state := "normal"
	switch {
	case c.sim.isSurvivor(c.site):
		state = "switchover_completed"
	case c.sim.atDisaster(c.site):
		state = "waiting_for_switchback_recovery"
	}
	return plain(n.object, func() query.Record {
		return record("cluster.name", c.site.Name, "cluster.uuid", c.site.UUID, "node.name", n.Name, "node.uuid", n.UUID,
			"configuration_state", "configured", "dr_operation_state", state, "dr_mirroring_state", "enabled")
	})
}

// switchAction is PATCH ?action=.
func switchAction(c *call, _ *item) (*done, *refusal) {
	if c.sim.partner(c.site) == nil {
		return nil, refuse(2425734, "", "An internal error occurred: the cluster is not part of a MetroCluster.")
	}
	action := c.params.Extra["action"]
	switch action {
	case "switchover", "negotiated_switchover":
		action = "switchover"
	case "switchback":
	case "switchover_simulate", "negotiated_switchover_simulate", "switchback_simulate", "heal_aggregates", "heal_root_aggregates":
		return &done{status: http.StatusOK}, nil
	case "":
		return nil, refuse(262190, "", "No values to change supplied.")
	default:
		return nil, refuse(262185, "action", "The value %q is invalid for field \"action\"", action)
	}
	return &done{job: c.startJob(action, "PATCH /api/cluster/metrocluster")}, nil
}

func (s *Simulator) runSwitch(st *site, action string) *refusal {
	switch {
	case action == "switchover" && s.world.Survivor == 0:
		s.switchover(st)
	case action == "switchback" && s.isSurvivor(st) && s.joined(st):
		s.switchback(st)
	default:
		return refuse(2425734, "", "The operation %s is not possible in this state.", action)
	}
	s.world.Operations = append(s.world.Operations, &operation{object: s.world.newObject(), Type: action, State: "successful", At: s.opts.Clock.Now()})
	s.dirty = true
	return nil
}

// switchover lets a survivor serve for both sites.
func (s *Simulator) switchover(survivor *site) {
	s.world.Survivor = survivor.Index + 1
	lost := s.partner(survivor)
	for _, v := range lost.SVMs {
		v.Stopped = true
	}
	for _, twin := range survivor.SVMs {
		if twin.Subtype == "sync_destination" {
			twin.Stopped = false
			moveVolumes(lost, survivor, twin.Partner, twin.UUID)
		}
	}
}

// switchback gives the other site its own back, with all that was changed on
// the survivor meanwhile.
func (s *Simulator) switchback(survivor *site) {
	home := s.partner(survivor)
	now := s.opts.Clock.Now()
	for _, twin := range survivor.SVMs {
		if twin.Subtype != "sync_destination" {
			continue
		}
		twin.Stopped = true
		if source := home.svmByID(twin.Partner); source != nil {
			s.copyTo(survivor, twin, home, source)
			moveVolumes(survivor, home, twin.UUID, source.UUID)
			source.Stopped, source.Dirty = false, false
		}
	}
	for _, v := range home.SVMs {
		v.Stopped = v.Subtype == "sync_destination"
	}
	s.world.Survivor = 0
	for _, v := range survivor.SVMs {
		if v.Subtype == "sync_source" {
			s.changed(survivor, v, now)
		}
	}
	s.replicateDue(now) // which drops what was deleted on the survivor, too
}

func moveVolumes(from, to *site, svmFrom, svmTo string) {
	from.Volumes = slices.DeleteFunc(from.Volumes, func(v *volume) bool {
		if v.SVM != svmFrom {
			return false
		}
		v.SVM = svmTo
		to.Volumes = append(to.Volumes, v)
		from.Snapshots = slices.DeleteFunc(from.Snapshots, func(sn *snapshot) bool {
			if sn.Volume == v.UUID {
				to.Snapshots = append(to.Snapshots, sn)
			}
			return sn.Volume == v.UUID
		})
		return true
	})
}

// isDestination: a twin takes no changes while its source serves.
func (c *call) isDestination(v *svm) bool {
	return v.Subtype == "sync_destination" && !c.sim.isSurvivor(c.site)
}

// twinName puts the suffix before the first period.
func twinName(name string) string {
	head, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return head + "-mc"
	}
	return head + "-mc." + rest
}

// changed notes that the other half of a pair must learn of a change.
func (s *Simulator) changed(_ *site, v *svm, now time.Time) {
	s.dirty = true
	if v == nil || v.Subtype != "sync_source" || len(s.world.Sites) < 2 {
		return
	}
	v.Dirty, v.Replicate = true, now.Add(s.opts.Times.Replication)
	s.replicateDue(now)
}
