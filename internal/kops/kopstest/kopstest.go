// Package kopstest writes kops state stores as a real kops and a real
// etcd-manager write them: by hand, from the facts, without the code that reads
// them. It is for tests alone, and goes into any store.
package kopstest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

// Cluster is one kops cluster and how far its life has come.
type Cluster struct {
	Name    string
	Members int      // of each etcd cluster
	Etcds   []string // nil: main and events
	// EtcdVersion stands in the config; "" leaves it to kops. What an update
	// writes is then Filled.
	EtcdVersion string
	Filled      string
	Kubernetes  string
	// BackupStores are those in the config, by etcd cluster.
	BackupStores map[string]string
	ConfigBase   string // in the config
	V1alpha3     bool

	// ByHand: SSH keys, secrets and a CA, made before the first update.
	ByHand bool
	// Applied: `kops update cluster --yes` has run.
	Applied bool
	// Running: etcd-manager has made its clusters and takes backups.
	Running bool
	// Backups are how many there are of each, Every apart, the last at Last.
	Backups int
	Every   time.Duration
	Last    time.Time
}

// Healthy is a cluster of that many members with an hour of backups.
func Healthy(name string, members int, now time.Time) Cluster {
	return Cluster{
		Name: name, Members: members, EtcdVersion: "3.6.12", Filled: "3.6.12", Kubernetes: "1.35.2",
		ByHand: true, Applied: true, Running: true,
		Backups: 4, Every: 15 * time.Minute, Last: now.Add(-5 * time.Minute),
	}
}

// New is a cluster of which only `kops create cluster` has run.
func New(name string, members int) Cluster {
	return Cluster{Name: name, Members: members, EtcdVersion: "3.6.12", Filled: "3.6.12", Kubernetes: "1.35.2"}
}

// EtcdNames are the etcd clusters.
func (c Cluster) EtcdNames() []string {
	if c.Etcds == nil {
		return []string{"main", "events"}
	}
	return c.Etcds
}

