package local_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seedproof/seedproof/internal/etcd/local"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/testenv"
)

func TestOneMemberServesAndIsHealed(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	ready := c.Ready()
	if ready.ClusterID == "" || ready.Lineage == "" || len(ready.Endpoints) != 1 || ready.Members[0].EtcdPID == 0 {
		t.Fatalf("the ready file lacks something: %+v", ready)
	}
	c.PutMany("k/", 50)

	record := filepath.Join(c.Dir, "control", "record.json")
	if err := os.Remove(record); err != nil {
		t.Fatal(err)
	}
	c.WaitFor("the record is there again", func() bool { _, err := os.Stat(record); return err == nil })
	c.WaitFor("the verdict is Intact", func() bool { r, ok := c.Newest(); return ok && r.Verdict.State == proof.Intact })
	if n := c.CountKeys("k/"); n != 50 {
		t.Errorf("%d keys of 50 are left", n)
	}
	if now := c.Ready(); now.Lineage != ready.Lineage || now.Members[0].EtcdPID != ready.Members[0].EtcdPID {
		t.Errorf("was %+v, is %+v", ready, now)
	}
}

func TestAnAgentDiesAndItsEtcdLives(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	c.Put("k", "v")
	before := c.Member("a")
	c.KillAgent("a")
	c.WaitFor("another agent runs", func() bool {
		return c.Member("a").AgentPID != before.AgentPID
	})
	if now := c.Member("a"); now.EtcdPID != before.EtcdPID {
		t.Errorf("etcd was process %d and is process %d", before.EtcdPID, now.EtcdPID)
	}
	if v, _ := c.Get("k"); v != "v" {
		t.Errorf("the key is %q", v)
	}
	if !strings.Contains(c.Output(), "a: agent ended (signal: killed)") {
		t.Errorf("it was not said that the agent ended:\n%s", c.Output())
	}
}

func TestCtrlCStopsAndASecondRunResumes(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	c.PutMany("k/", 20)
	before := c.Ready()
	if code := c.Stop(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, c.Output())
	}
	for _, pid := range []int{before.Members[0].AgentPID, before.Members[0].EtcdPID} {
		if localtest.Runs(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
	c.Run()
	after := c.Ready()
	if after.Lineage != before.Lineage || after.ClusterID != before.ClusterID || after.Endpoints[0] != before.Endpoints[0] {
		t.Errorf("was %+v, is %+v", before, after)
	}
	if n := c.CountKeys("k/"); n != 20 {
		t.Errorf("%d keys of 20 are left", n)
	}
}

func TestAfterUpWasKilledTheNextOneTakesOver(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	c.Put("k", "v")
	before := c.Member("a")
	c.KillUp()
	if !localtest.Runs(before.EtcdPID) {
		t.Fatal("etcd died with it")
	}
	c.Run()
	after := c.Member("a")
	if after.EtcdPID != before.EtcdPID || after.AgentPID == before.AgentPID {
		t.Errorf("was %+v, is %+v; want a new agent beside the same etcd", before, after)
	}
	if localtest.Runs(before.AgentPID) {
		t.Errorf("the agent %d of the killed run still runs", before.AgentPID)
	}
	if v, _ := c.Get("k"); v != "v" {
		t.Errorf("the key is %q", v)
	}
}

func TestASecondUpIsRefused(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	err := local.Run(t.Context(), local.Options{Dir: c.Dir, Program: "/bin/false"})
	if err == nil || !strings.Contains(err.Error(), "another seedproof up (process ") {
		t.Errorf("got %v, want it refused", err)
	}
	c.Put("still", "serves")
}

func TestAPortInUseIsNamed(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	endpoint := strings.TrimPrefix(c.Ready().Endpoints[0], "https://")
	_, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	squatter, err := net.Listen("tcp", endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = squatter.Close() }()
	err = local.Run(t.Context(), local.Options{Dir: c.Dir, Program: "/bin/false"})
	if err == nil || !strings.Contains(err.Error(), "port "+port+" of member a is in use by another program") {
		t.Errorf("got %v, want an error that names port %s", err, port)
	}
}

func TestThreeMembersAndMoreAgentsLater(t *testing.T) {
	c := localtest.Start(t, localtest.Options{Members: 3, Agents: 4, BackupInterval: time.Minute})
	c.PutMany("k/", 10)
	if n := len(c.Ready().Members); n != 3 {
		t.Fatalf("%d members; want 3, and a spare agent", n)
	}
	c.WaitFor("the spare agent answers", func() bool { _, ok := c.Report("d"); return ok })
	before := c.Ready()
	c.KillAll()
	c.WaitFor("everything was started again", func() bool {
		for i, m := range c.Ready().Members {
			if m.EtcdPID == before.Members[i].EtcdPID || m.AgentPID == before.Members[i].AgentPID {
				return false
			}
		}
		return true
	})
	if n := c.CountKeys("k/"); n != 10 {
		t.Errorf("%d keys of 10 are left", n)
	}
	if now := c.Ready(); now.Lineage != before.Lineage {
		t.Errorf("the lineage was %s and is %s", before.Lineage, now.Lineage)
	}
}

func TestAnotherSizeIsForConfigureToAsk(t *testing.T) {
	c := localtest.Start(t, localtest.Options{})
	c.Put("k", "v")
	lineage := c.Ready().Lineage
	c.Stop()
	more := localtest.Start(t, localtest.Options{Dir: c.Dir, Members: 3})
	if ready := more.Ready(); len(ready.Members) != 1 || ready.Lineage != lineage {
		t.Errorf("the cluster became %+v", ready)
	}
	more.WaitFor("the hint was given", func() bool { return strings.Contains(more.Output(), "seedproof etcd configure --dir ") })
	more.WaitFor("there are agents to scale to", func() bool {
		_, b := more.Report("b")
		_, third := more.Report("c")
		return b && third
	})
}

func TestThreeMembersOnS3(t *testing.T) {
	s3 := testenv.S3(t)
	bucket := s3.Bucket(t)
	backup := s3.URL(bucket, "backups/etcd/main")
	c := localtest.Start(t, localtest.Options{Members: 3, BackupStore: backup, Env: s3.Env()})
	c.PutMany("k/", 10)
	ready := c.Ready()
	if want := strings.Replace(ready.BackupStore, "backups/etcd/main", "control/etcd/main", 1); ready.ControlStore != want {
		t.Errorf("the control store is %s, want %s", ready.ControlStore, want)
	}
	key := "control/etcd/main/record.json"
	if _, err := s3.Client().DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
	c.WaitFor("the record is there again", func() bool {
		_, err := s3.Client().HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: &bucket, Key: &key})
		return err == nil
	})
	if n := c.CountKeys("k/"); n != 10 {
		t.Errorf("%d keys of 10 are left", n)
	}
}
