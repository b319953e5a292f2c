package backup

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/testenv"
)

// startEtcd runs a real etcd of one member in this process.
func startEtcd(t testing.TB) (*embed.Etcd, *clientv3.Client) {
	t.Helper()
	ports := testenv.FreePorts(t, 2)
	address := func(i int) []url.URL {
		return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])}}
	}
	c := embed.NewConfig()
	c.Name, c.Dir = "a", t.TempDir()
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	c.ListenClientUrls, c.AdvertiseClientUrls = address(0), address(0)
	c.ListenPeerUrls, c.AdvertisePeerUrls = address(1), address(1)
	c.InitialCluster = c.InitialClusterFromName("a")
	c.UnsafeNoFsync = true
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
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{c.AdvertiseClientUrls[0].String()}, Logger: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return server, client
}

// TestARealMember backs a real etcd up, while it is written to, into each
// store, and opens what was stored.
func TestARealMember(t *testing.T) {
	server, client := startEtcd(t)
	for i := range 200 {
		if _, err := client.Put(t.Context(), fmt.Sprintf("before/%03d", i), strings.Repeat("v", 3000)); err != nil {
			t.Fatal(err)
		}
	}
	s3 := testenv.S3(t)
	s3.Setenv(t)
	for name, where := range map[string]string{
		"file": "file://" + filepath.Join(t.TempDir(), "backups/etcd/main"),
		"s3":   s3.URL(s3.Bucket(t), "backups/etcd/main"),
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, where)
			writing, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := 0; writing.Err() == nil; i++ {
					_, _ = client.Put(writing, fmt.Sprintf("meanwhile/%d", i%50), "x")
				}
			}()
			defer func() { stop(); <-done }()
			backUpReal(t, s, server, client)
		})
	}
}

func backUpReal(t *testing.T, s store.Store, server *embed.Etcd, client *clientv3.Client) {
	t.Helper()
	src, err := NewClientSource("a", client)
	if err != nil {
		t.Fatal(err)
	}
	o := optionsFor(s, src)
	o.Identity.ClusterID = server.Server.Cluster().ID().String()
	entry, err := Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	raw := gunzip(t, content(t, s, entry.Name+"/etcd.backup.gz"))
	if !plainCheck(raw) {
		t.Error("the stored snapshot has no right trailer")
	}
	keys, revision := openSnapshot(t, raw)
	p := entry.Proof
	if revision < p.RevisionAtLeast || revision > p.RevisionAtMost {
		t.Errorf("the file holds revision %d, the proof says %d to %d", revision, p.RevisionAtLeast, p.RevisionAtMost)
	}
	for i := range 200 {
		if !keys[fmt.Sprintf("before/%03d", i)] {
			t.Fatalf("key %d is not in the backup", i)
		}
	}
	if p.SHA256 != hexSum(raw) || p.From.ID != server.Server.MemberID().String() || p.EtcdVersion == "" {
		t.Errorf("proof %+v", p)
	}
	catalogue, err := List(t.Context(), s, "")
	if err != nil || len(catalogue.Backups) != 1 || catalogue.Backups[0].Problem != "" || len(catalogue.Foreign)+len(catalogue.Incomplete) != 0 {
		t.Errorf("%+v, %v", catalogue, err)
	}
	if listed := listedByManager(t, s); len(listed) != 1 || listed[0] != entry.Name {
		t.Errorf("etcd-manager lists %v", listed)
	}
}

// openSnapshot opens the file as etcdutl does, checks it, and gives the keys
// and the highest revision in it.
func openSnapshot(t *testing.T, raw []byte) (keys map[string]bool, revision int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snapshot.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	keys = map[string]bool{}
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		return tx.Bucket([]byte("key")).ForEach(func(k, v []byte) error {
			revision = max(revision, int64(binary.BigEndian.Uint64(k[:8])))
			if len(v) > 2 && v[0] == 0x0a { // field 1 of mvccpb.KeyValue is the key
				keys[string(v[2:2+int(v[1])])] = true
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, revision
}

// TestClosingAStalledSnapshotFreesTheMember: nobody reads; Close ends the
// member's read transaction.
func TestClosingAStalledSnapshotFreesTheMember(t *testing.T) {
	server, client := startEtcd(t)
	big := strings.Repeat("random enough 0123456789", 40000)
	for i := range 30 { // more than all buffers on the way hold
		if _, err := client.Put(t.Context(), fmt.Sprint(i), big); err != nil {
			t.Fatal(err)
		}
	}
	src, err := NewClientSource("a", client)
	if err != nil {
		t.Fatal(err)
	}
	// etcd counts its open read transactions anew with each commit.
	transactions := func() int64 {
		if _, err := client.Put(t.Context(), "tick", "x"); err != nil {
			t.Fatal(err)
		}
		server.Server.Backend().ForceCommit()
		return server.Server.Backend().OpenReadTxN()
	}
	before := transactions()
	stream, _, err := src.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the snapshot's read transaction is open", func() bool { return transactions() > before })
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the snapshot's read transaction is closed", func() bool { return transactions() <= before })
}

func TestClientSourceWantsOneEndpoint(t *testing.T) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, Logger: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if _, err := NewClientSource("a", client); err == nil {
		t.Error("took a client of two members")
	}
}
