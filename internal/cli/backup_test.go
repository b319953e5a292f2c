package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/backup"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/file"
)

// backupStore is a directory with backups of two clusters, one of stock
// etcd-manager's, one whose data is cut, and one that was never finished.
func backupStore(t *testing.T) (url string) {
	t.Helper()
	dir := t.TempDir()
	put := func(key string, content []byte) {
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	meta, err := managerfiles.EncodeMeta(managerfiles.BackupMeta{EtcdVersion: "3.6.16", Time: storyTime})
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, p *backup.Proof) {
		put(managerfiles.DataKey(name), []byte("0123456789"))
		if p != nil {
			p.Format, p.Name, p.SHA256, p.StoredSHA256, p.StoredSize = 1, name, "x", "y", max(p.StoredSize, 10)
			content, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			put(managerfiles.ProofKey(name), content)
		}
		put(managerfiles.MetaKey(name), meta)
	}
	mine := backup.Identity{Cluster: "main", Lineage: ours.Lineage, Generation: 1}
	add("2026-03-14T02:00:00Z-000001", &backup.Proof{Identity: backup.Identity{Cluster: "events", Lineage: theirs.Lineage, Generation: 2}, RevisionAtLeast: 9})
	add("2026-03-14T02:15:00Z-000001", nil)
	add("2026-03-14T02:30:00Z-000001", &backup.Proof{Identity: mine, RevisionAtLeast: 4200, StoredSize: 99})
	add("2026-03-14T02:45:00Z-000001", &backup.Proof{Identity: mine, RevisionAtLeast: 4600})
	put(managerfiles.DataKey("2026-03-14T03:00:00Z-000001"), []byte("half"))
	put("stray/deep/er.txt", []byte("?"))
	return "file://" + dir
}

func TestBackupList(t *testing.T) {
	url := backupStore(t)
	o := typeIn(t, "backup", "list", "--backup-store", url)
	o.says(t, exitOK, "bears no mark", "unverified", "c04e9b77/2", "the data is 10 bytes; 99 were stored", "Incomplete, and no backups: 2026-03-14T03:00:00Z-000001", "stray/deep/er.txt")
	if strings.Contains(o.out, "another cluster") {
		t.Errorf("nobody said which cluster is meant, and it says:\n%s", o.out)
	}
	if first, last := strings.Index(o.out, "02:00:00Z"), strings.Index(o.out, "02:45:00Z"); first < 0 || last < first {
		t.Error("the newest does not stand last")
	}
	typeIn(t, "backup", "list", "--backup-store", url, "--limit", "1").says(t, exitOK, "3 older ones are not shown", "4600")
}

func TestBackupListOfACluster(t *testing.T) {
	url := backupStore(t)
	r := storyNamed("intact").report()
	r.Stores = []controller.StoreReport{{Kind: string(store.BackupStore), URL: url}}
	f := startAgent(t, r)
	typeIn(t, "backup", "list", "--agents", f.address).says(t, exitOK, "of another cluster", "no source for a restore")

	o := typeIn(t, "backup", "list", "--agents", f.address, "-o", "json")
	o.says(t, exitOK)
	var l backupListing
	if err := json.Unmarshal([]byte(o.out), &l); err != nil {
		t.Fatal(err)
	}
	if len(l.Backups) != 4 || !l.Backups[0].Other || l.Backups[1].Other || l.Backups[3].Other || l.Backups[3].Revision != 4600 || l.Backups[3].Verified {
		t.Errorf("it lists %+v", l.Backups)
	}

	r.Stores = nil
	typeIn(t, "backup", "list", "--agents", startAgent(t, r).address).says(t, exitError, "does not say where its backups are", "--backup-store")
}

func TestBackupListChangesNothing(t *testing.T) {
	url := backupStore(t)
	before := files(t, strings.TrimPrefix(url, "file://"))
	typeIn(t, "backup", "list", "--backup-store", url).says(t, exitOK)
	if after := files(t, strings.TrimPrefix(url, "file://")); after != before {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
	missing := filepath.Join(t.TempDir(), "none")
	typeIn(t, "backup", "list", "--backup-store", "file://"+missing).says(t, exitOK, "not mounted", "No backups in")
	if _, err := os.Stat(missing); err == nil {
		t.Error("it made the place that it was to look at")
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		all.WriteString(path + " " + info.ModTime().String() + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestBackupListSaysWhoseStoreItIs(t *testing.T) {
	url := backupStore(t)
	s, err := file.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := store.PutMark(t.Context(), s, store.NewMark(store.ControlStore, "events", time.Now())); err != nil {
		t.Fatal(err)
	}
	typeIn(t, "backup", "list", "--backup-store", url).says(t, exitOK, "marked as a control-store")

	r := storyNamed("intact").report()
	r.Stores = []controller.StoreReport{{Kind: string(store.BackupStore), URL: url, Mark: "remembered"}}
	typeIn(t, "backup", "list", "--agents", startAgent(t, r).address).says(t, exitOK, "another mark than the cluster remembers")
	r.Stores[0].URL = "file://" + t.TempDir()
	typeIn(t, "backup", "list", "--agents", startAgent(t, r).address).says(t, exitOK, "the mark that the cluster remembers is gone")
}

func TestBackupListBadInput(t *testing.T) {
	for reason, tt := range map[string]struct {
		args []string
		says string
	}{
		"an unknown scheme": {[]string{"--backup-store", "ftp://x"}, "unknown URL scheme"},
		"no scheme":         {[]string{"--backup-store", "x"}, "no URL scheme"},
		"a negative limit":  {[]string{"--backup-store", "file:///x", "--limit", "-1"}, "--limit"},
		"a format":          {[]string{"--backup-store", "file:///x", "-o", "csv"}, "table, json or yaml"},
		"no cluster":        {nil, "no cluster is named"},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Chdir(t.TempDir())
			typeIn(t, append([]string{"backup", "list"}, tt.args...)...).says(t, exitUsage, tt.says)
		})
	}
}
