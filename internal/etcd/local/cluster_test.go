package local

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALostClusterFileIsNotMadeAnew(t *testing.T) {
	for _, c := range []struct {
		reason string
		make   func(dir string) error
		want   string
	}{
		{"members are there", func(dir string) error { return os.MkdirAll(filepath.Join(dir, "members", "a"), 0o700) }, "the file was lost"},
		{"authorities are there", func(dir string) error { return os.Mkdir(filepath.Join(dir, "pki"), 0o700) }, "the file was lost"},
		{"somebody else's directory", func(dir string) error { return os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600) }, "not a cluster of seedproof up"},
		{"an empty cluster file", func(dir string) error { return os.WriteFile(filepath.Join(dir, clusterFile), nil, 0o600) }, "cluster.json"},
		{"a cluster file of nothing", func(dir string) error { return os.WriteFile(filepath.Join(dir, clusterFile), []byte("{}"), 0o600) }, "names 0 nodes"},
		{"a name that is a path", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, clusterFile), []byte(`{"name":"x","nodes":[{"name":"../a"}]}`), 0o600)
		}, "expected one letter"},
	} {
		dir := t.TempDir()
		if err := c.make(dir); err != nil {
			t.Fatal(err)
		}
		before := listing(t, dir)
		err := Run(t.Context(), Options{Dir: dir, Progress: io.Discard})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
		}
		if after := listing(t, dir); after != before {
			t.Errorf("%s: was %s, is %s", c.reason, before, after)
		}
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestWhatCannotBeIsRefusedAndNothingIsWritten(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Options)
		want   string
	}{
		{"an even size", func(o *Options) { o.Members = 2 }, "expected 1, 3 or 5"},
		{"a negative size", func(o *Options) { o.Members = -1 }, "expected 1, 3 or 5"},
		{"too many agents", func(o *Options) { o.Agents = 99 }, "expected at most"},
		{"an unknown scheme", func(o *Options) { o.BackupStore = "ftp://x/y" }, "unknown URL scheme"},
		{"no scheme", func(o *Options) { o.ControlStore = "/var/lib/x" }, "no URL scheme"},
		{"backups inside the control store", func(o *Options) {
			o.ControlStore, o.BackupStore = "file:///srv/x", "file:///srv/x/backups"
		}, "lies inside the control store"},
		{"no etcd there", func(o *Options) { o.EtcdBinDir = "/nowhere" }, "/nowhere/etcd"},
		{"no directory", func(o *Options) { o.Dir = "" }, "no directory"},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		o := Options{Dir: dir}
		c.change(&o)
		err := Run(t.Context(), o)
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a usage error with %q", c.reason, err, c.want)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the directory was made (%v)", c.reason, err)
		}
	}
}

func TestADirectoryThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Run(t.Context(), Options{Dir: filepath.Join(file, "below")})
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names %s", err, file)
	}
}

func TestNewNodesGetPortsOfTheirOwn(t *testing.T) {
	c := cluster{Nodes: []node{{Name: "a", AgentPort: firstPort, ClientPort: firstPort + 1}}}
	if err := c.grow(3, newPortSource(nil, c)); err != nil {
		t.Fatal(err)
	}
	used := map[int]string{firstPort: "a", firstPort + 1: "a"}
	for _, n := range c.Nodes[1:] {
		for _, p := range []int{n.AgentPort, n.ClientPort, n.PeerPort, n.StatusPort} {
			if used[p] != "" || p == 0 {
				t.Errorf("port %d is of %q and of %s", p, used[p], n.Name)
			}
			used[p] = n.Name
		}
	}
	given := []int{1, 2, 3, 4, 5, 6, 7, 8}
	c = cluster{}
	if err := c.grow(2, newPortSource(given, c)); err != nil || c.Nodes[1].StatusPort != 8 {
		t.Errorf("got %+v (%v), want the ports that were given", c.Nodes, err)
	}
	if err := c.grow(3, newPortSource(given, c)); err == nil {
		t.Error("a third node got ports that were not given")
	}
}

func FuzzParseCluster(f *testing.F) {
	f.Add([]byte(`{"name":"local","members":1,"nodes":[{"name":"a","agentPort":1}]}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"name":"x","nodes":[{"name":"/"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseCluster(text)
		if err != nil {
			return
		}
		for _, n := range c.Nodes {
			if filepath.Base(n.Name) != n.Name {
				t.Errorf("node name %q leaves its directory", n.Name)
			}
		}
	})
}
