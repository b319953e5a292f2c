package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
)

// What only a person may allow: adopting over a foreign record, and beginning
// anew after everything was lost.
func TestApprovals(t *testing.T) {
	f := newFleet(t, 3, 3)
	f.start()
	born := f.until("the cluster serves", serving(3)).Verdict.Identity
	f.put("k", "v")
	f.until("there is a backup", func(r controller.Report) bool { return r.Backup.Newest != "" })

	if got := f.command("approve", "recreate", "--yes"); got.code != 3 {
		t.Errorf("recreate over what is whole: exit code %d; want 3\n%s%s", got.code, got.stdout, got.stderr)
	}
	f.adoptsOverAForeignRecord(born)
	f.recreatesWhatIsLost(born)
}

func (f *fleet) adoptsOverAForeignRecord(born proof.Identity) {
	f.t.Helper()
	f.putForeignRecord()
	f.until("the verdict is Conflicting", state(proof.Conflicting))
	f.passes(3)
	if r := f.record(); r.Identity.Lineage == born.Lineage {
		f.t.Error("the foreign record was replaced without an approval")
	}
	if got := f.must("approve", "adopt", "--yes", "--by", "ann"); !strings.Contains(got.stdout, "It is used") {
		f.t.Errorf("it is not said that the approval was used:\n%s", got.stdout)
	}
	r := f.until("the cluster serves", serving(3))
	if r.Verdict.Identity.Lineage != born.Lineage || f.record().Identity.Lineage != born.Lineage {
		f.t.Errorf("it is now %s; want %s", r.Verdict.Identity, born)
	}
	if aside, err := filepath.Glob(filepath.Join(f.controlDir(), "record.json.*")); err != nil || len(aside) != 1 {
		f.t.Errorf("set aside is %v (%v); want the foreign record", aside, err)
	}
	if n := f.keys(); n != 1 {
		f.t.Errorf("%d keys of 1 are left", n)
	}
	f.noApprovalStands()
}

// putForeignRecord puts the record of another cluster in the place of ours.
func (f *fleet) putForeignRecord() {
	f.t.Helper()
	r := *f.record()
	r.Identity = proof.Identity{Lineage: record.NewLineage(), Generation: 1, Birth: record.NewNonce()}
	r.Nonce = record.NewNonce()
	for i := range r.Members {
		r.Members[i].ID++
	}
	text, err := json.Marshal(r)
	if err != nil {
		f.t.Fatal(err)
	}
	aside := filepath.Join(f.dir, "foreign")
	if err := os.WriteFile(aside, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(aside, filepath.Join(f.controlDir(), record.RecordKey)); err != nil {
		f.t.Fatal(err)
	}
}

// noApprovalStands: what was used is kept by no agent.
func (f *fleet) noApprovalStands() {
	f.t.Helper()
	f.waitFor("no approval stands", func() bool {
		for _, name := range f.names {
			if t, ok := f.testimony(name); !ok || len(t.Approvals) > 0 {
				return false
			}
		}
		return true
	})
}

func (f *fleet) recreatesWhatIsLost(born proof.Identity) {
	f.t.Helper()
	intact := f.until("the cluster serves", serving(3)).Verdict
	f.killWithEtcd()
	for _, n := range f.nodes {
		f.empty(n.dataDir)
	}
	f.empty(f.controlDir())
	f.start()
	lost := f.until("the verdict is DataLost", state(proof.DataLost)).Verdict
	f.otherFindingsAreNotApproved(intact)
	f.passes(5)
	f.noEtcdRuns()

	b := f.watchBirths()
	f.must("approve", "recreate", "--yes", "--by", "ann")
	r := f.until("the cluster serves", serving(3))
	attempts, births := b.end()
	id := r.Verdict.Identity
	if id.Lineage != born.Lineage || id.Generation != lost.Identity.Generation+1 || id.Birth == born.Birth {
		f.t.Errorf("it was %s and is %s; want the next generation", born, id)
	}
	if len(attempts) != 1 || len(births) != 1 {
		f.t.Errorf("claims %v, births %v; want one of each", attempts, births)
	}
	if n := f.keys(); n != 0 {
		f.t.Errorf("%d keys are there; want an empty cluster", n)
	}
	f.oneCluster(3)
	f.noApprovalStands()
	if got := f.command("approve", "recreate", "--yes"); got.code != 3 {
		f.t.Errorf("a second recreate: exit code %d; want 3\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// otherFindingsAreNotApproved: an approval of the same act that was given for
// what was found before is not used.
func (f *fleet) otherFindingsAreNotApproved(before proof.Verdict) {
	f.t.Helper()
	stale := proof.Approval{Nonce: record.NewNonce(), Subject: before.Subject, Digest: before.Digest, By: "ann",
		Action: proof.Action{Operation: proof.Recreate}}
	for _, name := range f.names {
		if err := f.agent(name).GiveApproval(f.t.Context(), stale); err != nil {
			f.t.Logf("%s: %v", name, err)
		}
	}
}

func (f *fleet) noEtcdRuns() {
	f.t.Helper()
	for _, n := range f.nodes {
		if _, err := os.Stat(filepath.Join(n.dataDir, "etcd")); !os.IsNotExist(err) {
			f.t.Errorf("%s has an etcd directory: %v", n.name, err)
		}
	}
	if f.claim(f.controlDir()) != nil {
		f.t.Error("a claim was made")
	}
}

func state(want proof.State) func(controller.Report) bool {
	return func(r controller.Report) bool { return r.Verdict.State == want }
}
