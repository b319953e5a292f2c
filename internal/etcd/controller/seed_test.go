package controller

import (
	"testing"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
)

func TestSeedsOneMemberAndHealsItsRecord(t *testing.T) {
	r := newRig(t, 1)
	r.startAll()
	c := r.controller("a", nil)
	born := r.until(c, "a cluster of one", intactAndServing(1))
	if born.Record.Finding != proof.Present {
		t.Fatalf("record %s after the birth", born.Record.Finding)
	}
	info, err := r.control.Stat(t.Context(), "record.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.control.Delete(t.Context(), "record.json", info.Version); err != nil {
		t.Fatal(err)
	}
	healed := r.until(c, "the record to be back", intactAndServing(1))
	if healed.Verdict.Identity != born.Verdict.Identity {
		t.Fatalf("identity %v after healing, %v before", healed.Verdict.Identity, born.Verdict.Identity)
	}
}

func TestAtRestNothingIsWritten(t *testing.T) {
	r := newRig(t, 1)
	r.startAll()
	c := r.controller("a", nil)
	r.until(c, "a cluster of one, backed up", func(rep Report) bool { return intactAndServing(1)(rep) && rep.Backup.Newest != "" })
	for range 20 { // what is still on its way
		c.Pass(t.Context())
	}
	var counter store.Counter
	c.control.store = store.Counted(c.control.store, &counter)
	c.backup.store = store.Counted(c.backup.store, &counter)
	c.keeper.Store, c.lead.Store = c.control.store, c.control.store
	const passes = 10
	for range passes {
		c.Pass(t.Context())
	}
	t.Logf("NOTE: requests to the stores in %d idle passes: %v", passes, counter.By())
	if total := counter.Total(); total > 4*passes {
		t.Fatalf("%d requests in %d idle passes; at most four a pass", total, passes)
	}
	if puts := counter.By()[store.OpPut]; puts != passes {
		t.Fatalf("%d writes in %d idle passes; the lease alone is renewed", puts, passes)
	}
}
