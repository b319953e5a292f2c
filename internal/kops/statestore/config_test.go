package statestore

import (
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
)

func TestParseCluster(t *testing.T) {
	for _, three := range []bool{false, true} {
		c := kopstest.Healthy("prod.example.com", 3, now)
		c.V1alpha3, c.ConfigBase = three, "s3://state/prod.example.com"
		c.BackupStores = map[string]string{"events": "s3://other/events"}
		got, err := ParseCluster([]byte(c.Config()))
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != c.Name || got.ConfigBase != c.ConfigBase || got.KubernetesVersion != "1.35.2" || len(got.Etcds) != 2 {
			t.Errorf("v1alpha3 %v: %+v", three, got)
		}
		events, found := got.Etcd("events")
		if want := (EtcdSpec{Name: "events", Members: 3, Version: "3.6.12", BackupStore: "s3://other/events", RetentionDays: 90}); !found || events != want {
			t.Errorf("v1alpha3 %v: %+v, want %+v", three, events, want)
		}
	}
}

func TestParseClusterRefuses(t *testing.T) {
	good := kopstest.New("a.example.com", 1).Config()
	if _, err := ParseCluster([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ reason, content, want string }{
		{"empty", "", "empty"},
		{"huge", strings.Repeat("#", maxConfig+1), "more than"},
		{"not YAML", "\x00\x01{{", "not YAML"},
		{"JSON of something else", `{"kind":"Pod"}`, "its kind"},
		{"a text", "hello", "not YAML of a cluster"},
		{"cut in the middle", good[:strings.Index(good, "etcdClusters")], "0 etcd clusters"},
		{"a name that leads elsewhere", strings.Replace(good, "name: main", "name: ../../x", 1), "no name"},
		{"two of one name", strings.Replace(good, "name: events", "name: main", 1), "twice"},
		{"a version that is a command", strings.Replace(good, "version: 3.6.12", "version: $(reboot)", 1), "no version"},
		{"a list where a name belongs", strings.Replace(good, "name: main", "name: [a]", 1), "not YAML"},
	} {
		if _, err := ParseCluster([]byte(c.content)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.reason, err, c.want)
		}
	}
}

