package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

// Cluster is the name of the kops cluster of the story.
const Cluster = "prod.example.com"

// Etcds are its etcd clusters.
func Etcds() []string { return []string{"main", "events"} }

// wanted is what its config asks for.
var wanted = managerfiles.Spec{MemberCount: 3, EtcdVersion: "3.6.12"}

// State is the state store. Keys are relative to it.
type State struct {
	Dir string
	*file.Store
	// Snapshots are what backups hold, by etcd cluster, as etcd-manager packs
	// them. All backups of one etcd cluster hold the same.
	Snapshots map[string][]byte

	sequence int // of etcd-manager's backups
}

// Write makes the state store of a cluster that was created and applied at
// born. The directory must not be there yet.
func Write(ctx context.Context, dir string, born time.Time, snapshots map[string][]byte) (*State, error) {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("write a state store into %s: it is there already (%w)", dir, errors.Join(fs.ErrExist, err))
	}
	inner, err := file.Open(ctx, "file://"+dir)
	if err != nil {
		return nil, err
	}
	s := &State{Dir: dir, Store: inner, Snapshots: snapshots}
	for key, content := range applied(inner.URL()) {
		if err := s.put(ctx, Cluster+"/"+key, []byte(content), born); err != nil {
			return nil, err
		}
	}
	for _, etcd := range Etcds() {
		if err := s.control(ctx, etcd, born); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Base is the key of an etcd cluster's backup store.
func Base(etcd string) string { return Cluster + "/backups/etcd/" + etcd }

// control writes the two control files: the spec as kops does, the marker as
// etcd-manager does.
func (s *State) control(ctx context.Context, etcd string, at time.Time) error {
	spec, err := managerfiles.EncodeSpec(wanted)
	if err != nil {
		return err
	}
	created, err := managerfiles.EncodeCreated(managerfiles.Created{Time: at})
	if err != nil {
		return err
	}
	if err := s.put(ctx, Base(etcd)+"/"+managerfiles.SpecKey, spec, at); err != nil {
		return err
	}
	return s.put(ctx, Base(etcd)+"/"+managerfiles.CreatedKey, created, at)
}

// BackUp writes one backup of each etcd cluster at each time, as etcd-manager
// does: the data first, then the file that makes it one.
func (s *State) BackUp(ctx context.Context, times ...time.Time) error {
	for _, at := range times {
		at = at.UTC().Truncate(time.Second)
		s.sequence++
		name := managerfiles.Name(at, s.sequence)
		meta, err := managerfiles.EncodeMeta(managerfiles.BackupMeta{EtcdVersion: wanted.EtcdVersion, Time: at, Spec: &wanted})
		if err != nil {
			return err
		}
		for _, etcd := range Etcds() {
			if err := s.put(ctx, Base(etcd)+"/"+managerfiles.DataKey(name), s.Snapshots[etcd], at); err != nil {
				return err
			}
			if err := s.put(ctx, Base(etcd)+"/"+managerfiles.MetaKey(name), meta, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// put writes an object and dates it.
func (s *State) put(ctx context.Context, key string, content []byte, at time.Time) error {
	if _, err := s.Put(ctx, key, bytes.NewReader(content), store.Condition{}); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	if err := os.Chtimes(filepath.Join(s.Dir, filepath.FromSlash(key)), at, at); err != nil {
		return fmt.Errorf("date %s: %w", key, err)
	}
	return nil
}

// applied are the files of kops itself, by their keys in the cluster's folder.
func applied(url string) map[string]string {
	config := strings.NewReplacer("NAME", Cluster, "BASE", url+"/"+Cluster).Replace(clusterYAML)
	files := map[string]string{
		"config": config, "cluster-completed.spec": config, "kops-version.txt": "1.36.2",
		"pki/ssh/public/admin/8c6e1a0f": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7 admin@bastion\n",
		"addons/bootstrap-channel.yaml": "kind: Addons\n",
	}
	for _, group := range []string{"control-plane-eu-central-1a", "control-plane-eu-central-1b", "control-plane-eu-central-1c"} {
		files["instancegroup/"+group] = strings.NewReplacer("NAME", Cluster, "GROUP", group).Replace(groupYAML)
		files["igconfig/control-plane/"+group+"/nodeupconfig.yaml"] = "APIServerConfig: {}\n"
		for _, etcd := range Etcds() {
			files["manifests/etcd/"+etcd+"-"+group+".yaml"] = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: etcd-manager-" + etcd + "\n"
		}
	}
	keysets := []string{"kubernetes-ca", "service-account", "etcd-clients-ca"}
	for _, etcd := range Etcds() {
		keysets = append(keysets, "etcd-manager-ca-"+etcd, "etcd-peers-ca-"+etcd)
	}
	for _, keyset := range keysets { // no key: nobody needs one here
		files["pki/issued/"+keyset+"/keyset.yaml"] = keysetYAML
		files["pki/private/"+keyset+"/keyset.yaml"] = keysetYAML
	}
	return files
}

const (
	clusterYAML = `apiVersion: kops.k8s.io/v1alpha2
kind: Cluster
metadata:
  name: NAME
spec:
  channel: stable
  cloudProvider: aws
  configBase: BASE
  etcdClusters:
  - etcdMembers:
    - {instanceGroup: control-plane-eu-central-1a, name: a}
    - {instanceGroup: control-plane-eu-central-1b, name: b}
    - {instanceGroup: control-plane-eu-central-1c, name: c}
    manager: {backupRetentionDays: 90}
    name: main
    provider: Manager
    version: 3.6.12
  - etcdMembers:
    - {instanceGroup: control-plane-eu-central-1a, name: a}
    - {instanceGroup: control-plane-eu-central-1b, name: b}
    - {instanceGroup: control-plane-eu-central-1c, name: c}
    manager: {backupRetentionDays: 90}
    name: events
    provider: Manager
    version: 3.6.12
  kubernetesVersion: 1.35.2
  networking:
    cilium: {}
`
	groupYAML = `apiVersion: kops.k8s.io/v1alpha2
kind: InstanceGroup
metadata:
  labels:
    kops.k8s.io/cluster: NAME
  name: GROUP
spec:
  machineType: t3.medium
  role: ControlPlane
`
	keysetYAML = "apiVersion: kops.k8s.io/v1alpha2\nkind: Keyset\nmetadata:\n  name: ca\nspec:\n  keys: []\n"
)
