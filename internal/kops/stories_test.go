package kops_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
)

// now is the time of the stories. It lies in the past, so that what real stores
// note as the time of writing is later than what the names of backups say.
var now = time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)

const (
	prod    = "prod.example.com"
	control = prod + "/backups/etcd/main/control/"
	marker  = control + "etcd-cluster-created"
	spec    = control + "etcd-cluster-spec"
)

// story is a state store, and what is to be said of etcd main of prod.
type story struct {
	name, reason string
	write        func(t *testing.T, s store.Store)
	deny         string // a part of the keys that may not be read, or "list"
	action       decide.Action
	exit         int
	// etcd is the etcd cluster that is looked at; "" is main.
	etcd string
	// says must be in the sentence, warns among the kinds of threats.
	says, warns string
}

func healthy(members int) kopstest.Cluster { return kopstest.Healthy(prod, members, now) }

// then is a healthy cluster of three to which something happened.
func then(change func(t *testing.T, s store.Store)) func(t *testing.T, s store.Store) {
	return func(t *testing.T, s store.Store) {
		healthy(3).Write(t, s)
		change(t, s)
	}
}

func gone(keys ...string) func(t *testing.T, s store.Store) {
	return then(func(t *testing.T, s store.Store) {
		for _, key := range keys {
			kopstest.DeleteAll(t, s, key)
		}
	})
}

func holding(key, content string) func(t *testing.T, s store.Store) {
	return then(func(t *testing.T, s store.Store) { kopstest.Put(t, s, key, content) })
}

// applied is every leaving of prod, as prefixes.
func applied() []string {
	return []string{prod + "/cluster-completed.spec", prod + "/kops-version.txt", prod + "/pki/", prod + "/igconfig/", prod + "/manifests/"}
}

func stories() []story {
	list := []story{}
	list = append(list, dangerTable()...)
	list = append(list, newClusters()...)
	list = append(list, leftOvers()...)
	list = append(list, badFiles()...)
	list = append(list, deniedStories()...)
	return append(list, backupStories()...)
}

// dangerTable is the table of the facts, 2.2.
func dangerTable() []story {
	return []story{
		{name: "all-in-place", reason: "row 1", write: gone(), action: decide.None, exit: 0, says: "3 members of etcd 3.6.12, as before"},
		{name: "all-in-place-one-member", reason: "row 1, one member", write: func(t *testing.T, s store.Store) { healthy(1).Write(t, s) }, action: decide.None, says: "1 member of etcd 3.6.12"},
		{name: "all-in-place-events", reason: "row 1, the other etcd cluster", etcd: "events", write: gone(marker, spec), action: decide.None, says: "etcd events"},
		{name: "spec-gone", reason: "rows 2 and 3", write: gone(spec), action: decide.ChangeSpec, says: "writes the missing spec", warns: decide.ManagerRestart},
		{name: "marker-gone", reason: "row 4: within 10 s, without a restart", write: gone(marker), action: decide.SeedImminent, exit: 3, says: "ACT NOW"},
		{name: "both-gone", reason: "rows 5 and 6: the incident", write: gone(marker, spec), action: decide.SeedOverExisting, exit: 3, says: "STOP", warns: decide.ManagerStuck},
		{name: "marker-empty", reason: "row 7", write: holding(marker, ""), action: decide.None, exit: 3, says: "empty object", warns: decide.ManagerStuck},
		{name: "spec-unparsable", reason: "row 8", write: holding(spec, "{"), action: decide.ChangeSpec, says: "unusable spec"},
		{name: "spec-changed", reason: "a version is raised", write: holding(spec, `{"memberCount":3,"etcdVersion":"3.5.31"}`), action: decide.ChangeSpec, says: "from 3 members of etcd 3.5.31 to 3 members of etcd 3.6.12"},
		{name: "spec-changed-by-two-minors", reason: "etcd-manager makes a new cluster for that", write: holding(spec, `{"memberCount":3,"etcdVersion":"3.4.13"}`), action: decide.ChangeSpec, exit: 3, says: "from 3 members of etcd 3.4.13", warns: decide.VersionRecreates},
		{name: "spec-with-etcd-managers-spacing", reason: "other bytes, the same spec", write: holding(spec, "{\n  \"memberCount\":  3,\n  \"etcdVersion\":  \"3.6.12\"\n}"), action: decide.None},
	}
}

