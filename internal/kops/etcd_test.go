package kops_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
	"github.com/seedproof/seedproof/internal/testenv"
)

// startEtcd runs a real etcd of one member in this process, with n keys.
func startEtcd(t *testing.T, n int) (endpoint string, client *clientv3.Client) {
	t.Helper()
	ports := testenv.FreePorts(t, 2)
	address := func(i int) []url.URL {
		return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])}}
	}
	c := embed.NewConfig()
	c.Name, c.Dir, c.UnsafeNoFsync = "a", t.TempDir(), true
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	c.ListenClientUrls, c.AdvertiseClientUrls = address(0), address(0)
	c.ListenPeerUrls, c.AdvertisePeerUrls = address(1), address(1)
	c.InitialCluster = c.InitialClusterFromName("a")
	server, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		t.Fatal(err)
	}
	endpoint = c.AdvertiseClientUrls[0].String()
	client, err = clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	value := make([]byte, 1000)
	random := rand.NewChaCha8([32]byte{1})
	for i := range n {
		_, _ = random.Read(value) // never fails
		if _, err := client.Put(t.Context(), fmt.Sprintf("/registry/pods/%d", i), string(value)); err != nil {
			t.Fatal(err)
		}
	}
	return endpoint, client
}

// backUp puts a real snapshot into a backup, as etcd-manager does.
func backUp(t *testing.T, s store.Store, client *clientv3.Client, folder string) {
	t.Helper()
	stream, err := client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.Copy(w, stream); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	kopstest.Put(t, s, folder+"/etcd.backup.gz", packed.String())
}

// TestTheReseededCluster is the incident on real etcds: a living one with its
// backups, and the empty one that took its place.
func TestTheReseededCluster(t *testing.T) {
	living, client := startEtcd(t, 200)
	empty, emptyClient := startEtcd(t, 0)
	s := mem.New("state")
	cluster := healthy(1)
	cluster.Etcds = []string{"main"}
	cluster.Backups = 0
	cluster.Write(t, s)
	base := prod + "/backups/etcd/main"
	for i, age := range []time.Duration{35, 20} {
		backUp(t, s, client, cluster.WriteBackup(t, s, base, now.Add(-age*time.Minute), i+1))
	}
	check := func(endpoints ...string) kops.Result {
		t.Helper()
		report, err := kops.Check(t.Context(), kops.Options{
			State: "mem://state", Name: prod, Open: in(s), Now: func() time.Time { return now },
			Verify: true, Verifier: kops.Inspect{Dir: t.TempDir()},
			Endpoints: map[string][]string{"main": endpoints}, Asker: kops.Client{},
		})
		if err != nil {
			t.Fatal(err)
		}
		return report.Clusters[0]
	}

	r := check(living)
	if r.Action != decide.None || r.NewestBackup.State != kops.Holds || r.NewestBackup.Keys != 200 || r.NewestBackup.Revision != 201 || kinds(r) != "[]" {
		t.Errorf("alive and well: %s, %+v, %s", r.Action, r.NewestBackup, kinds(r))
	}
	if live := r.Evidence.Live[0]; live.Keys != 200 || live.Revision != 201 || live.Name != living {
		t.Errorf("the live member: %+v", live)
	}

	kopstest.DeleteAll(t, s, base+"/control/")
	for _, key := range applied() {
		kopstest.DeleteAll(t, s, key)
	}
	if r = check(living); r.Action != decide.SeedOverExisting || r.Threats[0].Kind != decide.LiveNotKnown {
		t.Errorf("its files gone: %s, %s", r.Action, kinds(r))
	}

	cluster.WriteApplied(t, s)
	cluster.WriteEtcd(t, s, base)
	backUp(t, s, emptyClient, cluster.WriteBackup(t, s, base, now.Add(-5*time.Minute), 1))
	r = check(empty)
	if r.NewestBackup.State != kops.OtherCluster || r.LastValidBackup == nil || r.LastValidBackup.Keys != 200 || !r.LastValidBackup.Time.Equal(now.Add(-20*time.Minute)) {
		t.Errorf("reseeded: the newest %+v, the last valid %+v", r.NewestBackup, r.LastValidBackup)
	}
	if r.Threats[0].Kind != decide.LiveEmpty || r.Threats[1].Kind != kops.BackupOther {
		t.Errorf("reseeded: %+v", r.Threats)
	}
}

// TestASilentEndpointProvesNothing: not even where all else says "new".
func TestASilentEndpointProvesNothing(t *testing.T) {
	s := mem.New("state")
	kopstest.New(prod, 1).Write(t, s)
	silent := fmt.Sprintf("http://127.0.0.1:%d", testenv.FreePorts(t, 1)[0])
	report, err := kops.Check(t.Context(), kops.Options{
		State: "mem://state", Name: prod, Open: in(s), Timeout: time.Second,
		Endpoints: map[string][]string{"main": {silent}}, Asker: kops.Client{},
	})
	if err != nil {
		t.Fatal(err)
	}
	main, events := report.Clusters[0], report.Clusters[1]
	if main.Action != decide.Unproven || main.ExitCode != decide.UnprovenOutcome || events.Action != decide.SeedNew || report.ExitCode != decide.UnprovenOutcome {
		t.Errorf("main %s, events %s, exit %d", main.Action, events.Action, report.ExitCode)
	}
}
