package acceptance

import (
	"fmt"
	"testing"
)

// Ten times all agents, each with a controller of its own, start at once on a
// store where nothing is: one claim, one birth, one cluster.
func TestTenRacesOfWholeClusters(t *testing.T) {
	for round := range 10 {
		agents, members := 3, 3
		switch round % 3 {
		case 1:
			agents, members = 2, 1
		case 2:
			agents, members = 3, 1
		}
		t.Run(fmt.Sprintf("%d/%d_agents_for_%d", round, agents, members), func(t *testing.T) {
			f := newFleet(t, agents, members)
			b := f.watchBirths()
			f.start()
			r := f.until("the cluster serves", serving(members))
			attempts, births := b.end()
			if len(attempts) != 1 || len(births) != 1 || births[0] != r.Verdict.Identity.Birth {
				t.Errorf("claims %v, births %v; want one of each, born as %s", attempts, births, r.Verdict.Identity)
			}
			f.oneCluster(members)
		})
	}
}

// oneCluster: so many etcds run, and all are of one etcd cluster.
func (f *fleet) oneCluster(members int) {
	f.t.Helper()
	ids, running := map[uint64]bool{}, 0
	for _, name := range f.names {
		t, ok := f.testimony(name)
		if !ok || t.EtcdPID == 0 {
			continue
		}
		running++
		ids[t.EtcdClusterID] = true
	}
	if running != members || len(ids) != 1 {
		f.t.Errorf("%d etcds of clusters %v run; want %d of one", running, ids, members)
	}
}