func newClusters() []story {
	return []story{
		{name: "brand-new", reason: "only created", write: func(t *testing.T, s store.Store) { kopstest.New(prod, 3).Write(t, s) }, action: decide.SeedNew, says: "was never applied"},
		{name: "brand-new-gossip-by-hand", reason: "SSH keys, secrets and a CA made beforehand", write: func(t *testing.T, s store.Store) {
			c := kopstest.New(prod, 1)
			c.ByHand, c.V1alpha3 = true, true
			c.Write(t, s)
		}, action: decide.SeedNew, says: "nothing that it could replace"},
		{name: "first-boot", reason: "applied minutes ago, the control plane still starts", write: func(t *testing.T, s store.Store) {
			c := kopstest.New(prod, 3)
			c.Applied = true
			c.Write(t, s)
		}, action: decide.SeedImminent, exit: 3, says: "ACT NOW"},
		{name: "config-base-moved", reason: "a living cluster must not look new", write: then(func(t *testing.T, s store.Store) {
			c := healthy(3)
			place, _, _ := strings.Cut(s.URL(), "?")
			c.ConfigBase = strings.TrimSuffix(place, "/") + "/prod-v2"
			kopstest.Put(t, s, prod+"/config", c.Config())
		}), action: decide.SeedOverExisting, exit: 3, says: "files of an earlier update, before the config base was moved"},
		{name: "etcd-added-to-a-living-cluster", reason: "cilium is new where main is not", etcd: "cilium", write: then(func(t *testing.T, s store.Store) {
			c := healthy(3)
			c.Etcds = []string{"main", "events", "cilium"}
			kopstest.Put(t, s, prod+"/config", c.Config())
		}), action: decide.SeedNew, says: "Etcd cilium"},
	}
}

func leftOvers() []story {
	files := []string{marker, spec}
	return []story{
		{name: "only-backups-left", reason: "both files and all that an update makes are gone", write: gone(append(files, applied()...)...), action: decide.SeedOverExisting, exit: 3, says: "backups"},
		{name: "one-leaving-left", reason: "all but the keysets is gone, backups too", write: gone(append([]string{prod + "/backups/"}, remove(applied(), prod+"/pki/")...)...), action: decide.SeedOverExisting, exit: 3, says: "keysets"},
		{name: "only-the-completed-spec-left", reason: "one suffices", write: gone(append([]string{prod + "/backups/"}, applied()[1:]...)...), action: decide.SeedOverExisting, exit: 3, says: "cluster-completed.spec"},
		{name: "deleted-in-part", reason: "its config is gone, the rest is not", write: gone(prod + "/config"), action: decide.Unproven, exit: 4, says: "has no config"},
		{name: "deleted-but-for-its-backups", reason: "what a deletion that was broken off leaves", write: gone(append([]string{prod + "/config", marker, spec}, applied()...)...), action: decide.Unproven, exit: 4, says: "has no config"},
		{name: "created-again-over-old-backups", reason: "deleted, its backups kept, and created again by that name", write: then(func(t *testing.T, s store.Store) {
			for _, key := range append(files, applied()...) {
				kopstest.DeleteAll(t, s, key)
			}
			kopstest.Put(t, s, prod+"/config", kopstest.New(prod, 1).Config())
		}), action: decide.SeedOverExisting, exit: 3, says: "backups"},
		{name: "two-clusters-on-one-path", reason: "kops compares names, not paths", write: func(t *testing.T, s store.Store) {
			c := healthy(3)
			c.BackupStores = map[string]string{"events": strings.Replace(s.URL()+"?", "?", "/"+prod+"/backups/etcd/main?", 1)}
			c.Write(t, s)
		}, action: decide.None, exit: 3, warns: decide.SharedPath},
		{name: "leavings-gone", reason: "the files are there, all else is gone", write: gone(applied()...), action: decide.None, exit: 0, warns: decide.LeavingsGone},
	}
}

