package ontap

import (
	"context"
	"fmt"
	"iter"
	"strconv"
)

// Volume is a volume of an SVM. Sizes are in bytes.
type Volume struct {
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	SVM   Ref    `json:"svm"`
	State string `json:"state"`
	Type  string `json:"type"`
	Size  int64  `json:"size"`
}

func (v Volume) check() error { return named(v.UUID, v.Name) }

var volumeFields = []string{"uuid", "name", "svm", "state", "type", "size"}

// volumes asks for what bears data on an SVM ("": on any), roots and parts of
// larger volumes left out.
func volumes(name, svmUUID string, fields ...string) request {
	r := get(name, KindVolume, at("storage/volumes"), fields...)
	r.query.Set("is_constituent", "false")
	if svmUUID != "" {
		r = r.needUUID(svmUUID)
		r.filter("svm.uuid", svmUUID)
	}
	return r
}

// DataVolumes counts the volumes of an SVM but its root. Deleted ones that wait
// in the recovery queue are not among them.
func (c *Client) DataVolumes(ctx context.Context, svmUUID string) (int, error) {
	r := volumes("count data volumes", svmUUID).needUUID(svmUUID)
	r.query.Set("is_svm_root", "false")
	return c.count(ctx, r)
}

// RootVolumes lists the root volumes of an SVM: one, as a rule.
func (c *Client) RootVolumes(ctx context.Context, svmUUID string) iter.Seq2[Volume, error] {
	r := volumes("list root volumes", svmUUID, volumeFields...).needUUID(svmUUID)
	r.query.Set("is_svm_root", "true")
	return list(ctx, c, r, func(v Volume) error { return within(svmUUID, v.SVM, v.check()) })
}

// FullVolume is a volume and how full it is.
type FullVolume struct {
	Volume
	Space struct {
		PercentUsed *int `json:"percent_used"`
	} `json:"space"`
}

// FullVolumes lists the volumes of all SVMs of which at least percent is used.
// The array selects them.
func (c *Client) FullVolumes(ctx context.Context, percent int) iter.Seq2[FullVolume, error] {
	r := volumes("list full volumes", "", append([]string{"space.percent_used"}, volumeFields...)...)
	r.query.Set("space.percent_used", ">="+strconv.Itoa(percent))
	return list(ctx, c, r, func(v FullVolume) error {
		if v.Space.PercentUsed == nil || *v.Space.PercentUsed < percent {
			return fmt.Errorf("volume %s is not as full as was asked for", tidy(v.Name))
		}
		return v.check()
	})
}

// Snapshots counts the snapshots of a volume.
func (c *Client) Snapshots(ctx context.Context, volumeUUID string) (int, error) {
	r := get("count snapshots", KindSnapshot, at("storage/volumes", volumeUUID, "snapshots"))
	return c.count(ctx, r.needUUID(volumeUUID))
}
