package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// member is a stand-in for one etcd member.
type member struct {
	stream   []byte
	info     SourceInfo
	stall    bool                                 // the stream hangs after its bytes
	opened   func()                               // called when a snapshot was opened
	statusOf func(SourceInfo) (SourceInfo, error) // nil: info as it is
}

func (m *member) Status(ctx context.Context) (SourceInfo, error) {
	if m.statusOf != nil {
		return m.statusOf(m.info)
	}
	return m.info, ctx.Err()
}

func (m *member) Snapshot(context.Context) (io.ReadCloser, SourceInfo, error) {
	if m.opened != nil {
		m.opened()
	}
	info := m.info
	info.Revision += 2
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, bytes.NewReader(m.stream))
		if err == nil && !m.stall {
			_ = w.Close()
		}
	}()
	return r, info, nil
}

func newMember() *member {
	return &member{
		stream: snapshotOf(64, 1),
		info: SourceInfo{
			Member: "a", MemberID: 0xa, ClusterID: 0xc1, EtcdVersion: "3.6.16",
			Revision: 41, RaftTerm: 3, DBSize: 64 * 4096,
		},
	}
}

func optionsFor(s store.Store, src Source) Options {
	return Options{
		Store: s, Source: src,
		Identity: Identity{Cluster: "main", Lineage: "lineage-1", Generation: 1, BirthID: "b1", ClusterID: "c1"},
		Spec:     managerfiles.Spec{MemberCount: 3, EtcdVersion: "3.6.16"},
		Members:  []Member{{Name: "a", ID: "a", PeerURLs: []string{"https://127.0.0.1:1"}}},
		HashKV:   &HashKV{Revision: 40, CompactRevision: 1, Members: map[string]uint32{"a": 7, "b": 7}},
		Marks:    []Mark{{URL: s.URL(), ID: "mark-1"}},
		Holder:   "agent-a", Slot: "slot-1", Watch: &Watch{},
	}
}

// listedByManager is etcd-manager's listing rule, written from the facts (1.10)
// and not from our code: any depth, last element, the parent's name.
func listedByManager(t *testing.T, s store.Store) []string {
	t.Helper()
	var names []string
	for _, key := range keys(t, s) {
		elements := bytes.Split([]byte(key), []byte("/"))
		if n := len(elements); n > 1 && string(elements[n-1]) == "_etcd_backup.meta" {
			names = append(names, string(elements[n-2]))
		}
	}
	return names
}

func keys(t *testing.T, s store.Store) []string {
	t.Helper()
	var all []string
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}

func content(t *testing.T, s store.Store, key string) []byte {
	t.Helper()
	got, _, err := store.Read(t.Context(), s, key, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func put(t *testing.T, s store.Store, key, body string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, bytes.NewReader([]byte(body)), store.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// eventually polls a condition; the limit is generous and never asserted on.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never came about: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

// stepOf checks that err is a TakeError of that cause and gives its step.
func stepOf(t *testing.T, err, cause error) Step {
	t.Helper()
	var failed *TakeError
	if !errors.As(err, &failed) || !errors.Is(err, cause) {
		t.Fatalf("%v; want a TakeError because of: %v", err, cause)
	}
	return failed.Step
}

var _ store.Store = (*mem.Store)(nil)
