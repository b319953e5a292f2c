// Package tfplan finds in a plan of Terraform (`terraform show -json`) what it
// would do to etcd-manager's control files: kops with --target=terraform makes
// each of them an object resource.
//
// It is pure. It must never take a plan that it does not understand for one
// that touches nothing: another format, a plan that failed or is not complete,
// and an object whose name is not known yet are told.
package tfplan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxPlan bounds a plan, in bytes.
const MaxPlan = 64 << 20

// The ends of the keys of etcd-manager's control files.
const (
	specKey   = "control/etcd-cluster-spec"
	markerKey = "control/etcd-cluster-created"
)

// Change is what the plan would do to one control file.
type Change struct {
	// Address is that of the resource.
	Address string
	// Deletes: the file would be gone; else it would be written.
	Deletes bool
	// Marker: it is the created marker; else the spec.
	Marker bool
	// Scheme, Bucket and Key say which object it is; Key begins the same in each
	// store. "" where the plan does not say.
	Scheme, Bucket, Key string
	// Content is what would be written; nil where the plan does not say.
	Content []byte
}

// URL is the object as a person writes it.
func (c Change) URL() string { return c.Scheme + "://" + c.Bucket + "/" + c.Key }

// Known reports whether the plan says which object it is.
func (c Change) Known() bool { return c.Scheme != "" && c.Bucket != "" && c.Key != "" }

// document is as much of a plan as is needed.
type document struct {
	FormatVersion   string           `json:"format_version"`
	Errored         bool             `json:"errored"`
	Complete        *bool            `json:"complete"` // Terraform 1.8 and later
	PlannedValues   *json.RawMessage `json:"planned_values"`
	ResourceChanges []resource       `json:"resource_changes"`
}

type resource struct {
	Address string `json:"address"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Change  struct {
		Actions      []string        `json:"actions"`
		Before       json.RawMessage `json:"before"`
		After        json.RawMessage `json:"after"`
		AfterUnknown json.RawMessage `json:"after_unknown"`
	} `json:"change"`
}

// Read reads a plan. Its errors say what to do.
func Read(r io.Reader) ([]Change, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxPlan+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the plan: %w", err)
	case len(content) > MaxPlan:
		return nil, fmt.Errorf("read the plan: it has more than %d bytes", MaxPlan)
	case len(content) == 0:
		return nil, errors.New("read the plan: it is empty")
	}
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		return nil, errors.New("read the plan: it is not JSON; make it with `terraform show -json PLANFILE`")
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	var changes []Change
	for _, resource := range d.ResourceChanges {
		changes = append(changes, resource.changes()...)
	}
	return changes, nil
}

func (d document) check() error {
	major, _, _ := strings.Cut(d.FormatVersion, ".")
	switch {
	case d.FormatVersion == "" || d.PlannedValues == nil:
		return errors.New("it is JSON, and not of a plan; make it with `terraform show -json PLANFILE`")
	case major != "0" && major != "1":
		return fmt.Errorf("it is of format %.20q, and this version knows 0 and 1", d.FormatVersion)
	case d.Errored:
		return errors.New("the plan failed half-way, so it does not say all that would be done")
	case d.Complete != nil && !*d.Complete:
		return errors.New("the plan puts changes off to a later one, so it does not say all that would be done")
	}
	return nil
}

// changes are those of control files; most resources have none.
func (r resource) changes() []Change {
	does := func(action string) bool { return slices.Contains(r.Change.Actions, action) }
	creates, deletes, updates := does("create"), does("delete"), does("update")
	if r.Mode == "data" || !creates && !deletes && !updates {
		return nil
	}
	var found []Change
	after, written := r.object(r.Change.After)
	before, was := r.object(r.Change.Before)
	if written && (creates || updates) {
		after.Content = contentOf(r.Change.After)
		found = append(found, after)
	}
	if was && (deletes || updates) && !(written && after.URL() == before.URL()) {
		before.Deletes = true
		found = append(found, before)
	}
	if len(found) == 0 && r.unnamed() {
		found = append(found, Change{Address: r.Address})
	}
	return found
}

// unnamed: it writes an object whose name is known only later, and which may be
// a control file by the name that kops gives the resource.
func (r resource) unnamed() bool {
	var unknown map[string]json.RawMessage
	if err := json.Unmarshal(r.Change.AfterUnknown, &unknown); err != nil {
		return false
	}
	return strings.Contains(r.Name, "etcd-cluster-spec") && (isTrue(unknown["key"]) || isTrue(unknown["name"]))
}

func isTrue(m json.RawMessage) bool { return string(m) == "true" }

// object is the control file that these attributes name, if they name one.
func (r resource) object(attributes json.RawMessage) (Change, bool) {
	var a struct {
		Key              any `json:"key"`
		Name             any `json:"name"`
		Bucket           any `json:"bucket"`
		Container        any `json:"container_name"`
		StorageContainer any `json:"storage_container_name"`
	}
	if err := json.Unmarshal(attributes, &a); err != nil {
		return Change{}, false // none, or no attributes of an object
	}
	for _, key := range []any{a.Key, a.Name} {
		key := strings.TrimPrefix(text(key), "/")
		spec, marker := endsIn(key, specKey), endsIn(key, markerKey)
		if !spec && !marker {
			continue
		}
		bucket := text(a.Bucket)
		for _, other := range []any{a.Container, a.StorageContainer} {
			if bucket == "" {
				bucket = text(other)
			}
		}
		return Change{Address: r.Address, Marker: marker, Scheme: schemeOf(r.Type), Bucket: bucket, Key: key}, true
	}
	return Change{}, false
}

func endsIn(key, file string) bool { return key == file || strings.HasSuffix(key, "/"+file) }

func text(v any) string {
	s, _ := v.(string) // anything else is none
	return s
}

// schemeOf is that of our URLs for a kind of resource; "" if we have no store
// for it.
func schemeOf(kind string) string {
	switch provider, _, _ := strings.Cut(kind, "_"); provider {
	case "aws":
		return "s3"
	case "google":
		return "gs"
	case "azurerm":
		return "azblob"
	}
	return ""
}

// contentOf is what the attributes say is written.
func contentOf(attributes json.RawMessage) []byte {
	var a struct {
		Content       any    `json:"content"`
		SourceContent any    `json:"source_content"`
		Base64        []byte `json:"content_base64"`
	}
	if err := json.Unmarshal(attributes, &a); err != nil {
		return nil // not known
	}
	for _, given := range []string{text(a.Content), text(a.SourceContent), string(a.Base64)} {
		if given != "" {
			return []byte(given)
		}
	}
	return nil
}
