package snapshot

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/seedproof/seedproof/internal/testenv"
)

// startEtcd runs a real etcd of some members in this process, and gives a
// client of the first.
func startEtcd(t testing.TB, members int) ([]*embed.Etcd, *clientv3.Client) {
	t.Helper()
	ports := testenv.FreePorts(t, 2*members)
	configs := make([]*embed.Config, members)
	var initial []string
	for i := range configs {
		configs[i] = configOf(t, fmt.Sprintf("m%d", i), ports[2*i], ports[2*i+1])
		initial = append(initial, configs[i].InitialClusterFromName(configs[i].Name))
	}
	servers := make([]*embed.Etcd, members)
	var started sync.WaitGroup
	for i, c := range configs {
		c.InitialCluster = strings.Join(initial, ",")
		started.Go(func() {
			server, err := embed.StartEtcd(c)
			if err != nil {
				t.Error(err)
				return
			}
			servers[i] = server
			<-server.Server.ReadyNotify()
		})
	}
	started.Wait()
	for _, server := range servers {
		if server == nil {
			t.FailNow()
		}
		t.Cleanup(server.Close)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{configs[0].AdvertiseClientUrls[0].String()}, Logger: zap.NewNop(),
		MaxCallSendMsgSize: 16 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return servers, client
}

func configOf(t testing.TB, name string, clientPort, peerPort int) *embed.Config {
	t.Helper()
	address := func(port int) []url.URL {
		return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}}
	}
	c := embed.NewConfig()
	c.Name, c.Dir = name, t.TempDir()
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	c.ListenClientUrls, c.AdvertiseClientUrls = address(clientPort), address(clientPort)
	c.ListenPeerUrls, c.AdvertisePeerUrls = address(peerPort), address(peerPort)
	c.UnsafeNoFsync = true
	return c
}

// quietSnapshot is snapshotOf while nothing changes by itself: no election, and
// no cluster version that is still to be agreed on.
func quietSnapshot(t testing.TB, server *embed.Etcd, client *clientv3.Client) (path string) {
	t.Helper()
	look := func() string {
		v := server.Server.ClusterVersion()
		status, err := client.Status(t.Context(), client.Endpoints()[0])
		if v == nil || v.String() != "3.6.0" || err != nil || status.Leader == 0 {
			return ""
		}
		return fmt.Sprint(status.RaftTerm, status.Leader, status.Header.Revision)
	}
	eventually(t, "the cluster is quiet", func() bool {
		before := look()
		if before == "" {
			return false
		}
		path = snapshotOf(t, client)
		return look() == before
	})
	return path
}

// snapshotOf takes a snapshot through the client API into a file.
func snapshotOf(t testing.TB, client *clientv3.Client) string {
	t.Helper()
	stream, err := client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	path := filepath.Join(t.TempDir(), "snapshot.db")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, stream); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// packed is a file as etcd-manager packs it.
