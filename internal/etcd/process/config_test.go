package process

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fullConfig() Config {
	return Config{
		Name: "b", DataDir: "/data/etcd", State: StateExisting, Token: "birth",
		ListenClientURLs: []string{"https://10.0.0.2:2379", "https://127.0.0.1:2379"}, AdvertiseClientURLs: []string{"https://b:2379"},
		ListenPeerURLs: []string{"https://10.0.0.2:2380"}, AdvertisePeerURLs: []string{"https://b:2380"},
		InitialCluster: map[string]string{"b": "https://b:2380", "a": "https://a:2380"},
		ClientTLS:      TLSFiles{CA: "/pki/clients-ca.crt", Cert: "/pki/server.crt", Key: "/pki/server.key"},
		PeerTLS:        TLSFiles{CA: "/pki/peers-ca.crt", Cert: "/pki/peer.crt", Key: "/pki/peer.key"},
		LogFile:        "/log/etcd.log", LogLevel: "warn", QuotaBytes: 8 << 30, SnapshotCount: 1000,
		HeartbeatMS: 100, ElectionMS: 1000, UnsafeNoFsync: true, ExtraFlags: []string{"--max-txn-ops=256"},
	}
}

func TestArgsGolden(t *testing.T) {
	want := `--name=b
--data-dir=/data/etcd
--listen-client-urls=https://10.0.0.2:2379,https://127.0.0.1:2379
--advertise-client-urls=https://b:2379
--listen-peer-urls=https://10.0.0.2:2380
--initial-advertise-peer-urls=https://b:2380
--initial-cluster=a=https://a:2380,b=https://b:2380
--initial-cluster-state=existing
--initial-cluster-token=birth
--strict-reconfig-check=true
--feature-gates=InitialCorruptCheck=true
--auto-compaction-retention=0
--logger=zap
--log-outputs=/log/etcd.log
--enable-log-rotation=true
--log-rotation-config-json={"maxsize":64,"maxage":0,"maxbackups":3,"localtime":false,"compress":false}
--client-cert-auth=true
--trusted-ca-file=/pki/clients-ca.crt
--cert-file=/pki/server.crt
--key-file=/pki/server.key
--peer-client-cert-auth=true
--peer-trusted-ca-file=/pki/peers-ca.crt
--peer-cert-file=/pki/peer.crt
--peer-key-file=/pki/peer.key
--quota-backend-bytes=8589934592
--snapshot-count=1000
--heartbeat-interval=100
--election-timeout=1000
--log-level=warn
--unsafe-no-fsync=true
--max-txn-ops=256`
	if err := fullConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.Join(fullConfig().Args(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestArgsLeaveOutWhatIsNotSet(t *testing.T) {
	c := fullConfig()
	c.ClientTLS, c.PeerTLS, c.QuotaBytes, c.SnapshotCount, c.HeartbeatMS, c.ElectionMS = TLSFiles{}, TLSFiles{}, 0, 0, 0, 0
	c.LogLevel, c.UnsafeNoFsync, c.ExtraFlags = "", false, nil
	for _, arg := range c.Args() {
		for _, no := range []string{"tls", "cert", "-ca-", "quota", "snapshot-count", "heartbeat", "election", "fsync", "log-level"} {
			if strings.Contains(arg, no) {
				t.Errorf("unset, yet %s", arg)
			}
		}
	}
}

func TestValidateNamesTheField(t *testing.T) {
	cases := map[string]struct {
		reason string
		spoil  func(*Config)
		want   string
	}{
		"name":        {"would split the list of members", func(c *Config) { c.Name = "a,b" }, "name"},
		"data dir":    {"etcd would make one in its working directory", func(c *Config) { c.DataDir = "data" }, "data dir"},
		"log file":    {"etcd's working directory is not ours", func(c *Config) { c.LogFile = "" }, "log file"},
		"bin dir":     {"the same", func(c *Config) { c.BinDir = "bin" }, "bin dir"},
		"state":       {"etcd would refuse it", func(c *Config) { c.State = "old" }, "state"},
		"token":       {"cluster ids would repeat", func(c *Config) { c.Token = "" }, "token"},
		"not a part":  {"etcd would refuse it", func(c *Config) { c.InitialCluster = map[string]string{"a": "https://a:2380"} }, "initial cluster"},
		"no URL":      {"etcd's default listens in the clear", func(c *Config) { c.ListenPeerURLs = nil }, "listen peer"},
		"plain URL":   {"TLS was asked for", func(c *Config) { c.ListenClientURLs = []string{"http://a:1"} }, "listen client"},
		"no port":     {"etcd would refuse it", func(c *Config) { c.AdvertisePeerURLs = []string{"https://a"} }, "advertise peer"},
		"half TLS":    {"etcd would serve in the clear", func(c *Config) { c.PeerTLS.Key = "" }, "peer TLS"},
		"force new":   {"makes a new cluster of old data", func(c *Config) { c.ExtraFlags = []string{"--force-new-cluster"} }, "force-new-cluster"},
		"one dash":    {"etcd takes both", func(c *Config) { c.ExtraFlags = []string{"-data-dir=/x"} }, "data-dir"},
		"bare word":   {"would be an argument", func(c *Config) { c.ExtraFlags = []string{"/x"} }, "/x"},
		"config file": {"would override every flag", func(c *Config) { c.ExtraFlags = []string{"--config-file=/x"} }, "config-file"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := fullConfig()
			tc.spoil(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v", tc.reason, err)
			}
		})
	}
}

func TestEnvironmentIsScrubbed(t *testing.T) {
	got := environment([]string{"PATH=/bin", "ETCD_DATA_DIR=/x", "AWS_SECRET_ACCESS_KEY=s", "NOTIFY_SOCKET=/s", "GOGC=50", "PATHOLOGY=1"})
	if want := []string{"PATH=/bin", "GOGC=50"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if environment(nil) == nil {
		t.Error("nil means the whole environment to exec")
	}
}

func TestDataDirOfCommandLines(t *testing.T) {
	cases := []struct {
		reason string
		args   []string
		want   string
	}{
		{"ours", []string{"/bin/seedproof", "etcd-server", "--name=a", "--data-dir=/d"}, "/d"},
		{"a stock etcd", []string{"/usr/bin/etcd", "--data-dir", "/d"}, "/d"},
		{"one dash", []string{"etcd", "-data-dir=/d"}, "/d"},
		{"an agent is no etcd", []string{"seedproof", "etcd", "agent", "--data-dir=/d"}, ""},
		{"nor is a tool", []string{"etcdutl", "snapshot", "restore", "--data-dir=/d"}, ""},
		{"a value is no flag", []string{"etcd", "--name", "data-dir"}, ""},
		{"cut off", []string{"etcd", "--data-dir"}, ""},
		{"a kernel thread", []string{""}, ""},
	}
	for _, c := range cases {
		if got, ok := dataDirOf(c.args); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v", c.reason, got, ok)
		}
	}
}

func TestStartTicks(t *testing.T) {
	line := "12 (a ) b (c) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1 2 3"
	if ticks, err := startTicks([]byte(line)); err != nil || ticks != 777 {
		t.Errorf("%d, %v", ticks, err)
	}
	for _, bad := range []string{"", "12 a S 1", "12 (a) S 1 2"} {
		if _, err := startTicks([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzSmallParsers(f *testing.F) {
	f.Add([]byte("12 (a ) b (c) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1 2 3"))
	f.Add([]byte(`{"pid":12,"startTicks":777,"bootID":"x"}`))
	f.Add([]byte(`{"level":"fatal","msg":"failed","error":"in use"}`))
	f.Add([]byte("pos:\t0\nflags:\t0100002\n"))
	f.Add([]byte(`{"id":1,"peerURLs":["http://a:1"],"name":"a"}`))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x07_\x00\x00\x00\x00\x00\x00\x00\x00t"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = startTicks(text)
		if note, err := parseNote(text); err == nil && note.PID < 0 {
			t.Fatal("a negative process id")
		}
		_, _ = parseMember(text)
		if rev, err := revisionOf(text); err == nil && rev < 0 {
			t.Fatal("a negative revision")
		}
		_, _ = reasonIn(text), opensForWriting(text)
		_, _ = dataDirOf(strings.Split(string(text), "\x00"))
	})
}
