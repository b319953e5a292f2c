package ontap

import (
	"context"
	"errors"
	"iter"
	"net/http"
)

// SVMState is where an SVM is in its life. What is not listed is not known.
type SVMState string

// The states of an SVM.
const (
	SVMInitializing SVMState = "initializing"
	SVMStarting     SVMState = "starting"
	SVMRunning      SVMState = "running"
	SVMStopping     SVMState = "stopping"
	SVMStopped      SVMState = "stopped"
	SVMDeleting     SVMState = "deleting"
)

// Subtypes of an SVM that callers tell apart.
const (
	SubtypeDefault         = "default"
	SubtypeSyncSource      = "sync_source"
	SubtypeSyncDestination = "sync_destination"
)

// SVM is a storage virtual machine. Fields outside of the identity are filled
// only when their part was asked for; a nil pointer is "not told".
type SVM struct {
	UUID    string   `json:"uuid"`
	Name    string   `json:"name"`
	State   SVMState `json:"state"`
	Subtype string   `json:"subtype"`
	Comment string   `json:"comment"`

	IPspace    Ref   `json:"ipspace"`    // SVMPlace
	Aggregates []Ref `json:"aggregates"` // SVMPlace: those on which volumes may be made

	NVMe  ProtocolState `json:"nvme"` // SVMProtocols
	ISCSI ProtocolState `json:"iscsi"`
	NFS   ProtocolState `json:"nfs"`

	MaxVolumes string     `json:"max_volumes"` // SVMMaxVolumes: "unlimited" or a number
	Storage    SVMStorage `json:"storage"`     // SVMSpace

	RecoveryQueue *int `json:"number_of_volumes_in_recovery_queue"` // SVMRecoveryQueue

	SnapMirror struct { // SVMSnapMirror
		Protected        *bool `json:"is_protected"`
		ProtectedVolumes *int  `json:"protected_volumes_count"`
	} `json:"snapmirror"`
}

// ProtocolState says whether a protocol may be used and is switched on.
type ProtocolState struct {
	Allowed *bool `json:"allowed"`
	Enabled *bool `json:"enabled"`
}

// SVMStorage is the quota of a whole SVM, in bytes. A limit of zero is none.
type SVMStorage struct {
	Limit          *int64 `json:"limit"`
	Allocated      *int64 `json:"allocated"`
	Available      *int64 `json:"available"`
	UsedPercentage *int   `json:"used_percentage"`
}

func (s SVM) check() error {
	if s.State == "" {
		return errors.New("an SVM without a state")
	}
	return named(s.UUID, s.Name)
}

// SVMPart is a set of fields beyond the identity. A release that does not know
// one refuses the whole call: IsUnknownField.
type SVMPart string

// The parts of an SVM. Identity, state, subtype and comment are always asked
// for.
const (
	SVMPlace         SVMPart = "ipspace,aggregates"
	SVMProtocols     SVMPart = "nvme.allowed,nvme.enabled,iscsi.allowed,iscsi.enabled,nfs.allowed,nfs.enabled"
	SVMMaxVolumes    SVMPart = "max_volumes"
	SVMSpace         SVMPart = "storage.limit,storage.allocated,storage.available,storage.used_percentage" // since 9.13
	SVMRecoveryQueue SVMPart = "number_of_volumes_in_recovery_queue"
	SVMSnapMirror    SVMPart = "snapmirror" // expensive
)

func svmFields(parts []SVMPart) []string {
	fields := []string{"uuid", "name", "state", "subtype", "comment"}
	for _, p := range parts {
		fields = append(fields, string(p))
	}
	return fields
}

// SVM reads one SVM. IsAbsent(err, KindSVM): it is not on this array.
func (c *Client) SVM(ctx context.Context, uuid string, parts ...SVMPart) (SVM, error) {
	r := getOne("read SVM", KindSVM, at("svm/svms", uuid), svmFields(parts)...).needUUID(uuid)
	return one(ctx, c, r, func(s SVM) error { return same(uuid, s.UUID, s.check()) })
}

// SVMQuery selects SVMs. The zero value is all of them.
type SVMQuery struct {
	Names []string // any of these
	UUIDs []string // any of these
	Parts []SVMPart
}

// SVMs lists data SVMs; a cluster's own never appear.
func (c *Client) SVMs(ctx context.Context, q SVMQuery) iter.Seq2[SVM, error] {
	r := get("list SVMs", KindSVM, at("svm/svms"), svmFields(q.Parts)...).needUUID(q.UUIDs...)
	r.filter("name", q.Names...)
	r.filter("uuid", q.UUIDs...)
	return list(ctx, c, r, func(s SVM) error {
		if !among(q.Names, s.Name) || !among(q.UUIDs, s.UUID) {
			return errors.New("an SVM that was not asked for")
		}
		return s.check()
	})
}

