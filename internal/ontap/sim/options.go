package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// Clock tells the simulator's time. A clock that also has the method
// After(time.Duration) <-chan time.Time is waited on with it; any other is
// looked at every few milliseconds, and no wait is longer on the wall clock
// than it is on the injected one.
type Clock interface{ Now() time.Time }

type afterClock interface {
	After(d time.Duration) <-chan time.Time
}

type wallClock struct{}

func (wallClock) Now() time.Time                         { return time.Now() }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Options say what array is simulated. The zero value is one cluster of two
// nodes that runs 9.16.1.
type Options struct {
	Clusters int    // 1, or 2 joined as a MetroCluster
	Version  string // "9.12.1" to "9.17.1"
	Clock    Clock  // nil: the wall clock
	Times    Times
	Doubts   Doubts

	AdminUser, AdminPassword string // cluster administrator; "admin" and a generated one

	Listen         []string // address of each cluster's LIF; default 127.0.0.1, any port
	ManagementPort int      // of the listeners of LIFs in 127.0.0.0/8; 0: any free port
	StateFile      string   // "": the array forgets everything when it is closed
	Log            *slog.Logger

	Names            []string // of the clusters
	Nodes            int      // of each cluster, default 2
	Aggregates       int      // of each node, default 2
	AggregateSize    int64    // bytes, default 10 TiB
	BroadcastDomains []string // name of the domain of data ports, for each cluster; default "Default"
	Subnets          []Subnet // nil: one, 198.51.100.0/24
	PeerGroups       []PeerGroup
	Unlicensed       []string            // of nvme_of, nfs, iscsi, cifs, fcp, s3
	Roles            map[string][]string // further roles of SVM accounts: what each may, as "GET /svm/svms"
}

// Subnet is a named range of addresses.
type Subnet struct {
	Name            string
	Prefix          string // "198.51.100.0/24"
	Gateway         string
	First, Last     string // of the addresses that are handed out
	BroadcastDomain string // default: the cluster's domain of data ports
}

// PeerGroup is a BGP peer group. One that is up on every node lets LIFs be VIPs.
type PeerGroup struct {
	Name    string
	IPspace string // default "Default"
	Peer    string
	Down    bool
}

// Times says how long things take. A field that is zero has its default, a
// negative one means at once.
type Times struct {
	JobQueued    time.Duration // default 100 ms
	Job          time.Duration // from running to the end, default 1 s
	Initializing time.Duration // of a new SVM, default 1 s
	Starting     time.Duration // then, default 500 ms
	NVMe         time.Duration // from the birth of an SVM to its NVMe service, default 2 s
	Lock         time.Duration // after too many failed logins, default 1 h
	JobRecord    time.Duration // how long a finished job can be read, default 300 s
	LoginDelay   time.Duration // after a failed login, default none
	Replication  time.Duration // from a source SVM to its twin, default at once
	Recovery     time.Duration // of a deleted volume, default 12 h
}

// AtOnce has nothing take time but the lock, the record of a job and the
// recovery queue.
func AtOnce() Times {
	return Times{JobQueued: -1, Job: -1, Initializing: -1, Starting: -1, NVMe: -1}
}

func (t Times) withDefaults() Times {
	or := func(d *time.Duration, otherwise time.Duration) {
		switch {
		case *d < 0:
			*d = 0
		case *d == 0:
			*d = otherwise
		}
	}
	or(&t.JobQueued, 100*time.Millisecond)
	or(&t.Job, time.Second)
	or(&t.Initializing, time.Second)
	or(&t.Starting, 500*time.Millisecond)
	or(&t.NVMe, 2*time.Second)
	or(&t.Lock, time.Hour)
	or(&t.JobRecord, 300*time.Second)
	or(&t.LoginDelay, 0)
	or(&t.Replication, 0)
	or(&t.Recovery, 12*time.Hour)
	return t
}

// MaxFailedLogins is how many wrong passwords in a row lock an account.
const MaxFailedLogins = 5

func (o *Options) complete() error {
	if o.Clusters == 0 {
		o.Clusters = 1
	}
	if o.Clusters < 0 || o.Clusters > 2 {
		return fmt.Errorf("%d clusters: expected 1 or 2", o.Clusters)
	}
	if o.Version == "" {
		o.Version = "9.16.1"
	}
	if r := query.Release(o.Version); r < query.Release("9.12.1") || r > query.Release("9.17.99") {
		return fmt.Errorf("version %q: expected 9.12.1 to 9.17.1", o.Version)
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	o.Times = o.Times.withDefaults()
	o.completeNames()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, s := range o.Subnets {
		for _, a := range []string{s.Gateway, s.First, s.Last} {
			if _, err := netip.ParseAddr(a); err != nil {
				return fmt.Errorf("subnet %s: %w", s.Name, err)
			}
		}
		if _, err := netip.ParsePrefix(s.Prefix); err != nil {
			return fmt.Errorf("subnet %s: %w", s.Name, err)
		}
	}
	return nil
}

func (o *Options) completeNames() {
	if o.AdminUser == "" {
		o.AdminUser = "admin"
	}
	if o.AdminPassword == "" {
		o.AdminPassword = newPassword()
	}
	if o.Nodes <= 0 {
		o.Nodes = 2
	}
	if o.Aggregates <= 0 {
		o.Aggregates = 2
	}
	if o.AggregateSize <= 0 {
		o.AggregateSize = 10 << 40
	}
	for i := len(o.Names); i < o.Clusters; i++ {
		o.Names = append(o.Names, fmt.Sprintf("cluster%d", i+1))
	}
	for i := len(o.BroadcastDomains); i < o.Clusters; i++ {
		o.BroadcastDomains = append(o.BroadcastDomains, "Default")
	}
	for i := len(o.Listen); i < o.Clusters; i++ {
		o.Listen = append(o.Listen, "127.0.0.1:0")
	}
	if o.Subnets == nil {
		o.Subnets = []Subnet{{
			Name: "data", Prefix: "198.51.100.0/24", Gateway: "198.51.100.1",
			First: "198.51.100.10", Last: "198.51.100.99",
		}}
	}
}

// wait lets d pass on the simulator's clock, unless ctx ends first.
func (o *Options) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	if c, ok := o.Clock.(afterClock); ok {
		select {
		case <-c.After(d):
		case <-ctx.Done():
		}
		return
	}
	o.waitByLooking(ctx, d)
}

// waitByLooking is for a clock that cannot wake anybody.
func (o *Options) waitByLooking(ctx context.Context, d time.Duration) {
	until := o.Clock.Now().Add(d)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(d)
	defer limit.Stop()
	for o.Clock.Now().Before(until) {
		select {
		case <-tick.C:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
