package incident

import (
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
)

// logged is how much etcd writes into its log while its agent is dead: far
// more than a pipe holds, which would have blocked it.
const logged = 2 << 20

// TestAgentsDieAndEtcdsLive: one member, so that nobody else can answer for
// it. The client's requests have etcd's own time limit, so one that takes
// longer is an error.
func TestAgentsDieAndEtcdsLive(t *testing.T) {
	t.Parallel()
	s := &stage{t: t, driver: onFiles, now: "one member", unhealed: nil}
	s.o = localtest.Options{Dir: filepath.Join(t.TempDir(), "cluster"), Members: 1}
	s.c = localtest.Start(t, s.o)
	s.etcd = s.dial()
	before := s.c.Member("a")
	w := startWriter(t, s.etcd)
	s.wait("the client writes", func() bool { return w.count() > 20 })

	log := filepath.Join(s.o.Dir, "members", "a", "state", "etcd.log")
	for _, noise := range []int64{0, logged} {
		agent := s.processes("a", "agent")
		s.c.KillAgent("a")
		target := size(t, log) + noise
		for size(t, log) < target {
			disturb(t, s.c.Ready().Endpoints[0])
		}
		s.wait("another agent runs and has adopted the etcd", func() bool {
			now := s.processes("a", "agent")
			r, ok := s.c.Report("a")
			return len(now) == 1 && now[0] != agent[0] && ok && len(r.Members) == 1 && r.Members[0].EtcdPID == int64(before.EtcdPID) && r.Members[0].Serves
		})
		written := w.count()
		s.wait("the client goes on writing", func() bool { return w.count() > written+20 })
	}
	if pids := s.processes("a", "etcd"); len(pids) != 1 || pids[0] != before.EtcdPID {
		t.Errorf("etcd was process %d, and there are %v", before.EtcdPID, pids)
	}
	missing, of, err := w.missing(t.Context())
	if err != nil || len(missing) > 0 {
		t.Errorf("%d of %d keys are missing (%v)", len(missing), of, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.errors > 0 {
		t.Errorf("%d writes failed, each within etcd's time limit of %s", w.errors, writeLimit)
	}
	t.Logf("NOTE: %d writes, the longest pause between two was %s; etcd's log has %d bytes", len(w.acked), w.longest, size(t, log))
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// disturb connects to etcd without a certificate, many times at once: it logs
// a line for each, with the long name that it was called by.
func disturb(t *testing.T, endpoint string) {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{ServerName: strings.Repeat("x", 8<<10), InsecureSkipVerify: true} //nolint:gosec // it is to be refused
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				conn, err := tls.Dial("tcp", u.Host, conf)
				if err != nil {
					continue
				}
				_, _ = conn.Read(make([]byte, 1)) // until it is refused
				_ = conn.Close()
			}
		})
	}
	all.Wait()
}