// Write puts the cluster into a state store.
func (c Cluster) Write(t testing.TB, s store.Store) {
	t.Helper()
	Put(t, s, c.Name+"/config", c.Config())
	Put(t, s, c.Name+"/instancegroup/control-plane-eu-central-1a", instanceGroup(c.Name, "control-plane-eu-central-1a"))
	Put(t, s, c.Name+"/instancegroup/nodes-eu-central-1a", instanceGroup(c.Name, "nodes-eu-central-1a"))
	Put(t, s, c.Name+"/pki/ssh/public/admin/8c6e1a0f", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7 admin@bastion\n")
	if c.ByHand {
		Put(t, s, c.Name+"/secrets/dockerconfig", `{"Data":"e30="}`)
		Put(t, s, c.Name+"/pki/issued/kubernetes-ca/keyset.yaml", keyset)
		Put(t, s, c.Name+"/pki/private/kubernetes-ca/keyset.yaml", keyset)
	}
	if c.Applied {
		c.WriteApplied(t, s)
	}
	for _, etcd := range c.EtcdNames() {
		base := c.Name + "/backups/etcd/" + etcd
		if _, elsewhere := c.BackupStores[etcd]; !elsewhere {
			c.WriteEtcd(t, s, base)
		}
	}
}

// WriteApplied puts what an update leaves, the etcd files apart.
func (c Cluster) WriteApplied(t testing.TB, s store.Store) {
	t.Helper()
	Put(t, s, c.Name+"/cluster-completed.spec", c.Completed())
	Put(t, s, c.Name+"/kops-version.txt", "1.36.2")
	Put(t, s, c.Name+"/igconfig/control-plane/control-plane-eu-central-1a/nodeupconfig.yaml", "APIServerConfig: {}\n")
	Put(t, s, c.Name+"/igconfig/node/nodes-eu-central-1a/nodeupconfig.yaml", "KubeletConfig: {}\n")
	Put(t, s, c.Name+"/manifests/static/kube-apiserver-healthcheck.yaml", "apiVersion: v1\nkind: Pod\n")
	Put(t, s, c.Name+"/addons/bootstrap-channel.yaml", "kind: Addons\n")
	for _, etcd := range c.EtcdNames() {
		Put(t, s, c.Name+"/manifests/etcd/"+etcd+"-control-plane-eu-central-1a.yaml", "apiVersion: v1\nkind: Pod\n")
		for _, set := range []string{"etcd-manager-ca-" + etcd, "etcd-peers-ca-" + etcd} {
			Put(t, s, c.Name+"/pki/issued/"+set+"/keyset.yaml", keyset)
			Put(t, s, c.Name+"/pki/private/"+set+"/keyset.yaml", keyset)
		}
	}
	for _, set := range []string{"etcd-clients-ca", "kubernetes-ca", "service-account", "apiserver-aggregator-ca"} {
		Put(t, s, c.Name+"/pki/issued/"+set+"/keyset.yaml", keyset)
		Put(t, s, c.Name+"/pki/private/"+set+"/keyset.yaml", keyset)
	}
}

// WriteEtcd puts what an update and a running etcd-manager leave below base.
func (c Cluster) WriteEtcd(t testing.TB, s store.Store, base string) {
	t.Helper()
	if c.Applied {
		Put(t, s, base+"/control/etcd-cluster-spec", c.Spec())
	}
	if !c.Running {
		return
	}
	Put(t, s, base+"/control/etcd-cluster-created", fmt.Sprintf(`{"timestamp":%d}`, c.Last.Add(-90*24*time.Hour).UnixNano()))
	for i := range c.Backups {
		c.WriteBackup(t, s, base, c.Last.Add(-time.Duration(i)*c.Every), c.Backups-i)
	}
}

// WriteBackup puts one backup as etcd-manager writes it: the data first, then
// the meta with the two spaces of its encoder. It gives the backup's folder.
func (c Cluster) WriteBackup(t testing.TB, s store.Store, base string, at time.Time, seq int) string {
	t.Helper()
	folder := fmt.Sprintf("%s/%s-%06d", base, at.UTC().Format(time.RFC3339), seq)
	Put(t, s, folder+"/etcd.backup.gz", Gzip("a snapshot of "+base))
	Put(t, s, folder+"/_etcd_backup.meta", fmt.Sprintf("{\n  \"etcdVersion\":  %q,\n  \"timestamp\":  \"%d\",\n  \"clusterSpec\":  {\n    \"memberCount\":  %d,\n    \"etcdVersion\":  %q\n  }\n}",
		c.Filled, at.Unix(), c.Members, c.Filled))
	return folder
}

// Spec is the spec as kops writes it.
func (c Cluster) Spec() string {
	return fmt.Sprintf("{\n  \"memberCount\": %d,\n  \"etcdVersion\": %q\n}", c.Members, c.Filled)
}

// Config is the cluster as a user keeps it.
func (c Cluster) Config() string { return c.yaml(c.EtcdVersion, false) }

// Completed is the cluster as an update fills it.
func (c Cluster) Completed() string { return c.yaml(c.Filled, true) }

func (c Cluster) yaml(version string, filled bool) string {
	var b strings.Builder
	api, base := "kops.k8s.io/v1alpha2", "  configBase: "+c.ConfigBase+"\n"
	if c.V1alpha3 {
		api, base = "kops.k8s.io/v1alpha3", "  configStore:\n    base: "+c.ConfigBase+"\n"
	}
	if c.ConfigBase == "" {
		base = ""
	}
	fmt.Fprintf(&b, "apiVersion: %s\nkind: Cluster\nmetadata:\n  creationTimestamp: \"2025-03-02T10:11:12Z\"\n  generation: 4\n  name: %s\nspec:\n  api:\n    loadBalancer:\n      class: Network\n      type: Public\n  authorization:\n    rbac: {}\n  channel: stable\n  cloudProvider: aws\n%s  etcdClusters:\n",
		api, c.Name, base)
	for _, etcd := range c.EtcdNames() {
		c.etcdYAML(&b, etcd, version, filled)
	}
	fmt.Fprintf(&b, "  kubernetesApiAccess:\n  - 0.0.0.0/0\n  kubernetesVersion: %s\n  networking:\n    cilium: {}\n  nonMasqueradeCIDR: 100.64.0.0/10\n", c.Kubernetes)
	return b.String()
}

func (c Cluster) etcdYAML(b *strings.Builder, etcd, version string, filled bool) {
	fmt.Fprintf(b, "  - cpuRequest: 100m\n    etcdMembers:\n")
	for i := range c.Members {
		zone := string(rune('a' + i))
		fmt.Fprintf(b, "    - encryptedVolume: true\n      instanceGroup: control-plane-eu-central-1%s\n      name: %s\n", zone, zone)
	}
	fmt.Fprintf(b, "    manager:\n      backupRetentionDays: 90\n    memoryRequest: 100Mi\n    name: %s\n", etcd)
	if !c.V1alpha3 {
		fmt.Fprintf(b, "    provider: Manager\n")
	}
	backup := c.BackupStores[etcd]
	if backup == "" && filled && c.ConfigBase != "" {
		backup = c.ConfigBase + "/backups/etcd/" + etcd
	}
	if backup != "" {
		fmt.Fprintf(b, "    backups:\n      backupStore: %s\n", backup)
	}
	if version != "" {
		fmt.Fprintf(b, "    version: %s\n", version)
	}
}

func instanceGroup(cluster, name string) string {
	return "apiVersion: kops.k8s.io/v1alpha2\nkind: InstanceGroup\nmetadata:\n  labels:\n    kops.k8s.io/cluster: " + cluster + "\n  name: " + name + "\nspec:\n  machineType: t3.medium\n"
}

const keyset = "apiVersion: kops.k8s.io/v1alpha2\nkind: Keyset\nmetadata:\n  name: ca\nspec:\n  keys:\n  - id: \"7512345678901234567890\"\n  type: Keypair\n"

// Gzip is content, packed as etcd-manager packs it.
func Gzip(content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(content)) // into memory
	_ = w.Close()
	return b.String()
}

// Put writes one object.
func Put(t testing.TB, s store.Store, key, content string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, strings.NewReader(content), store.Condition{}); err != nil {
		t.Fatalf("kopstest: put %s: %v", key, err)
	}
}

// Delete removes one object, as a lifecycle rule does.
func Delete(t testing.TB, s store.Store, key string) {
	t.Helper()
	info, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatalf("kopstest: delete %s: %v", key, err)
	}
	if err := s.Delete(t.Context(), key, info.Version); err != nil {
		t.Fatalf("kopstest: delete %s: %v", key, err)
	}
}

// DeleteAll removes all that begins with prefix.
func DeleteAll(t testing.TB, s store.Store, prefix string) {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatalf("kopstest: list %s: %v", prefix, err)
		}
		keys = append(keys, info.Key)
	}
	for _, key := range keys {
		Delete(t, s, key)
	}
}
