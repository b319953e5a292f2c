package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/agent"
	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/lead"
	"github.com/seedproof/seedproof/internal/proof"
)

// A leader is stopped past its term, another leads, and the first goes on.
func TestAPausedLeaderCannotAct(t *testing.T) {
	f := newFleet(t, 3, 3)
	f.start()
	var lease lead.Lease
	old := f.until("the cluster serves and is led", func(r controller.Report) bool {
		lease = f.lease()
		return serving(3)(r) && lease.Holder == r.Agent && lease.Epoch == r.Leader.Epoch
	})
	f.put("k", "v")
	others := slices.DeleteFunc(slices.Clone(f.names), func(n string) bool { return n == old.Agent })

	f.signal(syscall.SIGSTOP, old.Agent)
	if err := os.Remove(filepath.Join(f.controlDir(), "record.json")); err != nil { // work that both would do
		t.Fatal(err)
	}
	var heir controller.Report
	f.waitFor("another leads and has written the record", func() bool {
		r, ok := f.leader(others...)
		heir = r
		return ok && f.record() != nil
	})
	written := f.record()
	if written.WrittenBy != heir.Agent || heir.Leader.Epoch <= old.Leader.Epoch {
		t.Errorf("the record is of %s, and %s leads under epoch %d; before it was %s under %d", written.WrittenBy, heir.Agent, heir.Leader.Epoch, old.Agent, old.Leader.Epoch)
	}
	f.refusedByAgents(lease, others)

	f.signal(syscall.SIGCONT, old.Agent)
	f.waitFor("the old leader has looked and leads no more", func() bool {
		r, ok := f.report(old.Agent)
		return ok && r.At.After(heir.At) && !r.Leads
	})
	f.passes(5)
	if now := f.record(); now.WrittenBy == old.Agent || now.Identity != old.Verdict.Identity {
		t.Errorf("the record was written by %s as %s", now.WrittenBy, now.Identity)
	}
	if now := f.lease(); now.Holder == old.Agent && now.Epoch <= heir.Leader.Epoch {
		t.Errorf("the lease went back to %s under epoch %d", now.Holder, now.Epoch)
	}
	if n := f.keys(); n != 1 {
		t.Errorf("%d keys of 1 are left", n)
	}
	f.emptiedStoreGetsAHigherEpoch()
}

// refusedByAgents: what bears the old lease is refused by everybody who heard
// the new one.
func (f *fleet) refusedByAgents(old lead.Lease, names []string) {
	f.t.Helper()
	stale := agent.Lease{Epoch: old.Epoch, Tenure: old.Tenure, Holder: old.Holder, Pass: "paused"}
	for _, name := range names {
		for what, err := range map[string]error{
			"hear":   f.agent(name).Hear(f.t.Context(), stale),
			"start":  f.agent(name).Start(f.t.Context(), stale),
			"retire": f.agent(name).Retire(f.t.Context(), stale, agent.Retiring{Reason: "a leader that was paused"}),
		} {
			if err == nil || !strings.Contains(err.Error(), "older than the one that") {
				f.t.Errorf("%s: %s of %s under the old lease: %v; want it refused", what, name, stale, err)
			}
		}
	}
}

// emptiedStoreGetsAHigherEpoch: the lease that is made anew lies above every
// epoch that an agent heard.
func (f *fleet) emptiedStoreGetsAHigherEpoch() {
	f.t.Helper()
	f.until("it is at rest", serving(3))
	var highest uint64
	for _, name := range f.names {
		if t, ok := f.testimony(name); ok {
			highest = max(highest, t.Epoch)
		}
	}
	entries, err := os.ReadDir(f.controlDir())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(f.controlDir(), e.Name())); err != nil {
			f.t.Fatal(err)
		}
	}
	r := f.until("it is led and healed again", func(r controller.Report) bool {
		return r.Leader.Epoch > highest && r.Verdict.State == proof.Intact && f.record() != nil
	})
	if l := f.lease(); l.Epoch <= highest || l.Epoch != r.Leader.Epoch {
		f.t.Errorf("the lease is of epoch %d, and agents had heard %d", l.Epoch, highest)
	}
}

// lease is the lease in the control store. It is replaced as a whole.
func (f *fleet) lease() (l lead.Lease) {
	f.t.Helper()
	f.waitFor("there is a lease", func() bool {
		text, err := os.ReadFile(filepath.Join(f.controlDir(), lead.Key))
		return err == nil && json.Unmarshal(text, &l) == nil
	})
	return l
}
