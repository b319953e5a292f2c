package incident

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	onFiles = "file"
	onS3    = "s3"

	tick  = 20 * time.Millisecond
	limit = 2 * time.Minute // for anything: a busy machine, not a slow cluster
)

var names = []string{"a", "b", "c"}

// stage is a cluster of three that one form after another is played on, with
// everything that they take away.
type stage struct {
	t      testing.TB
	driver string
	c      *localtest.Cluster
	o      localtest.Options

	control, backup           place
	controlProxy, backupProxy *testenv.FaultProxy // on S3
	controlVolume             *volume             // on files, where we may mount
	data                      map[string]*volume  // the members' data volumes, where we may mount

	etcd   *clientv3.Client
	writer *writer
	held   *heldNode // node c while it is down
	now    string    // the row that is being played, for messages

	identity proof.Identity     // of the cluster, once and for all
	struck   time.Time          // before the last strike, which may take longer than the cure
	since    time.Time          // the last strike: older reports say nothing of it
	unhealed map[time.Time]bool // a leader's reports that saw the lost record and left it so
}

func newStage(t testing.TB, driver string) *stage {
	s := &stage{t: t, driver: driver, data: map[string]*volume{}, unhealed: map[time.Time]bool{}}
	dir := filepath.Join(t.TempDir(), "cluster")
	s.o = localtest.Options{Dir: dir, Members: len(names), BackupInterval: time.Second, NoWait: true}
	if driver == onS3 {
		s.storesOnS3()
	} else {
		s.storesOnFiles()
	}
	s.makeDirectory()
	s.c = localtest.New(t, s.o)
	s.c.Run()
	s.etcd = s.dial()
	s.wait("the cluster serves", func() bool { return s.whole() == "" })
	s.writer = startWriter(t, s.etcd)
	t.Cleanup(func() {
		if s.held != nil { // a stopped agent would not end with the cluster
			s.bringUp()
		}
	})
	return s
}

func (s *stage) storesOnS3() {
	server := testenv.S3(s.t)
	s.controlProxy, s.backupProxy = testenv.FaultyHTTP(s.t, server.Endpoint), testenv.FaultyHTTP(s.t, server.Endpoint)
	control := s3Place{server, server.Bucket(s.t), "control/etcd/main"}
	backup := s3Place{server, server.Bucket(s.t), "backups/etcd/main"}
	s.control, s.backup = control, backup
	s.o.ControlStore = s.controlProxy.S3URL(control.bucket, control.prefix)
	s.o.BackupStore = s.backupProxy.S3URL(backup.bucket, backup.prefix)
	s.o.Env = server.Env()
}

func (s *stage) storesOnFiles() {
	side := s.t.TempDir()
	volumeDir := filepath.Join(side, "volume")
	if mayMount() {
		s.controlVolume = newVolume(s.t, volumeDir)
	}
	control, backup := dirPlace{filepath.Join(volumeDir, "control")}, dirPlace{filepath.Join(side, "backups")}
	s.control, s.backup = control, backup
	s.o.ControlStore, s.o.BackupStore = "file://"+control.dir, "file://"+backup.dir
}

// makeDirectory makes what `up` would, with a volume for each member's data:
// they must be mounted before the cluster is born.
func (s *stage) makeDirectory() {
	if !mayMount() {
		return
	}
	type node struct {
		Name       string `json:"name"`
		AgentPort  int    `json:"agentPort"`
		ClientPort int    `json:"clientPort"`
		PeerPort   int    `json:"peerPort"`
		StatusPort int    `json:"statusPort"`
	}
	ports := testenv.FreePorts(s.t, 4*len(names))
	var nodes []node
	for i, name := range names {
		nodes = append(nodes, node{name, ports[4*i], ports[4*i+1], ports[4*i+2], ports[4*i+3]})
		s.data[name] = newVolume(s.t, filepath.Join(s.o.Dir, "members", name, "data"))
	}
	text, err := json.Marshal(map[string]any{"name": "local", "created": time.Now().UTC(), "members": len(names),
		"controlStore": s.o.ControlStore, "backupStore": s.o.BackupStore, "backupInterval": "1s", "nodes": nodes})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.o.Dir, "cluster.json"), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if _, err := pki.CreateAuthorities(filepath.Join(s.o.Dir, "pki"), time.Now()); err != nil {
		s.t.Fatal(err)
	}
}