func remove(list []string, one string) []string {
	var rest []string
	for _, s := range list {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

func badFiles() []story {
	huge := strings.Repeat(" ", 100<<10)
	return []story{
		{name: "marker-not-json", reason: "etcd-manager does not read it", write: holding(marker, "hello"), action: decide.None, warns: decide.OddMarker},
		{name: "marker-huge", reason: "any content counts", write: holding(marker, huge), action: decide.None, warns: decide.OddMarker},
		{name: "marker-cut", reason: "any content counts", write: holding(marker, `{"timest`), action: decide.None, warns: decide.OddMarker},
		{name: "spec-empty", reason: "", write: holding(spec, ""), action: decide.ChangeSpec, says: "it is empty"},
		{name: "spec-cut", reason: "", write: holding(spec, `{"memberCount": 3, "etcdV`), action: decide.ChangeSpec, says: "not the JSON of a spec"},
		{name: "spec-with-an-unknown-field", reason: "etcd-manager refuses it", write: holding(spec, `{"memberCount":3,"etcdVersion":"3.6.12","x":1}`), action: decide.ChangeSpec, says: "not the JSON of a spec"},
		{name: "spec-huge", reason: "it may be a spec all the same", write: holding(spec, `{"memberCount":3}`+huge), action: decide.Unproven, exit: 4, says: "far larger"},
		{name: "spec-unparsable-and-marker-gone", reason: "what mends the spec seeds", write: then(func(t *testing.T, s store.Store) {
			kopstest.Delete(t, s, marker)
			kopstest.Put(t, s, spec, "[]")
		}), action: decide.SeedOverExisting, exit: 3, warns: decide.UndoneByRestart},
		{name: "config-empty", reason: "", write: holding(prod+"/config", ""), action: decide.Unproven, exit: 4, says: "it is empty"},
		{name: "config-not-yaml", reason: "", write: holding(prod+"/config", "\x00{"), action: decide.Unproven, exit: 4, says: "not YAML"},
		{name: "config-of-another-cluster", reason: "a copy that was not edited", write: holding(prod+"/config", kopstest.New("other.example.com", 3).Config()), action: decide.Unproven, exit: 4, says: "other.example.com"},
		{name: "completed-spec-empty", reason: "the control files suffice", write: holding(prod+"/cluster-completed.spec", ""), action: decide.None},
	}
}

func deniedStories() []story {
	return []story{
		{name: "marker-denied", reason: "unproven, not refused", write: gone(), deny: "etcd-cluster-created", action: decide.Unproven, exit: 4, says: "access denied"},
		{name: "spec-denied", reason: "unproven, not refused", write: gone(), deny: "etcd-cluster-spec", action: decide.Unproven, exit: 4, says: "access denied"},
		{name: "config-denied", reason: "nobody knows where to look", write: gone(), deny: "/config", action: decide.Unproven, exit: 4, says: "access denied"},
		{name: "all-reads-denied", reason: "only listing is allowed", write: gone(), deny: prod, action: decide.Unproven, exit: 4, says: "access denied"},
		{name: "listing-denied", reason: "the control files can be read all the same; the backups cannot", write: gone(), deny: "list", action: decide.None, exit: 0, warns: kops.BackupsNotListed},
		{name: "listing-denied-both-gone", reason: "nobody knows whether it lived", write: gone(marker, spec), deny: "list", action: decide.Unproven, exit: 4, says: "could not be asked everywhere"},
	}
}

func backupStories() []story {
	old := func(change func(c *kopstest.Cluster)) func(t *testing.T, s store.Store) {
		return func(t *testing.T, s store.Store) {
			c := healthy(3)
			change(&c)
			c.Write(t, s)
		}
	}
	return []story{
		{name: "backups-stopped", reason: "two months ago", write: old(func(c *kopstest.Cluster) { c.Last = now.Add(-61 * 24 * time.Hour) }), action: decide.None, exit: 0, warns: kops.BackupsStopped},
		{name: "backups-stopped-and-the-spec-changes", reason: "nothing recent to go back to", write: old(func(c *kopstest.Cluster) {
			c.Last, c.EtcdVersion = now.Add(-61*24*time.Hour), "3.7.0"
		}), action: decide.ChangeSpec, exit: 3, says: "NO RECENT BACKUP"},
		{name: "no-backup-and-the-spec-changes", reason: "nothing to go back to", write: old(func(c *kopstest.Cluster) { c.Backups, c.EtcdVersion = 0, "3.7.0" }), action: decide.ChangeSpec, exit: 3, says: "NO BACKUP"},
		{name: "newest-backup-incomplete", reason: "the one before it counts", write: then(func(t *testing.T, s store.Store) {
			kopstest.Put(t, s, prod+"/backups/etcd/main/2026-11-01T02:58:00Z-000009/etcd.backup.gz", "half")
		}), action: decide.None, warns: kops.BackupIncomplete},
		{name: "newest-backup-far-smaller", reason: "perhaps of an empty cluster", write: then(func(t *testing.T, s store.Store) {
			kopstest.Put(t, s, prod+"/backups/etcd/main/2026-11-01T02:10:00Z-000001/etcd.backup.gz", strings.Repeat("x", 100<<10))
		}), action: decide.None, warns: kops.BackupShrunk},
		{name: "queued-restore", reason: "it runs when a manager next starts", write: holding(control+"2026-11-01T02:00:00Z-000000/_command.json", "{}"), action: decide.None, warns: kops.QueuedCommand},
		{name: "gap", reason: "a hole in the middle", write: then(func(t *testing.T, s store.Store) {
			healthy(3).WriteBackup(t, s, prod+"/backups/etcd/main", now.Add(-30*24*time.Hour), 1)
		}), action: decide.None, warns: kops.BackupGap},
	}
}

// denied refuses what a story denies.
type denied struct {
	store.Store
	what string
}

func (d denied) Open(ctx context.Context, key string, r store.Range) (body bodyOf, info store.Info, err error) {
	if d.what != "list" && strings.Contains(key, d.what) {
		return nil, store.Info{}, store.ErrDenied
	}
	return d.Store.Open(ctx, key, r)
}

func (d denied) List(ctx context.Context, prefix, after string) listOf {
	if d.what != "list" {
		return d.Store.List(ctx, prefix, after)
	}
	return func(yield func(store.Info, error) bool) { yield(store.Info{}, store.ErrDenied) }
}
