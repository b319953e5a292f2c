package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultControlStore(t *testing.T) {
	for _, c := range []struct {
		reason, backup, want, wantErr string
	}{
		{"the sibling", "s3://b/backups/etcd/main", "s3://b/control/etcd/main", ""},
		{"a prefix before it stays", "s3://b/team/backups/etcd/main", "s3://b/team/control/etcd/main", ""},
		{"parameters stay", "s3://b/backups/etcd/main?endpoint=http%3A%2F%2Fh%3A1", "s3://b/control/etcd/main?endpoint=http%3A%2F%2Fh%3A1", ""},
		{"a slash at the end is nothing", "s3://b/backups/etcd/main/", "s3://b/control/etcd/main", ""},
		{"files alike", "file:///srv/backups/etcd/events", "file:///srv/control/etcd/events", ""},
		{"a dotted directory of files is no kops state store", "file:///srv/k.example.com/backups/etcd/main", "file:///srv/k.example.com/control/etcd/main", ""},
		{"another form has no default", "s3://b/etcd-backups", "", "there is a default only beside"},
		{"the name is missing", "s3://b/backups/etcd", "", "there is a default only beside"},
		{"a kops state store names a URL", "s3://state/k.example.com/backups/etcd/main", "", "--control-store s3://state-control/k.example.com/control/etcd/main"},
		{"and the policy", "s3://state/k.example.com/backups/etcd/main", "", "s3:PutObject and s3:DeleteObject on arn:aws:s3:::state-control/k.example.com/control/etcd/main/*"},
		{"deeper too", "s3://state/env/k.example.com/backups/etcd/main", "", "kops state store"},
	} {
		got, err := DefaultControlStore(c.backup)
		switch {
		case c.wantErr == "" && err != nil:
			t.Errorf("%s: %v", c.reason, err)
		case c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)):
			t.Errorf("%s: got error %v, want one with %q", c.reason, err, c.wantErr)
		case got != c.want:
			t.Errorf("%s: got %s, want %s", c.reason, got, c.want)
		}
	}
}

func TestStoresThatLieInEachOtherAreRefused(t *testing.T) {
	const apart = ""
	for _, c := range []struct {
		reason, control, backup string
		allowed                 bool
		want                    string
	}{
		{"siblings", "s3://b/control/etcd/m", "s3://b/backups/etcd/m", false, apart},
		{"a common beginning is no parent", "s3://b/etcd-control", "s3://b/etcd", false, apart},
		{"equal", "s3://b/x", "s3://b/x", false, "are the same place"},
		{"equal but for a slash", "s3://b/x", "s3://b/x/", false, "are the same place"},
		{"equal but for how it is reached", "s3://b/x?region=eu", "s3://b/x?path-style=true", false, "are the same place"},
		{"equal is not to be allowed", "s3://b/x", "s3://b/x", true, "are the same place"},
		{"another endpoint is another place", "s3://b/x?endpoint=http%3A%2F%2Fh1", "s3://b/x?endpoint=http%3A%2F%2Fh2", false, apart},
		{"backups inside the control store", "s3://b/x", "s3://b/x/y", false, "lies inside the control store"},
		{"nor is that to be allowed", "s3://b/x", "s3://b/x/y", true, "lies inside the control store"},
		{"the whole bucket holds everything in it", "s3://b", "s3://b/x", false, "lies inside the control store"},
		{"the record inside the backups", "s3://b/x/control", "s3://b/x", false, "--allow-control-under-backup"},
		{"by hand it is accepted", "s3://b/x/control", "s3://b/x", true, apart},
		{"buckets differ", "s3://b1/x", "s3://b2/x", false, apart},
		{"drivers differ", "file:///x", "s3://b/x", false, apart},
		{"files alike", "file:///x/backups/control", "file:///x/backups", false, "lies inside the backup store"},
		{"a path with dots", "file:///x/y/../backups/control", "file:///x/backups", false, "lies inside the backup store"},
	} {
		err := CheckStores(c.control, c.backup, c.allowed)
		switch {
		case c.want == apart && err != nil:
			t.Errorf("%s: %v", c.reason, err)
		case c.want == apart:
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
		case !strings.Contains(err.Error(), c.control) || !strings.Contains(err.Error(), c.backup):
			t.Errorf("%s: %v does not name both URLs", c.reason, err)
		}
	}
}

func TestALinkDoesNotHideThatStoresLieInEachOther(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("backups", filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	control, backup := "file://"+dir+"/elsewhere/not/yet/there", "file://"+dir+"/backups"
	if err := CheckStores(control, backup, false); err == nil {
		t.Errorf("%s and %s were taken for two places", control, backup)
	}
}