func TestIntervals(t *testing.T) {
	content := strings.Replace(kopstest.New("a.example.com", 1).Config(), "backupRetentionDays: 90", "backupRetentionDays: 30\n      backupInterval: 1h30m", 1)
	got, err := ParseCluster([]byte(content))
	if err != nil || got.Etcds[0].BackupInterval != 90*time.Minute || got.Etcds[0].RetentionDays != 30 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDefaultEtcdVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.33.9": "3.5.31", "v1.34.0": "3.6.12", "1.36": "3.6.12", "1.37.0-alpha.1": "3.7.0",
		"https://dl.k8s.io/ci/v1.35.0-beta.0": "3.6.12", "": "", "latest": "", "2.1.0": "",
	} {
		if got := DefaultEtcdVersion(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}

func TestWant(t *testing.T) {
	parse := func(version, kubernetes string) *ClusterSpec {
		c := kopstest.New("a.example.com", 3)
		c.EtcdVersion, c.Kubernetes = version, kubernetes
		spec, err := ParseCluster([]byte(c.Config()))
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
	spec := func(version string) *managerfiles.Spec {
		return &managerfiles.Spec{MemberCount: 3, EtcdVersion: version}
	}
	for _, c := range []struct {
		reason            string
		config, completed *ClusterSpec
		want, newer       *managerfiles.Spec
	}{
		{"the config says it", parse("3.5.9", "1.35.0"), parse("3.6.12", "1.35.0"), spec("3.5.9"), nil},
		{"never applied: the default", parse("", "1.35.0"), nil, spec("3.6.12"), nil},
		{"as the last update filled it", parse("", "1.35.0"), parse("3.6.12", "1.35.0"), spec("3.6.12"), nil},
		{"a newer kops would change it", parse("", "1.35.0"), parse("3.6.6", "1.35.0"), spec("3.6.6"), spec("3.6.12")},
		{"Kubernetes is raised", parse("", "1.34.1"), parse("3.5.31", "1.33.1"), spec("3.6.12"), nil},
		{"Kubernetes of a version that is not known", parse("", "latest"), nil, nil, nil},
	} {
		want, newer := Want(c.config, c.completed, "main")
		if !same(want, c.want) || !same(newer, c.newer) {
			t.Errorf("%s: %v, %v; want %v, %v", c.reason, want, newer, c.want, c.newer)
		}
	}
}

func same(a, b *managerfiles.Spec) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func TestPlaces(t *testing.T) {
	root, err := parsePlace("s3://state/fleet?endpoint=http://127.0.0.1:1&region=eu-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		raw, key, url string
		inside        bool
	}{
		{"s3://state/fleet/a/backups/etcd/main", "a/backups/etcd/main", "s3://state/fleet/a/backups/etcd/main?endpoint=http://127.0.0.1:1&region=eu-1", true},
		{"s3://state/fleet//a/", "a", "s3://state/fleet/a?endpoint=http://127.0.0.1:1&region=eu-1", true},
		{"s3://state/fleet2/a", "", "s3://state/fleet2/a?endpoint=http://127.0.0.1:1&region=eu-1", false},
		{"s3://state", "", "s3://state?endpoint=http://127.0.0.1:1&region=eu-1", false},
		{"s3://other/fleet/a", "", "s3://other/fleet/a?endpoint=http://127.0.0.1:1&region=eu-1", false},
		{"gs://state/fleet/a", "", "gs://state/fleet/a", false},
		{"/var/backups/main", "", "file:///var/backups/main", false},
		{"azureblob://container/key", "", "azureblob://container/key", false},
	} {
		p, err := parsePlace(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		p = p.withOptionsOf(root)
		if key, inside := p.below(root); inside != c.inside || inside && key != c.key {
			t.Errorf("%s: %q, %v", c.raw, key, inside)
		}
		if p.url() != c.url {
			t.Errorf("%s: %s, want %s", c.raw, p.url(), c.url)
		}
	}
	azure, _ := parsePlace("azblob://state/fleet?account=acct")
	for _, raw := range []string{"azureblob://acct/state/fleet/a/backups", "azureblob://state/fleet/a/backups"} {
		p, _ := parsePlace(raw)
		if key, inside := p.withOptionsOf(azure).below(azure); !inside || key != "a/backups" {
			t.Errorf("%s: %q, %v", raw, key, inside)
		}
	}
	if up := root.join(".."); up.path != "" || up.join("..").path != "" {
		t.Errorf("above the top: %+v", up)
	}
	for _, bad := range []string{"", "bucket", "s3://user:secret@bucket/x", "://"} {
		if _, err := parsePlace(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseCluster(f *testing.F) {
	f.Add([]byte(kopstest.Healthy("a.example.com", 3, now).Config()))
	f.Add([]byte(kopstest.New("a.k8s.local", 1).Completed()))
	f.Add([]byte("kind: Cluster\nspec:\n  etcdClusters:\n  - name: main\n    etcdMembers: [1]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nspec: {etcdClusters: [*c]}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		spec, err := ParseCluster(content)
		if err != nil {
			return
		}
		if len(spec.Etcds) == 0 || len(spec.Etcds) > maxEtcds {
			t.Errorf("%d etcd clusters", len(spec.Etcds))
		}
		for _, e := range spec.Etcds {
			Want(spec, spec, e.Name)
			if strings.ContainsAny(e.Name, "/ \n") {
				t.Errorf("a name %q", e.Name)
			}
		}
	})
}

func FuzzPlace(f *testing.F) {
	for _, seed := range []string{"s3://a/b", "file:///x", "/x", "azureblob://a/b/c", "s3://a/../..", "s3://a?b=c"} {
		f.Add(seed)
	}
	root, _ := parsePlace("s3://state/fleet")
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parsePlace(raw)
		if err != nil {
			return
		}
		if key, inside := p.below(root); inside && strings.Contains("/"+key+"/", "/../") {
			t.Errorf("%q leads to %q", raw, key)
		}
		if !p.overlaps(p) {
			t.Errorf("%q does not overlap itself", raw)
		}
	})
}
