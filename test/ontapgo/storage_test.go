package ontapgo

import (
	"net/http"
	"testing"

	"github.com/metal-stack/ontap-go/api/client"
	"github.com/metal-stack/ontap-go/api/client/snap_mirror"
	"github.com/metal-stack/ontap-go/api/client/storage"
	"github.com/metal-stack/ontap-go/api/models"
)

// volumes is aggregates, volumes, snapshots and relationships, on an SVM that
// has all of them; and all lists, on an array where most have records.
func volumes(t *testing.T) {
	a := startArray(t)
	c := a.cluster(t, 0)
	aggregate := aggregates(t, c)
	svm := createSVM(t, c, &models.Svm{
		Name: new("vol"), Nvme: &models.SvmInlineNvme{Enabled: new(true)},
		SvmInlineAggregates: []*models.SvmInlineAggregatesInlineArrayItem{{Name: aggregate.Name}},
	})
	assigned := one(t, "the SVM's aggregates", svm.SvmInlineAggregates)
	same(t, "the SVM's aggregate", assigned.UUID, *aggregate.UUID)
	createInterface(t, c, interfaceAt(svm, "data", "192.0.2.30", "default-data-nvme-tcp"))
	volume := createVolume(t, c, svm, aggregate)
	snapshots(t, c, *volume.UUID)
	a.order(t, "relate", map[string]any{"name": "vol", "target": "away:vol"})
	relations := snap_mirror.NewSnapmirrorRelationshipsGetParamsWithContext(t.Context()).WithSourceSvmName(new("vol")).WithFields([]string{"*"})
	relation := one(t, "relationships", must(c.SnapMirror.SnapmirrorRelationshipsGet(relations, nil))(t).Payload.SnapmirrorRelationshipResponseInlineRecords)
	same(t, "the source", relation.Source.Path, "vol:")
	same(t, "the destination", relation.Destination.Path, "away:vol")
	same(t, "the source's SVM", relation.Source.Svm.UUID, *svm.UUID)
	t.Run("lists", func(t *testing.T) { readLists(t, c) })
	deleteVolume(t, c, *volume.UUID)
	same(t, "the recovery queue", readSVM(t, c, *svm.UUID).NumberOfVolumesInRecoveryQueue, 1)
}

// aggregates gives the first.
func aggregates(t *testing.T, c *client.Ontap) *models.Aggregate {
	t.Helper()
	list := storage.NewAggregateCollectionGetParamsWithContext(t.Context()).WithState(new("online")).WithFields([]string{"volume_count", "space.block_storage"})
	all := must(c.Storage.AggregateCollectionGet(list, nil))(t).Payload.AggregateResponseInlineRecords
	if len(all) != 4 {
		t.Fatalf("%d aggregates, expected two on each of two nodes", len(all))
	}
	same(t, "volume_count", all[0].VolumeCount, 0)
	same(t, "the size", all[0].Space.BlockStorage.Size, 10<<40)
	get := storage.NewAggregateGetParamsWithContext(t.Context()).WithUUID(*all[0].UUID)
	aggregate := must(c.Storage.AggregateGet(get, nil))(t).Payload
	same(t, "the name", aggregate.Name, *all[0].Name)
	same(t, "the state", aggregate.State, "online")
	return aggregate
}

func createVolume(t *testing.T, c *client.Ontap, svm *models.Svm, on *models.Aggregate) *models.Volume {
	t.Helper()
	create := storage.NewVolumeCreateParamsWithContext(t.Context()).WithInfo(&models.Volume{
		Name: new("data"), Svm: &models.VolumeInlineSvm{UUID: svm.UUID}, Size: new(int64(20 << 20)),
		VolumeInlineAggregates: []*models.VolumeInlineAggregatesInlineArrayItem{{Name: on.Name}},
	})
	_, accepted, err := c.Storage.VolumeCreate(create, nil)
	if err != nil || accepted == nil {
		t.Fatalf("create a volume: got %v %v, expected 202", accepted, err)
	}
	succeeded(t, c, accepted.Payload)
	list := storage.NewVolumeCollectionGetParamsWithContext(t.Context()).WithSvmUUID(svm.UUID).WithIsSvmRoot(new(false)).WithIsConstituent(new(false))
	found := one(t, "data volumes", must(c.Storage.VolumeCollectionGet(list, nil))(t).Payload.VolumeResponseInlineRecords)
	get := storage.NewVolumeGetParamsWithContext(t.Context()).WithUUID(*found.UUID).WithFields([]string{"**"})
	volume := must(c.Storage.VolumeGet(get, nil))(t).Payload
	same(t, "the name", volume.Name, "data")
	same(t, "the size", volume.Size, 20<<20)
	same(t, "is_svm_root", volume.IsSvmRoot, false)
	same(t, "the state", volume.State, "online")
	same(t, "the type", volume.Type, "rw")
	same(t, "the SVM", volume.Svm.Name, "vol")
	return volume
}

func snapshots(t *testing.T, c *client.Ontap, volume string) {
	t.Helper()
	create := storage.NewSnapshotCreateParamsWithContext(t.Context()).WithVolumeUUID(volume).WithInfo(&models.Snapshot{Name: new("before")})
	_, accepted, err := c.Storage.SnapshotCreate(create, nil)
	if err != nil || accepted == nil {
		t.Fatalf("create a snapshot: got %v %v, expected 202", accepted, err)
	}
	succeeded(t, c, accepted.Payload)
	list := storage.NewSnapshotCollectionGetParamsWithContext(t.Context()).WithVolumeUUID(volume).WithFields([]string{"**"})
	snapshot := one(t, "snapshots", must(c.Storage.SnapshotCollectionGet(list, nil))(t).Payload.SnapshotResponseInlineRecords)
	same(t, "the snapshot", snapshot.Name, "before")
	same(t, "its volume", snapshot.Volume.UUID, volume)
}

func deleteVolume(t *testing.T, c *client.Ontap, uuid string) {
	t.Helper()
	modify := storage.NewVolumeModifyParamsWithContext(t.Context()).WithUUID(uuid).WithInfo(&models.Volume{State: new("offline")})
	_, accepted, err := c.Storage.VolumeModify(modify, nil)
	if err != nil || accepted == nil {
		t.Fatalf("take a volume offline: got %v %v, expected 202", accepted, err)
	}
	succeeded(t, c, accepted.Payload)
	_, gone, err := c.Storage.VolumeDelete(storage.NewVolumeDeleteParamsWithContext(t.Context()).WithUUID(uuid), nil)
	if err != nil || gone == nil {
		t.Fatalf("delete a volume: got %v %v, expected 202", gone, err)
	}
	succeeded(t, c, gone.Payload)
	_, err = c.Storage.VolumeGet(storage.NewVolumeGetParamsWithContext(t.Context()).WithUUID(uuid), nil)
	refused(t, "a deleted volume", err, http.StatusNotFound, "4")
}
