package sim

import (
	"iter"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var (
	aggregateSchema = query.MustSchema(`
uuid text key
name text key
state text std
node.name text std
node.uuid text std
home_node.name text std
home_node.uuid text std
space.block_storage.size int std
space.block_storage.available int std
space.block_storage.used int std
space.footprint int exp
volume_count int std alias=volume-count
snaplock_type text std
data_encryption.software_encryption_enabled bool std
block_storage.storage_type text std
block_storage.primary.raid_type text std
is_spare_low bool exp
metric.status text exp
statistics.status text exp
`)
	relationSchema = query.MustSchema(`
uuid text key
source.path text key
source.svm.name text std
source.svm.uuid text std
destination.path text key
destination.svm.name text std
destination.svm.uuid text std
state text std
healthy bool std
`)
	namespaceSchema = query.MustSchema("uuid text key\nname text key\nsvm.name text std\nsvm.uuid text std")
)

func storageResources() []*resource {
	none := func(*call) iter.Seq[item] { return func(func(item) bool) {} }
	return []*resource{
		listing("/storage/aggregates", aggregateSchema, func(c *call) iter.Seq[item] {
			return items(c.shownAggregates(), func(a *aggregate) item {
				return plain(a.object, func() query.Record { return c.aggregateRecord(a) })
			})
		}),
		volumeResource(), snapshotResource(),
		listing("/snapmirror/relationships", relationSchema, func(c *call) iter.Seq[item] {
			return items(c.site.Relations, c.relationItem)
		}),
		listing("/storage/namespaces", namespaceSchema, none),
		listing("/protocols/nvme/subsystems", namespaceSchema, none),
	}
}

// shownAggregates: after a switchover the survivor serves those of both sites.
func (c *call) shownAggregates() []*aggregate {
	var all []*aggregate
	for _, st := range c.sim.world.Sites {
		if st != c.site && !c.sim.isSurvivor(c.site) || st == c.site && c.sim.atDisaster(st) {
			continue
		}
		for _, a := range st.Aggregates {
			if !a.Root || c.sim.doubt().RootAggregatesListed {
				all = append(all, a)
			}
		}
	}
	return all
}

func (s *Simulator) aggregate(uuid string) *aggregate {
	for _, st := range s.world.Sites {
		if a := find(st.Aggregates, func(a *aggregate) bool { return a.UUID == uuid }); a != nil {
			return a
		}
	}
	return nil
}

// used is the space that the volumes of an aggregate take, in bytes.
func (s *Simulator) used(a *aggregate) (bytes, volumes int64) {
	for _, st := range s.world.Sites {
		for _, v := range st.Volumes {
			if v.Aggregate == a.UUID {
				bytes += v.Used
				volumes++
			}
		}
	}
	return bytes, volumes
}

func (s *Simulator) available(a *aggregate) int64 {
	used, _ := s.used(a)
	return max(a.Size-used, 0)
}

func (c *call) aggregateRecord(a *aggregate) query.Record {
	used, volumes := c.sim.used(a)
	home := c.site
	for _, st := range c.sim.world.Sites {
		if st.nodeByName(a.Home) != nil {
			home = st
		}
	}
	node := home.nodeRef(a.Node)
	if home != c.site {
		node = c.site.nodeRef(c.site.Nodes[0].Name)
	}
	return record(
		"uuid", a.UUID, "name", a.Name, "state", a.State, "node", node, "home_node", home.nodeRef(a.Home),
		"space.block_storage.size", a.Size, "space.block_storage.available", max(a.Size-used, 0), "space.block_storage.used", used,
		"space.footprint", used, "volume_count", volumes, "snaplock_type", "non_snaplock", "data_encryption.software_encryption_enabled", false,
		"block_storage.storage_type", "ssd", "block_storage.primary.raid_type", "raid_dp", "is_spare_low", false,
	)
}

func (c *call) relationItem(r *relation) item {
	return item{seq: r.Seq, key: itemKey(r.UUID), svm: r.SVM, object: r, record: func() query.Record {
		out := record("uuid", r.UUID, "source.path", r.Source, "destination.path", r.Destination, "state", "snapmirrored", "healthy", true)
		if v := c.site.svmByID(r.SVM); v != nil {
			query.Put(out, "source.svm", record("uuid", v.UUID, "name", v.Name))
		}
		return out
	}}
}

func (st *site) protected(v *svm) bool {
	return slices.ContainsFunc(st.Relations, func(r *relation) bool { return r.SVM == v.UUID })
}
