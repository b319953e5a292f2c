package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/testenv"
)

// TestHeldToEtcd runs the same scenarios against the real server and the
// stand-in: what one does, the other does.
func TestHeldToEtcd(t *testing.T) {
	standin := filepath.Join(t.TempDir(), "etcd")
	if out, err := exec.Command("go", "build", "-o", standin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in: %v: %s", err, out)
	}
	scenarios := map[string]func(*testing.T, string){
		"one member": oneMember, "a quorum is needed": aQuorumIsNeeded, "a restart keeps the data": aRestartKeepsTheData,
		"a founder without its data is refused": aFounderWithoutData, "all without data found anew": allWithoutData,
		"a learner joins": aLearnerJoins, "existing and not listed": existingNotListed, "removed": removed, "snapshot": snapshot,
	}
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		for server, program := range map[string]string{"etcd": testenv.Binary(t, "etcd"), "stand-in": standin} {
			t.Run(name+"/"+server, func(t *testing.T) { scenarios[name](t, program) })
		}
	}
}

func oneMember(t *testing.T, program string) {
	w := newTown(t, program, "a")
	w.startAll()
	c := w.ask("a")
	put := ok[*clientv3.PutResponse](t)(c.Put(within(t, limit), "k", "v"))
	if put.Header.Revision != 2 || value(t, c, "k") != "v" {
		t.Fatalf("the first write is revision %d, and reads as %q", put.Header.Revision, value(t, c, "k"))
	}
	s := ok[*clientv3.StatusResponse](t)(c.Status(within(t, limit), w.client("a")))
	if s.Leader != s.Header.MemberId || s.IsLearner || s.Header.MemberId == 0 || s.Header.ClusterId == 0 || s.RaftTerm < 2 || s.Version != "3.6.16" {
		t.Fatalf("status: %+v", s)
	}
	list := ok[*clientv3.MemberListResponse](t)(c.MemberList(within(t, limit)))
	if len(list.Members) != 1 || list.Members[0].Name != "a" || list.Members[0].ClientURLs[0] != w.client("a") || list.Members[0].PeerURLs[0] != w.peer("a") {
		t.Fatalf("members: %+v", list.Members)
	}
	first := ok[*clientv3.HashKVResponse](t)(c.HashKV(within(t, limit), w.client("a"), 0))
	ok[*clientv3.PutResponse](t)(c.Put(within(t, limit), "k", "w"))
	again := ok[*clientv3.HashKVResponse](t)(c.HashKV(within(t, limit), w.client("a"), 2))
	if first.Hash != again.Hash || first.Hash == 0 {
		t.Fatalf("the hash at revision 2 was %x and is %x", first.Hash, again.Hash)
	}
	if alarms := ok[*clientv3.AlarmResponse](t)(c.AlarmList(within(t, limit))); len(alarms.Alarms) != 0 {
		t.Fatalf("alarms: %v", alarms.Alarms)
	}
}

// TestTheSameIDs: both servers compute the ids alike, from URLs and token.
func TestTheSameIDs(t *testing.T) {
	standin := filepath.Join(t.TempDir(), "etcd")
	if out, err := exec.Command("go", "build", "-o", standin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in: %v: %s", err, out)
	}
	w := newTown(t, testenv.Binary(t, "etcd"), "a")
	var seen []uint64
	for _, program := range []string{w.program, standin} {
		w.program = program
		w.startAll()
		s := ok[*clientv3.StatusResponse](t)(w.ask("a").Status(within(t, limit), w.client("a")))
		seen = append(seen, s.Header.MemberId, s.Header.ClusterId)
		w.kill("a")
		if err := os.RemoveAll(w.data("a")); err != nil {
			t.Fatal(err)
		}
	}
	if seen[0] != seen[2] || seen[1] != seen[3] {
		t.Fatalf("member and cluster of etcd and of the stand-in: %x", seen)
	}
}

func aQuorumIsNeeded(t *testing.T, program string) {
	w := newTown(t, program, "a", "b", "c")
	w.startAll()
	c := w.ask("a")
	ok[*clientv3.PutResponse](t)(c.Put(within(t, limit), "k", "v"))
	w.kill("b")
	await(t, "a write with two of three", func() error { return last(c.Put(within(t, limit), "k", "w")) }) // b may have led
	w.kill("c")
	if _, err := c.Put(within(t, short), "k", "lost"); err == nil {
		t.Error("one of three wrote")
	}
	if _, err := c.Get(within(t, short), "k"); err == nil {
		t.Error("one of three answered a linearizable read")
	}
	if _, err := c.MemberList(within(t, short)); err == nil {
		t.Error("one of three answered a linearizable list")
	}
	if got := value(t, c, "k", clientv3.WithSerializable()); got != "w" {
		t.Errorf("a serializable read gives %q", got)
	}
	await(t, "the leader to be gone", func() error {
		s, err := c.Status(within(t, limit), w.client("a"))
		if err == nil && s.Leader != 0 {
			return fmt.Errorf("member %x leads", s.Leader)
		}
		return err
	})
	w.start("b", "new", "a", "b", "c")
	await(t, "a write with two of three", func() error {
		_, err := c.Put(within(t, time.Second), "k", "x")
		return err
	})
	if got := value(t, w.awaitServing("b"), "k"); got != "x" {
		t.Errorf("b reads %q", got)
	}
}

