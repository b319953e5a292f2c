package acceptance

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/store"
)

// twoStores is a fleet of three whose agent c was given another control store
// than a and b.
func twoStores(t *testing.T) (f *fleet, first, second string) {
	t.Helper()
	f = newFleet(t, 3, 3)
	first, second = f.controlDir(), filepath.Join(f.dir, "control2")
	f.nodes["c"].control = "file://" + second
	return f, first, second
}

// Two controllers on two control stores race for the same agents. Whoever wins,
// no second cluster is born; where nobody can win, nothing is.
func TestTwoControlStoresNeverMakeTwoClusters(t *testing.T) {
	for round := range 3 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			f, first, second := twoStores(t)
			b := f.watchBirths(first, second)
			f.start()
			f.waitFor("one cluster serves, or it is said what to type", func() bool {
				return f.someoneServes() || f.toldToRecreate() != ""
			})
			f.passes(10) // whoever else would still act
			served := f.someoneServes()
			attempts, births := b.end()
			if len(births) > 1 || served && len(births) != 1 {
				t.Errorf("births %v of the claims %v; want one at most", births, attempts)
			}
			if served {
				f.oneCluster(3)
			}
			t.Logf("served: %v, %d claims", served, len(attempts))
		})
	}
}

func (f *fleet) someoneServes() bool {
	for _, name := range f.names {
		if r, ok := f.report(name); ok && serving(f.members)(r) {
			return true
		}
	}
	return false
}

// toldToRecreate is what some report advises that ends a claim nobody can
// finish.
func (f *fleet) toldToRecreate() string {
	for _, name := range f.names {
		r, ok := f.report(name)
		if !ok {
			continue
		}
		for _, text := range append(r.Advice, r.Troubles...) {
			if strings.Contains(text, "seedproof etcd approve recreate") {
				return text
			}
		}
	}
	return ""
}

// passes waits until every agent that answers has published so many reports, or
// heard a leader that did.
func (f *fleet) passes(n int) {
	f.t.Helper()
	seen := map[time.Time]bool{}
	f.waitFor(fmt.Sprintf("%d passes were made", n), func() bool {
		for _, name := range f.names {
			if r, ok := f.report(name); ok && r.Leads {
				seen[r.At] = true
			}
		}
		return len(seen) >= n
	})
}

// Two leaders each had their claim noted by somebody: neither claim can be
// noted by all, no etcd starts, and status says what to type.
func TestNotesOfTwoClaimsStartNothing(t *testing.T) {
	f, _, second := twoStores(t)
	members := f.claimMembersOf()
	claims := []decide.Claim{record.NewClaim(members, "", 1), record.NewClaim(members, "", 1)}
	for i, name := range []string{"a", "c"} {
		f.noteDirectly(name, claims[i])
	}
	b := f.watchBirths(f.controlDir(), second)
	f.start()
	f.waitFor("it is said what to type", func() bool { return f.toldToRecreate() != "" })
	f.passes(10)
	if _, births := b.end(); len(births) != 0 {
		t.Errorf("births %v; want none", births)
	}
	for _, name := range f.names {
		if got, ok := f.testimony(name); ok && got.EtcdPID != 0 {
			t.Errorf("%s runs an etcd", name)
		}
	}
	got := f.command("status")
	if got.code != 3 && got.code != 4 {
		t.Errorf("status ends with exit code %d; want 3 or 4", got.code)
	}
	for _, want := range []string{"approve recreate", claims[0].Attempt[:8], claims[1].Attempt[:8]} {
		if !strings.Contains(got.stdout+got.stderr, want) {
			t.Errorf("status does not say %q:\n%s%s", want, got.stdout, got.stderr)
		}
	}
	f.recreateOverNotes()
}

// recreateOverNotes does what status says: afterwards there is one cluster.
func (f *fleet) recreateOverNotes() {
	f.t.Helper()
	f.nodes["c"].control = "" // the person finds the cause too
	f.kill("c")
	f.start("c")
	f.until("all agree on what to type", func(controller.Report) bool { return f.toldToRecreate() != "" })
	f.waitFor("the approval is taken and used", func() bool {
		return f.command("approve", "recreate", "--yes", "--by", "ann").code == 0
	})
	f.until("one cluster serves", serving(3))
	f.oneCluster(3)
}

// claimMembersOf starts and ends every agent once, so that each has a memory,
// and gives them as the members of a claim.
func (f *fleet) claimMembersOf() (members []decide.ClaimMember) {
	f.t.Helper()
	for _, name := range f.names {
		a := f.inProcess(name)
		node := a.Testify(f.t.Context()).Node
		a.Close()
		members = append(members, decide.ClaimMember{Name: name, MemoryID: node.Memory.ID, PeerURL: f.nodes[name].peer, ClientURL: f.nodes[name].client})
	}
	return members
}

// inProcess is the node's agent in this process, without a controller.
func (f *fleet) inProcess(name string) *agent.Agent {
	f.t.Helper()
	n := f.nodes[name]
	a, err := agent.New(agent.Config{Name: name, Cluster: "test", DataDir: n.dataDir, StateDir: n.state,
		Listen: n.addr, ClientURL: n.client, PeerURL: n.peer, UnsafeNoFsync: true}, agent.Deps{})
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

// noteDirectly lets one agent note a claim, as a leader that then died.
func (f *fleet) noteDirectly(name string, claim decide.Claim) {
	f.t.Helper()
	a := f.inProcess(name)
	ctx, cancel := contextOf(f.t)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	lease := agent.Lease{Epoch: 1, Tenure: record.NewNonce(), Holder: name, Pass: "test"}
	var control, backup *store.Remembered
	f.waitFor(name+" has noted the claim", func() bool {
		return f.agent(name).NoteClaim(f.t.Context(), lease, claim, nil, control, backup) == nil
	})
	cancel()
	if err := <-done; err != nil {
		f.t.Errorf("agent %s: %v", name, err)
	}
}
