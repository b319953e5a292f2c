// Package spec is the StorageVM: what somebody wants of one storage virtual
// machine (SVM), as a small YAML object, and the arrays that it may be on.
//
// It reads, fills in defaults and checks. It must never ask anybody, and never
// hold a password: it names the file or the Secret where one lies.
package spec

import (
	"net/netip"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// The object's type.
const (
	APIVersion = "seedproof.dev/v1alpha1"
	Kind       = "StorageVM"
)

// StorageVM is the desired state of one SVM.
type StorageVM struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata names the object.
type Metadata struct {
	Name string `json:"name"`
}

// Spec is what is wanted. What is left out takes the default named.
type Spec struct {
	// Garden and Project are the owner: every mark bears them.
	Garden  string `json:"garden"`
	Project string `json:"project"`
	// SVMName is the name on the array; default "p" and the project without
	// dashes.
	SVMName string `json:"svmName,omitempty"`
	// Arrays are those that may have it; default all that are configured. Array
	// names the one on which it is made; default a choice by the name alone.
	Arrays []string `json:"arrays,omitempty"`
	Array  string   `json:"array,omitempty"`

	IPspace        string   `json:"ipspace,omitempty"`        // default the array's
	Aggregates     []string `json:"aggregates,omitempty"`     // on which volumes may be made
	SnapshotPolicy string   `json:"snapshotPolicy,omitempty"` // default the array's
	// MaxVolumes is a number or "unlimited"; StorageLimit a quantity as 2Ti.
	// Left out, both stay as they are on the array.
	MaxVolumes   string `json:"maxVolumes,omitempty"`
	StorageLimit string `json:"storageLimit,omitempty"`

	Protocols     []string      `json:"protocols,omitempty"` // nvme (default), iscsi, nfs
	DataLIFs      []Interface   `json:"dataLIFs"`
	ManagementLIF Interface     `json:"managementLIF"`
	Routes        []Route       `json:"routes,omitempty"`
	Credentials   []Credentials `json:"credentials"` // empty and not nil where no shoot uses it
	// DeletionPolicy is Retain (default) or Delete.
	DeletionPolicy decide.Policy `json:"deletionPolicy,omitempty"`
}

// Interface is a logical interface (LIF): an address with its netmask, or a
// subnet of the array.
type Interface struct {
	Name    string     `json:"name,omitempty"` // default datalif+N, which its address outweighs, or managementlif
	Address netip.Addr `json:"address,omitzero"`
	Netmask int        `json:"netmask,omitempty"` // length in bits
	Subnet  string     `json:"subnet,omitempty"`  // instead of the netmask
	// BroadcastDomain and HomeNode place it; one is needed without a subnet.
	BroadcastDomain string `json:"broadcastDomain,omitempty"`
	HomeNode        string `json:"homeNode,omitempty"`
	ServicePolicy   string `json:"servicePolicy,omitempty"` // default by protocol
	VIP             bool   `json:"vip,omitempty"`           // advertised by BGP
}

// Route is a static route. The zero destination is the default route.
type Route struct {
	Gateway     netip.Addr   `json:"gateway"`
	Destination netip.Prefix `json:"destination,omitzero"`
	Metric      int          `json:"metric,omitempty"` // default the array's
}

// Credentials are those of one shoot: an account of its own, and the Secret in
// the seed that holds its password.
type Credentials struct {
	Shoot           string   `json:"shoot"`
	SecretName      string   `json:"secretName"`
	SecretNamespace string   `json:"secretNamespace"`
	Rotation        Rotation `json:"rotation,omitzero"`
}

// Rotation says how often a password is changed, and how long the account
// before it is kept once the new one is in use.
type Rotation struct {
	Every Duration `json:"every,omitempty"` // 0: only when it is asked for
	Grace Duration `json:"grace,omitempty"` // 0, too, is the default: 24h
}

// Duration is a time.Duration that reads as "720h".
type Duration time.Duration

// Owner is whose SVM it is.
func (s StorageVM) Owner() decide.Owner {
	return decide.Owner{Garden: s.Spec.Garden, Project: s.Spec.Project}
}

// protocolOf are the services of the array by the words of the object.
var protocolOf = map[string]ontap.Protocol{
	"nvme": ontap.ProtocolNVMe, "iscsi": ontap.ProtocolISCSI, "nfs": ontap.ProtocolNFS,
}

// Protocol is a protocol by its word in the object, which Validate has checked.
func Protocol(word string) ontap.Protocol { return protocolOf[word] }
