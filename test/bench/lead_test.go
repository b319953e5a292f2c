package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/etcd/local/localtest"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
)

const (
	deaths    = 10
	healings  = 10
	shortTerm = 3 * time.Second // what an agent makes of an interval of 200 ms
	lookEvery = 2 * time.Millisecond
)

// BenchmarkNextLeader kills the agent that leads, and at the same moment takes
// the record away, so that there is something to do. It measures the time to
// the new lease, which is the next leader's first write, and to the record's
// being back, its first act. `seedproof up` starts the killed agent again
// after a second.
func BenchmarkNextLeader(b *testing.B) {
	c := localtest.Start(b, localtest.Options{Members: 3, Interval: localtest.Interval, Term: shortTerm})
	control := controlDir(b, c)
	bound := (shortTerm + 2*localtest.Interval).Seconds()
	for range b.N {
		var leases, acts []float64
		late, same := 0, 0
		for range deaths {
			old := atRest(b, c)
			removeRecord(b, control)
			died := time.Now()
			c.KillAgent(old.Agent)
			leases = append(leases, untilThere(c, died, func() bool { return leaseIn(control).Epoch > old.Leader.Epoch }))
			acts = append(acts, untilThere(c, died, func() bool { return exists(filepath.Join(control, record.RecordKey)) }))
			if leases[len(leases)-1] > bound {
				late++
			}
			if leaseIn(control).Holder == old.Agent {
				same++
			}
		}
		b.Logf("load %s: a term of %s and two intervals of %s are %.3g s; lease s %s; record s %s; the killed agent led again in %d",
			load(b), shortTerm, localtest.Interval, bound, spread(leases), spread(acts), same)
		report(b, map[string]float64{"lease-s": median(leases), "record-s": median(acts), "record/bound": median(acts) / bound, "late-of-10": float64(late)})
	}
}

// BenchmarkHealing takes the record away and waits until it is back.
func BenchmarkHealing(b *testing.B) {
	for name, o := range map[string]localtest.Options{
		"ShortInterval":   {Members: 3, Interval: localtest.Interval, Term: shortTerm},
		"DefaultInterval": {Members: 3, Interval: defaultInterval, Term: defaultTerm},
	} {
		b.Run(name, func(b *testing.B) {
			c := localtest.Start(b, o)
			control := controlDir(b, c)
			for range b.N {
				var healed []float64
				for i := range healings {
					atRest(b, c)
					time.Sleep(o.Interval * time.Duration(i) / healings) // all phases of a pass
					removeRecord(b, control)
					healed = append(healed, untilThere(c, time.Now(), func() bool { return exists(filepath.Join(control, record.RecordKey)) }))
				}
				b.Logf("load %s: s %s", load(b), spread(healed))
				report(b, map[string]float64{"healed-s": median(healed), "healed/interval": median(healed) / o.Interval.Seconds()})
			}
		})
	}
}

// atRest waits until the cluster is whole under a leader that lives and has
// made a pass since, with all its agents running, and gives its report.
func atRest(b *testing.B, c *localtest.Cluster) controller.Report {
	b.Helper()
	var first, r controller.Report
	c.WaitFor("the cluster is at rest", func() bool {
		var ok bool
		if r, ok = c.Newest(); !ok || !r.Leads || r.Verdict.State != proof.Intact || r.Record.Finding != proof.Present || !allRun(c) {
			first = controller.Report{}
			return false
		}
		if first.Agent != r.Agent {
			first = r
		}
		return r.At.After(first.At.Add(10 * localtest.Interval))
	})
	return r
}

// allRun: the processes of the ready file, the restarted ones too, run.
func allRun(c *localtest.Cluster) bool {
	members := c.Ready().Members
	for _, m := range members {
		if !localtest.Runs(m.AgentPID) {
			return false
		}
		if _, answers := c.Report(m.Name); !answers {
			return false
		}
	}
	return len(members) == 3
}

// untilThere is the time from start until cond holds, in seconds.
func untilThere(c *localtest.Cluster, start time.Time, cond func() bool) float64 {
	deadline := start.Add(localtest.Limit)
	for !cond() && time.Now().Before(deadline) {
		time.Sleep(lookEvery) // between two looks
	}
	took := time.Since(start).Seconds()
	c.WaitFor("it is there", cond)
	return took
}

func controlDir(b *testing.B, c *localtest.Cluster) string {
	b.Helper()
	dir, isDir := strings.CutPrefix(c.Ready().ControlStore, "file://")
	if !isDir {
		b.Fatalf("the control store is %s", c.Ready().ControlStore)
	}
	return dir
}

func removeRecord(b *testing.B, control string) {
	b.Helper()
	if err := os.Remove(filepath.Join(control, record.RecordKey)); err != nil {
		b.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// leaseIn is the lease that stands, or an empty one while it is replaced.
func leaseIn(control string) (l lead.Lease) {
	if text, err := os.ReadFile(filepath.Join(control, lead.Key)); err == nil {
		_ = json.Unmarshal(text, &l) // it is renamed into place whole
	}
	return l
}
