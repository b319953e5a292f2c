package managerfiles

import (
	"testing"
	"time"
)

func TestName(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 55, 0, 999, time.FixedZone("east", 3600))
	if got, want := Name(at, 42), "2026-01-02T02:55:00Z-000042"; got != want {
		t.Fatalf("Name = %q, want %q", got, want)
	}
	if got, want := Name(at, MaxSequence+1), "2026-01-02T02:55:00Z-000000"; got != want {
		t.Fatalf("after the last sequence number: %q, want %q, as etcd-manager wraps", got, want)
	}
}

func TestParseName(t *testing.T) {
	at, seq, err := ParseName("2026-01-02T02:55:00Z-000042")
	if err != nil || seq != 42 || !at.Equal(time.Date(2026, 1, 2, 2, 55, 0, 0, time.UTC)) {
		t.Fatalf("ParseName = %v, %d, %v", at, seq, err)
	}
	for name, reason := range map[string]string{
		"":                                 "empty",
		"control":                          "the control folder is no backup",
		"2026-01-02T02:55:00Z":             "no sequence number of its own: the last dash is in the date",
		"2026-01-02T02:55:00Z-42":          "not six digits: would sort wrongly",
		"2026-01-02T02:55:00Z-+00042":      "a sign",
		"2026-01-02T02:55:00Z--00042":      "a negative number",
		"2026-01-02T02:55:00Z-0000042":     "seven digits",
		"2026-01-02T03:55:00+01:00-000042": "not in UTC: would sort wrongly",
		"2026-01-02T02:55:00.5Z-000042":    "fractions of a second sort wrongly",
		"2026-02-30T02:55:00Z-000042":      "no such day",
		"x/2026-01-02T02:55:00Z-000042":    "a path is not a name",
	} {
		if _, _, err := ParseName(name); err == nil {
			t.Errorf("ParseName(%q) took it (%s)", name, reason)
		}
	}
}

func TestKeys(t *testing.T) {
	const name = "2026-01-02T02:55:00Z-000042"
	for key, want := range map[string]string{
		DataKey(name):    name + "/etcd.backup.gz",
		MetaKey(name):    name + "/_etcd_backup.meta",
		ProofKey(name):   name + "/_seedproof.json",
		CommandKey(name): "control/" + name + "/_command.json",
		SpecKey:          "control/etcd-cluster-spec",
		CreatedKey:       "control/etcd-cluster-created",
	} {
		if key != want {
			t.Errorf("key %q, want %q", key, want)
		}
	}
}

func TestListedAs(t *testing.T) {
	for _, c := range []struct {
		key, name string
		listed    bool
		reason    string
	}{
		{"n/_etcd_backup.meta", "n", true, "the plain case"},
		{"control/n/_etcd_backup.meta", "n", true, "any depth counts, under control too"},
		{"a/b/n/_etcd_backup.meta", "n", true, "the folder right above gives the name"},
		{"n/_seedproof.json", "", false, "our own object is not listed"},
		{"n/etcd.backup.gz", "", false, "data alone is no backup"},
		{"n/x_etcd_backup.meta", "", false, "the whole last element must match"},
		{"n/_etcd_backup.meta.bak", "", false, "the whole last element must match"},
	} {
		name, listed := ListedAs(c.key)
		if name != c.name || listed != c.listed {
			t.Errorf("ListedAs(%q) = %q, %v; want %q, %v (%s)", c.key, name, listed, c.name, c.listed, c.reason)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		key, folder, file string
		ok                bool
	}{
		{"n/f", "n", "f", true},
		{"control/etcd-cluster-spec", "control", "etcd-cluster-spec", false},
		{"f", "", "", false},
		{"n/", "", "", false},
		{"/f", "", "", false},
		{"n/sub/f", "", "", false},
	} {
		folder, file, ok := Split(c.key)
		if ok != c.ok || (ok && (folder != c.folder || file != c.file)) {
			t.Errorf("Split(%q) = %q, %q, %v", c.key, folder, file, ok)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("2026-01-02T02:55:00Z-000042")
	f.Add("control")
	f.Add("2026-01-02T02:55:00Z-+00042")
	f.Fuzz(func(t *testing.T, name string) {
		at, seq, err := ParseName(name)
		if err == nil && Name(at, seq) != name {
			t.Fatalf("%q was taken, but its name is %q", name, Name(at, seq))
		}
	})
}
