package statestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
)

const (
	maxConfig  = 1 << 20 // bytes of a cluster's config; real ones have a few KiB
	maxEtcds   = 16      // etcd clusters of one kops cluster; kops knows four names
	maxMembers = 99
)

var (
	etcdName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62})$`)
	etcdVer    = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)
	kubeMinor  = regexp.MustCompile(`(?:^|/)v?1\.([0-9]{1,3})(?:[.-]|$)`)
	errNotKops = errors.New("it is not a kops cluster")
)

// ClusterSpec is as much of a kops Cluster as the gate needs.
type ClusterSpec struct {
	Name              string // metadata.name
	KubernetesVersion string
	ConfigBase        string // "" where it is not set
	Etcds             []EtcdSpec
}

// EtcdSpec is one entry of spec.etcdClusters.
type EtcdSpec struct {
	Name           string
	Members        int32
	Version        string        // "" where it is left to kops
	BackupStore    string        // "" where it is left to kops
	BackupInterval time.Duration // 0 where it is left to etcd-manager: 15 minutes
	RetentionDays  int           // 0 where it is left to kops: 90
}

// Etcd finds an entry by its name.
func (c *ClusterSpec) Etcd(name string) (EtcdSpec, bool) {
	for _, e := range c.Etcds {
		if e.Name == name {
			return e, true
		}
	}
	return EtcdSpec{}, false
}

// clusterYAML has the JSON names of v1alpha2 and v1alpha3, which differ in
// these fields only by where the config base stands.
type clusterYAML struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		KubernetesVersion string `json:"kubernetesVersion"`
		ConfigBase        string `json:"configBase"` // v1alpha2
		ConfigStore       struct {
			Base string `json:"base"`
		} `json:"configStore"` // v1alpha3
		EtcdClusters []struct {
			Name        string            `json:"name"`
			EtcdMembers []json.RawMessage `json:"etcdMembers"`
			Version     string            `json:"version"`
			Backups     *struct {
				BackupStore string `json:"backupStore"`
			} `json:"backups"`
			Manager *struct {
				BackupInterval      string `json:"backupInterval"`
				BackupRetentionDays *int   `json:"backupRetentionDays"`
			} `json:"manager"`
		} `json:"etcdClusters"`
	} `json:"spec"`
}

// ParseCluster reads a Cluster of either API version. Fields that are not
// known are passed over. Whatever it refuses is unusable, and says why.
func ParseCluster(content []byte) (*ClusterSpec, error) {
	if len(content) == 0 {
		return nil, errors.New("it is empty")
	}
	if len(content) > maxConfig {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(content), maxConfig)
	}
	var raw clusterYAML
	if err := yaml.Unmarshal(content, &raw); err != nil {
		return nil, fmt.Errorf("it is not YAML of a cluster: %s", firstLine(err))
	}
	if raw.Kind != "Cluster" {
		return nil, fmt.Errorf("%w: its kind is %.40q", errNotKops, raw.Kind)
	}
	spec := &ClusterSpec{Name: raw.Metadata.Name, KubernetesVersion: raw.Spec.KubernetesVersion, ConfigBase: raw.Spec.ConfigStore.Base}
	if spec.ConfigBase == "" {
		spec.ConfigBase = raw.Spec.ConfigBase
	}
	if n := len(raw.Spec.EtcdClusters); n == 0 || n > maxEtcds {
		return nil, fmt.Errorf("it names %d etcd clusters", n)
	}
	for _, e := range raw.Spec.EtcdClusters {
		etcd := EtcdSpec{Name: e.Name, Members: int32(min(len(e.EtcdMembers), maxMembers+1)), Version: e.Version}
		if e.Backups != nil {
			etcd.BackupStore = e.Backups.BackupStore
		}
		if e.Manager != nil {
			etcd.BackupInterval, _ = time.ParseDuration(e.Manager.BackupInterval) // a bad one is left to etcd-manager
			if e.Manager.BackupRetentionDays != nil {
				etcd.RetentionDays = *e.Manager.BackupRetentionDays
			}
		}
		if err := etcd.check(spec); err != nil {
			return nil, err
		}
		spec.Etcds = append(spec.Etcds, etcd)
	}
	return spec, nil
}

func (e EtcdSpec) check(among *ClusterSpec) error {
	if !etcdName.MatchString(e.Name) {
		return fmt.Errorf("%.80q is no name of an etcd cluster", e.Name)
	}
	if _, twice := among.Etcd(e.Name); twice {
		return fmt.Errorf("it names the etcd cluster %s twice", e.Name)
	}
	if e.Members > maxMembers {
		return fmt.Errorf("etcd %s has more than %d members", e.Name, maxMembers)
	}
	if e.Version != "" && !etcdVer.MatchString(e.Version) {
		return fmt.Errorf("etcd %s: %.40q is no version", e.Name, e.Version)
	}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return line
}

// DefaultEtcdVersion is what kops 1.36 takes where the config leaves it open,
// by the version of Kubernetes; "" where that is not known.
func DefaultEtcdVersion(kubernetes string) string {
	found := kubeMinor.FindStringSubmatch(kubernetes)
	if found == nil {
		return ""
	}
	minor, _ := strconv.Atoi(found[1])
	switch {
	case minor < 34:
		return "3.5.31"
	case minor < 37:
		return "3.6.12"
	}
	return "3.7.0"
}

// Want is what an update writes into the spec of an etcd cluster, and what a
// kops newer than the one that updated last would write, where that differs.
// completed is what the last update made of the config; nil where not known.
func Want(config, completed *ClusterSpec, etcd string) (want, newer *managerfiles.Spec) {
	e, found := config.Etcd(etcd)
	if !found || e.Members == 0 {
		return nil, nil
	}
	spec := func(version string) *managerfiles.Spec {
		if version == "" {
			return nil
		}
		return &managerfiles.Spec{MemberCount: e.Members, EtcdVersion: strings.TrimPrefix(version, "v")}
	}
	if e.Version != "" {
		return spec(e.Version), nil
	}
	fresh := spec(DefaultEtcdVersion(config.KubernetesVersion))
	if completed == nil || completed.KubernetesVersion != config.KubernetesVersion {
		return fresh, nil
	}
	before, _ := completed.Etcd(etcd)
	last := spec(before.Version)
	switch {
	case last == nil:
		return fresh, nil
	case fresh == nil || *fresh == *last:
		return last, nil
	}
	return last, fresh
}