// dial is a client of all members, whoever of them is up.
func (s *stage) dial() *clientv3.Client {
	s.t.Helper()
	var access local.Access
	var conf *tls.Config
	s.wait("the certificates are there", func() (ok bool) {
		var errs [3]error
		access, errs[0] = local.Load(s.o.Dir)
		conf, errs[1] = pki.ClientTLS(access.EtcdTLS, "")
		_, errs[2] = pki.ClientTLS(access.AgentTLS, "")
		return errors.Join(errs[:]...) == nil
	})
	client, err := clientv3.New(clientv3.Config{Endpoints: access.Endpoints, TLS: conf, DialTimeout: limit})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// fatalf ends the test with the row and what the cluster says of itself.
func (s *stage) fatalf(format string, args ...any) {
	s.t.Helper()
	report, _ := s.c.Newest()
	text, _ := json.MarshalIndent(report, "", " ")
	s.t.Fatalf("%s: %s\nthe newest report: %s", s.now, fmt.Sprintf(format, args...), text)
}

// wait polls until cond holds.
func (s *stage) wait(what string, cond func() bool) {
	s.t.Helper()
	s.waitTelling(func() string {
		if cond() {
			return ""
		}
		return what
	})
}

// waitTelling polls until nothing is missing any more, and fails with what is.
func (s *stage) waitTelling(missing func() string) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		what := missing()
		switch {
		case what == "":
			return
		case s.c != nil && s.c.Exited():
			s.t.Fatalf("%s: seedproof up ended; waited until: %s\n%s", s.now, what, s.c.Output())
		case time.Now().After(deadline):
			s.fatalf("waited in vain until: %s", what)
		}
		time.Sleep(tick) // between two looks
	}
}

// whole says what is missing of a cluster that is at rest and well, or "". A
// node that is held down is not missed.
func (s *stage) whole() string {
	r, ok := s.c.Newest()
	switch {
	case !ok:
		return "an agent answers"
	case r.Verdict.State == proof.RecordLost:
		if r.Leads { // who does not lead may only look on
			s.unhealed[r.At] = true
		}
		return "the record is written again"
	case !r.Leads || !r.At.After(s.since) || !decided(r):
		return "the verdict is Intact, of one who leads; it is " + r.Verdict.State.String() + ": " + r.Verdict.Why
	}
	serving := map[string]bool{}
	for _, m := range r.Members {
		serving[m.Name] = m.Serves && m.EtcdPID != 0
	}
	for _, name := range s.up() {
		if !serving[name] {
			return "member " + name + " serves"
		}
	}
	return ""
}

func decided(r controller.Report) bool {
	return r.Verdict.State == proof.Intact && r.Record.Finding == proof.Present && r.Record.ClusterID != ""
}

// up are the nodes that are not held down.
func (s *stage) up() []string {
	if s.held != nil {
		return names[:2]
	}
	return names
}

// etcdPIDs are the processes of the members that are up.
func (s *stage) etcdPIDs() map[string]int {
	pids := map[string]int{}
	for _, name := range s.up() {
		for _, pid := range s.processes(name, "etcd") {
			pids[name] = pid
		}
	}
	return pids
}

// processes are the agents ("agent") or etcds ("etcd") of one node: their
// command lines name its directories.
func (s *stage) processes(name, kind string) []int {
	dir := filepath.Join(s.o.Dir, "members", name) + "/"
	procs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, proc := range procs {
		args, err := os.ReadFile(filepath.Join(proc, "cmdline"))
		if err != nil || !strings.Contains(string(args), dir) {
			continue
		}
		isAgent := strings.Contains(string(args), "\x00agent\x00")
		var pid int
		if _, err := fmt.Sscan(filepath.Base(proc), &pid); err == nil && isAgent == (kind == "agent") && localtest.Runs(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// put writes a key, and fails when the cluster does not take it in the end.
func (s *stage) put(key string) {
	s.t.Helper()
	s.wait("the cluster takes a write", func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Second)
		defer cancel()
		_, err := s.etcd.Put(ctx, key, s.now)
		return err == nil
	})
	s.writer.remember(key)
}
