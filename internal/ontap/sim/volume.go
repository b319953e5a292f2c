package sim

import (
	"iter"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var volumeSchema = query.MustSchema(`
uuid text key
name text key set
svm.name text std create
svm.uuid text std create
aggregates list std create
aggregates.name text std create
aggregates.uuid text std create
comment text std set
state text std set enum=online,offline,restricted,mixed,error
type text std create enum=rw,dp,ls
style text std create
size int std set
space.size int std
space.used int std
space.available int std
space.percent_used int std
create_time time std
is_svm_root bool exp
is_constituent bool named
snapmirror.is_protected bool std
metric.status text exp
statistics.status text exp
`)

var snapshotSchema = query.MustSchema(`
uuid text key
name text key create
comment text std create
volume.uuid text std
volume.name text std
svm.uuid text std
svm.name text std
create_time time std
size int exp
`)

func volumeResource() *resource {
	return &resource{
		path: at("/storage/volumes"), keys: []string{"uuid"}, schema: volumeSchema,
		list:   func(c *call) iter.Seq[item] { return items(c.site.Volumes, c.volumeItem) },
		create: createVolume, modify: modifyVolume, remove: deleteVolume,
	}
}

func (c *call) volumeItem(v *volume) item {
	return item{seq: v.Seq, key: itemKey(v.UUID), svm: v.SVM, object: v, record: func() query.Record { return c.volumeRecord(v) }}
}

func (c *call) volumeRecord(v *volume) query.Record {
	percent := int64(0)
	if v.Size > 0 {
		percent = v.Used * 100 / v.Size
	}
	r := record(
		"uuid", v.UUID, "name", v.Name, "comment", v.Comment, "state", v.State, "type", v.Type, "style", v.Style, "size", v.Size,
		"space.size", v.Size, "space.used", v.Used, "space.available", max(v.Size-v.Used, 0), "space.percent_used", percent,
		"create_time", stamp(v.At), "is_svm_root", v.Root, "is_constituent", v.Constituent, "snapmirror.is_protected", false,
	)
	if s := c.site.svmByID(v.SVM); s != nil {
		query.Put(r, "svm", record("uuid", s.UUID, "name", s.Name))
	}
	if a := c.sim.aggregate(v.Aggregate); a != nil {
		r["aggregates"] = []any{record("uuid", a.UUID, "name", a.Name)}
	}
	return r
}

func createVolume(c *call, b query.Body) (*done, *refusal) {
	v, no := c.resolveSVM(b, "svm", 2621707, 2621462, 2621462)
	if no != nil {
		return nil, no
	}
	if b.Text("name") == "" {
		return nil, required("name")
	}
	on, no := c.volumeAggregate(v, b)
	if no != nil {
		return nil, no
	}
	if slices.ContainsFunc(c.site.Volumes, func(o *volume) bool { return o.SVM == v.UUID && o.Name == b.Text("name") }) {
		return nil, refuse(1, "name", "duplicate entry")
	}
	vol := &volume{
		object: c.sim.world.newObject(), Name: b.Text("name"), SVM: v.UUID, Comment: b.Text("comment"), State: b.TextOr("state", "online"),
		Type: b.TextOr("type", "rw"), Style: b.TextOr("style", "flexvol"), Aggregate: on.UUID, Size: b.NumberOr("size", 20<<20), At: c.now,
	}
	if no := c.withinLimit(v, vol.Size); no != nil {
		return nil, no
	}
	c.site.Volumes = append(c.site.Volumes, vol)
	it := c.volumeItem(vol)
	return &done{job: c.doneJob("POST", vol), made: &it}, nil
}

// doneJob is the job of a change of a volume. Trident and the tests want
// volumes, not their timing: it has taken effect when it is queued.
func (c *call) doneJob(method string, v *volume) *job {
	j := c.startJob("volume", method+" /api/storage/volumes/"+v.UUID)
	j.Runs, j.Ends, j.Done, j.Message = c.now, c.now, true, "success"
	if s := c.site.svmByID(v.SVM); s != nil {
		j.SVMName, j.SVMUUID = s.Name, s.UUID
	}
	return j
}

func (c *call) volumeAggregate(v *svm, b query.Body) (*aggregate, *refusal) {
	given, _ := b.List("aggregates")
	if len(given) == 0 {
		return nil, required("aggregates")
	}
	for _, a := range c.shownAggregates() {
		if given[0].Text("name") == a.Name || given[0].Text("uuid") == a.UUID {
			if len(v.Aggregates) > 0 && !slices.Contains(v.Aggregates, a.UUID) {
				return nil, refuse(2, "aggregates", "Aggregate %q is not assigned to SVM %q.", a.Name, v.Name)
			}
			return a, nil
		}
	}
	return nil, refuse(2, "aggregates", "The aggregate does not exist.")
}

func (c *call) withinLimit(v *svm, more int64) *refusal {
	if v.StorageLimit == 0 {
		return nil
	}
	for _, o := range c.site.Volumes {
		if o.SVM == v.UUID && !o.Root {
			more += o.Size
		}
	}
	if more > v.StorageLimit {
		return refuse(1245212, "size", "Request to change the size failed because there is not enough space in the SVM.")
	}
	return nil
}

func modifyVolume(c *call, it *item) (*done, *refusal) {
	v, _ := it.object.(*volume)
	b, no := c.parse(c.body, false)
	if no != nil {
		return nil, no
	}
	if v.Busy && b.Text("state") == "offline" {
		return nil, refuse(524486, "state", "Volume %q is busy.", v.Name)
	}
	v.Name, v.Comment = b.TextOr("name", v.Name), b.TextOr("comment", v.Comment)
	v.State, v.Size = b.TextOr("state", v.State), b.NumberOr("size", v.Size)
	return &done{job: c.doneJob("PATCH", v)}, nil
}

func deleteVolume(c *call, it *item) (*done, *refusal) {
	v, _ := it.object.(*volume)
	if v.Busy {
		return nil, refuse(524486, "", "Volume %q is busy.", v.Name)
	}
	c.site.Volumes = remove(c.site.Volumes, v)
	c.site.Snapshots = slices.DeleteFunc(c.site.Snapshots, func(sn *snapshot) bool { return sn.Volume == v.UUID })
	if s := c.site.svmByID(v.SVM); s != nil && !v.Root {
		s.Recovery = append(s.Recovery, deleted{Size: v.Size, At: c.now})
	}
	return &done{job: c.doneJob("DELETE", v)}, nil
}

func snapshotResource() *resource {
	return &resource{
		path: at("/storage/volumes/{}/snapshots"), keys: []string{"uuid"}, schema: snapshotSchema,
		list: func(c *call) iter.Seq[item] {
			return func(yield func(item) bool) {
				for _, sn := range c.site.Snapshots {
					if (c.above[0] == "*" || sn.Volume == c.above[0]) && !yield(c.snapshotItem(sn)) {
						return
					}
				}
			}
		},
		create: createSnapshot,
		remove: func(c *call, it *item) (*done, *refusal) {
			sn, _ := it.object.(*snapshot)
			c.site.Snapshots = remove(c.site.Snapshots, sn)
			return nil, nil
		},
	}
}

func (c *call) volumeByID(uuid string) *volume {
	return find(c.site.Volumes, func(v *volume) bool { return v.UUID == uuid && (c.scope == nil || c.scope.UUID == v.SVM) })
}

func (c *call) snapshotItem(sn *snapshot) item {
	owner := ""
	if v := c.volumeByID(sn.Volume); v != nil {
		owner = v.SVM
	}
	return item{seq: sn.Seq, key: itemKey(sn.UUID), svm: owner, object: sn, record: func() query.Record {
		r := record("uuid", sn.UUID, "name", sn.Name, "volume.uuid", sn.Volume, "create_time", stamp(sn.At), "size", int64(0))
		if v := c.volumeByID(sn.Volume); v != nil {
			query.Put(r, "volume.name", v.Name)
			query.Put(r, "svm.uuid", v.SVM)
		}
		return r
	}}
}

func createSnapshot(c *call, b query.Body) (*done, *refusal) {
	v := c.volumeByID(c.above[0])
	switch {
	case v == nil:
		return nil, noEntry()
	case b.Text("name") == "":
		return nil, required("name")
	}
	for _, o := range c.site.Snapshots {
		if o.Volume == v.UUID && o.Name == b.Text("name") {
			return nil, refuse(1, "name", "duplicate entry")
		}
	}
	sn := &snapshot{object: c.sim.world.newObject(), Volume: v.UUID, Name: b.Text("name"), At: c.now}
	c.site.Snapshots = append(c.site.Snapshots, sn)
	it := c.snapshotItem(sn)
	return &done{job: c.doneJob("POST", v), made: &it}, nil
}