// NewSVM is what is asked for at creation. The subtype is the array's to
// choose: sync_source on a MetroCluster, else default.
type NewSVM struct {
	Name           string
	Comment        string
	IPspace        string   // "": the array's default
	Aggregates     []string // names; none: volumes can be made on none
	SnapshotPolicy string
	MaxVolumes     string
	StorageLimit   int64 // bytes; 0: none
	NVMe           bool  // makes and enables the protocol's service
	ISCSI          bool
	NFS            bool
}

type svmBody struct {
	Name           string   `json:"name,omitempty"`
	Comment        *string  `json:"comment,omitempty"`
	IPspace        Ref      `json:"ipspace,omitzero"`
	Aggregates     []Ref    `json:"aggregates,omitempty"`
	SnapshotPolicy Ref      `json:"snapshot_policy,omitzero"`
	MaxVolumes     string   `json:"max_volumes,omitempty"`
	Storage        *limit   `json:"storage,omitempty"`
	NVMe           *enabled `json:"nvme,omitempty"`
	ISCSI          *enabled `json:"iscsi,omitempty"`
	NFS            *enabled `json:"nfs,omitempty"`
}

type limit struct {
	Limit int64 `json:"limit"`
}

type enabled struct {
	Enabled bool `json:"enabled"`
}

func on(is bool) *enabled {
	if !is {
		return nil
	}
	return &enabled{true}
}

// CreateSVM asks for an SVM, follows the job, and returns when it has ended. At
// most five creations and deletions are under way at once. An SVM whose
// creation has ended may still be initializing or starting, and its services
// may come later. After an Unknown outcome the same name must not be asked for
// again before the array, its jobs included, was looked at.
func (c *Client) CreateSVM(ctx context.Context, n NewSVM) (Made, error) {
	body := svmBody{
		Name: n.Name, IPspace: Ref{Name: n.IPspace}, Aggregates: refs(n.Aggregates), SnapshotPolicy: Ref{Name: n.SnapshotPolicy},
		MaxVolumes: n.MaxVolumes, NVMe: on(n.NVMe), ISCSI: on(n.ISCSI), NFS: on(n.NFS),
	}
	if n.Comment != "" {
		body.Comment = &n.Comment
	}
	if n.StorageLimit > 0 {
		body.Storage = &limit{n.StorageLimit}
	}
	r := request{name: "create SVM", kind: KindSVM, method: http.MethodPost, path: at("svm/svms"), body: body}
	if n.Name == "" {
		r.invalid = errors.New("an SVM needs a name")
	}
	return c.svmJob(ctx, r)
}

// SVMChange is what may change in an SVM; nil and empty leave it as it is.
type SVMChange struct {
	Comment      *string
	StorageLimit *int64 // bytes; 0 takes the limit away
	MaxVolumes   string
	Aggregates   []string // names; replaces the list
}

// ChangeSVM changes an SVM and follows the job.
func (c *Client) ChangeSVM(ctx context.Context, uuid string, ch SVMChange) error {
	body := svmBody{Comment: ch.Comment, MaxVolumes: ch.MaxVolumes, Aggregates: refs(ch.Aggregates)}
	if ch.StorageLimit != nil {
		body.Storage = &limit{*ch.StorageLimit}
	}
	r := request{name: "change SVM", kind: KindSVM, method: http.MethodPatch, path: at("svm/svms", uuid), own: true, body: body}
	_, err := c.change(ctx, r.needUUID(uuid))
	return err
}

// DeleteSVM deletes an SVM with its root volume, interfaces, routes and
// accounts, and clears its volume recovery queue. Nothing here asks whether it
// may be deleted.
func (c *Client) DeleteSVM(ctx context.Context, uuid string) error {
	r := request{name: "delete SVM", kind: KindSVM, method: http.MethodDelete, path: at("svm/svms", uuid), own: true}
	_, err := c.svmJob(ctx, r.needUUID(uuid))
	return err
}

// svmJob is a change that takes one of the array's places for SVM jobs.
func (c *Client) svmJob(ctx context.Context, r request) (Made, error) {
	release, err := c.svmJobs.take(ctx)
	if err != nil {
		return Made{}, c.unsent(r, err)
	}
	defer release()
	return c.change(ctx, r)
}

func refs(names []string) []Ref {
	var all []Ref
	for _, n := range names {
		all = append(all, Ref{Name: n})
	}
	return all
}

// among reports whether a value was asked for; where nothing was, all is.
func among(wanted []string, got string) bool {
	for _, w := range wanted {
		if w == got {
			return true
		}
	}
	return len(wanted) == 0
}