func aRestartKeepsTheData(t *testing.T, program string) {
	w := newTown(t, program, "a", "b", "c")
	w.startAll()
	ok[*clientv3.PutResponse](t)(w.ask("b").Put(within(t, limit), "k", "v"))
	before := ok[*clientv3.StatusResponse](t)(w.ask("a").Status(within(t, limit), w.client("a")))
	for name := range w.ports {
		w.kill(name)
	}
	w.token = "another" // with a WAL no flag of the first start counts
	for name := range w.ports {
		w.start(name, "existing", name)
	}
	c := w.awaitServing("a")
	after := ok[*clientv3.StatusResponse](t)(c.Status(within(t, limit), w.client("a")))
	if after.Header.MemberId != before.Header.MemberId || after.Header.ClusterId != before.Header.ClusterId || after.RaftTerm <= before.RaftTerm {
		t.Errorf("after the restart %+v, before %+v", after, before)
	}
	if got := value(t, c, "k"); got != "v" {
		t.Errorf("after the restart k is %q", got)
	}
}

func aFounderWithoutData(t *testing.T, program string) {
	w := newTown(t, program, "a", "b", "c")
	w.startAll()
	w.kill("a")
	if err := os.RemoveAll(w.data("a")); err != nil {
		t.Fatal(err)
	}
	w.start("a", "new", "a", "b", "c")
	if log := w.mustExit("a", false); !strings.Contains(log, "has already been bootstrapped") {
		t.Errorf("its log: %s", log)
	}
}

func allWithoutData(t *testing.T, program string) {
	w := newTown(t, program, "a", "b", "c")
	w.startAll()
	ok[*clientv3.PutResponse](t)(w.ask("a").Put(within(t, limit), "k", "v"))
	before := ok[*clientv3.StatusResponse](t)(w.ask("a").Status(within(t, limit), w.client("a")))
	for name := range w.ports {
		w.kill(name)
		if err := os.RemoveAll(w.data(name)); err != nil {
			t.Fatal(err)
		}
	}
	w.startAll() // nothing tells etcd that there ever was a cluster
	c := w.ask("a")
	after := ok[*clientv3.StatusResponse](t)(c.Status(within(t, limit), w.client("a")))
	if after.Header.ClusterId != before.Header.ClusterId || value(t, c, "k") != "" {
		t.Errorf("the new cluster is %x (was %x), and k is %q", after.Header.ClusterId, before.Header.ClusterId, value(t, c, "k"))
	}
}

