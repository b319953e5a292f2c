package statestore

import (
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/store"
)

// The files of a cluster's folder that matter here.
const (
	configFile    = "config"
	completedFile = "cluster-completed.spec"
	versionFile   = "kops-version.txt"
)

// maxNames bounds each list of names that is kept of a folder. Real ones have
// a few for each etcd cluster.
const maxNames = 256

// Folder is what a listing shows of one cluster's folder, backups apart.
type Folder struct {
	Config, Completed, Version *store.Info
	// Keysets are those etcd keysets that only an update makes.
	Keysets []string
	// Manifests are the names of the files in manifests/etcd/.
	Manifests []string
	// IGConfigs and AllManifests count the files in igconfig/ and manifests/.
	IGConfigs, AllManifests int
	// Oldest is when the oldest of all that only an update makes was written.
	Oldest time.Time
}

// Applied reports whether the folder holds anything that only an update makes.
func (f *Folder) Applied() bool {
	return f.Completed != nil || f.Version != nil || len(f.Keysets) > 0 || f.IGConfigs > 0 || f.AllManifests > 0
}

// add takes one key, relative to the folder. SSH keys, secrets and keysets that
// people may make before the first update are no leavings, and are passed over.
func (f *Folder) add(key string, info store.Info) {
	top, rest, _ := strings.Cut(key, "/")
	switch {
	case key == configFile:
		f.Config = &info
		return
	case key == completedFile:
		f.Completed = &info
	case key == versionFile:
		f.Version = &info
	case top == "igconfig" && rest != "":
		f.IGConfigs++
	case top == "manifests" && rest != "":
		f.AllManifests++
		if name, found := strings.CutPrefix(rest, "etcd/"); found {
			f.Manifests = addName(f.Manifests, name)
		}
	case top == "pki" && keysetOf(rest) != "":
		f.Keysets = addName(f.Keysets, keysetOf(rest))
	default:
		return
	}
	if f.Oldest.IsZero() || !info.Modified.IsZero() && info.Modified.Before(f.Oldest) {
		f.Oldest = info.Modified
	}
}

func addName(names []string, name string) []string {
	if len(names) >= maxNames || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// keysetOf is the keyset of a key below pki/ that only an update makes, or "".
func keysetOf(key string) string {
	side, rest, _ := strings.Cut(key, "/")
	name, _, deeper := strings.Cut(rest, "/")
	if side != "private" && side != "issued" || !deeper {
		return ""
	}
	for _, made := range []string{"etcd-manager-ca-", "etcd-peers-ca-", "etcd-clients-ca"} {
		if strings.HasPrefix(name, made) {
			return name
		}
	}
	return ""
}

// KeysetsOf are the keysets that are of this etcd cluster alone.
func (f *Folder) KeysetsOf(etcd string) []string {
	return chosen(f.Keysets, func(name string) bool {
		return name == "etcd-manager-ca-"+etcd || name == "etcd-peers-ca-"+etcd || name == "etcd-clients-ca-"+etcd
	})
}

// ManifestsOf are the static pods of this etcd cluster.
func (f *Folder) ManifestsOf(etcd string) []string {
	return chosen(f.Manifests, func(name string) bool {
		return name == etcd+".yaml" || strings.HasPrefix(name, etcd+"-")
	})
}

// EtcdNames are the etcd clusters that keysets name.
func (f *Folder) EtcdNames() []string {
	var names []string
	for _, keyset := range f.Keysets {
		for _, prefix := range []string{"etcd-manager-ca-", "etcd-peers-ca-"} {
			if name, found := strings.CutPrefix(keyset, prefix); found && etcdName.MatchString(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func chosen(names []string, fits func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !fits(name) })
}
