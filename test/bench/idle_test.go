package bench

import (
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/testenv"
)

const (
	defaultInterval = 5 * time.Second  // of seedproof up
	defaultTerm     = 25 * time.Second // what it makes of that interval
	passesWatched   = 12
	cpuWatched      = time.Minute
	backupsADay     = 24 * 4 // by the default spec
)

// BenchmarkIdle measures what clusters cost at which nothing happens, at the
// default interval, with both stores on a real S3 server: the requests of a
// pass, and the CPU of the agents.
func BenchmarkIdle(b *testing.B) {
	server := testenv.S3(b)
	for _, size := range []struct {
		name    string
		members int
	}{{"OneMember", 1}, {"ThreeMembers", 3}} {
		b.Run(size.name, func(b *testing.B) {
			proxy := testenv.FaultyHTTP(b, server.Endpoint)
			bucket := server.Bucket(b)
			c := localtest.Start(b, localtest.Options{Members: size.members, Interval: defaultInterval, Term: defaultTerm,
				ControlStore: proxy.S3URL(bucket, "control"), BackupStore: proxy.S3URL(bucket, "backups"), Env: server.Env()})
			idle := settled(b, c)
			perPass := requests(b, c, proxy, idle.Agent)
			perBackup := requestsOfBackups(b, c, proxy, perPass)
			passes := float64(24*time.Hour) / float64(defaultInterval)
			figures := map[string]float64{"requests/pass": perPass, "requests/backup": perBackup,
				"requests/day": perPass*passes + perBackup*backupsADay}
			agentsCPU(b, c, idle.Agent, figures)
			report(b, figures)
		})
	}
}

// settled waits until the cluster is whole, a backup is there and the last
// passes found nothing to do, and gives the leader's report.
func settled(b *testing.B, c *localtest.Cluster) controller.Report {
	b.Helper()
	var last controller.Report
	quiet := 0
	c.WaitFor("the cluster is at rest", func() bool {
		r, ok := c.Newest()
		if !ok || r.At.Equal(last.At) {
			return false
		}
		same := len(r.History) > 0 && len(last.History) > 0 && r.History[len(r.History)-1] == last.History[len(last.History)-1]
		quiet++
		if !same || !r.Leads || r.Verdict.State != proof.Intact || r.Backup.Newest == "" || r.Record.Serial != last.Record.Serial {
			quiet = 0
		}
		last = r
		return quiet >= 3
	})
	return last
}

// passes counts the passes of the agent until enough have been made or until
// done; it asks the agent alone, never the stores.
func passes(b *testing.B, c *localtest.Cluster, leader string, done func(n int, r controller.Report) bool) int {
	b.Helper()
	first, _ := c.Report(leader)
	last, n := first.At, 0
	c.WaitFor("enough passes were made", every(100*time.Millisecond, func() bool {
		r, ok := c.Report(leader)
		if !ok || r.At.Equal(last) {
			return false
		}
		if !r.Leads {
			b.Fatalf("agent %s leads no more", leader)
		}
		last = r.At
		n++
		return done(n, r)
	}))
	return n
}

// requests is how many an idle pass sends, of the whole cluster.
func requests(b *testing.B, c *localtest.Cluster, proxy *testenv.FaultProxy, leader string) float64 {
	b.Helper()
	passes(b, c, leader, func(n int, _ controller.Report) bool { return n == 1 }) // a pass has just ended
	before := proxy.Requests()
	n := passes(b, c, leader, func(n int, _ controller.Report) bool { return n == passesWatched })
	sum := 0
	for method, count := range proxy.Requests() {
		b.Logf("%d passes: %d %s", n, count-before[method], method)
		sum += count - before[method]
	}
	return float64(sum) / float64(n)
}

// requestsOfBackups is what a backup adds to that.
func requestsOfBackups(b *testing.B, c *localtest.Cluster, proxy *testenv.FaultProxy, perPass float64) float64 {
	b.Helper()
	taken := 0
	leader := settled(b, c)
	before, newest := proxy.Total(), leader.Backup.Newest
	configure(b, c, "--backup-interval", "1s")
	n := passes(b, c, leader.Agent, func(_ int, r controller.Report) bool {
		if r.Backup.Newest != newest {
			newest = r.Backup.Newest
			taken++
		}
		return taken == backups
	})
	sum := float64(proxy.Total()-before) - perPass*float64(n)
	configure(b, c, "--backup-interval", "15m")
	settled(b, c)
	return sum / backups
}

// agentsCPU is the CPU of the agents while nobody but `seedproof up` asks them
// anything, in percent of a core.
func agentsCPU(b *testing.B, c *localtest.Cluster, leader string, figures map[string]float64) {
	b.Helper()
	members := c.Ready().Members
	start := time.Now()
	var used []time.Duration
	for _, m := range members {
		used = append(used, mustCPU(b, m.AgentPID))
	}
	time.Sleep(cpuWatched) // the time that is measured
	wall := time.Since(start)
	for i, m := range members {
		percent := 100 * float64(mustCPU(b, m.AgentPID)-used[i]) / float64(wall)
		kind := "follower-cpu-%"
		if m.Name == leader {
			kind = "leader-cpu-%"
		}
		figures[kind] = max(figures[kind], percent)
		b.Logf("load %s: agent %s: %.2f %% of a core, RssAnon %d MiB", load(b), m.Name, percent, mustRSS(b, m.AgentPID)/mib)
	}
}