func aLearnerJoins(t *testing.T, program string) {
	w := newTown(t, program, "a", "b", "c")
	w.start("a", "new", "a")
	c := w.awaitServing("a")
	ok[*clientv3.PutResponse](t)(c.Put(within(t, limit), "k", "v"))
	added := ok[*clientv3.MemberAddResponse](t)(c.MemberAddAsLearner(within(t, limit), []string{w.peer("b")}))
	if !added.Member.IsLearner || added.Member.Name != "" {
		t.Fatalf("added: %+v", added.Member)
	}
	// An id is made of URLs and the second: within one it is the id that is known.
	again := last(c.MemberAddAsLearner(within(t, limit), []string{w.peer("b")}))
	if !errors.Is(again, rpctypes.ErrMemberExist) {
		refused(t, "its URLs again", rpctypes.ErrPeerURLExist, again)
	}
	refused(t, "a second learner", rpctypes.ErrTooManyLearners, last(c.MemberAddAsLearner(within(t, limit), []string{w.peer("c")})))
	refused(t, "a learner that never started", rpctypes.ErrMemberLearnerNotReady, last(c.MemberPromote(within(t, limit), added.Member.ID)))
	refused(t, "who votes", rpctypes.ErrMemberNotLearner, last(c.MemberPromote(within(t, limit), added.Header.MemberId)))
	// After a lost answer the peer URL tells of it, and the id.
	list := ok[*clientv3.MemberListResponse](t)(c.MemberList(within(t, limit)))
	at := slices.IndexFunc(list.Members, func(m *pb.Member) bool { return m.PeerURLs[0] == w.peer("b") })
	if len(list.Members) != 2 || at < 0 || list.Members[at].ID != added.Member.ID || !list.Members[at].IsLearner {
		t.Fatalf("members: %+v", list.Members)
	}
	w.start("b", "existing", "a", "b")
	b := w.ask("b")
	await(t, "the learner to have the data", func() error {
		got, err := b.Get(within(t, time.Second), "k", clientv3.WithSerializable())
		if err == nil && len(got.Kvs) == 0 {
			err = errors.New("not there")
		}
		return err
	})
	refused(t, "a learner's linearizable read", rpctypes.ErrGRPCNotSupportedForLearner, last(b.Get(within(t, limit), "k")))
	refused(t, "a learner's list", rpctypes.ErrGRPCNotSupportedForLearner, last(b.MemberList(within(t, limit))))
	s := ok[*clientv3.StatusResponse](t)(b.Status(within(t, limit), w.client("b")))
	if !s.IsLearner || s.Header.MemberId != added.Member.ID {
		t.Fatalf("the learner's status: %+v", s)
	}
	await(t, "the promotion", func() error { return last(c.MemberPromote(within(t, limit), added.Member.ID)) })
	if got := value(t, w.awaitServing("b"), "k"); got != "v" {
		t.Errorf("b reads %q", got)
	}
	w.kill("b")
	if _, err := c.Put(within(t, short), "k", "w"); err == nil {
		t.Error("one of two wrote")
	}
}

func existingNotListed(t *testing.T, program string) {
	w := newTown(t, program, "a", "b")
	w.start("a", "new", "a")
	w.awaitServing("a")
	w.start("b", "existing", "a", "b")
	if log := w.mustExit("b", false); !strings.Contains(log, "error validating peerURLs") {
		t.Errorf("its log: %s", log)
	}
}

func removed(t *testing.T, program string) {
	w := newTown(t, program, "a", "b", "c")
	w.startAll()
	c := w.ask("a")
	s := ok[*clientv3.StatusResponse](t)(w.ask("c").Status(within(t, limit), w.client("c")))
	id := s.Header.MemberId
	await(t, "the removal", func() error { // etcd wants to have seen all members for a while
		err := last(c.MemberRemove(within(t, 5*time.Second), id))
		if rpctypes.ErrorDesc(err) == rpctypes.ErrorDesc(rpctypes.ErrMemberNotFound) {
			return nil // it was done, and the answer lost
		}
		return err
	})
	w.mustExit("c", true)
	await(t, "the refusal to remove who is gone", func() error { // who is gone may have led
		err := last(c.MemberRemove(within(t, 5*time.Second), id))
		if rpctypes.ErrorDesc(err) == rpctypes.ErrorDesc(rpctypes.ErrMemberNotFound) {
			return nil
		}
		return fmt.Errorf("it answers %w", err)
	})
	await(t, "a write", func() error { return last(c.Put(within(t, 5*time.Second), "k", "v")) })
	if list := ok[*clientv3.MemberListResponse](t)(c.MemberList(within(t, limit))); len(list.Members) != 2 {
		t.Errorf("members: %+v", list.Members)
	}
}

func snapshot(t *testing.T, program string) {
	w := newTown(t, program, "a")
	w.startAll()
	c := w.ask("a")
	ok[*clientv3.PutResponse](t)(c.Put(within(t, limit), "k", "v"))
	body := ok[io.ReadCloser](t)(c.Snapshot(within(t, limit)))
	defer body.Close()
	whole := ok[[]byte](t)(io.ReadAll(body))
	data, trailer := whole[:len(whole)-sha256.Size], whole[len(whole)-sha256.Size:]
	if sum := sha256.Sum256(data); len(data)%512 != 0 || !bytes.Equal(sum[:], trailer) {
		t.Fatalf("%d bytes with the trailer %x", len(data), trailer)
	}
	path := filepath.Join(w.dir, "snapshot.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db := ok[*bolt.DB](t)(bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true}))
	defer db.Close()
	err := db.View(func(tx *bolt.Tx) error {
		for _, name := range []string{"key", "meta", "members", "members_removed", "cluster"} {
			if tx.Bucket([]byte(name)) == nil {
				return fmt.Errorf("no bucket %s", name)
			}
		}
		if n := tx.Bucket([]byte("members")).Stats().KeyN; n != 1 {
			return fmt.Errorf("%d members", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func last[T any](_ T, err error) error { return err }

func refused(t *testing.T, what string, want, got error) {
	t.Helper()
	if got == nil || rpctypes.ErrorDesc(got) != rpctypes.ErrorDesc(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