func packed(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := filepath.Join(t.TempDir(), "etcd.backup.gz")
	if err := os.WriteFile(zipped, zip(t, raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return zipped
}

func zip(t testing.TB, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func inspectFile(t testing.TB, path string, o Options) *Summary {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := Inspect(t.Context(), file, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// etcdutlStatus is what the stock tool says.
type etcdutlStatus struct {
	Hash      uint32 `json:"hash"`
	Revision  int64  `json:"revision"`
	TotalKey  int64  `json:"totalKey"`
	TotalSize int64  `json:"totalSize"`
	Version   string `json:"version"`
}

func statusOf(t testing.TB, path string) etcdutlStatus {
	t.Helper()
	out, err := exec.Command(testenv.Binary(t, "etcdutl"), "snapshot", "status", "-w", "json", path).Output()
	if err != nil {
		t.Fatalf("etcdutl snapshot status: %v", err)
	}
	var status etcdutlStatus
	if err := json.Unmarshal(out, &status); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return status
}

// sameAsEtcdutl holds a summary to what the stock tool says of the same file.
func sameAsEtcdutl(t *testing.T, s *Summary, path string) {
	t.Helper()
	status := statusOf(t, path)
	ours := etcdutlStatus{
		Hash: s.StatusHash, Revision: s.Revision, TotalKey: s.LiveKeys, TotalSize: s.Pages * s.PageSize, Version: s.StorageVersion,
	}
	if s.KeyRevisions == 0 {
		ours.Revision = 0 // the tool names the last record's; an etcd that never had one begins at 1
	}
	if ours != status {
		t.Errorf("etcdutl says %+v, we say %+v", status, ours)
	}
}

// sameAsLive holds a summary to what the member says of itself. Nobody writes
// in between.
func sameAsLive(t *testing.T, s *Summary, server *embed.Etcd, client *clientv3.Client) {
	t.Helper()
	ctx := t.Context()
	count, err := client.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	leases, err := client.Leases(ctx)
	if err != nil {
		t.Fatal(err)
	}
	members, err := client.MemberList(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s.LiveKeys != count.Count || s.Revision != count.Header.Revision || s.Leases != int64(len(leases.Leases)) {
		t.Errorf("%d keys, revision %d, %d leases; the member says %d, %d, %d",
			s.LiveKeys, s.Revision, s.Leases, count.Count, count.Header.Revision, len(leases.Leases))
	}
	if got, want := names(s.Members), names(ofAPI(members.Members)); got != want {
		t.Errorf("members %s; the member says %s", got, want)
	}
	if s.Term != count.Header.RaftTerm || s.ConsistentIndex == 0 || s.ConsistentIndex > server.Server.AppliedIndex() {
		t.Errorf("term %d, index %d; the member says %d, %d", s.Term, s.ConsistentIndex, count.Header.RaftTerm, server.Server.AppliedIndex())
	}
	if s.ClusterVersion != server.Server.ClusterVersion().String() {
		t.Errorf("cluster version %q", s.ClusterVersion)
	}
}

func ofAPI(list []*etcdserverpb.Member) (members []Member) {
	for _, m := range list {
		members = append(members, Member{ID(m.ID), m.Name, m.PeerURLs, m.ClientURLs, m.IsLearner})
	}
	return members
}

func names(members []Member) string {
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = fmt.Sprint(m)
	}
	return strings.Join(list, " ")
}

// bothForms inspects a snapshot plain and packed, and gives the summary and the
// packed file.
func bothForms(t *testing.T, path string) (*Summary, string) {
	t.Helper()
	plain := inspectFile(t, path, Options{})
	zipped := packed(t, path)
	for _, form := range []Form{Sniff, Gzip} {
		s := inspectFile(t, zipped, Options{Form: form})
		if s.Form != Gzip || s.StoredSHA256 == plain.StoredSHA256 || s.StoredSize == plain.StoredSize {
			t.Errorf("packed: %+v", s)
		}
		s.Form, s.StoredSHA256, s.StoredSize = plain.Form, plain.StoredSHA256, plain.StoredSize
		if got, want := fmt.Sprintf("%+v", s), fmt.Sprintf("%+v", plain); got != want {
			t.Errorf("packed\n%s\nplain\n%s", got, want)
		}
	}
	if plain.Form != Plain || plain.StoredSHA256 != plain.SHA256 || plain.StoredSize != plain.Size {
		t.Errorf("plain: %+v", plain)
	}
	return plain, zipped
}

func TestAnEmptyCluster(t *testing.T) {
	servers, client := startEtcd(t, 1)
	path := quietSnapshot(t, servers[0], client)
	s, _ := bothForms(t, path)
	sameAsEtcdutl(t, s, path)
	sameAsLive(t, s, servers[0], client)
	if s.Revision != 1 || s.LiveKeys != 0 || s.KeyRevisions != 0 || s.CompactRevision != 0 {
		t.Errorf("%+v", s)
	}
	if s.FoundersID != ID(servers[0].Server.Cluster().ID()) {
		t.Errorf("founders' id %s, the cluster's is %s", s.FoundersID, servers[0].Server.Cluster().ID())
	}
}

func TestThreeMembersAndAChange(t *testing.T) {
	servers, client := startEtcd(t, 3)
	if _, err := client.Put(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	id := ID(servers[0].Server.Cluster().ID())
	path := quietSnapshot(t, servers[0], client)
	s, _ := bothForms(t, path)
	sameAsEtcdutl(t, s, path)
	sameAsLive(t, s, servers[0], client)
	if len(s.Members) != 3 || len(s.Voters) != 3 || s.FoundersID != id {
		t.Errorf("founders' id %s, the cluster's is %s: %+v", s.FoundersID, id, s)
	}

	eventually(t, "a fourth member is added", func() bool { // refused until the three know each other well
		_, err := client.MemberAddAsLearner(t.Context(), []string{"http://127.0.0.1:1"})
		return err == nil
	})
	path = quietSnapshot(t, servers[0], client)
	s, _ = bothForms(t, path)
	sameAsLive(t, s, servers[0], client)
	if len(s.Members) != 4 || len(s.Learners) != 1 || s.FoundersID == id {
		t.Errorf("with a member that is no founder: %+v", s)
	}
}

// TestWhatElseAFileHolds: alarms, users, leases, a removed member.
func TestWhatElseAFileHolds(t *testing.T) {
	servers, client := startEtcd(t, 1)
	ctx := t.Context()
	added, err := client.MemberAddAsLearner(ctx, []string{"http://127.0.0.1:1"})
	must(t, err)
	_, err = client.MemberRemove(ctx, added.Member.ID)
	must(t, err)
	lease, err := client.Grant(ctx, 1000)
	must(t, err)
	_, err = client.Put(ctx, "leased", "x", clientv3.WithLease(lease.ID))
	must(t, err)
	_, err = client.Put(ctx, "gone", "x")
	must(t, err)
	_, err = client.Delete(ctx, "gone")
	must(t, err)
	member := uint64(servers[0].Server.MemberID())
	_, err = etcdserverpb.NewMaintenanceClient(client.ActiveConnection()).Alarm(ctx, &etcdserverpb.AlarmRequest{
		Action: etcdserverpb.AlarmRequest_ACTIVATE, MemberID: member, Alarm: etcdserverpb.AlarmType_NOSPACE,
	})
	must(t, err)

	path := quietSnapshot(t, servers[0], client)
	s, _ := bothForms(t, path)
	sameAsEtcdutl(t, s, path)
	sameAsLive(t, s, servers[0], client)
	if s.RemovedMembers != 1 || s.Leases != 1 || s.LiveKeys != 1 || s.KeyRevisions != 3 || s.AuthEnabled {
		t.Errorf("%+v", s)
	}
	if len(s.Alarms) != 1 || s.Alarms[0] != (Alarm{ID(member), "NOSPACE"}) {
		t.Errorf("alarms %+v", s.Alarms)
	}
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestARaisedRevision: `etcdutl snapshot restore --bump-revision` leaves a
// record without a key.
func TestARaisedRevision(t *testing.T) {
	_, client := startEtcd(t, 1)
	for i := range 10 {
		_, err := client.Put(t.Context(), fmt.Sprint(i), "x")
		must(t, err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	out, err := exec.Command(testenv.Binary(t, "etcdutl"), "snapshot", "restore", snapshotOf(t, client),
		"--data-dir", dir, "--bump-revision", "1000", "--mark-compacted").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db, err := os.ReadFile(filepath.Join(dir, "member", "snap", "db"))
	must(t, err)
	s, err := Inspect(t.Context(), bytes.NewReader(sealed(db)), Options{Dir: t.TempDir()})
	must(t, err)
	if s.Revision != 1011 || s.CompactRevision != 1011 || !s.CompactionPending || s.LiveKeys != 10 || s.KeyRevisions != 11 {
		t.Errorf("%+v", s)
	}
	if _, err := Inspect(t.Context(), bytes.NewReader(db), Options{Dir: t.TempDir()}); !isDamage(err, ErrNoTrailer) {
		t.Errorf("a member's file as it lies there: %v", err)
	}
}

// bigSnapshot is of a cluster with some 100 MiB of data, a third of it
// overwritten or deleted, compacted half-way.
func bigSnapshot(t testing.TB) (string, *embed.Etcd, *clientv3.Client) {
	t.Helper()
	servers, client := startEtcd(t, 1)
	ctx := t.Context()
	random := rand.NewChaCha8([32]byte{1})
	value := func() string {
		b := make([]byte, 8<<10)
		_, _ = random.Read(b[:3<<10])
		return string(b)
	}
	write := func(from, to int) {
		var ops []clientv3.Op
		for i := from; i < to; i++ {
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("/registry/pods/%06d", i), value()))
			if len(ops) == 100 || i == to-1 {
				_, err := client.Txn(ctx).Then(ops...).Commit()
				must(t, err)
				ops = ops[:0]
			}
		}
	}
	write(0, 9000)
	write(0, 2000)
	_, err := client.Delete(ctx, "/registry/pods/003", clientv3.WithRange("/registry/pods/004"))
	must(t, err)
	compactAt(t, client)
	write(3500, 5000)
	_, err = client.Delete(ctx, "/registry/pods/007", clientv3.WithRange("/registry/pods/008"))
	must(t, err)
	for i := range 20 {
		lease, err := client.Grant(ctx, 1000)
		must(t, err)
		_, err = client.Put(ctx, fmt.Sprintf("/leased/%d", i), "x", clientv3.WithLease(lease.ID))
		must(t, err)
	}
	return quietSnapshot(t, servers[0], client), servers[0], client
}

func compactAt(t testing.TB, client *clientv3.Client) {
	t.Helper()
	now, err := client.Get(t.Context(), "x")
	must(t, err)
	_, err = client.Compact(t.Context(), now.Header.Revision, clientv3.WithCompactPhysical())
	must(t, err)
}

func TestABigCluster(t *testing.T) {
	path, server, client := bigSnapshot(t)
	s, zipped := bothForms(t, path)
	sameAsEtcdutl(t, s, path)
	sameAsLive(t, s, server, client)
	if s.Size < 90<<20 || s.KeyRevisions <= s.LiveKeys || s.CompactRevision == 0 || s.CompactionPending || s.FreePages == 0 {
		t.Errorf("%+v", s)
	}
	// etcdutl hashkv cannot be asked: it alters the file, and panics on one with a lease.
	said, err := client.HashKV(t.Context(), client.Endpoints()[0], 0)
	must(t, err)
	if said.HashRevision != s.Revision || said.CompactRevision != s.CompactRevision {
		t.Errorf("revision %d, compacted at %d; the member says %d, %d", s.Revision, s.CompactRevision, said.HashRevision, said.CompactRevision)
	}
	memoryStaysBounded(t, path, zipped)
	damageIsFound(t, path, zipped)
}
